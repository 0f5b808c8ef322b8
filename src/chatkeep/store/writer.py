"""Who commits? One thread, in groups.

What waits while one transaction commits becomes the next transaction: no timer, no
linger (measured: a linger only slows a busy store). A future resolves after the commit
that holds its work. If one item fails a group, each runs again alone, so that it cannot
take others down; if the database does, all of them fail at once, so that nobody waits
for what cannot be. Spec: architecture, "Store".
"""

import asyncio
import queue
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import Engine, Executable
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from chatkeep.errors import Reason, Unavailable
from chatkeep.store.deadline import DEADLINE_SECONDS, until
from chatkeep.store.engine import Tx

_GROUP = 512
_TRIES = 5
_IN_THE_WAY = frozenset({"40001", "40P01"})
_RETRY_SECONDS = 2
# SQLite says "disk is full" or "disk I/O error", PostgreSQL raises class 53 ("53100 disk_full").
_FULL_WORDS = ("disk is full", "disk full", "no space left")


@dataclass(frozen=True, slots=True)
class Write:
    """One row's worth of a prepared statement. Equal statements of a group run as one executemany."""

    statement: Executable
    values: dict[str, Any]


@dataclass(slots=True, eq=False)
class Item:
    """One piece of work: a callable, or writes that belong together. *due*: when nobody waits for it any more (monotonic)."""

    run: Callable[[Tx], Any] | None
    writes: tuple[Write, ...]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    due: float
    # Both under the writer's lock: an item is either begun, or given up before it was, and then never done.
    is_begun: bool = False
    is_given_up: bool = False


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
        self._lock = threading.Lock()
        self._reached_commit = False
        self._watch = _Watch(self._give_up)
        self._thread = threading.Thread(target=self._work, name="chatkeep-writer", daemon=True)
        self._thread.start()

    def submit(self, run: Callable[[Tx], Any] | None, writes: tuple[Write, ...] = ()) -> asyncio.Future[Any]:
        """Queue work for the next transaction; the future resolves after its commit, or at the deadline with ``Unavailable``."""
        loop = asyncio.get_running_loop()
        item = Item(run, writes, loop.create_future(), loop, monotonic() + DEADLINE_SECONDS)
        self._watch.add(item)
        self._queue.put(item)
        return item.future

    def stop(self) -> None:
        """Finish what is queued, then end the thread; one that the database holds for longer is left behind."""
        self._queue.put(None)
        self._thread.join(2 * DEADLINE_SECONDS)

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
            self._carry_out(group)

    def _carry_out(self, group: Sequence[Item], *, tries: int = _TRIES) -> None:
        """Commit *group* as one, or item by item, and tell who waits."""
        group = self._begun(group)
        if not group:
            return
        try:
            outcomes = self._commit(group)
        except Exception as error:  # noqa: BLE001 - the outermost edge of this thread: nothing may end it
            if _may_pass(error) and tries > 1:
                self._one_by_one(group, tries - 1)
            elif len(group) == 1 or isinstance(translated(error), Unavailable):
                # Only the commit itself can be in doubt: before it, a lost connection takes everything back.
                in_doubt = self._reached_commit and isinstance(error, DBAPIError) and error.connection_invalidated
                _resolve([Outcome(item, error=translated(error, in_doubt=in_doubt)) for item in group])
            else:
                self._one_by_one(group, tries)
        else:
            _resolve(outcomes)

    def _one_by_one(self, group: Sequence[Item], tries: int) -> None:
        """Each item in a transaction of its own."""
        for item in group:
            self._carry_out([item], tries=tries)

    def _commit(self, group: Sequence[Item]) -> list[Outcome]:
        """Run *group* in one transaction."""
        self._reached_commit = False
        with until(max(item.due for item in group)), self._engine.begin() as tx:
            outcomes = [Outcome(item, item.run(tx) if item.run is not None else None) for item in group]
            _execute(tx, [write for item in group for write in item.writes])
            self._reached_commit = True
        return outcomes

    def _begun(self, group: Sequence[Item]) -> list[Item]:
        """Those of *group* that somebody still waits for; from here on their outcome is open."""
        now = monotonic()
        wanted: list[Item] = []
        late: list[Outcome] = []
        with self._lock:
            for item in group:
                if item.is_given_up or item.due <= now:
                    late.append(Outcome(item, error=_away(in_doubt=item.is_begun)))
                else:
                    item.is_begun = True
                    wanted.append(item)
        _resolve(late)
        return wanted

    def _give_up(self, item: Item) -> None:
        """Nobody waits for *item* any more. Event loop only."""
        with self._lock:
            item.is_given_up = True
        item.future.set_exception(_away(in_doubt=item.is_begun))


class _Watch:
    """Gives up what is due: one timer for all that wait, as the oldest is always due first. Event loop only."""

    def __init__(self, give_up: Callable[[Item], None]) -> None:
        self._give_up = give_up
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[Item] = deque()

    def add(self, item: Item) -> None:
        """Look after *item* until it is done."""
        if self._loop is not item.loop:
            self._loop, self._waiting = item.loop, deque()
            item.loop.call_later(DEADLINE_SECONDS, self._look, item.loop)
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()
        self._waiting.append(item)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up what is due, and come back when the next one will be."""
        if self._loop is not loop:
            return
        now = monotonic()
        while self._waiting and (self._waiting[0].future.done() or self._waiting[0].due <= now):
            if not (item := self._waiting.popleft()).future.done():
                self._give_up(item)
        if self._waiting:
            loop.call_later(self._waiting[0].due - now, self._look, loop)
        else:
            self._loop = None


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


def translated(error: Exception, *, in_doubt: bool = False) -> BaseException:
    """A database that is away or full as ``Unavailable``; anything else as it is."""
    if isinstance(error, DBAPIError):
        words = str(error.orig).lower()
        if any(full in words for full in _FULL_WORDS):
            return Unavailable(Reason.INSUFFICIENT_STORAGE, retry_after=30)
        if isinstance(error, OperationalError) or error.connection_invalidated:
            return _away(in_doubt=in_doubt)
    if isinstance(error, SQLAlchemyError) and "timeout" in type(error).__name__.lower():
        return _away()
    return error


def _away(*, in_doubt: bool = False) -> Unavailable:
    """The database does not answer."""
    return Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=_RETRY_SECONDS, in_doubt=in_doubt)


def _resolve(outcomes: Iterable[Outcome]) -> None:
    """Give every waiter its result: one wake-up for each event loop, not one for each item."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_loop[outcome.item.loop].append(outcome)
    for loop, waiting in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_set_results, waiting)


def _set_results(outcomes: list[Outcome]) -> None:
    """Runs in the event loop."""
    for outcome in outcomes:
        future = outcome.item.future
        if future.done():
            continue
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.result)
