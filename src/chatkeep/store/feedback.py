"""Feedback: what a visitor thinks of an answer. One row an answer, the latest opinion."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from chatkeep.ids import MessageId, OrgId, VisitorId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import conversations, feedback, messages


def put_feedback(tx: Tx, org: OrgId, visitor: VisitorId, message: MessageId, *, rating: str, comment: str | None, at_ms: int) -> bool:
    """Note what *visitor* thinks of *message*, in place of what they thought before; ``False`` unless it is an answer to them."""
    answer = (
        select(messages.c.id)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(messages.c.id == message, messages.c.org_id == org, messages.c.role == "assistant", conversations.c.visitor_id == visitor)
    )
    if tx.execute(answer).first() is None:
        return False
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    opinion = {"rating": rating, "comment": comment, "created_at": at_ms}
    statement = insert(feedback).values(message_id=message, org_id=org, **opinion)
    tx.execute(statement.on_conflict_do_update(index_elements=[feedback.c.message_id], set_=opinion))
    return True
