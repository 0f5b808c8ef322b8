"""Visitors and sessions: rows in, frozen rows out."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, exists, func, insert, select, update

from chatkeep.ids import ConversationId, OrgId, SessionId, VisitorId, WidgetId
from chatkeep.store import tables
from chatkeep.store.engine import Tx
from chatkeep.store.writer import Write

sessions = tables.sessions


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as stored, with the conversation that it opened. *is_vouched*: the host's server said who its visitor is. Times in ms."""

    session_id: SessionId
    org_id: OrgId
    widget_id: WidgetId
    visitor_id: VisitorId
    conversation_id: ConversationId
    origin: str
    address: str
    user_agent: str
    key_thumbprint: str | None
    generation: int
    previous_until_ms: int | None
    created_at_ms: int
    active_at_ms: int
    ended_at_ms: int | None
    end_reason: str | None
    is_vouched: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The page that a session was opened on."""

    page_url: str | None
    page_title: str | None


_insert_visitor = insert(tables.visitors)
_insert_session = insert(sessions)
_insert_conversation = insert(tables.conversations)
_move = (
    update(sessions)
    .where(sessions.c.id == bindparam("b_id"), sessions.c.org_id == bindparam("b_org"))
    .values(address=bindparam("b_address"), user_agent=bindparam("b_user_agent"))
)
_touch = update(sessions).where(sessions.c.id == bindparam("b_id"), sessions.c.org_id == bindparam("b_org")).values(active_at=bindparam("b_at"))


def opening(session: SessionRow, page: Page) -> tuple[Write, ...]:
    """The writes that make a visitor, its session and its first conversation."""
    return (new_visitor(session), *starting(session, page))


def new_visitor(session: SessionRow) -> Write:
    """The write that makes the visitor of *session*, of whom nothing is known."""
    return Write(_insert_visitor, {"id": session.visitor_id, "org_id": session.org_id, "created_at": session.created_at_ms})


def starting(session: SessionRow, page: Page) -> tuple[Write, Write]:
    """The writes that make *session* and the conversation that it opens."""
    return new_session(session, page), new_conversation(session, session.conversation_id, session.created_at_ms)


def new_session(session: SessionRow, page: Page) -> Write:
    """The write that makes *session*."""
    return Write(
        _insert_session,
        {
            "id": session.session_id,
            "org_id": session.org_id,
            "widget_id": session.widget_id,
            "visitor_id": session.visitor_id,
            "origin": session.origin,
            "address": session.address,
            "user_agent": session.user_agent,
            "page_url": page.page_url,
            "page_title": page.page_title,
            "key_thumbprint": session.key_thumbprint,
            "generation": session.generation,
            "previous_until": None,
            "created_at": session.created_at_ms,
            "active_at": session.created_at_ms,
            "ended_at": None,
            "end_reason": None,
        },
    )


def new_conversation(session: SessionRow, conversation: ConversationId, at_ms: int) -> Write:
    """The write that makes *conversation* for the visitor of *session*."""
    values = {"id": conversation, "org_id": session.org_id, "widget_id": session.widget_id, "visitor_id": session.visitor_id, "created_at": at_ms}
    return Write(_insert_conversation, values)


def activity(session: SessionRow, at_ms: int) -> Write:
    """The write that notes the last activity of *session*."""
    return Write(_touch, {"b_id": session.session_id, "b_org": session.org_id, "b_at": at_ms})


def find_session(tx: Tx, widget: WidgetId, session: SessionId) -> SessionRow | None:
    """The session of that id of *widget*, ended or not. Instance-wide: a token names a widget, whose row names the tenant."""
    of_visitor = (
        select(tables.conversations.c.id)
        .where(tables.conversations.c.visitor_id == sessions.c.visitor_id, tables.conversations.c.widget_id == sessions.c.widget_id)
        .order_by(tables.conversations.c.created_at.desc(), tables.conversations.c.id)
        .limit(1)
    )
    # A known visitor has several: the one that was made in the same moment as the session, else what took its place.
    opened_with_it = of_visitor.where(tables.conversations.c.created_at == sessions.c.created_at)
    own_conversation = func.coalesce(opened_with_it.scalar_subquery(), of_visitor.scalar_subquery())
    is_vouched = tables.visitors.c.subject.is_not(None)
    query = (
        select(sessions, own_conversation.label("conversation_id"), is_vouched.label("is_vouched"))
        .join(tables.visitors, tables.visitors.c.id == sessions.c.visitor_id)
        .where(sessions.c.id == session, sessions.c.widget_id == widget)
    )
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
        row.address,
        row.user_agent,
        row.key_thumbprint,
        row.generation,
        row.previous_until,
        row.created_at,
        row.active_at,
        row.ended_at,
        row.end_reason,
        row.is_vouched,
    )


def move(session: SessionRow, *, address: str, user_agent: str) -> Write:
    """The write that notes where *session* goes on from."""
    return Write(_move, {"b_id": session.session_id, "b_org": session.org_id, "b_address": address, "b_user_agent": user_agent})


def stopped_among(tx: Tx, wanted: Sequence[SessionId], *, now_ms: int) -> dict[SessionId, bool]:
    """Those of *wanted* that have ended (``True``), or may not go on for now: blocked by hand, or their widget is paused (``False``).

    Instance-wide: ids of sessions that stream here.
    """
    blocks = tables.blocks.c
    holds = blocks.lifted_at.is_(None) & (blocks.ends_at.is_(None) | (blocks.ends_at > now_ms))
    of_session = (blocks.kind == "session") & (blocks.value == sessions.c.id)
    of_visitor = (blocks.kind == "visitor") & (blocks.value == sessions.c.visitor_id)
    is_blocked = exists().where(blocks.org_id == sessions.c.org_id, blocks.is_automatic.is_(False), holds, of_session | of_visitor)
    is_stopped = sessions.c.ended_at.is_not(None) | tables.widgets.c.is_active.is_(False) | is_blocked
    query = select(sessions.c.id, sessions.c.ended_at).join(tables.widgets, tables.widgets.c.id == sessions.c.widget_id)
    return {SessionId(row.id): row.ended_at is not None for row in tx.execute(query.where(sessions.c.id.in_(wanted), is_stopped))}


def changed_since(tx: Tx, since_ms: int) -> list[tuple[SessionId, int | None]]:
    """The sessions that ended since then (``None``), or were resumed: with the generation that they have now. Instance-wide: for the cache."""
    query = select(sessions.c.id, sessions.c.generation, sessions.c.ended_at).where((sessions.c.ended_at > since_ms) | (sessions.c.resumed_at > since_ms))
    return [(SessionId(row.id), row.generation if row.ended_at is None else None) for row in tx.execute(query)]


def widgets_with_open_sessions(tx: Tx) -> list[WidgetId]:
    """Every widget that has a session which has not ended. Instance-wide: for the sweep."""
    return [WidgetId(row.widget_id) for row in tx.execute(select(sessions.c.widget_id).where(sessions.c.ended_at.is_(None)).distinct())]


def sweep(tx: Tx, widget: WidgetId, *, at_ms: int, idle_since_ms: int, born_before_ms: int) -> int:
    """End the sessions of *widget* that idled since *idle_since_ms* or were opened before *born_before_ms*; how many. Instance-wide: for the sweep."""
    open_ones = update(sessions).where(sessions.c.widget_id == widget, sessions.c.ended_at.is_(None))
    aged = tx.execute(open_ones.where(sessions.c.created_at <= born_before_ms).values(ended_at=at_ms, end_reason="age"))
    idle = tx.execute(open_ones.where(sessions.c.active_at <= idle_since_ms).values(ended_at=at_ms, end_reason="idle"))
    return int(aged.rowcount + idle.rowcount)


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
