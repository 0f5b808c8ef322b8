"""Security events: rows in, frozen rows out. What they mean is ``audit/``'s question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from chatkeep.ids import EventId, OrgId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import security_events
from chatkeep.store.writer import Write


@dataclass(frozen=True, slots=True)
class EventRow:
    """A security event as stored; *count* is how many equal ones it stands for."""

    event_id: EventId
    time_ms: int
    type: str
    severity: str
    org_id: str | None
    widget_id: str | None
    session_id: str | None
    conversation_id: str | None
    domain: str | None
    address: str | None
    address_hash: str | None
    user_agent: str | None
    request_id: str | None
    details: Mapping[str, Any]
    count: int


_insert = insert(security_events)
_recount = update(security_events).where(security_events.c.id == bindparam("b_id")).values(count=bindparam("b_count"))


def new_event(event: EventRow) -> Write:
    """The write that stores *event*."""
    return Write(
        _insert,
        {
            "id": event.event_id,
            "time": event.time_ms,
            "type": event.type,
            "severity": event.severity,
            "org_id": event.org_id,
            "widget_id": event.widget_id,
            "session_id": event.session_id,
            "conversation_id": event.conversation_id,
            "domain": event.domain,
            "address": event.address,
            "address_hash": event.address_hash,
            "user_agent": event.user_agent,
            "request_id": event.request_id,
            "details": dict(event.details),
            "count": event.count,
        },
    )


def add_event(tx: Tx, event: EventRow) -> None:
    """Store *event* in the transaction of what it tells of. Instance-wide: the row names its organization, if there is one."""
    write = new_event(event)
    tx.execute(write.statement, [write.values])


def more_of(event: EventId, count: int) -> Write:
    """The write that says how many equal events *event* stands for by now."""
    return Write(_recount, {"b_id": event, "b_count": count})


def list_events(tx: Tx, org: OrgId, *, types: Sequence[str] = (), since_ms: int = 0, limit: int = 100, with_unknown: bool = False) -> list[EventRow]:
    """The newest events of *org*, newest first; *with_unknown* adds those from before a tenant was known."""
    owner = security_events.c.org_id == org
    # Row has a method named count: the column needs another name to be read by.
    columns = [column.label("count_") if column.name == "count" else column for column in security_events.c]
    query = select(*columns).where((owner | security_events.c.org_id.is_(None)) if with_unknown else owner)
    query = query.where(security_events.c.time >= since_ms)
    if types:
        query = query.where(security_events.c.type.in_(types))
    rows = tx.execute(query.order_by(security_events.c.time.desc(), security_events.c.id).limit(limit))
    return [_event(row) for row in rows]


def _event(row: Row[Any]) -> EventRow:
    """A row of the table as ``EventRow``."""
    return EventRow(
        EventId(row.id),
        row.time,
        row.type,
        row.severity,
        row.org_id,
        row.widget_id,
        row.session_id,
        row.conversation_id,
        row.domain,
        row.address,
        row.address_hash,
        row.user_agent,
        row.request_id,
        row.details,
        row.count_,
    )
