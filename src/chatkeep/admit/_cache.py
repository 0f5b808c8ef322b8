"""What was true at most two seconds ago: a small cache that never remembers a miss.

Two seconds is how fast a pause or a revocation by another process must work; misses
are not kept so that what the command line makes is there at once.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

from chatkeep.clock import Clock

K = TypeVar("K")
V = TypeVar("V")

FRESH_SECONDS = 2.0
_MOST = 20_000


class Cache(Generic[K, V]):
    """Values by key, each fresh for two seconds after it was put (or longer, ``watch``); the oldest make room."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Raised while somebody drops, every second, what changed elsewhere.
        self.fresh_seconds = FRESH_SECONDS
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def find(self, key: K) -> V | None:
        """The value put for *key*, while it is fresh."""
        entry = self._entries.get(key)
        if entry is None or entry[0] <= self._clock.monotonic():
            return None
        return entry[1]

    def put(self, key: K, value: V) -> None:
        """Remember *value*, just read from the database."""
        self._entries.pop(key, None)
        self._entries[key] = (self._clock.monotonic() + self.fresh_seconds, value)
        if len(self._entries) > _MOST:
            self._entries.popitem(last=False)

    def watch(self, fresh_seconds: float) -> None:
        """Keep values for so long from now on: changes by others are dropped as they are seen."""
        self.fresh_seconds = fresh_seconds

    def distrust(self) -> None:
        """Changes by others can no longer be seen: forget everything, and keep nothing for longer than two seconds."""
        self._entries.clear()
        self.fresh_seconds = FRESH_SECONDS

    def drop(self, key: K) -> None:
        """Forget *key*: it was changed here."""
        self._entries.pop(key, None)
