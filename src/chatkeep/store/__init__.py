"""Where do rows go, and how do they come back?

The one door to the database. ``read`` runs a query function in a reader thread;
``transaction`` and ``write`` queue for the one writer and return after its commit. All
three end with ``Unavailable`` when the database keeps them waiting (``deadline.py``).
Query functions live in one module a noun and are plain ``def f(tx, org, …)``.
"""

import asyncio
import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from chatkeep.errors import Reason, Unavailable
from chatkeep.store.deadline import DEADLINE_SECONDS, until
from chatkeep.store.engine import Tx, open_engine, parse_database_url
from chatkeep.store.writer import Write, Writer, translated

__all__ = ["Clash", "Store", "Tx", "Write"]

# A row that a change builds on is gone, or one that it makes is there: somebody else was faster.
Clash = IntegrityError

P = ParamSpec("P")
T = TypeVar("T")

_READERS = 3


class Store:
    """One database, for the life of the process. *url* as in the setting ``DATABASE_URL``."""

    def __init__(self, url: str) -> None:
        parsed = parse_database_url(url)
        self.dialect = parsed.get_backend_name()
        self._read_engine = open_engine(parsed, readers=_READERS, is_writer=False)
        self._write_engine = open_engine(parsed, readers=0, is_writer=True)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="chatkeep-reader")
        self._writer = Writer(self._write_engine)
        self._notes: list[Write] = []

    async def read(self, query: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What *query* returns. Raises ``Unavailable`` when the database is away, or silent until the deadline."""
        due = monotonic() + DEADLINE_SECONDS

        def run() -> T:
            with until(due):
                return self.read_now(query, *args, **kwargs)

        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._readers, run)
        except TimeoutError:
            raise Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=2) from None

    def read_now(self, query: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As ``read``, in the calling thread: for the command line and for reader threads."""
        try:
            with self._read_engine.begin() as tx:
                return query(tx, *args, **kwargs)
        except SQLAlchemyError as error:
            raise translated(error) from error

    async def transaction(self, change: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What *change* returned, after the commit. It may run twice, so it must only touch *tx*. Raises ``Unavailable``."""
        result: T = await self._writer.submit(lambda tx: change(tx, *args, **kwargs))
        return result

    def transaction_now(self, change: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As ``transaction``, in the calling thread: for the command line."""
        try:
            with self._write_engine.begin() as tx:
                while self._notes:
                    note = self._notes.pop(0)
                    tx.execute(note.statement, note.values)
                return change(tx, *args, **kwargs)
        except SQLAlchemyError as error:
            raise translated(error) from error

    def noting(self, *notes: Write) -> "Store":
        """The same store, whose next ``transaction_now`` also stores *notes*: both or neither."""
        twin = copy.copy(self)
        twin._notes = list(notes)  # noqa: SLF001 - its own
        return twin

    @property
    def has_noted(self) -> bool:
        """Whether a transaction has begun with what ``noting`` was given."""
        return not self._notes

    def write(self, *writes: Write) -> asyncio.Future[None]:
        """Queue *writes* as one transaction; the future resolves after its commit, or with ``Unavailable``."""
        return self._writer.submit(None, writes)

    def close(self) -> None:
        """Commit what is queued, then let go of every connection; takes no longer than twice the deadline."""
        self._writer.stop()
        self._readers.shutdown(cancel_futures=True)
        self._read_engine.dispose()
        self._write_engine.dispose()
