"""The limit store of one process: an exact log for each sliding key, a number for each counter.

Runs in the event loop without an ``await``, so a decision cannot be interleaved: no
check-then-act race. What nobody asks for is swept, a little at each call.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from chatkeep.limits import Bucket, Counter, Gauge, Once, Refusal, Sliding, Taken
from chatkeep.limits.arithmetic import wait_for, whole_seconds

_SWEEP_EVERY_SPENDS = 256
_SWEEP_KEYS = 1024
_COUNTER_IDLE_SECONDS = 2 * 86400.0


@dataclass(slots=True)
class _Log:
    """Arrivals of one key, oldest first, and how long the newest one matters."""

    times: deque[float] = field(default_factory=deque)
    seconds: float = 0.0


@dataclass(slots=True)
class _Count:
    """A plain number, and when it was last asked for."""

    value: int
    used_at: float


class InProcessLimits:
    """Exact limits for one process (spec: limits-and-sessions, "Stores")."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}
        self._counts: dict[str, _Count] = {}
        self._held: dict[str, int] = {}
        self._used: dict[str, float] = {}
        self._spends = 0

    def unknown(self, buckets: Sequence[Bucket], now: float) -> list[str]:
        """Keys of counters that were never seeded; the others are kept for the next ``spend``, however long nobody asked for them."""
        unseeded = []
        for bucket in buckets:
            if isinstance(bucket, Counter):
                count = self._counts.get(bucket.key)
                if count is None:
                    unseeded.append(bucket.key)
                else:
                    count.used_at = now
        return unseeded

    def seed(self, counts: Mapping[str, int], now: float) -> None:
        """Set counters that are still unknown; a count that runs already is newer than the database."""
        for key, value in counts.items():
            self._counts.setdefault(key, _Count(value, now))

    def spend(self, buckets: Sequence[Bucket], now: float) -> Refusal | None:
        """Take one from every bucket, or nothing and return the longest wait."""
        self._spends += 1
        if self._spends % _SWEEP_EVERY_SPENDS == 0:
            self._sweep(now)
        worst = self._use_up(buckets, now)
        if worst is not None:
            return worst
        longest = 0.0
        for bucket in buckets:
            wait, refusal = self._check(bucket, now)
            if refusal is not None and (worst is None or wait > longest):
                worst, longest = refusal, wait
        if worst is not None:
            return worst
        for bucket in buckets:
            self._take(bucket, now)
        return None

    def release(self, taken: Taken) -> None:
        """Give held gauges back; what else was taken stays taken."""
        for bucket in taken.buckets:
            if isinstance(bucket, Gauge):
                held = self._held.get(bucket.key, 0) - 1
                if held > 0:
                    self._held[bucket.key] = held
                else:
                    self._held.pop(bucket.key, None)

    def give_back(self, taken: Taken) -> None:
        """Undo windows and counters: what they were taken for did not happen. Gauges are ``release``'s."""
        for bucket in taken.buckets:
            if isinstance(bucket, Sliding):
                log = self._logs.get(bucket.key)
                if log is not None and taken.at in log.times:
                    log.times.remove(taken.at)
                    if not log.times:
                        del self._logs[bucket.key]
            elif isinstance(bucket, Counter) and (count := self._counts.get(bucket.key)) is not None and count.value > 0:
                count.value -= 1

    def left(self, bucket: Counter) -> int:
        """What is left of a counter; all of it when it was never used."""
        count = self._counts.get(bucket.key)
        return max(0, bucket.quota - (count.value if count else 0))

    def _use_up(self, buckets: Sequence[Bucket], now: float) -> Refusal | None:
        """Mark what may come once; it is spent whatever the other buckets say."""
        for bucket in buckets:
            if isinstance(bucket, Once):
                if self._used.get(bucket.key, now) > now:
                    return Refusal(bucket.key, bucket.limit_type, whole_seconds(self._used[bucket.key] - now), 1, math.ceil(bucket.seconds), None)
                # Taken out first: the sweep relies on the oldest standing first.
                self._used.pop(bucket.key, None)
                self._used[bucket.key] = now + bucket.seconds
        return None

    def _check(self, bucket: Bucket, now: float) -> tuple[float, Refusal | None]:
        """How long *bucket* makes one wait, and the refusal that says so."""
        if isinstance(bucket, Sliding):
            return self._check_sliding(bucket, now)
        if isinstance(bucket, Counter):
            if self.left(bucket) > 0:
                return 0.0, None
            # Where waiting does not help, no wait is longer.
            wait = math.inf if bucket.resets_in is None else bucket.resets_in
            retry = 1 if bucket.resets_in is None else whole_seconds(bucket.resets_in)
            window = 0 if bucket.resets_in is None else 86400
            return wait, Refusal(bucket.key, bucket.limit_type, retry, bucket.quota, window, bucket.action)
        if isinstance(bucket, Once) or self._held.get(bucket.key, 0) < bucket.quota:
            return 0.0, None
        return 1.0, Refusal(bucket.key, bucket.limit_type, 1, bucket.quota, 0, None)

    def _check_sliding(self, bucket: Sliding, now: float) -> tuple[float, Refusal | None]:
        """The longest wait of the windows over one log."""
        log = self._logs.get(bucket.key)
        if log is None:
            return 0.0, None
        longest = 0.0
        refusal = None
        for window in bucket.windows:
            wait = wait_for(log.times, window, now)
            if wait > longest:
                longest = wait
                refusal = Refusal(bucket.key, window.limit_type, whole_seconds(wait), window.quota, math.ceil(window.seconds), None)
        return longest, refusal

    def _take(self, bucket: Bucket, now: float) -> None:
        """Count one in *bucket*."""
        if isinstance(bucket, Sliding):
            log = self._logs.get(bucket.key)
            if log is None:
                log = self._logs[bucket.key] = _Log()
            log.seconds = max(window.seconds for window in bucket.windows)
            log.times.append(now)
            while log.times[0] <= now - log.seconds:
                log.times.popleft()
        elif isinstance(bucket, Counter):
            count = self._counts.setdefault(bucket.key, _Count(0, now))
            count.value += 1
            count.used_at = now
        elif isinstance(bucket, Gauge):
            self._held[bucket.key] = self._held.get(bucket.key, 0) + 1

    def _sweep(self, now: float) -> None:
        """Drop what can no longer refuse anybody, among the oldest keys; survivors go to the end."""
        for key in list(islice(self._logs, _SWEEP_KEYS)):
            log = self._logs.pop(key)
            if log.times[-1] > now - log.seconds:
                self._logs[key] = log
        for key in list(islice(self._used, _SWEEP_KEYS)):
            if self._used[key] > now:
                break
            del self._used[key]
        for key in list(islice(self._counts, _SWEEP_KEYS)):
            count = self._counts.pop(key)
            if count.used_at > now - _COUNTER_IDLE_SECONDS:
                self._counts[key] = count
