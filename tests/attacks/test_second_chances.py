"""What retries, neighbours, hostile pages and slow caches must not win."""

import asyncio
from collections.abc import Iterator

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
        stage.store.transaction_now(lambda tx: tx.execute(text("UPDATE messages SET state = 'interrupted', ending = 'disconnected' WHERE role = 'assistant'")))
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
