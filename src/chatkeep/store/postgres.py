"""How does a thread get away from a PostgreSQL that hangs?

psycopg waits for an answer without end, and a stopped server or a cut cable never gives
one. Here every wait ends with the deadline of its thread; the connection, in the middle
of something, is closed. Imported only where PostgreSQL is used.
"""

from math import isinf
from typing import Any, NoReturn, TypeVar

import psycopg
from psycopg.abc import PQGen

from chatkeep.store.deadline import seconds_left

T = TypeVar("T")

_INTERVAL_SECONDS = 0.1


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose every wait has an end."""

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL_SECONDS, timeout: float | None = None) -> T:
        """As psycopg's, until the thread's deadline. Raises ``OperationalError``, the connection closed."""
        left = seconds_left()
        if isinf(left):
            return super().wait(gen, interval, timeout)
        try:
            if left <= 0:
                # Before anything is sent: a COMMIT that nobody waits for would leave its outcome open.
                _refuse()
            return super().wait(gen, interval, left if timeout is None else min(left, timeout))
        except psycopg.OperationalError:
            if seconds_left() <= 0:
                self.close()
            raise


def connect(*arguments: Any, **parameters: Any) -> PatientConnection:
    """A new connection. Raises ``OperationalError``, at once when there is no time left."""
    if seconds_left() <= 0:
        _refuse()
    return PatientConnection.connect(*arguments, **parameters)


def _refuse() -> NoReturn:
    """Say that it is too late."""
    msg = "no time is left to ask the database"
    raise psycopg.OperationalError(msg)
