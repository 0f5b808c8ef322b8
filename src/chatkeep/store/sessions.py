"""Visitors and sessions: rows in, frozen rows out."""

from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update

from chatkeep.ids import ConversationId, OrgId, SessionId, VisitorId, WidgetId
from chatkeep.store import tables
from chatkeep.store.engine import Tx
from chatkeep.store.writer import Write

sessions = tables.sessions


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as stored, with the conversation that it opened. Times in ms."""

    session_id: SessionId
    org_id: OrgId
    widget_id: WidgetId
    visitor_id: VisitorId
    conversation_id: ConversationId
    origin: str
    generation: int
    previous_until_ms: int | None
    created_at_ms: int
    active_at_ms: int
    ended_at_ms: int | None
    end_reason: str | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where a session was opened from, as recorded for later comparison."""

    address: str
    user_agent: str
    page_url: str | None
    page_title: str | None


_insert_visitor = insert(tables.visitors)
_insert_session = insert(sessions)
_insert_conversation = insert(tables.conversations)
_touch = update(sessions).where(sessions.c.id == bindparam("b_id"), sessions.c.org_id == bindparam("b_org")).values(active_at=bindparam("b_at"))


def opening(session: SessionRow, seen: Circumstances) -> tuple[Write, ...]:
    """The writes that make a visitor, its session and its first conversation."""
    at = session.created_at_ms
    return (
        Write(_insert_visitor, {"id": session.visitor_id, "org_id": session.org_id, "created_at": at}),
        Write(
            _insert_session,
            {
                "id": session.session_id,
                "org_id": session.org_id,
                "widget_id": session.widget_id,
                "visitor_id": session.visitor_id,
                "origin": session.origin,
                "address": seen.address,
                "user_agent": seen.user_agent,
                "page_url": seen.page_url,
                "page_title": seen.page_title,
                "generation": session.generation,
                "previous_until": None,
                "created_at": at,
                "active_at": at,
                "ended_at": None,
                "end_reason": None,
            },
        ),
        Write(
            _insert_conversation,
            {
                "id": session.conversation_id,
                "org_id": session.org_id,
                "widget_id": session.widget_id,
                "visitor_id": session.visitor_id,
                "created_at": at,
            },
        ),
    )


def activity(session: SessionRow, at_ms: int) -> Write:
    """The write that notes the last activity of *session*."""
    return Write(_touch, {"b_id": session.session_id, "b_org": session.org_id, "b_at": at_ms})


def find_session(tx: Tx, widget: WidgetId, session: SessionId) -> SessionRow | None:
    """The session of that id of *widget*, ended or not."""
    first_conversation = (
        select(tables.conversations.c.id)
        .where(tables.conversations.c.visitor_id == sessions.c.visitor_id)
        .order_by(tables.conversations.c.created_at.desc(), tables.conversations.c.id)
        .limit(1)
        .scalar_subquery()
    )
    query = select(sessions, first_conversation.label("conversation_id")).where(sessions.c.id == session, sessions.c.widget_id == widget)
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return SessionRow(
        SessionId(row.id),
        OrgId(row.org_id),
        WidgetId(row.widget_id),
        VisitorId(row.visitor_id),
        ConversationId(row.conversation_id),
        row.origin,
        row.generation,
        row.previous_until,
        row.created_at,
        row.active_at,
        row.ended_at,
        row.end_reason,
    )


def rotate(tx: Tx, org: OrgId, session: SessionId, *, from_generation: int, previous_until_ms: int) -> bool:
    """Move *session* on by one token generation; ``False`` when somebody else already did."""
    changed = tx.execute(
        update(sessions)
        .where(sessions.c.org_id == org, sessions.c.id == session, sessions.c.generation == from_generation, sessions.c.ended_at.is_(None))
        .values(generation=from_generation + 1, previous_until=previous_until_ms)
    )
    return changed.rowcount == 1


def confirm_generation(tx: Tx, org: OrgId, session: SessionId, generation: int) -> None:
    """Note that the token of *generation* was used: the one before it is dead from now on."""
    tx.execute(update(sessions).where(sessions.c.org_id == org, sessions.c.id == session, sessions.c.generation == generation).values(previous_until=None))


def end_session(tx: Tx, org: OrgId, session: SessionId, *, at_ms: int, reason: str) -> bool:
    """End *session*; ``False`` when it had ended before."""
    changed = tx.execute(
        update(sessions).where(sessions.c.org_id == org, sessions.c.id == session, sessions.c.ended_at.is_(None)).values(ended_at=at_ms, end_reason=reason)
    )
    return changed.rowcount == 1
