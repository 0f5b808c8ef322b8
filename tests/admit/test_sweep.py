"""The sweep ends in the database what is over anyway: at the exact edge, by each widget's own rule, and nothing else."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select

from chatkeep.admit.sweep import sweep_once, sweep_sessions
from chatkeep.ids import BlockId
from chatkeep.manage import blocks
from chatkeep.manage.organizations import choose_organization
from chatkeep.store import Store
from chatkeep.store.blocks import BlockRow, add_block
from chatkeep.store.tables import idempotency_keys, sessions, used_values
from chatkeep.store.widgets import WidgetRow, replace_widget
from tests.admit.cast import WIDE, assert_refused, generous
from tests.cast import Stage, StageVisitor, alices_site, on_stage
from tests.host import alices_widget
from tests.patience import until

HOUR = 3600


def site(store: Store, **limits: int) -> WidgetRow:
    """A widget whose tokens outlive what is tested here."""
    return alices_site(store, settings={"limits": {**WIDE["limits"], "token_minutes": 60, **limits}})


def sweep(stage: Stage) -> int:
    """One sweep; how many sessions it ended."""
    return stage.loop.run_until_complete(sweep_once(stage.gateway.desk))


def ends(store: Store) -> dict[str, tuple[str | None, int | None]]:
    """Why and when each session ended."""
    rows = store.read_now(lambda tx: tx.execute(select(sessions)).all())
    return {row.id: (row.end_reason, row.ended_at) for row in rows}


def end_of(victor: StageVisitor) -> str | None:
    """Why *victor*'s session ended; ``None`` while it has not."""
    return ends(victor.stage.store)[victor.session["session_id"]][0]


def test_an_idle_session_is_swept_after_thirty_minutes_and_not_sooner(store: Store) -> None:
    widget = site(store)
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        stage.clock.forward(1799.999)
        assert sweep(stage) == 0
        assert victor.history() == []
        stage.clock.forward(0.001)
        assert sweep(stage) == 1
        assert ends(store)[victor.session["session_id"]] == ("idle", int(stage.clock.now().timestamp() * 1000))
        # Once.
        assert sweep(stage) == 0
        assert_refused(victor.say("hello?"), 410, "session_expired")


def test_activity_counts_from_its_own_time(store: Store) -> None:
    widget = site(store)
    with on_stage(store, generous()) as stage:
        busy, idle = stage.victor(widget), stage.victor(widget)
        stage.clock.forward(600)
        assert busy.say("still here").status == 200
        stage.clock.forward(1200)
        assert sweep(stage) == 1
        assert (end_of(busy), end_of(idle)) == (None, "idle")
        stage.clock.forward(600)
        assert sweep(stage) == 1
        assert end_of(busy) == "idle"


@pytest.mark.parametrize("hours", [24, 2])
def test_a_busy_session_is_swept_at_its_age_and_not_sooner(store: Store, hours: int) -> None:
    widget = site(store, idle_minutes=120)
    with on_stage(store, generous(session_max_age_hours=hours)) as stage:
        victor = stage.victor(widget)
        for _ in range(hours - 1):
            stage.clock.forward(HOUR - 1)
            victor.session |= stage.call("POST", "/api/sessions/refresh", headers=victor.headers).json
            assert victor.say("still here").status == 200
            assert sweep(stage) == 0
        stage.clock.forward(hours * HOUR - (hours - 1) * (HOUR - 1) - 0.001)
        assert sweep(stage) == 0
        stage.clock.forward(0.001)
        assert sweep(stage) == 1
        assert end_of(victor) == "age"


def test_each_widget_has_its_own_idle_minutes(sqlite_store: Store) -> None:
    minutes = {10: site(sqlite_store, idle_minutes=10), 30: site(sqlite_store), 120: site(sqlite_store, idle_minutes=120)}
    with on_stage(sqlite_store, generous()) as stage:
        victors = {idle: stage.victor(widget) for idle, widget in minutes.items()}
        for idle, passed in ((10, 600), (30, 1200), (120, 5400)):
            stage.clock.forward(passed - 0.001)
            assert sweep(stage) == 0
            stage.clock.forward(0.001)
            assert sweep(stage) == 1
            assert end_of(victors[idle]) == "idle"


def test_what_was_swept_is_one_event_for_each_widget(sqlite_store: Store) -> None:
    first, second = site(sqlite_store), site(sqlite_store)
    with on_stage(sqlite_store, generous()) as stage:
        for widget in (first, first, first, second):
            stage.victor(widget)
        ended = stage.victor(first)
        assert stage.call("DELETE", "/api/sessions/current", headers=ended.headers).status == 204
        stage.clock.forward(1800)
        assert sweep(stage) == 4
        swept = [event for event in stage.events(quiet=False) if event.type == "session_swept"]
        assert {(event.widget_id, event.org_id, event.severity, event.details["ended"]) for event in swept} == {
            (first.widget_id, first.org_id, "info", 3),
            (second.widget_id, second.org_id, "info", 1),
        }
        # Who went by themselves keeps their own reason.
        assert end_of(ended) == "visitor"
        # Nothing to sweep is no event.
        assert sweep(stage) == 0
        assert len([event for event in stage.events(quiet=False) if event.type == "session_swept"]) == 2


def test_the_standing_sessions_of_domain_mode_are_left_alone(store: Store) -> None:
    with on_stage(store, generous()) as stage:
        widget = alices_widget(stage, access_mode="domain", settings=WIDE)
        headers = {"origin": "https://shop.example", "x-widget-id": widget.widget_id}
        conversation = stage.call("POST", "/api/chat", headers=headers, body={"message": "hello"}).json["conversation_id"]
        stage.clock.forward(48 * HOUR)
        assert sweep(stage) == 0
        assert {reason for reason, _ in ends(store).values()} == {None}
        again = stage.call("POST", "/api/chat", headers=headers, body={"message": "hello again", "conversation_id": conversation})
        assert (again.status, again.json["conversation_id"]) == (200, conversation)


def test_sessions_of_a_paused_widget_are_swept_too(sqlite_store: Store) -> None:
    widget = site(sqlite_store)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        paused = type(widget)(**{**{name: getattr(widget, name) for name in widget.__slots__}, "is_active": False})
        sqlite_store.transaction_now(replace_widget, widget.org_id, paused)
        stage.clock.forward(1800)
        assert sweep(stage) == 1
        assert end_of(victor) == "idle"


def test_what_is_kept_only_to_be_recognized_goes_when_it_has_expired(store: Store) -> None:
    widget = site(store)
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        assert victor.say("hello", **{"idempotency-key": "one"}).status == 200
        now_ms = int(stage.clock.now().timestamp() * 1000)
        store.transaction_now(lambda tx: tx.execute(insert(used_values).values([{"digest": "a" * 64, "expires_at": now_ms + 60_000}])))

        def kept() -> tuple[Any, ...]:
            return tuple(len(store.read_now(lambda tx, table=table: tx.execute(select(table)).all())) for table in (used_values, idempotency_keys))

        stage.clock.forward(59.999)
        sweep(stage)
        assert kept() == (1, 1)
        stage.clock.forward(0.001)
        sweep(stage)
        assert kept() == (0, 1)
        stage.clock.forward(24 * HOUR - 60 - 0.001)
        sweep(stage)
        assert kept() == (0, 1)
        stage.clock.forward(0.001)
        sweep(stage)
        assert kept() == (0, 0)


def test_automatic_blocks_go_a_day_after_their_end_and_an_operators_stay_listed(store: Store) -> None:
    alices_site(store)
    with on_stage(store, generous()) as stage:
        org = choose_organization(store, stage.clock).org_id
        now_ms = int(stage.clock.now().timestamp() * 1000)
        automatic = BlockRow(BlockId("block_automatic"), org, "address", "198.51.100.7", "warned too often", True, now_ms, now_ms + 60_000)
        store.transaction_now(add_block, org, automatic)
        by_hand = blocks.block(store, stage.clock, org, kind="address", value="198.51.100.8", reason="test", minutes=1)

        def listed() -> set[str]:
            return {one.block_id for one in blocks.all_blocks(store, stage.clock, org, with_past=True)}

        stage.clock.forward(60 + 25 * HOUR - 0.001)
        sweep(stage)
        assert listed() == {automatic.block_id, by_hand.block_id}
        stage.clock.forward(0.001)
        sweep(stage)
        assert listed() == {by_hand.block_id}


def test_the_sweep_goes_on_after_whatever_it_meets(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    widget = site(sqlite_store)
    monkeypatch.setattr("chatkeep.admit.sweep._SWEEP_SECONDS", 0.0)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        # Settings that no version of ours has written.
        sqlite_store.transaction_now(replace_widget, widget.org_id, replace(widget, settings={"limits": {"idle_minutes": "long"}}))

        async def sweeping() -> None:
            task = asyncio.create_task(sweep_sessions(stage.gateway.desk))
            await until(lambda: "sessions_not_swept" in caplog.messages)
            sqlite_store.transaction_now(replace_widget, widget.org_id, widget)
            stage.clock.forward(1800)
            await until(lambda: end_of(victor) == "idle")
            task.cancel()

        stage.loop.run_until_complete(sweeping())
