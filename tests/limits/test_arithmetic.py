"""When does the next one fit? Checked against the definition, one arrival at a time."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatkeep.limits import Window
from chatkeep.limits.arithmetic import wait_for, whole_seconds
from tests.limits.model import TICKS, seconds

logs = st.lists(st.integers(0, 400), max_size=30).map(sorted)


def fits(log: list[int], quota: int, window: int, moment: int) -> bool:
    """The definition: with one more at *moment*, at most *quota* lie in (moment - window, moment]."""
    return sum(1 for time in log if moment - window < time <= moment) < quota


@settings(max_examples=300, deadline=None)
@given(log=logs, quota=st.integers(1, 8), window=st.integers(1, 200), after=st.integers(0, 200))
def test_the_wait_is_the_first_moment_that_fits(log: list[int], quota: int, window: int, after: int) -> None:
    now = (log[-1] if log else 0) + after
    wait = wait_for([seconds(time) for time in log], Window("any", quota, seconds(window)), seconds(now))
    ticks = max(0, round(wait * TICKS))
    assert fits(log, quota, window, now + ticks)
    assert ticks == 0 or not fits(log, quota, window, now + ticks - 1)


def test_an_arrival_leaves_its_window_exactly_after_its_length() -> None:
    window = Window("per_minute", 1, 60.0)
    assert wait_for([10.0], window, 69.75) == 0.25
    assert wait_for([10.0], window, 70.0) == 0.0


def test_a_quota_of_nothing_is_never_open() -> None:
    assert wait_for([], Window("off", 0, 60.0), 0.0) == math.inf


@pytest.mark.parametrize(("wait", "said"), [(0.001, 1), (1.0, 1), (1.0001, 2), (59.999, 60), (60.0, 60), (60.00000000001, 60), (3599.5, 3600)])
def test_waits_are_told_in_whole_seconds_rounded_up(wait: float, said: int) -> None:
    assert whole_seconds(wait) == said


@settings(max_examples=300, deadline=None)
@given(wait=st.integers(1, 100_000))
def test_whoever_waits_as_told_has_waited_long_enough_and_no_second_too_long(wait: int) -> None:
    said = whole_seconds(seconds(wait))
    assert seconds(wait) <= said < seconds(wait) + 1
