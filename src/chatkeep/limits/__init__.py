"""How much is too much? The words in which a limit is asked for, and the protocol of its store.

A decision is a list of buckets, all or nothing: either every bucket takes the request
or none does, in one atomic call. Model (spec: limits-and-sessions, "Rate limits"):
N per T admits at most N in every window (t-T, t]; day counters are UTC calendar days;
session and conversation are plain counters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Window:
    """At most *quota* in any *seconds*; *limit_type* is what a refusal calls it."""

    limit_type: str
    quota: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Sliding:
    """Several windows over one log of arrivals."""

    key: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Counter:
    """At most *quota* for one *key*. A day counter carries the day in its key and *resets_in* seconds."""

    key: str
    limit_type: str
    quota: int
    resets_in: float | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Gauge:
    """At most *quota* held at the same time; given back by ``release``."""

    key: str
    limit_type: str
    quota: int


@dataclass(frozen=True, slots=True)
class Once:
    """A value that may be used one time within *seconds*; used up even when another bucket refuses."""

    key: str
    limit_type: str
    seconds: float


Bucket = Sliding | Counter | Gauge | Once


@dataclass(frozen=True, slots=True)
class Refusal:
    """The bucket with the longest wait. *retry_after* in seconds, rounded up, at least 1."""

    key: str
    limit_type: str
    retry_after: int
    quota: int
    window_seconds: int
    action: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What one decision took from *buckets*, and when (monotonic seconds)."""

    buckets: tuple[Bucket, ...]
    at: float


class LimitStore(Protocol):
    """Where the counts live."""

    def unknown(self, buckets: Sequence[Bucket], now: float) -> list[str]:
        """Keys of counters whose count has yet to be read from the database (``seed``); the others are kept for the next ``spend``."""
        ...

    def seed(self, counts: Mapping[str, int], now: float) -> None:
        """Set counters to what the database says, where they are still unknown."""
        ...

    def spend(self, buckets: Sequence[Bucket], now: float) -> Refusal | None:
        """Take one from every bucket at *now* (monotonic seconds), or take nothing and say why."""
        ...

    def release(self, taken: Taken) -> None:
        """Give held gauges back; what else was taken stays taken."""
        ...

    def give_back(self, taken: Taken) -> None:
        """Undo windows and counters: what they were taken for did not happen. Gauges are ``release``'s."""
        ...

    def left(self, bucket: Counter) -> int:
        """How many a counter still takes."""
        ...
