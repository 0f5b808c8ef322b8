"""What domain mode keeps: a standing session for each visitor, and conversations that callers name."""

from sqlalchemy import insert, select

from chatkeep.ids import ConversationId, OrgId, VisitorId, WidgetId
from chatkeep.store.engine import Tx
from chatkeep.store.sessions import Page, SessionRow, new_visitor, starting
from chatkeep.store.tables import conversations, visitors


def open_standing(tx: Tx, session: SessionRow) -> None:
    """Make the session that stands for one address, and its visitor (the network) unless that is known."""
    known = tx.execute(select(visitors.c.id).where(visitors.c.id == session.visitor_id, visitors.c.org_id == session.org_id)).first()
    writes = starting(session, Page(None, None))
    for write in writes if known is not None else (new_visitor(session), *writes):
        tx.execute(write.statement, [write.values])


def find_owner(tx: Tx, conversation: ConversationId) -> VisitorId | None:
    """Whose *conversation* is, in whatever organization: an id that is taken is taken."""
    row = tx.execute(select(conversations.c.visitor_id).where(conversations.c.id == conversation)).one_or_none()
    return VisitorId(row.visitor_id) if row is not None else None


def add_conversation(tx: Tx, org: OrgId, conversation: ConversationId, *, widget: WidgetId, visitor: VisitorId, at_ms: int) -> None:
    """Make *conversation* for *visitor*."""
    tx.execute(insert(conversations).values(id=conversation, org_id=org, widget_id=widget, visitor_id=visitor, created_at=at_ms))
