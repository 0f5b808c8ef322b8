"""What domain mode keeps: a standing session for each visitor, and conversations that callers name.

Both begin with the first message that is let in, in its transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from chatkeep.ids import ConversationId, OrgId, VisitorId
from chatkeep.store.engine import Tx
from chatkeep.store.sessions import Page, SessionRow, new_conversation, new_session, new_visitor
from chatkeep.store.tables import conversations, sessions, visitors
from chatkeep.store.writer import Write


@dataclass(frozen=True, slots=True)
class Standing:
    """A session and a conversation of it, of which something is not stored yet."""

    session: SessionRow
    conversation_id: ConversationId
    is_session_new: bool
    is_conversation_new: bool


def begin_standing(tx: Tx, org: OrgId, standing: Standing, writes: Sequence[Write], *, at_ms: int) -> bool:
    """Store what is missing of *standing*, then *writes*. ``False``, and nothing stored, when the conversation is somebody else's by now."""
    session, conversation = standing.session, standing.conversation_id
    owner = find_owner(tx, conversation)
    if owner is not None and owner != session.visitor_id:
        return False
    missing: list[Write] = []
    if tx.execute(select(visitors.c.id).where(visitors.c.id == session.visitor_id, visitors.c.org_id == org)).first() is None:
        missing.append(new_visitor(session))
    # A session that stands for an address has no end: one that was ended while the widget had another mode goes on.
    reopened = update(sessions).where(sessions.c.id == session.session_id, sessions.c.org_id == org).values(ended_at=None, end_reason=None, active_at=at_ms)
    if tx.execute(reopened).rowcount == 0:
        missing.append(new_session(session, Page(None, None)))
    if owner is None:
        missing.append(new_conversation(session, conversation, at_ms))
    for write in (*missing, *writes):
        tx.execute(write.statement, [write.values])
    return True


def find_owner(tx: Tx, conversation: ConversationId) -> VisitorId | None:
    """Whose *conversation* is, in whatever organization. Instance-wide: an id that is taken is taken."""
    row = tx.execute(select(conversations.c.visitor_id).where(conversations.c.id == conversation)).one_or_none()
    return VisitorId(row.visitor_id) if row is not None else None
