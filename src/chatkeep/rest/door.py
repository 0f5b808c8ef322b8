"""Who waits at the door of the office, and until when?

Passwords are slow on purpose, and anybody may show one. They are looked at in two threads
of their own, so that a crowd keeps no operator waiting; the line before them has an end,
and one address or user has only a part of it. Whoever does not fit in is told when to come back.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chatkeep.errors import Reason, Unavailable

T = TypeVar("T")

# As many as hash at a time (``crypto/passwords.py``).
_THREADS = 2
# A hash takes about a tenth of a second: the last in line waits for a few.
LONGEST_LINE = 64
LONGEST_OF_ONE = 16
_RETRY_SECONDS = 5


class Door:
    """Threads for those whose password is looked at or set, and the line before them. Used by one event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="chatkeep-door")
        # Those at work included.
        self._length = 0
        self._waiting: Counter[str] = Counter()

    async def run(self, work: Callable[[], T], *, buckets: Sequence[str]) -> T:
        """What *work* returns, from a thread. *buckets*: whose place in the line it takes. Raises ``Unavailable`` when there is none."""
        if self._length >= LONGEST_LINE or any(self._waiting[bucket] >= LONGEST_OF_ONE for bucket in buckets):
            raise Unavailable(Reason.SIGN_IN_BUSY, retry_after=_RETRY_SECONDS)
        self._length += 1
        self._waiting.update(buckets)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._length -= 1
            # Those that nobody waits in are dropped.
            self._waiting -= Counter(buckets)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
