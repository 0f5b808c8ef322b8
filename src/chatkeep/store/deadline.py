"""How long may the database keep somebody waiting?

A server that hangs says nothing, not even no, so everything that a request waits for has
an end on our side. It is counted from when the work was given to the store: waiting for
a thread counts. Longer than a statement may take (``engine.py``), so that a database
that is only slow says so itself.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic

DEADLINE_SECONDS = 3.0


class _Current(threading.local):
    """Until when this thread's work may take: a moment of ``time.monotonic``."""

    moment = inf


_current = _Current()


@contextmanager
def until(moment: float) -> Iterator[None]:
    """What this thread does with the database meanwhile must end by *moment*."""
    _current.moment = moment
    try:
        yield
    finally:
        _current.moment = inf


def seconds_left() -> float:
    """How long this thread may still wait; infinite for the command line."""
    return _current.moment - monotonic()
