"""Whoever goes on after being refused is blocked for a while; nobody can have somebody else blocked."""

import asyncio
from collections.abc import Iterator
from typing import get_args

import pytest
from sqlalchemy import Table, func, select

from chatkeep.admit.widget_settings import Layer
from chatkeep.errors import WrongUsage
from chatkeep.ids import BlockId
from chatkeep.manage import blocks
from chatkeep.manage.organizations import choose_organization
from chatkeep.store import Store
from chatkeep.store.blocks import BlockRow, add_block, changed_blocks
from chatkeep.store.tables import blocks as blocks_table
from chatkeep.store.tables import warnings as warnings_table
from tests.cast import EVIL, SHOP, Reply, Stage, alices_site, on_stage

PEER = "198.51.100.7"


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store) as opened:
        yield opened


def forge(stage: Stage, widget_id: str, peer: str = PEER) -> Reply:
    """A request with a token that we never signed."""
    headers = {"origin": SHOP, "authorization": "Bearer a.b.c"}
    return stage.call("POST", "/api/chat", headers=headers, body={"message": "x", "widget_id": widget_id}, peer=peer)


def opening(stage: Stage, widget_id: str, peer: str = PEER) -> Reply:
    return stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget_id}, peer=peer)


def take_over(stage: Stage) -> None:
    """What the gateway does every second: read what was changed elsewhere."""
    from chatkeep.admit.blocks import read_all  # noqa: PLC0415 - only here

    stage.loop.run_until_complete(read_all(stage.gateway.desk))


def test_three_forged_tokens_within_ten_minutes_are_a_block_of_five(stage: Stage) -> None:
    widget = alices_site(stage.store)
    for _ in range(3):
        assert forge(stage, widget.widget_id).error == "invalid_session"
    reply = opening(stage, widget.widget_id)
    assert (reply.status, reply.error, reply.json["retry_after"]) == (429, "temporarily_blocked", 300)
    assert reply.json["block_expires_at"] == "2026-01-15T12:05:00Z"
    assert opening(stage, widget.widget_id, peer="203.0.113.5").status == 201
    stage.clock.forward(299)
    assert opening(stage, widget.widget_id).error == "temporarily_blocked"
    stage.clock.forward(1)
    assert opening(stage, widget.widget_id).status == 201
    assert sorted(event.type for event in stage.events()) == ["block_created", "blocked", "invalid_session"]


def test_each_repeat_within_a_day_doubles_the_block_up_to_a_day(stage: Stage) -> None:
    widget = alices_site(stage.store)
    waits = []
    for _ in range(10):
        for _ in range(3):
            forge(stage, widget.widget_id)
        waits.append(opening(stage, widget.widget_id).json["retry_after"])
        stage.clock.forward(waits[-1])
    assert waits[:6] == [300, 600, 1200, 2400, 4800, 9600]
    assert max(waits) <= 86400


def test_warnings_older_than_ten_minutes_do_not_count(stage: Stage) -> None:
    widget = alices_site(stage.store)
    for _ in range(6):
        forge(stage, widget.widget_id)
        stage.clock.forward(301)
    assert opening(stage, widget.widget_id).status == 201


def test_a_hostile_page_cannot_have_its_visitor_blocked(stage: Stage) -> None:
    widget = alices_site(stage.store)
    for _ in range(200):
        headers = {"origin": EVIL, "authorization": "Bearer a.b.c"}
        stage.call("POST", "/api/chat", headers=headers, body={"message": "x", "widget_id": widget.widget_id}, peer=PEER)
        stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers={"origin": EVIL}, peer=PEER)
    assert opening(stage, widget.widget_id).status == 201


@pytest.mark.parametrize("what", ["interval", "expired"])
def test_what_happens_to_honest_visitors_never_warns(stage: Stage, what: str) -> None:
    widget = alices_site(stage.store)
    victor = stage.victor(widget)
    if what == "expired":
        stage.clock.forward(16 * 60)
    else:
        assert victor.say("hello").status == 200
    for _ in range(20):
        assert victor.say("hello").error in {"rate_limit_exceeded", "token_expired"}
    stage.clock.forward(10)
    assert opening(stage, widget.widget_id).status == 201


def test_blocks_and_warnings_survive_a_restart(stage: Stage, sqlite_store: Store) -> None:
    widget = alices_site(stage.store)
    for _ in range(3):
        forge(stage, widget.widget_id)
    for _ in range(2):
        forge(stage, widget.widget_id, peer="203.0.113.5")
    stage.loop.run_until_complete(stage.store.transaction(lambda _tx: None))  # behind all that was queued
    with on_stage(sqlite_store, clock=stage.clock) as restarted:
        from chatkeep.admit.blocks import read_all  # noqa: PLC0415 - only here

        restarted.loop.run_until_complete(read_all(restarted.gateway.desk, with_warnings=True))
        assert opening(restarted, widget.widget_id).error == "temporarily_blocked"
        forge(restarted, widget.widget_id, peer="203.0.113.5")
        assert opening(restarted, widget.widget_id, peer="203.0.113.5").error == "temporarily_blocked"


@pytest.mark.parametrize(
    ("kind", "value"), [("address", PEER), ("network", "198.51.100.0/24"), ("domain", "shop.example"), ("session", None), ("visitor", None)]
)
def test_an_operator_blocks_and_lifts(stage: Stage, kind: str, value: str | None) -> None:
    widget = alices_site(stage.store, settings={"limits": {"interval_ms": 0}})
    victor = stage.victor(widget)
    org = choose_organization(stage.store, stage.clock).org_id
    if value is None:
        row = stage.gateway.desk.sessions.find(victor.session["session_id"])
        assert row is not None
        value = row.row.session_id if kind == "session" else row.row.visitor_id
    made = blocks.block(stage.store, stage.clock, org, kind=kind, value=value, reason="test", minutes=None)
    take_over(stage)
    reply = victor.say("hello")
    assert (reply.status, reply.error, reply.json["retry_after"], reply.json["block_expires_at"]) == (429, "temporarily_blocked", 86400, None)
    stage.clock.forward(1)
    blocks.lift(stage.store, stage.clock, org, made.block_id)
    take_over(stage)
    assert victor.say("hello").status == 200


def test_a_block_and_its_lifting_leave_an_event_each(stage: Stage) -> None:
    org = choose_organization(stage.store, stage.clock).org_id
    made = blocks.block(stage.store, stage.clock, org, kind="address", value=PEER, reason="test", minutes=5)
    blocks.lift(stage.store, stage.clock, org, made.block_id)
    with pytest.raises(WrongUsage):
        blocks.lift(stage.store, stage.clock, org, made.block_id)
    events = {event.type: event.details for event in stage.events()}
    assert events == {"block_created": {"kind": "address", "is_automatic": False, "seconds": 300}, "block_lifted": {"block_id": made.block_id}}


def test_lifting_is_noticed_whatever_the_clock_of_who_lifts_says(stage: Stage) -> None:
    widget = alices_site(stage.store)
    org = choose_organization(stage.store, stage.clock).org_id
    other, ours = (blocks.block(stage.store, stage.clock, org, kind="address", value=value, reason="test", minutes=None) for value in ("203.0.113.9", PEER))
    stage.clock.forward(100)
    blocks.lift(stage.store, stage.clock, org, other.block_id)
    take_over(stage)
    stage.clock.forward(-50)
    blocks.lift(stage.store, stage.clock, org, ours.block_id)
    take_over(stage)
    assert opening(stage, widget.widget_id).status == 201


def test_one_forger_does_not_lock_out_an_exempt_network(stage: Stage) -> None:
    widget = alices_site(stage.store)
    org = choose_organization(stage.store, stage.clock).org_id
    blocks.exempt(stage.store, stage.clock, org, network="198.51.100.0/24", factor=5, note="office")
    take_over(stage)
    for _ in range(4):
        forge(stage, widget.widget_id)
    assert opening(stage, widget.widget_id).status == 201


def test_a_block_of_one_organization_is_not_another_ones(stage: Stage) -> None:
    widget = alices_site(stage.store)
    for _ in range(3):
        forge(stage, widget.widget_id)
    desk = stage.gateway.desk
    assert desk.bans.find([], PEER, int(desk.clock.now().timestamp() * 1000)) is None


def test_an_exempt_network_has_more_or_no_address_limit(stage: Stage) -> None:
    widget = alices_site(stage.store)
    org = choose_organization(stage.store, stage.clock).org_id
    blocks.exempt(stage.store, stage.clock, org, network="198.51.100.0/24", factor=2, note="office")
    blocks.exempt(stage.store, stage.clock, org, network="203.0.113.0/24", factor=0, note="carrier")
    take_over(stage)
    assert [opening(stage, widget.widget_id).status for _ in range(21)] == [201] * 20 + [429]
    assert [opening(stage, widget.widget_id, peer="203.0.113.5").status for _ in range(40)] == [201] * 40
    assert [opening(stage, widget.widget_id, peer="192.0.2.1").status for _ in range(11)] == [201] * 10 + [429]


def test_blocks_in_shadow_mode_cannot_be_made_to_fill_the_database(stage: Stage) -> None:
    widget = alices_site(stage.store, settings={"shadow": ["blocks"]})
    for _ in range(50):
        forge(stage, widget.widget_id)
    assert (count(stage, blocks_table), count(stage, warnings_table)) == (1, 3)
    # When it would have ended, three more are one more.
    stage.clock.forward(300)
    for _ in range(50):
        forge(stage, widget.widget_id)
    assert (count(stage, blocks_table), count(stage, warnings_table)) == (2, 6)


def count(stage: Stage, table: Table) -> int:
    """How many rows *table* has when all that was queued is written."""
    stage.loop.run_until_complete(stage.store.transaction(lambda _tx: None))
    return int(stage.store.read_now(lambda tx: tx.execute(select(func.count()).select_from(table)).scalar_one()))


def test_warnings_that_were_punished_do_not_count_again_after_a_restart(stage: Stage, sqlite_store: Store) -> None:
    widget = alices_site(stage.store)
    for _ in range(3):
        forge(stage, widget.widget_id)
    assert count(stage, warnings_table) == 3
    with on_stage(sqlite_store, clock=stage.clock) as restarted:
        from chatkeep.admit.blocks import read_all  # noqa: PLC0415 - only here

        restarted.loop.run_until_complete(read_all(restarted.gateway.desk, with_warnings=True))
        stage.clock.forward(301)
        assert [forge(restarted, widget.widget_id).error for _ in range(2)] == ["invalid_session"] * 2
        assert opening(restarted, widget.widget_id).status == 201
        forge(restarted, widget.widget_id)
        assert opening(restarted, widget.widget_id).error == "temporarily_blocked"


def test_a_block_that_another_process_made_is_followed_and_what_is_known_is_not_read_again(stage: Stage) -> None:
    widget = alices_site(stage.store)
    org = choose_organization(stage.store, stage.clock).org_id

    def block_elsewhere(value: str) -> None:
        now_ms = int(stage.clock.now().timestamp() * 1000)
        made = BlockRow(BlockId(f"block_{value}"), org, "address", value, "warned too often", True, now_ms, now_ms + 600_000)
        stage.store.transaction_now(add_block, org, made)

    for number in range(50):
        block_elsewhere(f"203.0.113.{number}")
    take_over(stage)
    stage.clock.forward(60)
    take_over(stage)
    block_elsewhere(PEER)
    since_ms = stage.gateway.desk.bans.read_at_ms
    assert since_ms is not None
    assert [block.value for block in stage.store.read_now(changed_blocks, since_ms - 30_000)] == [PEER]
    take_over(stage)
    assert opening(stage, widget.widget_id).error == "temporarily_blocked"
    assert opening(stage, widget.widget_id, peer="203.0.113.49").error == "temporarily_blocked"


@pytest.mark.parametrize("layer", sorted(set(get_args(Layer)) - {"concurrency"}))
def test_a_layer_in_shadow_mode_records_and_lets_through(stage: Stage, layer: str) -> None:
    limits = {"interval_ms": 0, "per_minute": 2, "per_session": 20, "per_conversation": 20, "widget_per_hour": 20}
    if layer in {"session", "conversation", "widget_domain"}:
        limits = {
            "interval_ms": 0,
            "per_minute": 60,
            {"session": "per_session", "conversation": "per_conversation", "widget_domain": "widget_per_hour"}[layer]: 10,
        }
    widget = alices_site(stage.store, settings={"limits": limits, "shadow": [layer]})
    if layer == "config":
        path = f"/api/widgets/{widget.widget_id}/config"
        assert {stage.call("GET", path, headers={"origin": SHOP}).status for _ in range(700)} == {200}
    elif layer == "sessions":
        assert [opening(stage, widget.widget_id).status for _ in range(12)] == [201] * 12
    elif layer == "address":
        victor = stage.victor(widget)
        assert {stage.call("GET", f"/api/conversations/{victor.session['conversation_id']}/messages", headers=victor.headers).status for _ in range(70)} == {
            200
        }
    elif layer == "blocks":
        for _ in range(4):
            forge(stage, widget.widget_id)
        assert opening(stage, widget.widget_id).status == 201
    else:
        victor = stage.victor(widget)
        assert {victor.say("hello").status for _ in range(12)} == {200}
    shadowed = [event for event in stage.events() if event.details.get("would_refuse")]
    assert shadowed
    assert all(event.type == "rate_limit_exceeded" for event in shadowed)


def test_concurrency_in_shadow_mode_records_and_lets_through_and_gives_back(stage: Stage) -> None:
    widget = alices_site(stage.store, settings={"limits": {"interval_ms": 0, "streams_per_session": 1}, "shadow": ["concurrency"]})
    victor = stage.victor(widget)
    headers = {**victor.headers, "accept": "text/event-stream"}

    async def together() -> list[Reply]:
        return list(await asyncio.gather(*(stage.acall("POST", "/api/chat", headers=headers, body={"message": "hello"}) for _ in range(4))))

    assert [reply.status for reply in stage.loop.run_until_complete(together())] == [200] * 4
    (shadowed,) = [event for event in stage.events() if event.details.get("would_refuse")]
    assert (shadowed.type, shadowed.details["limit_type"], shadowed.count) == ("rate_limit_exceeded", "concurrency", 3)
    # Each gave back what it took, and nothing more: one at a time is as before.
    assert [victor.say("hello", accept="text/event-stream").status for _ in range(3)] == [200] * 3
    assert not [event for event in stage.events() if event.details.get("would_refuse") and event.event_id != shadowed.event_id]


def test_an_owner_cannot_put_what_protects_the_instance_into_shadow(stage: Stage) -> None:
    for layer in ("files", "early", "refused_origins", "ceiling", "replay"):
        with pytest.raises(WrongUsage):
            alices_site(stage.store, settings={"shadow": [layer]})
    widget = alices_site(stage.store, settings={"shadow": list(get_args(Layer))})
    headers = {"origin": EVIL}
    statuses = [stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers=headers).status for _ in range(61)]
    assert statuses == [403] * 60 + [429]
    assert [stage.call("GET", "/widget/loader.js").status for _ in range(601)] == [200] * 600 + [429]
