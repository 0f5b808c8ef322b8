"""A visitor logs in on a site, talks, goes to another device, and logs out."""

import asyncio
from collections.abc import Iterator

import pytest

from chatkeep.store import Store, tables
from tests.cast import SHOP, HeldClock, Stage, development, on_stage
from tests.host import Host, Signer, alices_login, alices_widget
from tests.prover import BoundVisitor, Key

ROOM = development(limit_sessions_per_address_per_hour=1000, limit_address_per_minute=1000)


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    with on_stage(store, ROOM) as opened:
        yield opened


@pytest.fixture
def host(stage: Stage) -> Host:
    return alices_login(stage, settings={"limits": {"interval_ms": 0, "per_day": 10, "per_minute": 10, "per_hour": 10}})


def visitors(store: Store) -> list[tuple[object, ...]]:
    """Who is known, by subject."""
    columns = tables.visitors.c
    query = tables.visitors.select().with_only_columns(columns.subject, columns.email, columns.name, columns.attributes).order_by(columns.subject)
    return [tuple(row) for row in store.read_now(lambda tx: tx.execute(query).all())]


def test_only_the_same_identity_reads_what_was_said(host: Host) -> None:
    phone = host.login("customer-1")
    assert phone.say("hello").status == 200
    conversation = phone.session["conversation_id"]
    path = f"/api/conversations/{conversation}/messages"
    again = host.login("customer-1", peer="203.0.113.9")
    assert host.stage.call("GET", path, headers=again.headers).json["messages"][0]["text"] == "hello"
    other = host.login("customer-2")
    reply = host.stage.call("GET", path, headers=other.headers)
    assert (reply.status, reply.error) == (404, "not_found")


def test_two_devices_share_the_visitor_its_limits_and_not_their_conversations(host: Host) -> None:
    phone, laptop = host.login("customer-1"), host.login("customer-1", peer="203.0.113.9")
    assert phone.session["conversation_id"] != laptop.session["conversation_id"]
    for _ in range(6):
        assert phone.say("from the phone").status == 200
    # A third device is told what is left, not what there was in the morning.
    assert host.open(host.identity(sub="customer-1")).json["usage"]["messages_remaining_today"] == 4
    for _ in range(4):
        assert laptop.say("from the laptop").status == 200
    assert (laptop.say("too many").error, phone.say("too many").error) == ("rate_limit_exceeded", "rate_limit_exceeded")
    assert host.login("customer-2").say("somebody else").status == 200
    assert [visitor[0] for visitor in visitors(host.stage.store)] == ["customer-1", "customer-2"]


def test_each_device_keeps_its_own_conversation_when_the_cache_forgets(host: Host) -> None:
    devices = [host.login("customer-1") for _ in range(3)]
    host.stage.clock.forward(3)
    for device in devices:
        refreshed = host.stage.call("POST", "/api/sessions/refresh", headers=device.headers)
        assert refreshed.json["conversation_id"] == device.session["conversation_id"]


def test_a_device_that_erases_its_conversation_does_not_get_another_ones(host: Host) -> None:
    phone, laptop = (host.login("customer-1") for _ in range(2))
    assert (phone.say("from the phone").status, laptop.say("from the laptop").status) == (200, 200)
    path = f"/api/conversations/{phone.session['conversation_id']}"
    assert host.stage.call("DELETE", path, headers=phone.headers).status == 204
    host.stage.clock.forward(3)
    host.login("customer-1")
    fresh = host.stage.call("POST", "/api/sessions/refresh", headers=phone.headers).json["conversation_id"]
    assert fresh not in {phone.session["conversation_id"], laptop.session["conversation_id"]}
    assert host.stage.call("GET", f"/api/conversations/{fresh}/messages", headers=phone.headers).json["messages"] == []
    assert laptop.history()[0]["text"] == "from the laptop"


def test_fifty_devices_at_once_are_one_visitor(host: Host) -> None:
    stage = host.stage
    bodies = [{"widget_id": host.widget.widget_id, "identity": host.identity(jti=f"n{number}")} for number in range(50)]

    async def all_at_once() -> list[str]:
        replies = await asyncio.gather(*(stage.acall("POST", "/api/sessions", headers={"origin": SHOP}, body=body) for body in bodies))
        return [reply.json["conversation_id"] for reply in replies]

    assert len(set(stage.loop.run_until_complete(all_at_once()))) == 50
    assert len(visitors(stage.store)) == 1


def test_two_gateways_at_once_make_one_visitor(store: Store, database_url: str) -> None:
    clock = HeldClock()
    other = Store(database_url)
    try:
        with on_stage(store, ROOM, clock) as one, on_stage(other, ROOM, clock) as two:
            host = alices_login(one)
            bodies = [{"widget_id": host.widget.widget_id, "identity": host.identity(jti=f"n{number // 2}")} for number in range(40)]

            async def all_at_once() -> list[int]:
                calls = [(one, two)[number % 2].acall("POST", "/api/sessions", headers={"origin": SHOP}, body=body) for number, body in enumerate(bodies)]
                return [reply.status for reply in await asyncio.gather(*calls)]

            # Each jti was sent to both: one of them opens.
            assert sorted(one.loop.run_until_complete(all_at_once())) == [201] * 20 + [401] * 20
            assert len(visitors(store)) == 1
    finally:
        other.close()


def test_the_newest_token_says_who_somebody_is_and_the_subject_wins_over_the_email(host: Host) -> None:
    host.login("customer-1", email="ann@shop.example", name="Ann", attributes={"plan": "gold", "since": 2019, "vip": True}, phone="not kept")
    assert visitors(host.stage.store) == [("customer-1", "ann@shop.example", "Ann", {"plan": "gold", "since": 2019, "vip": True})]
    host.login("customer-2", email="ann@shop.example")
    host.login("customer-1", email="ann@new.example")
    assert visitors(host.stage.store) == [("customer-1", "ann@new.example", None, None), ("customer-2", "ann@shop.example", None, None)]


def test_one_visitor_of_an_organization_has_several_widgets(stage: Stage, host: Host) -> None:
    second = Host(stage, alices_widget(stage, access_mode="identity", name="Second"), host.signer)
    second.trust()
    host.login("customer-1")
    second.login("customer-1")
    assert len(visitors(stage.store)) == 1


def test_a_refresh_keeps_the_visitor_and_logging_out_ends_the_session(host: Host) -> None:
    victor = host.login("customer-1")
    assert victor.say("hello").status == 200
    victor.session = host.stage.call("POST", "/api/sessions/refresh", headers=victor.headers).json
    host.stage.clock.forward(3)
    assert victor.history()[0]["text"] == "hello"
    assert host.stage.call("DELETE", "/api/sessions/current", headers=victor.headers).status == 204
    host.stage.clock.forward(3)
    assert victor.say("hello").error == "session_revoked"
    assert host.login("customer-1").say("again").status == 200


def test_a_session_of_an_identity_can_be_bound_to_a_key(host: Host) -> None:
    key = Key()
    reply = host.open(headers={"dpop": key.prove(host.stage, "POST", "/api/sessions")})
    assert reply.status == 201
    bound = BoundVisitor(host.stage, host.widget.widget_id, SHOP, key, session=reply.json)
    assert bound.say("hello").status == 200
    assert bound.say("hello", proof=None).error == "proof_required"


def test_a_secret_key_of_the_gateway_that_changed_locks_out_instead_of_letting_in(stage: Stage, store: Store) -> None:
    host = alices_login(stage, signer=Signer("HS256"))
    assert host.open().status == 201
    changed = development(secret_key="pU5-x8Qw2Er7Ty1Ui4Op9As3Df6Gh0JkLzXcVbNm")
    with on_stage(store, changed, stage.clock) as restarted:
        assert Host(restarted, host.widget, host.signer).open().error == "invalid_identity"
