"""Recording makes nobody wait, folds what is equal, and keeps what cannot be written."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from chatkeep.audit import Context, Recorder
from chatkeep.audit.catalogue import ChatMessageProcessed, DomainNotAllowed, InvalidRequest, SessionCreated
from chatkeep.ids import OrgId, WidgetId
from chatkeep.store import Store
from chatkeep.store.events import EventRow, list_events
from chatkeep.store.usage import list_usage
from tests.cast import SHOP, HeldClock, alices_site, on_stage

ORG = OrgId("org_a")


def with_recorder(store: Store, act: Callable[[Recorder, HeldClock], Awaitable[None]]) -> list[EventRow]:
    """What is in the store after *act*, oldest first."""

    async def run() -> None:
        await act(Recorder(store, clock := HeldClock(), b"k" * 32), clock)

    asyncio.run(run())
    return store.read_now(list_events, ORG, limit=100_000, with_unknown=True)[::-1]


def test_ten_thousand_equal_refusals_are_one_row_with_a_count(store: Store) -> None:
    async def act(recorder: Recorder, _clock: HeldClock) -> None:
        for number in range(10_000):
            recorder.record(InvalidRequest("not_found"), Context(request_id=f"req_{number}", address="192.0.2.1", user_agent=f"agent {number}"))
            if number % 1000 == 0:
                await recorder.flush()
        await recorder.flush()

    (row,) = with_recorder(store, act)
    assert (row.type, row.count, row.request_id) == ("invalid_request", 10_000, "req_0")


def test_events_are_told_apart_by_what_where_and_who(sqlite_store: Store) -> None:
    async def act(recorder: Recorder, _clock: HeldClock) -> None:
        for _ in range(3):
            for reason in ("a", "b"):
                for address in ("192.0.2.1", "192.0.2.2"):
                    for domain in (SHOP, None):
                        recorder.record(InvalidRequest(reason), Context(address=address, domain=domain))
        await recorder.flush()

    rows = with_recorder(sqlite_store, act)
    assert len(rows) == 8
    assert {row.count for row in rows} == {3}


def test_after_a_minute_equal_events_begin_a_new_row(sqlite_store: Store) -> None:
    async def act(recorder: Recorder, clock: HeldClock) -> None:
        for pause in (0.0, 59.999, 0.001):
            clock.forward(pause)
            await recorder.flush()
            recorder.record(InvalidRequest("x"), Context())
        await recorder.flush()

    assert [row.count for row in with_recorder(sqlite_store, act)] == [2, 1]


def test_good_news_is_never_folded(sqlite_store: Store) -> None:
    async def act(recorder: Recorder, _clock: HeldClock) -> None:
        for _ in range(5):
            recorder.record(SessionCreated(), Context())
            recorder.record(ChatMessageProcessed("fake", 1, 2, "stop"), Context())
        await recorder.flush()

    assert [row.count for row in with_recorder(sqlite_store, act)] == [1] * 10


def test_a_flood_with_ever_new_addresses_and_pages_stays_small(sqlite_store: Store) -> None:
    async def act(recorder: Recorder, _clock: HeldClock) -> None:
        for number in range(20_000):
            origin = f"https://{number}.evil.example"
            recorder.record(DomainNotAllowed(origin), Context(domain=origin, address=f"2001:db8::{number:x}", org_id=ORG))
        await recorder.flush()

    rows = with_recorder(sqlite_store, act)
    assert len(rows) == 4097
    # Nothing is lost: the rest is one row, whoever it was.
    assert sum(row.count for row in rows) == 20_000
    assert max(rows, key=lambda row: row.count).address is None


def test_what_cannot_be_written_is_kept_and_written_later(sqlite_store: Store) -> None:
    store = sqlite_store
    widget = alices_site(store)

    async def act(recorder: Recorder, clock: HeldClock) -> None:
        context = Context(org_id=ORG)
        recorder.record(InvalidRequest("before"), context)
        await recorder.flush()
        store.transaction_now(lambda tx: tx.execute(text("ALTER TABLE security_events RENAME TO away")))
        store.transaction_now(lambda tx: tx.execute(text('ALTER TABLE "usage" RENAME TO usage_away')))
        recorder.record(InvalidRequest("before"), context)
        recorder.record(InvalidRequest("meanwhile"), context)
        recorder.count(widget.org_id, widget.widget_id, messages=1, refusals=2)
        await flush_in_trouble(recorder)
        clock.forward(90)
        recorder.record(InvalidRequest("meanwhile"), context)
        recorder.count(widget.org_id, widget.widget_id, messages=3, tokens_in=5)
        await flush_in_trouble(recorder)
        store.transaction_now(lambda tx: tx.execute(text("ALTER TABLE away RENAME TO security_events")))
        store.transaction_now(lambda tx: tx.execute(text('ALTER TABLE usage_away RENAME TO "usage"')))
        await recorder.flush()
        await recorder.flush()

    rows = with_recorder(store, act)
    assert {(row.details["reason"], row.count) for row in rows} == {("before", 2), ("meanwhile", 2)}
    (used,) = store.read_now(list_usage, widget.org_id, widget.widget_id)
    assert (used.messages, used.tokens_in, used.refusals) == (4, 5, 2)


async def flush_in_trouble(recorder: Recorder) -> None:
    """A flush that fails as the recorder's own task would let it fail."""
    try:
        await recorder.flush()
    except Exception as error:  # noqa: BLE001 - the task's outermost edge catches the same
        assert "away" not in str(error)


def test_a_deleted_widgets_usage_does_not_stop_the_recording(store: Store) -> None:
    widget = alices_site(store)

    async def act(recorder: Recorder, _clock: HeldClock) -> None:
        recorder.count(widget.org_id, WidgetId("widget_" + "a" * 26), messages=1)
        recorder.count(widget.org_id, widget.widget_id, messages=1)
        await flush_in_trouble(recorder)
        recorder.record(InvalidRequest("later"), Context())
        recorder.count(widget.org_id, widget.widget_id, messages=1)
        await flush_in_trouble(recorder)

    assert [row.details for row in with_recorder(store, act)] == [{"reason": "later"}]


def test_the_end_writes_what_is_left(sqlite_store: Store) -> None:
    async def act(recorder: Recorder, _clock: HeldClock) -> None:
        recorder.start()
        recorder.record(InvalidRequest("last"), Context())
        await recorder.stop()

    assert [row.count for row in with_recorder(sqlite_store, act)] == [1]


def test_messages_tokens_and_refusals_are_counted_by_day(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        victor = stage.victor(widget)
        assert [victor.say("x").status for _ in range(3)] == [200, 429, 429]
        stage.clock.forward(2)
        assert victor.say("x").status == 200
        stage.flush()
        (day,) = sqlite_store.read_now(list_usage, widget.org_id, widget.widget_id)
        assert (day.day, day.messages, day.refusals) == ("2026-01-15", 2, 2)


@pytest.mark.parametrize("body", [{"message": "x"}, {"message": " "}, b"{"])
def test_each_refusal_leaves_exactly_one_event(sqlite_store: Store, body: Any) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        for _ in range(3):
            assert stage.call("POST", "/api/chat", headers={"origin": SHOP, "x-widget-id": widget.widget_id}, body=body).status in {400, 401}
        assert [event.count for event in stage.events()] == [3]
