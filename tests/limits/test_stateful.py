"""The limits of the specification, driven at random for as long as Hypothesis likes, beside the plain model.

Real quotas (but for the conversation's, which a session's would hide), real windows:
several visitors of one widget, from customers' networks of one provider. Never one too
many, never one too few, and ``retry_after`` exact to the second (see ``spend_both``).
"""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from chatkeep.limits import Bucket, Counter, Gauge, Sliding, Taken, Window
from chatkeep.limits.in_process import InProcessLimits
from tests.limits.model import TICKS, Model, seconds
from tests.limits.test_in_process import spend_both

VISITORS = ("ann", "ben", "eve")
# More of them than their /48 has times the quota of one.
NETS = ("a", "b", "c", "d", "e")
DAY_TICKS = 86_400 * TICKS
# Whole seconds, the edges of every window, and a moment before and after each.
LEAPS = [ticks + off for ticks in (2 * TICKS, 60 * TICKS, 3600 * TICKS) for off in (-1, 0, 1)]


def around(layer: str, windows: Callable[[int], tuple[Window, ...]], net: str) -> list[Bucket]:
    """A layer of addresses: the visitor's /64, and the /48 around it with four times as much."""
    return [Sliding(f"{layer}:{net}/64", windows(1)), Sliding(f"{layer}:/48", windows(4))]


def request(net: str) -> list[Bucket]:
    """Every layer of any request."""
    return around("addr", lambda times: (Window("per_minute", 60 * times, 60.0), Window("per_hour", 1000 * times, 3600.0)), net)


def opening(net: str) -> list[Bucket]:
    """Every layer of a new session."""
    return [*request(net), *around("sess", lambda times: (Window("sessions_per_address", 10 * times, 3600.0),), net)]


def message(visitor: str, conversation: int, net: str, now: int) -> list[Bucket]:
    """Every layer of one message (spec: limits-and-sessions, "Rate limits")."""
    day, left = divmod(now, DAY_TICKS)
    resets = (DAY_TICKS - left) / TICKS
    return [
        *request(net),
        Sliding(f"vis:{visitor}", (Window("per_minute", 10, 60.0), Window("per_hour", 100, 3600.0), Window("interval", 1, 2.0))),
        Sliding("dom:widget", (Window("per_hour", 600, 3600.0),)),
        Counter(f"visday:{visitor}:{day}", "per_day", 200, resets),
        Counter(f"domday:widget:{day}", "per_day", 1000, resets),
        Counter(f"sess:{visitor}", "per_session", 50, action="new_session"),
        Counter(f"conv:{visitor}:{conversation}", "per_conversation", 10, action="new_conversation"),
        Gauge(f"str:{visitor}", "concurrency", 3),
        Gauge("str:widget", "concurrency", 50),
    ]


class Visits(RuleBasedStateMachine):
    """Visitors who write, wait, hold streams and leave, in any order."""

    @initialize()
    def begin(self) -> None:
        """A quiet morning."""
        self.store, self.model, self.now = InProcessLimits(), Model(), 9 * 3600 * TICKS
        self.streams: list[list[Bucket]] = []

    @rule(visitor=st.sampled_from(VISITORS), conversation=st.integers(0, 1), net=st.sampled_from(NETS))
    def write(self, visitor: str, conversation: int, net: str) -> None:
        """One message; its stream goes on."""
        buckets = message(visitor, conversation, net, self.now)
        if spend_both(self.store, self.model, buckets, self.now) is None:
            self.streams.append([bucket for bucket in buckets if isinstance(bucket, Gauge)])

    @rule(
        visitor=st.sampled_from(VISITORS), conversation=st.integers(0, 1), net=st.sampled_from(NETS), times=st.integers(2, 70), every=st.integers(0, 3 * TICKS)
    )
    def hammer(self, visitor: str, conversation: int, net: str, times: int, every: int) -> None:
        """Many messages, whose answers end at once."""
        for _ in range(times):
            self.write(visitor, conversation, net)
            self.leave()
            self.now += every

    @rule(net=st.sampled_from(NETS), requests=st.integers(1, 80))
    def read(self, net: str, requests: int) -> None:
        """Requests that are no messages: only the address counts."""
        for _ in range(requests):
            spend_both(self.store, self.model, request(net), self.now)

    @rule(net=st.sampled_from(NETS), sessions=st.integers(1, 12))
    def begin_anew(self, net: str, sessions: int) -> None:
        """New sessions, whoever opens them."""
        for _ in range(sessions):
            spend_both(self.store, self.model, opening(net), self.now)

    @rule(ticks=st.one_of(st.integers(0, 10 * TICKS), st.sampled_from(LEAPS)))
    def wait(self, ticks: int) -> None:
        """Time goes by."""
        self.now += ticks

    @rule()
    def sleep_over_midnight(self) -> None:
        """To the first tick of the next day."""
        self.now += DAY_TICKS - self.now % DAY_TICKS

    @rule()
    def leave(self) -> None:
        """One stream ends."""
        if self.streams:
            ended = self.streams.pop()
            self.store.release(Taken(tuple(ended), seconds(self.now)))
            self.model.release(ended)


TestVisits = Visits.TestCase
TestVisits.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
