"""Visitors' sessions as operators see them: rows in, frozen rows out."""

from dataclasses import dataclass

from sqlalchemy import select

from chatkeep.ids import OrgId, SessionId, VisitorId, WidgetId
from chatkeep.store.engine import Tx
from chatkeep.store.paging import Part, part_of
from chatkeep.store.steering import unsought
from chatkeep.store.tables import sessions


@dataclass(frozen=True, slots=True)
class Visit:
    """A session of a visitor. Times in ms."""

    session_id: SessionId
    widget_id: WidgetId
    visitor_id: VisitorId
    origin: str
    address: str
    user_agent: str
    is_bound: bool
    created_at_ms: int
    active_at_ms: int
    ended_at_ms: int | None
    end_reason: str | None


def list_visits(
    tx: Tx,
    org: OrgId,
    part: Part,
    *,
    widget: WidgetId | None = None,
    visitor: VisitorId | None = None,
    session: SessionId | None = None,
    is_open: bool | None = None,
) -> tuple[list[Visit], int]:
    """Sessions of *org*, newest first, and how many there are; of one widget, visitor or id, open or ended ones alone."""
    is_narrow = (widget, visitor, session) != (None, None, None)
    query = select(sessions).where((unsought(sessions.c.org_id) if is_narrow else sessions.c.org_id) == org)
    if widget is not None:
        query = query.where(sessions.c.widget_id == widget)
    if visitor is not None:
        query = query.where(sessions.c.visitor_id == visitor)
    if session is not None:
        query = query.where(sessions.c.id == session)
    if is_open is not None:
        query = query.where(sessions.c.ended_at.is_(None) if is_open else sessions.c.ended_at.is_not(None))
    rows, total = part_of(tx, query.order_by(sessions.c.created_at.desc(), sessions.c.id), part)
    return [
        Visit(
            SessionId(row.id),
            WidgetId(row.widget_id),
            VisitorId(row.visitor_id),
            row.origin,
            row.address,
            row.user_agent,
            row.key_thumbprint is not None,
            row.created_at,
            row.active_at,
            row.ended_at,
            row.end_reason,
        )
        for row in rows
    ], total
