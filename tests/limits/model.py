"""The rate limits as the specification says them, with no thought for speed.

Time is counted in eighths of a second, which binary fractions hold exactly: the model
compares whole numbers, the store floats, and both must say the same.
"""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from chatkeep.limits import Bucket, Counter, Gauge, Sliding

TICKS = 8
FOREVER = 1 << 60


def seconds(ticks: int) -> float:
    """*ticks* as the store counts time."""
    return ticks / TICKS


@dataclass
class Model:
    """Every arrival ever admitted, every count, every gauge."""

    arrivals: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    counts: Tally[str] = field(default_factory=Tally)
    held: Tally[str] = field(default_factory=Tally)

    def waits(self, buckets: Sequence[Bucket], now: int) -> list[tuple[int, str, str]]:
        """What refuses at tick *now*: ticks to wait, key, type."""
        found = []
        for bucket in buckets:
            if isinstance(bucket, Sliding):
                for window in bucket.windows:
                    wait = self._wait(bucket.key, window.quota, round(window.seconds * TICKS), now)
                    found.append((wait, bucket.key, window.limit_type))
            elif isinstance(bucket, Counter):
                resets = FOREVER if bucket.resets_in is None else round(bucket.resets_in * TICKS)
                found.append((resets if self.counts[bucket.key] >= bucket.quota else 0, bucket.key, bucket.limit_type))
            else:
                found.append((TICKS if self.held[bucket.key] >= bucket.quota else 0, bucket.key, bucket.limit_type))
        return [each for each in found if each[0] > 0]

    def take(self, buckets: Sequence[Bucket], now: int) -> None:
        """One more in each."""
        for bucket in buckets:
            if isinstance(bucket, Sliding):
                self.arrivals[bucket.key].append(now)
            elif isinstance(bucket, Counter):
                self.counts[bucket.key] += 1
            else:
                self.held[bucket.key] += 1

    def release(self, buckets: Sequence[Bucket]) -> None:
        """Give gauges back."""
        for bucket in buckets:
            if isinstance(bucket, Gauge):
                self.held[bucket.key] -= 1

    def _wait(self, key: str, quota: int, window: int, now: int) -> int:
        """Ticks until one more leaves at most *quota* in (t-T, t]."""
        times = self.arrivals[key]
        for moment in sorted({now, *(time + window for time in times if time + window > now)}):
            if sum(1 for time in times if moment - window < time <= moment) < quota:
                return moment - now
        raise AssertionError("every window empties")
