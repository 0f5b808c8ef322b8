"""Who commits? One thread, in groups.

What waits while one transaction commits becomes the next transaction: no timer, no
linger (measured: a linger only slows a busy store). A future resolves after the commit
that holds its work. If a group fails, each item runs again alone, so that one bad item
cannot take others down. Spec: architecture, "Store".
"""

import asyncio
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Executable
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from chatkeep.errors import Reason, Unavailable
from chatkeep.store.engine import Tx

_GROUP = 512
_TRIES = 5
_IN_THE_WAY = frozenset({"40001", "40P01"})
# SQLite says "disk is full" or "disk I/O error", PostgreSQL raises class 53 ("53100 disk_full").
_FULL_WORDS = ("disk is full", "disk full", "no space left")


@dataclass(frozen=True, slots=True)
class Write:
    """One row's worth of a prepared statement. Equal statements of a group run as one executemany."""

    statement: Executable
    values: dict[str, Any]


@dataclass(slots=True)
class Item:
    """One piece of work: a callable, or writes that belong together."""

    run: Callable[[Tx], Any] | None
    writes: tuple[Write, ...]
    future: asyncio.Future[Any] | None
    loop: asyncio.AbstractEventLoop | None


@dataclass(slots=True)
class Outcome:
    """What came of one item."""

    item: Item
    result: Any = None
    error: BaseException | None = None


class Writer:
    """The one thread that writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="chatkeep-writer", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> None:
        """Queue *item* for the next transaction."""
        self._queue.put(item)

    def stop(self) -> None:
        """Finish what is queued, then end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        """Take groups until told to stop."""
        running = True
        while running:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            while len(group) < _GROUP:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    running = False
                    break
                group.append(item)
            _resolve(self._commit(group))

    def _commit(self, group: list[Item], *, tries: int = _TRIES) -> list[Outcome]:
        """Run *group* in one transaction; where that fails, each item in one of its own."""
        try:
            with self._engine.begin() as tx:
                outcomes = [Outcome(item, item.run(tx) if item.run is not None else None) for item in group]
                _execute(tx, [write for item in group for write in item.writes])
        except Exception as error:  # noqa: BLE001 - the outermost edge of this thread: nothing may end it
            if len(group) > 1:
                return [outcome for item in group for outcome in self._commit([item])]
            if tries > 1 and _may_pass(error):
                return self._commit(group, tries=tries - 1)
            return [Outcome(group[0], error=translated(error))]
        return outcomes


def _execute(tx: Tx, writes: list[Write]) -> None:
    """Run *writes* statement by statement. Two writes of one statement keep their order; others may not."""
    by_statement: dict[int, list[Write]] = defaultdict(list)
    for write in writes:
        by_statement[id(write.statement)].append(write)
    for same in by_statement.values():
        tx.execute(same[0].statement, [write.values for write in same])


def _may_pass(error: Exception) -> bool:
    """Whether two processes only stood in each other's way (PostgreSQL: serialization failure, deadlock)."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _IN_THE_WAY


def translated(error: Exception) -> BaseException:
    """A database that is away or full as ``Unavailable``; anything else as it is."""
    if isinstance(error, DBAPIError):
        words = str(error.orig).lower()
        if any(full in words for full in _FULL_WORDS):
            return Unavailable(Reason.INSUFFICIENT_STORAGE, retry_after=30)
        if isinstance(error, OperationalError) or error.connection_invalidated:
            return Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=2)
    if isinstance(error, SQLAlchemyError) and "timeout" in type(error).__name__.lower():
        return Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=2)
    return error


def _resolve(outcomes: Iterable[Outcome]) -> None:
    """Give every waiter its result: one wake-up for each event loop, not one for each item."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.item.loop is not None:
            by_loop[outcome.item.loop].append(outcome)
    for loop, waiting in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_set_results, waiting)


def _set_results(outcomes: list[Outcome]) -> None:
    """Runs in the event loop."""
    for outcome in outcomes:
        future = outcome.item.future
        if future is None or future.done():
            continue
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.result)
