"""Security events: rows in, frozen rows out. What they mean is ``audit/``'s question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chatkeep.ids import EventId, OrgId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import security_events
from chatkeep.store.usage import UsageRow, add_usage


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


def write_record(tx: Tx, new: Sequence[EventRow], more: Sequence[EventRow], usage: Sequence[UsageRow]) -> None:
    """Store *new* events, what those of *more* stand for by now, and *usage*: all of it or nothing. Instance-wide: each row names its tenant."""
    if new:
        tx.execute(_insert, [_values(event) for event in new])
    if more:
        tx.execute(_recount, [{"b_id": event.event_id, "b_count": event.count} for event in more])
    add_usage(tx, usage)


def add_event(tx: Tx, event: EventRow) -> None:
    """Store *event* in the transaction of what it tells of. Instance-wide: the row names its organization, if there is one."""
    tx.execute(_insert, _values(event))


def _values(event: EventRow) -> dict[str, Any]:
    """*event* by column."""
    return {
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
    }


def was_written(tx: Tx, event: EventRow) -> bool:
    """Whether *event* is stored as standing for at least its count, by a transaction whose commit nobody confirmed. Instance-wide: ids name no tenant."""
    insert_one = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    this_one = security_events.c.id == event.event_id
    # Its own place is asked for, and its row: where that commit is still on its way, PostgreSQL waits for it here.
    mine = insert_one(security_events).values(_values(event)).on_conflict_do_nothing(index_elements=[security_events.c.id]).returning(security_events.c.id)
    if tx.execute(mine).first() is not None:
        tx.execute(delete(security_events).where(this_one))
        return False
    stored = select(security_events.c.id).where(this_one, security_events.c.count >= event.count)
    return tx.execute(stored.with_for_update()).first() is not None


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
