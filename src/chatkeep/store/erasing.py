"""Erasing: what a visitor said is gone, and what their limits count stays.

A question leaves a tombstone: who asked (its session) and when, without text, citations
or its own id. It lies in the conversation that goes on after the erased one, where
``ending`` tells it apart and ``reply_to`` names the conversation that it was erased with.
Without it, erasing and a restart would give the day's messages back.
"""

from sqlalchemy import String, case, cast, delete, func, insert, literal, select, update

from chatkeep.ids import ConversationId, OrgId, VisitorId
from chatkeep.store.engine import Tx
from chatkeep.store.messages import ERASED
from chatkeep.store.steering import unsought
from chatkeep.store.tables import conversations, feedback, idempotency_keys, messages, sessions


def erase_conversation(tx: Tx, org: OrgId, visitor: VisitorId, conversation: ConversationId, *, heir: ConversationId) -> bool:
    """Erase *visitor*'s *conversation* with all that was said in it; ``False`` when there is none.

    *heir* takes the tombstones; it is made when it does not exist yet, as old as what it
    goes on for: a session knows its own conversation by that time.
    """
    own = (conversations.c.org_id == org, conversations.c.visitor_id == visitor)
    erased = tx.execute(select(conversations.c.widget_id, conversations.c.created_at).where(conversations.c.id == conversation, *own)).one_or_none()
    if erased is None:
        return False
    if tx.execute(select(conversations.c.id).where(conversations.c.id == heir, *own)).first() is None:
        tx.execute(insert(conversations).values(id=heir, org_id=org, widget_id=erased.widget_id, visitor_id=visitor, created_at=erased.created_at))
    here = (unsought(messages.c.org_id) == org, messages.c.conversation_id == conversation)
    said = select(messages.c.id).where(*here)
    tx.execute(delete(feedback).where(feedback.c.org_id == org, feedback.c.message_id.in_(said)))
    tx.execute(delete(idempotency_keys).where(idempotency_keys.c.org_id == org, idempotency_keys.c.message_id.in_(said)))
    tx.execute(delete(messages).where(*here, messages.c.role == "assistant"))
    tx.execute(
        update(messages)
        .where(*here)
        .values(
            id=literal("erased_").concat(cast(messages.c.seq, String)),
            conversation_id=heir,
            # A tombstone that was here already keeps the name of its own conversation.
            reply_to=case((messages.c.ending == ERASED, messages.c.reply_to), else_=conversation),
            text="",
            citations=[],
            ending=ERASED,
        )
    )
    tx.execute(delete(conversations).where(conversations.c.id == conversation, *own))
    return True


def was_erased(tx: Tx, org: OrgId, visitor: VisitorId, conversation: ConversationId) -> bool:
    """Whether *visitor* once had *conversation* and erased it."""
    query = (
        select(func.count())
        .select_from(messages.join(sessions, sessions.c.id == messages.c.session_id))
        .where(unsought(messages.c.org_id) == org, sessions.c.visitor_id == visitor, messages.c.ending == ERASED, messages.c.reply_to == conversation)
    )
    return int(tx.execute(query).scalar_one()) > 0
