"""Who writes events down, without making anybody wait?

``record`` only touches memory. A task writes what came together, twice a second. Equal
events within a minute are one row with a count, and at most 4,096 rows are open at a
time: beyond that, events fold by type alone, so that a flood with ever new addresses
cannot fill the disk; one address has at most 64, so that it cannot hide the others. What pages report for analytics waits here too, at most 10,000 rows.
Spec: events-and-alerts.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from chatkeep.audit.catalogue import Event
from chatkeep.audit.redact import cut_domain, cut_user_agent, hash_address
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.errors import Unavailable
from chatkeep.ids import ConversationId, EventId, OrgId, SessionId, WidgetId
from chatkeep.store import Clash, Store, Tx
from chatkeep.store.analytics import AnalyticsRow, new_analytics_event
from chatkeep.store.events import EventRow, add_event, was_written, write_record
from chatkeep.store.usage import UsageRow

_FLUSH_SECONDS = 0.5
_FOLD_SECONDS = 60.0
_OPEN_ROWS = 4096
_ROWS_OF_ONE = 64
_REPORTED_ROWS = 10_000

log = logging.getLogger("chatkeep.events")


@dataclass(frozen=True, slots=True)
class Context:
    """Who, where and in which request; what is not known yet is ``None``."""

    request_id: str | None = None
    org_id: OrgId | None = None
    widget_id: WidgetId | None = None
    session_id: SessionId | None = None
    conversation_id: ConversationId | None = None
    domain: str | None = None
    address: str | None = None
    user_agent: str | None = None


@dataclass(slots=True)
class _Open:
    """A row that may still stand for more events."""

    row: EventRow
    until: float
    written: int = 0


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What one transaction was to write: entries with their rows as they were then, and usage."""

    rows: list[tuple[_Open, EventRow]]
    usage: dict[tuple[WidgetId, str], UsageRow]

    def note_written(self) -> None:
        """It was."""
        for entry, row in self.rows:
            entry.written = row.count


class Recorder:
    """The one way to record (``audit.record()`` of the architecture). Not thread-safe: event loop only."""

    def __init__(self, store: Store, clock: Clock, hash_key: bytes) -> None:
        self._store = store
        self._clock = clock
        self._hash_key = hash_key
        self._open: dict[object, _Open] = {}
        # Open rows by address, counted anew at each flush.
        self._rows_of: Counter[str | None] = Counter()
        self._usage: dict[tuple[WidgetId, str], UsageRow] = {}
        self._in_doubt: _Attempt | None = None
        self._reported: list[AnalyticsRow] = []
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def record(self, event: Event, context: Context) -> None:
        """Note that *event* happened."""
        key: object = object() if not event.folds else self._key(event, context)
        found = self._open.get(key)
        if found is None and event.folds:
            key, context = self._within_bounds(key, event, context)
            found = self._open.get(key)
        if found is not None:
            found.row = replace(found.row, count=found.row.count + 1)
            return
        self._rows_of[context.address] += 1
        row = event_row(event, context, self._clock, self._hash_key)
        self._open[key] = _Open(row, self._clock.monotonic() + (_FOLD_SECONDS if event.folds else 0.0))
        if log.isEnabledFor(_LEVELS[event.severity]):
            log.log(_LEVELS[event.severity], event.type, extra={"fields": _log_fields(row)})

    def _key(self, event: Event, context: Context) -> object:
        """What makes two events equal. Who is limited may write any origin: it tells nothing more."""
        domain = None if event.type == "rate_limit_exceeded" else cut_domain(context.domain)
        return (event, context.org_id, context.widget_id, domain, context.address)

    def _within_bounds(self, key: object, event: Event, context: Context) -> tuple[object, Context]:
        """*key*, or a coarser one: nobody may fill the record so that others go unseen."""
        if self._rows_of[context.address] >= _ROWS_OF_ONE:
            return (event.type, context.address), Context(address=context.address)
        if len(self._open) >= _OPEN_ROWS:
            return event.type, Context()
        return key, context

    def count(self, org: OrgId, widget: WidgetId, *, messages: int = 0, tokens_in: int = 0, tokens_out: int = 0, refusals: int = 0) -> None:
        """Add to *widget*'s usage of today (UTC)."""
        day = self._clock.now().date().isoformat()
        so_far = self._usage.get((widget, day)) or UsageRow(org, widget, day)
        self._usage[widget, day] = UsageRow(
            org,
            widget,
            day,
            so_far.messages + messages,
            so_far.tokens_in + tokens_in,
            so_far.tokens_out + tokens_out,
            so_far.refusals + refusals,
        )

    def report(self, rows: Iterable[AnalyticsRow]) -> None:
        """Keep what a page reported; what is more than can wait is dropped, as counts without people are no evidence."""
        self._reported.extend(rows)
        del self._reported[_REPORTED_ROWS:]

    def start(self) -> None:
        """Begin to write twice a second."""
        self._task = asyncio.create_task(self._run(), name="chatkeep-recorder")

    async def stop(self) -> None:
        """Write what is left and end."""
        # Not cancelled: a flush that is under way must learn whether its rows were written.
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def flush(self) -> None:
        """Write what came together. What cannot be written now stays for the next time."""
        now = self._clock.monotonic()
        try:
            await self._settle()
            await self._write()
            await self._write_reported()
        except Unavailable as error:
            log.warning("events_not_written", extra={"fields": {"reason": error.reason.value, "waiting": len(self._open)}})
        self._open = {key: entry for key, entry in self._open.items() if entry.until > now or entry.row.count > entry.written}
        self._rows_of = Counter(entry.row.address for entry in self._open.values())

    async def _write(self) -> None:
        """Write events and usage, both or neither. Raises ``Unavailable``."""
        attempt = _Attempt([(entry, entry.row) for entry in self._open.values() if entry.row.count > entry.written], self._usage)
        if not attempt.rows and not attempt.usage:
            return
        self._usage = {}
        new = [row for entry, row in attempt.rows if entry.written == 0]
        more = [row for entry, row in attempt.rows if entry.written > 0]
        try:
            await self._store.transaction(write_record, new, more, list(attempt.usage.values()))
        except Unavailable as error:
            if error.in_doubt:
                self._in_doubt = attempt
            else:
                self._put_back(attempt.usage)
            raise
        except Clash:
            # A widget is gone, and its usage with it. The events are written next time.
            log.warning("usage_not_written", extra={"fields": {"waiting": len(attempt.usage)}})
            return
        attempt.note_written()

    async def _settle(self) -> None:
        """Find out whether an attempt in doubt was written: its first event tells it for all. Raises ``Unavailable``."""
        attempt = self._in_doubt
        if attempt is None:
            return
        is_written = False
        if attempt.rows:
            _, first = attempt.rows[0]
            is_written = await self._store.transaction(was_written, first)
        if is_written:
            attempt.note_written()
        else:
            self._put_back(attempt.usage)
        self._in_doubt = None

    async def _write_reported(self) -> None:
        """Write what pages reported. Each row for itself, which the writer groups: a widget deleted meanwhile costs only its own."""
        rows, self._reported = self._reported, []
        outcomes = await asyncio.gather(*(self._store.write(new_analytics_event(row)) for row in rows), return_exceptions=True)
        # What may have been written is not written again: a count too few is better than one too many.
        self._reported[:0] = [row for row, outcome in zip(rows, outcomes, strict=True) if isinstance(outcome, Unavailable) and not outcome.in_doubt]
        lost = [outcome for outcome in outcomes if isinstance(outcome, BaseException) and not isinstance(outcome, Unavailable)]
        if lost:
            log.warning("analytics_not_written", extra={"fields": {"count": len(lost), "reason": type(lost[0]).__name__}})

    def _put_back(self, usage: dict[tuple[WidgetId, str], UsageRow]) -> None:
        """Keep counts that could not be written."""
        newer: defaultdict[tuple[WidgetId, str], list[UsageRow]] = defaultdict(list)
        for key, row in [*usage.items(), *self._usage.items()]:
            newer[key].append(row)
        self._usage = {
            key: replace(
                rows[0],
                messages=sum(row.messages for row in rows),
                tokens_in=sum(row.tokens_in for row in rows),
                tokens_out=sum(row.tokens_out for row in rows),
                refusals=sum(row.refusals for row in rows),
            )
            for key, rows in newer.items()
        }

    async def _run(self) -> None:
        """Write, rest, again."""
        is_last = False
        while not is_last:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _FLUSH_SECONDS)
            # Asked before the flush, so that one more follows whatever was recorded until the end.
            is_last = self._stopping.is_set()
            try:
                await self.flush()
            except Exception:
                # The outermost edge of this task: a bug in one flush must not end all recording.
                log.exception("recorder_failed")


def record_within(tx: Tx, event: Event, org: OrgId, clock: Clock) -> None:
    """Note what an operator did, in the transaction of what they did: there is never one without the other."""
    add_event(tx, event_row(event, Context(org_id=org), clock, b""))


def event_row(event: Event, context: Context, clock: Clock, hash_key: bytes) -> EventRow:
    """The row of a new event. *hash_key* is for its address, if it has one."""
    return EventRow(
        event_id=EventId(new_id("evt")),
        time_ms=int(clock.now().timestamp() * 1000),
        type=event.type,
        severity=event.severity,
        org_id=context.org_id,
        widget_id=context.widget_id,
        session_id=context.session_id,
        conversation_id=context.conversation_id,
        domain=cut_domain(context.domain),
        address=context.address,
        address_hash=hash_address(hash_key, context.address),
        user_agent=cut_user_agent(context.user_agent),
        request_id=context.request_id,
        details=event.details(),
        count=1,
    )


_LEVELS = {"info": logging.DEBUG, "notice": logging.INFO, "warning": logging.WARNING, "high": logging.ERROR}


def _log_fields(row: EventRow) -> dict[str, object]:
    """What of an event goes to the log: no address, only its hash."""
    fields = {
        "severity": row.severity,
        "request_id": row.request_id,
        "org_id": row.org_id,
        "widget_id": row.widget_id,
        "session_id": row.session_id,
        "domain": row.domain,
        "address_hash": row.address_hash,
        **row.details,
    }
    return {name: value for name, value in fields.items() if value is not None}
