"""What was true at most two seconds ago: a small cache that never remembers a miss.

Two seconds is how fast a pause or a revocation by another process must work; misses
are not kept so that what the command line makes is there at once.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from chatkeep.clock import Clock

K = TypeVar("K")
V = TypeVar("V")

FRESH_SECONDS = 2.0
_WATCHED_SECONDS = 300.0
_MOST = 20_000


class Cache(Generic[K, V]):
    """Values by key, each fresh for two seconds after it was put, and longer while ``watch`` is called; the oldest make room."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._watched_until = -math.inf
        # How often something was forgotten on purpose: what was read before may be what is not true any more.
        self.drops = 0

    def find(self, key: K) -> V | None:
        """The value put for *key*, while it is fresh."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock.monotonic()
        age = now - entry[0]
        is_fresh = age < FRESH_SECONDS or (age < _WATCHED_SECONDS and now < self._watched_until)
        return entry[1] if is_fresh else None

    def put(self, key: K, value: V) -> None:
        """Remember *value*, just read from the database."""
        self._entries.pop(key, None)
        self._entries[key] = (self._clock.monotonic(), value)
        if len(self._entries) > _MOST:
            self._entries.popitem(last=False)

    def watch(self) -> None:
        """What others changed was just dropped: for two seconds more, older values can be trusted too."""
        self._watched_until = self._clock.monotonic() + FRESH_SECONDS

    def drop_if(self, is_stale: Callable[[V], bool]) -> None:
        """Forget every value of which *is_stale* holds."""
        self.drops += 1
        for key in [key for key, (_, value) in self._entries.items() if is_stale(value)]:
            del self._entries[key]

    def drop(self, key: K) -> None:
        """Forget *key*: it was changed here."""
        self.drops += 1
        self._entries.pop(key, None)
