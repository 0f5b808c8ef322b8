"""What retries, neighbours, hostile pages and slow caches must not win."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from chatkeep.admit._cache import Cache
from chatkeep.limits import Gauge, Once
from chatkeep.limits.in_process import InProcessLimits
from chatkeep.manage import blocks
from chatkeep.manage.organizations import choose_organization
from chatkeep.store import Store
from chatkeep.web.client_ip import describe
from tests.cast import EVIL, SHOP, HeldClock, Reply, Stage, alices_site, on_stage
from tests.host import Host, alices_widget

KEY = {"idempotency-key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store) as opened:
        yield opened


def test_an_answer_made_anew_is_charged_once_but_comes_no_faster_than_a_new_message(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store))
    assert victor.say("hello", **KEY).status == 200
    made = []
    for _ in range(4):
        stage.store.transaction_now(
            lambda tx: tx.execute(text("UPDATE messages SET state = 'interrupted', ending = 'provider_failed' WHERE role = 'assistant'"))
        )
        made.append(victor.say("hello", **KEY).error)
        stage.clock.forward(1)
    assert made == ["rate_limit_exceeded", "rate_limit_exceeded", None, "rate_limit_exceeded"]
    stage.clock.forward(2)
    assert victor.say("another").json["usage"]["messages_remaining_today"] == 198
    stage.flush()
    assert stage.store.read_now(lambda tx: tx.execute(text("SELECT sum(messages) FROM usage")).scalar_one()) == 2


def test_a_refresh_beside_another_request_on_a_cold_cache_ends_nothing(stage: Stage) -> None:
    widget = alices_site(stage.store)
    for number in range(10):
        victor = stage.victor(widget, peer=f"198.51.{number}.7")
        stage.clock.forward(14 * 60 + 30)

        async def both(headers: dict[str, str], conversation: str, peer: str) -> list[Reply]:
            return await asyncio.gather(
                stage.acall("GET", f"/api/conversations/{conversation}/messages", headers=headers, peer=peer),
                stage.acall("POST", "/api/sessions/refresh", headers=headers, peer=peer),
            )

        _, refreshed = stage.loop.run_until_complete(both(victor.headers, victor.session["conversation_id"], victor.peer))
        victor.session = refreshed.json
        assert victor.say("hello").status == 200


def test_a_page_cannot_have_its_visitor_blocked_by_rubbish_without_a_widget(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store))
    for number in range(620):
        stage.call("POST", "/api/chat", headers={"origin": EVIL}, body=b"{")
        stage.call("GET", f"/api/nothing/{number}")
    assert victor.say("hello").status == 200


def test_a_neighbour_in_the_wide_network_cannot_have_somebody_blocked(stage: Stage) -> None:
    widget = alices_site(stage.store)
    for number in range(260):
        headers = {"origin": SHOP, "x-widget-id": widget.widget_id}
        stage.call("GET", "/api/conversations/conv_aaaaaaaaaaaaaa/messages", headers=headers, peer=f"2001:db8:1:{number % 8 + 10:x}::1")
    for _ in range(5):
        stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget.widget_id}, peer="2001:db8:1:1::1")
    assert not [event for event in stage.events() if event.type == "block_created"]


def test_no_tenant_lifts_the_instances_ceiling(stage: Stage) -> None:
    widget = alices_site(stage.store, settings={"shadow": ["address"]})
    org = choose_organization(stage.store, stage.clock).org_id
    blocks.exempt(stage.store, stage.clock, org, network="198.51.100.0/24", factor=0, note="office")
    from chatkeep.admit.blocks import read_all  # noqa: PLC0415 - only here

    stage.loop.run_until_complete(read_all(stage.gateway.desk))
    victor = stage.victor(widget)
    path = f"/api/conversations/{victor.session['conversation_id']}/messages"
    statuses = [stage.call("GET", path, headers=victor.headers).status for _ in range(650)]
    assert statuses.count(200) == 599, "600 a minute, one of them for the session"


def test_an_unwatched_cache_trusts_nothing_older_than_two_seconds() -> None:
    clock = HeldClock()
    cache: Cache[str, int] = Cache(clock)
    cache.put("a", 1)
    cache.watch()
    clock.forward(1.9)
    cache.watch()
    clock.forward(1.9)
    assert cache.find("a") == 1, "watched"
    clock.forward(0.2)
    assert cache.find("a") is None, "nobody said for two seconds that nothing changed"


def test_proofs_are_forgotten_while_everything_is_refused() -> None:
    store = InProcessLimits()
    for number in range(20_000):
        store.spend([Once(f"jti:{number}", "replay", 120.0), Gauge("full", "concurrency", 0)], number / 10)
    assert len(store._used) < 4000


def test_a_blocked_address_is_the_same_in_every_spelling(stage: Stage) -> None:
    org = choose_organization(stage.store, stage.clock).org_id
    made = blocks.block(stage.store, stage.clock, org, kind="address", value="::ffff:198.51.100.7", reason="test", minutes=None)
    assert made.value == describe("198.51.100.7").text


def test_a_move_is_noted_only_for_requests_that_are_let_through(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store))
    path, agents = f"/api/conversations/{victor.session['conversation_id']}/messages", ("Firefox/1 Linux", "Chrome/1 Windows")
    statuses = [stage.call("GET", path, headers={**victor.headers, "user-agent": agents[number % 2]}).status for number in range(150)]
    noted = sum(event.count for event in stage.events() if event.type == "session_stepped_up")
    assert noted == statuses.count(200) == 59


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("::ffff:198.51.100.0/120", "198.51.100.0/24"),
        ("::ffff:198.51.100.7", "198.51.100.7/32"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_a_network_is_the_same_in_every_spelling(stage: Stage, typed: str, kept: str) -> None:
    org = choose_organization(stage.store, stage.clock).org_id
    assert blocks.block(stage.store, stage.clock, org, kind="network", value=typed, reason="test", minutes=None, is_wide_meant=True).value == kept
    assert blocks.exempt(stage.store, stage.clock, org, network=typed, factor=2, note="test", is_wide_meant=True).network == kept


@contextmanager
def nothing_fits(stage: Stage, table: str) -> Iterator[None]:
    """A database that refuses new rows of *table*."""
    stage.store.transaction_now(lambda tx: tx.execute(text(f"CREATE TRIGGER no_more BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no room'); END")))
    yield
    stage.store.transaction_now(lambda tx: tx.execute(text("DROP TRIGGER no_more")))


def test_what_could_not_be_stored_is_not_charged(stage: Stage) -> None:
    widget = alices_site(stage.store, settings={"limits": {"token_minutes": 60, "per_session": 5}})
    with nothing_fits(stage, "sessions"):
        for _ in range(12):
            refused = stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget.widget_id})
            assert (refused.status, refused.error) == (503, "service_unavailable")
            stage.clock.forward(30)
    victor = stage.victor(widget)
    with nothing_fits(stage, "messages"):
        for _ in range(8):
            assert victor.say("hello", **KEY).status == 503
            stage.clock.forward(30)
    assert victor.say("hello", **KEY).json["usage"]["messages_remaining_today"] == 199


def test_an_erasing_beside_a_refresh_leaves_a_session_that_goes_on(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store))
    assert victor.say("hello").status == 200
    stage.clock.forward(5)
    own = f"/api/conversations/{victor.session['conversation_id']}"

    async def both() -> list[Reply]:
        return await asyncio.gather(stage.acall("DELETE", own, headers=victor.headers), stage.acall("POST", "/api/sessions/refresh", headers=victor.headers))

    erased, refreshed = stage.loop.run_until_complete(both())
    assert (erased.status, refreshed.status) == (204, 200)
    victor.session = refreshed.json
    assert stage.call("POST", "/api/chat", headers=victor.headers, body={"message": "and on"}).status == 200


def test_to_hang_up_and_come_back_buys_no_answers(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store, settings={"limits": {"interval_ms": 0, "per_minute": 60, "per_session": 3}}))
    replies = []
    for _ in range(6):
        replies.append(victor.say("hello", **KEY).error)
        stage.store.transaction_now(lambda tx: tx.execute(text("UPDATE messages SET state = 'interrupted', ending = 'disconnected' WHERE role = 'assistant'")))
    assert replies == [None] * 3 + ["rate_limit_exceeded"] * 3
    stage.flush()
    assert stage.store.read_now(lambda tx: tx.execute(text("SELECT sum(messages) FROM usage")).scalar_one()) == 3


def test_of_those_who_ask_for_one_answer_anew_one_is_answered_and_the_others_leave_events(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store, settings={"limits": {"interval_ms": 0}}))
    assert victor.say("hello", **KEY).status == 200
    stage.store.transaction_now(lambda tx: tx.execute(text("UPDATE messages SET state = 'interrupted', ending = 'provider_failed' WHERE role = 'assistant'")))
    body = {"message": "hello", "conversation_id": victor.session["conversation_id"], "widget_id": victor.widget.widget_id}

    async def all_at_once() -> list[Reply]:
        return await asyncio.gather(*(stage.acall("POST", "/api/chat", headers={**victor.headers, **KEY}, body=body) for _ in range(3)))

    statuses = [reply.status for reply in stage.loop.run_until_complete(all_at_once())]
    told = sum(event.count for event in stage.events(quiet=False) if event.type == "idempotency_conflict")
    assert (statuses.count(200), statuses.count(409), told) == (1, 2, 2)


def test_what_was_used_before_takes_no_session_from_its_address(stage: Stage) -> None:
    host = Host(stage, alices_widget(stage, settings={"access": {"require_ticket": True}}))
    secret = host.ticket_secret()
    used = host.ticket(secret)
    assert host.open(None, ticket=used).status == 201
    for _ in range(12):
        assert host.open(None, ticket=used).error == "invalid_identity"
    assert host.open(None, ticket=host.ticket(secret)).status == 201
