"""Every layer of the table in the specification, at its exact edge, under a clock that stands still."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from chatkeep.admit.widget_settings import WidgetLimits
from chatkeep.settings import Settings
from chatkeep.store import Store
from tests.admit.cast import UNKNOWN_WIDGET, WIDE, assert_refused, generous
from tests.cast import SHOP, HeldClock, Reply, Stage, StageVisitor, alices_site, development, on_stage


def limits(**changes: int) -> dict[str, Any]:
    """Widget settings that only *changes* limit."""
    return {"limits": {**WIDE["limits"], **changes}}


def assert_limited(reply: Reply, limit_type: str, retry_after: int, action: str | None = None) -> None:
    """A 429 that says everything the specification wants."""
    assert_refused(reply, 429, "rate_limit_exceeded")
    body = reply.json
    assert (body["limit_type"], body["retry_after"], body.get("action")) == (limit_type, retry_after, action), body
    assert reply.headers["retry-after"] == str(retry_after)
    assert reply.headers["ratelimit"] == f'"{limit_type}";r=0;t={retry_after}'
    assert reply.headers["ratelimit-policy"].startswith(f'"{limit_type}";q=')


def say(victor: StageVisitor, times: int, *, every: float = 0) -> list[int]:
    """The statuses of *times* messages, *every* so many seconds."""
    statuses = []
    for _ in range(times):
        statuses.append(victor.say("x").status)
        victor.stage.clock.forward(every)
    return statuses


def test_the_defaults_are_the_specifications() -> None:
    own, instance = WidgetLimits(), Settings()
    assert (own.per_session, own.per_minute, own.per_hour, own.per_day, own.interval_ms) == (50, 10, 100, 200, 2000)
    assert (own.widget_per_hour, own.widget_per_day, own.per_conversation) == (600, 1000, 100)
    assert (own.streams_per_session, own.streams_per_widget) == (3, 50)
    assert (instance.limit_address_per_minute, instance.limit_address_per_hour, instance.limit_sessions_per_address_per_hour) == (60, 1000, 10)


def test_fifty_messages_a_session(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=limits(per_session=50))
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert say(victor, 50, every=1.01) == [200] * 50
        reply = victor.say("one more")
        assert_limited(reply, "per_session", 1, "new_session")
        assert reply.json["message"] == "This session has had all its messages. Start a new one."
        assert reply.headers["ratelimit-policy"] == '"per_session";q=50'
        assert stage.victor(widget).say("a new session").status == 200


def test_ten_messages_a_minute(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=limits(per_minute=10))
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert say(victor, 10, every=3) == [200] * 10
        assert_limited(victor.say("x"), "per_minute", 30)
        stage.clock.forward(29.999)
        assert_limited(victor.say("x"), "per_minute", 1)
        stage.clock.forward(0.001)
        assert victor.say("x").status == 200
        # The next one left three seconds after the first.
        assert_limited(victor.say("x"), "per_minute", 3)


def test_a_hundred_messages_an_hour(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=limits(per_hour=100, token_minutes=60, idle_minutes=120))
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert say(victor, 100, every=10) == [200] * 100
        assert_limited(victor.say("x"), "per_hour", 2600)
        stage.clock.forward(2599)
        assert_limited(victor.say("x"), "per_hour", 1)
        stage.clock.forward(0.999)
        assert stage.call("GET", "/livez").status == 200
        stage.clock.forward(0.001)
        assert_refused(victor.say("x"), 401, "token_expired")
        victor.session |= stage.call("POST", "/api/sessions/refresh", headers=victor.headers).json
        assert victor.say("x").status == 200


@pytest.mark.parametrize(("interval_ms", "retry_after"), [(2000, 2), (1, 1), (1500, 2), (10_000, 10)])
def test_messages_keep_their_distance(sqlite_store: Store, interval_ms: int, retry_after: int) -> None:
    widget = alices_site(sqlite_store, settings=limits(interval_ms=interval_ms))
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert victor.say("x").status == 200
        assert_limited(victor.say("x"), "interval", retry_after)
        stage.clock.forward(interval_ms / 2000)
        assert victor.say("x").status == 429
        # A refused message does not move the gate.
        stage.clock.forward(interval_ms / 2000)
        assert victor.say("x").status == 200


def test_two_hundred_messages_a_day_until_midnight_utc(sqlite_store: Store) -> None:
    clock = HeldClock(datetime(2026, 1, 15, 22, 58, tzinfo=UTC))
    widget = alices_site(sqlite_store, settings=limits(per_day=200, per_hour=200, token_minutes=60, idle_minutes=120))
    with on_stage(sqlite_store, generous(), clock) as stage:
        victor = stage.victor(widget)
        assert victor.session["usage"] == {"messages_remaining_today": 200, "reset_at": "2026-01-16T00:00:00Z"}
        for left in range(199, -1, -1):
            reply = victor.say("x")
            assert reply.json["usage"] == {"messages_remaining_today": left, "reset_at": "2026-01-16T00:00:00Z"}
            clock.forward(2)
        victor.session |= stage.call("POST", "/api/sessions/refresh", headers=victor.headers).json
        reply = victor.say("x")
        assert_limited(reply, "per_day", 3720 - 400)
        assert reply.json["usage"] == {"messages_remaining_today": 0, "reset_at": "2026-01-16T00:00:00Z"}
        clock.forward(3720 - 400 - 0.001)
        assert_limited(victor.say("x"), "per_day", 1)
        clock.forward(0.001)
        reply = victor.say("x")
        assert reply.json["usage"] == {"messages_remaining_today": 199, "reset_at": "2026-01-17T00:00:00Z"}


def test_a_widget_takes_its_hourly_number_from_each_listed_domain(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, domains=("shop.example", "other.example"), settings=limits(widget_per_hour=7))
    with on_stage(sqlite_store, generous()) as stage:
        visitors = [stage.victor(widget, peer=f"198.51.100.{number}") for number in range(8)]
        assert [victor.say("x").status for victor in visitors[:7]] == [200] * 7
        assert_limited(visitors[7].say("x"), "per_hour", 3600)
        # Subdomains are under the same entry, because anybody can forge ever new ones; another entry has a number of its own.
        assert_limited(stage.victor(widget, origin="https://www.shop.example").say("x"), "per_hour", 3600)
        assert stage.victor(widget, origin="https://other.example").say("x").status == 200


def test_a_widget_takes_its_daily_number_from_each_listed_domain(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, domains=("shop.example", "other.example"), settings=limits(widget_per_day=5))
    with on_stage(sqlite_store, generous()) as stage:
        victor, other = stage.victor(widget), stage.victor(widget)
        assert other.session["usage"]["messages_remaining_today"] == 5
        assert [victor.say("x").json["usage"]["messages_remaining_today"] for _ in range(4)] == [4, 3, 2, 1]
        assert other.say("x").json["usage"]["messages_remaining_today"] == 0
        assert_limited(victor.say("x"), "per_day", 12 * 3600)
        assert stage.victor(widget).session["usage"]["messages_remaining_today"] == 0
        assert stage.victor(widget, origin="https://www.shop.example").session["usage"]["messages_remaining_today"] == 0
        assert stage.victor(widget, origin="https://other.example").session["usage"]["messages_remaining_today"] == 5


def test_a_conversation_holds_its_number_of_messages(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=limits(per_conversation=10))
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert say(victor, 10) == [200] * 10
        reply = victor.say("x")
        assert_limited(reply, "per_conversation", 1, "new_conversation")
        assert reply.json["message"] == "This conversation is full. Start a new one."


async def stream_together(stage: Stage, visitors: list[StageVisitor]) -> list[Reply]:
    """A stream for each, all begun before any has ended."""
    calls = [
        stage.acall("POST", "/api/chat", headers={**victor.headers, "accept": "text/event-stream"}, body={"message": "x"}, peer=victor.peer)
        for victor in visitors
    ]
    return list(await asyncio.gather(*calls))


def test_three_streams_a_session_at_the_same_time(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for _ in range(2):
            replies = stage.loop.run_until_complete(stream_together(stage, [victor] * 5))
            assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
            assert_limited(replies[-1], "concurrency", 1)
            assert replies[-1].json["message"] == "Too many answers at once. Wait for one to end."
        # What has ended gave its place back.
        assert [victor.say("x", accept="text/event-stream").status for _ in range(10)] == [200] * 10


def test_a_widgets_streams_are_counted_together(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=limits(streams_per_widget=4))
    with on_stage(sqlite_store, generous()) as stage:
        visitors = [stage.victor(widget) for _ in range(6)]
        replies = stage.loop.run_until_complete(stream_together(stage, visitors))
        assert [reply.status for reply in replies] == [200] * 4 + [429] * 2
        assert [victor.say("x", accept="Text/Event-Stream").status for victor in visitors] == [200] * 6


def test_a_refused_stream_is_plain_json_with_its_real_status(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=limits(interval_ms=2000))
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        victor.say("x")
        assert_limited(victor.say("x", accept="text/event-stream"), "interval", 2)


def test_the_longest_wait_is_told_and_a_way_out_before_any_wait(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=limits(interval_ms=2000, per_minute=5, per_hour=6, per_session=10, per_day=10))
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert say(victor, 5, every=2) == [200] * 5
        assert_limited(victor.say("x"), "per_minute", 50)
        stage.clock.forward(50)
        assert victor.say("x").status == 200
        # Now the interval (2 s), the minute and the hour refuse together.
        assert_limited(victor.say("x"), "per_hour", 3540)
    widget = alices_site(sqlite_store, settings=limits(interval_ms=10_000, per_session=1))
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        victor.say("x")
        assert_limited(victor.say("x"), "per_session", 1, "new_session")


def test_a_refused_message_takes_nothing_from_the_other_layers(sqlite_store: Store) -> None:
    widget = alices_site(
        sqlite_store, settings=limits(interval_ms=2000, per_day=10, per_hour=10, per_minute=10, per_conversation=10, per_session=10, widget_per_hour=10)
    )
    with on_stage(sqlite_store, development(limit_address_per_minute=11, limit_sessions_per_address_per_hour=11, auto_block_after_warnings=1000)) as stage:
        victor = stage.victor(widget)
        for left in range(9, -1, -1):
            assert victor.say("x").json["usage"]["messages_remaining_today"] == left
            for _ in range(20):
                assert_limited(victor.say("x"), "interval" if left else "per_session", 2 if left else 1, None if left else "new_session")
            stage.clock.forward(2)


def test_counters_survive_a_restart(store: Store) -> None:
    clock = HeldClock(datetime(2026, 1, 15, 23, 30, tzinfo=UTC))
    own = limits(per_day=12, per_hour=12, per_minute=12, per_session=30, per_conversation=30, widget_per_day=20, token_minutes=60, idle_minutes=120)
    widget = alices_site(store, settings=own)
    with on_stage(store, generous(), clock) as stage:
        victor, other = stage.victor(widget), stage.victor(widget)
        assert say(victor, 12, every=1) == [200] * 12
        assert say(other, 3, every=1) == [200] * 3
    with on_stage(store, generous(), clock) as stage:
        victor.stage = other.stage = stage
        # Nobody has spoken in this process: the widget's day is asked of the database.
        assert stage.victor(widget).session["usage"]["messages_remaining_today"] == 5
        reply = victor.say("x")
        assert_limited(reply, "per_day", 1800 - 15)
        assert reply.json["usage"]["messages_remaining_today"] == 0
        assert other.say("x").json["usage"]["messages_remaining_today"] == 4
        clock.forward(1800)
        assert victor.say("x").json["usage"] == {"messages_remaining_today": 11, "reset_at": "2026-01-17T00:00:00Z"}


def test_session_and_conversation_counts_survive_a_restart(store: Store) -> None:
    for own, limit_type, action in (
        (limits(per_session=5), "per_session", "new_session"),
        (limits(per_conversation=10), "per_conversation", "new_conversation"),
    ):
        quota = 5 if action == "new_session" else 10
        widget = alices_site(store, settings=own)
        clock = HeldClock()
        with on_stage(store, generous(), clock) as stage:
            victor = stage.victor(widget)
            assert say(victor, quota - 1) == [200] * (quota - 1)
        with on_stage(store, generous(), clock) as stage:
            victor.stage = stage
            assert say(victor, 1) == [200]
            assert_limited(victor.say("x"), limit_type, 1, action)


def test_a_hundred_at_once_get_exactly_their_number(store: Store) -> None:
    widget = alices_site(store, settings=limits(widget_per_day=30, per_session=100))
    with on_stage(store, generous()) as stage:
        visitors = [stage.victor(widget) for _ in range(20)]

        async def everybody() -> list[Reply]:
            calls = [stage.acall("POST", "/api/chat", headers=victor.headers, body={"message": "x"}) for victor in visitors for _ in range(5)]
            return list(await asyncio.gather(*calls))

        replies = stage.loop.run_until_complete(everybody())
        assert sorted(reply.status for reply in replies) == [200] * 30 + [429] * 70
        assert sorted(reply.json["usage"]["messages_remaining_today"] for reply in replies if reply.status == 200) == list(range(30))


def test_an_extra_limit_holds_where_the_operator_sets_one(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous(limit_default=4, limit_default_window=30)) as stage:
        victor = stage.victor(widget)
        assert say(victor, 4, every=1) == [200] * 4
        assert_limited(victor.say("x"), "per_window", 26)
        stage.clock.forward(26)
        assert victor.say("x").status == 200


def test_an_unknown_widget_is_counted_by_address_over_all_organizations(sqlite_store: Store) -> None:
    alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        replies = [stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": UNKNOWN_WIDGET}) for _ in range(601)]
        assert [reply.status for reply in replies] == [404] * 600 + [429]
        assert_limited(replies[-1], "per_minute", 60)
        assert stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": UNKNOWN_WIDGET}, peer="198.51.100.8").status == 404
