"""What time is it?

One object, so that tests can hold time still. Wall time is for records and calendar
counters; monotonic time is for rate limits and deadlines, which a changed clock must
not touch.
"""

import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Wall time in UTC and monotonic seconds."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start that never run backwards."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start that never run backwards."""
        return time.monotonic()


def next_midnight(moment: datetime) -> datetime:
    """The first UTC midnight after *moment*: when day counters start anew."""
    return _midnight_after(moment.date())


@lru_cache(maxsize=8)
def _midnight_after(day: date) -> datetime:
    """The midnight at the end of *day*; asked several times for every message."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def iso_ms(at_ms: int) -> str:
    """Milliseconds since 1970 as ``iso`` writes them."""
    return iso(datetime.fromtimestamp(at_ms / 1000, UTC))


def iso(moment: datetime) -> str:
    """*moment* as ``2026-01-16T00:00:00Z``; milliseconds only where there are any."""
    spec = "milliseconds" if moment.microsecond else "seconds"
    return moment.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")
