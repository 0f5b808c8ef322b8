"""The in-process store admits exactly what the model admits: never one too many, never one too few."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatkeep.limits import Bucket, Counter, Gauge, Refusal, Sliding, Taken, Window
from chatkeep.limits.in_process import InProcessLimits
from tests.limits.model import FOREVER, TICKS, Model, seconds

BUCKETS: tuple[Bucket, ...] = (
    Sliding("vis", (Window("per_minute", 3, 60.0), Window("per_hour", 7, 600.0), Window("interval", 1, 2.0))),
    Sliding("other", (Window("per_minute", 2, 60.0),)),
    Sliding("wide", (Window("per_minute", 8, 60.0), Window("per_hour", 9, 600.0))),
    Sliding("half", (Window("interval", 1, 0.5),)),
    Counter("day:1", "per_day", 6, 7200.0),
    Counter("day:2", "per_day", 4, 0.5),
    Counter("sess", "per_session", 5, action="new_session"),
    Counter("conv", "per_conversation", 9, action="new_conversation"),
    Gauge("str:s", "concurrency", 2),
    Gauge("str:w", "concurrency", 3),
)
some_buckets = st.lists(st.sampled_from(BUCKETS), min_size=1, max_size=6, unique_by=lambda bucket: bucket.key)
steps = st.lists(
    st.tuples(
        st.one_of(st.just(0), st.integers(0, 40), st.sampled_from([15, 16, 17, 479, 480, 481, 4799, 4800, 4801])),
        st.one_of(st.tuples(st.just("spend"), some_buckets), st.tuples(st.just("release"), st.just([])), st.tuples(st.just("sweep"), st.just([]))),
    ),
    min_size=1,
    max_size=60,
)


def spend_both(store: InProcessLimits, model: Model, buckets: list[Bucket], now: int) -> Refusal | None:
    """One decision of each, compared."""
    expected = model.waits(buckets, now)
    store.seed({key: model.counts[key] for key in store.unknown(buckets, seconds(now))}, seconds(now))
    refusal = store.spend(buckets, seconds(now))
    if not expected:
        assert refusal is None, "one too few"
        model.take(buckets, now)
        return None
    assert refusal is not None, "one too many"
    longest = max(wait for wait, _, _ in expected)
    assert (longest, refusal.key, refusal.limit_type) in expected, "another waits longer"
    # Where waiting does not help there is an action instead; a second is what such a client should rest.
    told = 1 if longest == FOREVER else max(1, -(-longest // TICKS))
    assert refusal.retry_after == told
    assert (refusal.action is not None) is (longest == FOREVER)
    return refusal


@settings(max_examples=300, deadline=None)
@given(steps=steps)
def test_every_decision_is_the_models(steps: list[tuple[int, tuple[str, list[Bucket]]]]) -> None:
    store, model = InProcessLimits(), Model()
    now = 8000
    held: list[list[Bucket]] = []
    for ticks, (step, buckets) in steps:
        now += ticks
        if step == "sweep":
            store._sweep(seconds(now))
        elif step == "release" and held:
            given_back = held.pop()
            store.release(Taken(tuple(given_back), seconds(now)))
            model.release(given_back)
        elif step == "spend" and spend_both(store, model, buckets, now) is None:
            held.append([bucket for bucket in buckets if isinstance(bucket, Gauge)])
    for bucket in BUCKETS:
        if isinstance(bucket, Counter) and not store.unknown([bucket], seconds(now)):
            assert store.left(bucket) == bucket.quota - model.counts[bucket.key]


@settings(max_examples=100, deadline=None)
@given(gaps=st.lists(st.integers(0, 200), min_size=20, max_size=80), quota=st.integers(1, 5))
def test_no_window_ever_holds_more_than_its_quota(gaps: list[int], quota: int) -> None:
    store, now, admitted = InProcessLimits(), 0, []
    for gap in gaps:
        now += gap
        if store.spend([Sliding("k", (Window("w", quota, 30.0),))], seconds(now)) is None:
            admitted.append(now)
    for moment in range(now + 1):
        assert sum(1 for time in admitted if moment - 30 * TICKS < time <= moment) <= quota


@settings(max_examples=100, deadline=None)
@given(times=st.lists(st.integers(0, 300), min_size=1, max_size=40))
def test_whoever_comes_back_when_told_is_let_in_and_a_second_sooner_is_not(times: list[int]) -> None:
    store, now = InProcessLimits(), 0
    bucket: list[Bucket] = [Sliding("k", (Window("w", 2, 45.0), Window("h", 5, 200.0)))]
    for gap in times:
        now += gap
        refusal = store.spend(bucket, seconds(now))
        if refusal is not None:
            assert store.spend(bucket, seconds(now) + refusal.retry_after - 1) is not None
            now += refusal.retry_after * TICKS
            assert store.spend(bucket, seconds(now)) is None


def test_a_refused_request_takes_nothing_from_any_bucket() -> None:
    store = InProcessLimits()
    full = Sliding("full", (Window("w", 1, 60.0),))
    others: list[Bucket] = [Sliding("free", (Window("w", 2, 60.0),)), Counter("count", "per_day", 2, 100.0), Gauge("gauge", "concurrency", 2)]
    assert store.spend([full], 0.0) is None
    for _ in range(10):
        assert store.spend([*others, full], 1.0) is not None
        assert store.spend([full, *others], 1.0) is not None
    assert store.spend(others, 1.0) is None
    assert store.spend(others, 1.0) is None
    assert store.spend(others, 1.0) is not None


def test_keys_do_not_share_anything() -> None:
    store = InProcessLimits()
    for number in range(100):
        assert store.spend([Sliding(f"k{number}", (Window("w", 1, 60.0),)), Counter(f"c{number}", "per_day", 1, 60.0)], 0.0) is None


def test_a_seed_does_not_overwrite_a_count_that_runs() -> None:
    store = InProcessLimits()
    counter = Counter("day", "per_day", 5, 60.0)
    assert store.unknown([counter], 0.0) == ["day"]
    store.seed({"day": 3}, 0.0)
    assert store.unknown([counter], 0.0) == []
    assert store.spend([counter], 0.0) is None
    store.seed({"day": 0}, 0.0)
    assert store.left(counter) == 1


def test_a_count_that_nobody_asked_for_in_days_is_not_lost_between_the_question_and_the_answer() -> None:
    store, counter = InProcessLimits(), Counter("session", "per_session", 1, action="new_session")
    assert store.spend([counter], 0.0) is None
    late = 3 * 86_400.0
    for number in range(2000):
        assert store.unknown([counter], late) == [], "kept for the next spend"
        store.spend([Counter(f"other{number}", "per_day", 1, 60.0)], late)
        assert store.spend([counter], late) is not None


def test_a_count_over_its_quota_leaves_nothing_and_not_less() -> None:
    store = InProcessLimits()
    store.seed({"day": 9}, 0.0)
    assert store.left(Counter("day", "per_day", 5, 60.0)) == 0


@pytest.mark.parametrize("times", [1, 2, 7])
def test_a_gauge_given_back_too_often_does_not_open_wider(times: int) -> None:
    store = InProcessLimits()
    gauge: list[Bucket] = [Gauge("g", "concurrency", 1)]
    assert store.spend(gauge, 0.0) is None
    for _ in range(times):
        store.release(Taken(tuple(gauge), 0.0))
    assert store.spend(gauge, 0.0) is None
    assert store.spend(gauge, 0.0) is not None


def test_the_longest_wait_is_told() -> None:
    store = InProcessLimits()
    minute, hour = Sliding("a", (Window("per_minute", 1, 60.0),)), Sliding("b", (Window("per_hour", 1, 3600.0),))
    day = Counter("c", "per_day", 1, 7200.0)
    for many in ([minute, hour, day], [day, hour, minute], [hour, minute]):
        store = InProcessLimits()
        assert store.spend(many, 0.0) is None
        refusal = store.spend(many, 1.0)
        assert refusal is not None
        assert refusal.limit_type == ("per_day" if day in many else "per_hour")


def test_where_waiting_does_not_help_no_wait_is_longer() -> None:
    store = InProcessLimits()
    many: list[Bucket] = [Counter("d", "per_day", 1, 86_400.0), Counter("s", "per_session", 1, action="new_session")]
    assert store.spend(many, 0.0) is None
    refusal = store.spend(many, 0.0)
    assert refusal is not None
    assert (refusal.limit_type, refusal.action) == ("per_session", "new_session")


@pytest.mark.parametrize("after", [10.0, 10.125, 30.0, 45.0, 59.0, 59.875])
def test_sweeping_never_forgets_what_still_matters(after: float) -> None:
    store = InProcessLimits()
    log: list[Bucket] = [Sliding("k", (Window("interval", 1, 2.0), Window("per_minute", 2, 60.0)))]
    counter: list[Bucket] = [Counter("c", "per_session", 1, action="new_session")]
    assert [store.spend(log, moment) for moment in (100.0, 110.0)] == [None, None]
    assert store.spend(counter, 110.0) is None
    # Sweeps come with traffic of others; each one looks at every key here.
    for number in range(1024):
        assert store.spend([Sliding(f"other{number}", (Window("w", 1, 1.0),))], 100.0 + after) is None
    assert (store.spend(log, 100.0 + after) is None) is False
    assert store.spend(counter, 100.0 + after) is not None
    assert store.spend(log, 160.0) is None
    assert store.spend(counter, 110.0 + 86_400.0) is not None


def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    store = InProcessLimits()
    for number in range(3000):
        buckets: list[Bucket] = [Sliding(f"k{number}", (Window("w", 1, 60.0),)), Counter(f"c{number}", "per_day", 1, 60.0)]
        assert store.spend(buckets, 0.0) is None
    busy: list[Bucket] = [Sliding("busy", (Window("w", 10_000, 60.0),))]
    later = 3 * 86_400.0
    for _ in range(3000):
        assert store.spend(busy, later) is None
    inside: tuple[dict[str, Any], ...] = (store._logs, store._counts)
    assert [len(kept) for kept in inside] == [1, 0]
