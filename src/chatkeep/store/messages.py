"""Messages: what was said, in order.

An answer is one row, written empty beside its question and updated while it grows. A
question that was erased is a tombstone (``erasing.py``): counted, never shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chatkeep.ids import ConversationId, MessageId, OrgId, SessionId, VisitorId, WidgetId
from chatkeep.store.engine import Tx
from chatkeep.store.steering import unsought
from chatkeep.store.tables import conversations, messages, sessions
from chatkeep.store.writer import Write

# The ``ending`` of a question that its visitor erased.
ERASED = "erased"


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A question and the empty answer that belongs to it."""

    org_id: OrgId
    conversation_id: ConversationId
    session_id: SessionId
    question_id: MessageId
    answer_id: MessageId
    question: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AnswerProgress:
    """An answer as far as it is made."""

    org_id: OrgId
    answer_id: MessageId
    text: str
    state: str
    citations: Sequence[dict[str, Any]]
    ending: str | None
    provider: str | None
    tokens_in: int | None
    tokens_out: int | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as stored. *created_at_ms*: when a question was asked, and when the last words of an answer were stored."""

    seq: int
    message_id: MessageId
    role: str
    text: str
    state: str
    created_at_ms: int
    reply_to: MessageId | None
    citations: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Visitor messages so far, for limits that outlive a restart."""

    session: int
    conversation: int
    visitor_today: int
    # By the page's origin.
    widget_today: Mapping[str, int]


_insert = insert(messages)
# One statement for every save of an answer, so that saves of one row keep their order in a group.
_save = (
    update(messages)
    .where(messages.c.id == bindparam("b_id"), messages.c.org_id == bindparam("b_org"), messages.c.state == "streaming")
    .values(
        text=bindparam("b_text"),
        state=bindparam("b_state"),
        citations=bindparam("b_citations"),
        ending=bindparam("b_ending"),
        provider=bindparam("b_provider"),
        tokens_in=bindparam("b_tokens_in"),
        tokens_out=bindparam("b_tokens_out"),
        updated_at=bindparam("b_at"),
    )
)


def beginning(turn: NewTurn) -> tuple[Write, Write]:
    """The writes that store a question and its empty answer."""
    shared = {
        "org_id": turn.org_id,
        "conversation_id": turn.conversation_id,
        "session_id": turn.session_id,
        "citations": [],
        "created_at": turn.at_ms,
        "updated_at": turn.at_ms,
        "ending": None,
        "provider": None,
        "tokens_in": None,
        "tokens_out": None,
    }
    question = {**shared, "id": turn.question_id, "role": "visitor", "reply_to": None, "text": turn.question, "state": "complete"}
    answer = {**shared, "id": turn.answer_id, "role": "assistant", "reply_to": turn.question_id, "text": "", "state": "streaming"}
    return Write(_insert, question), Write(_insert, answer)


def progress(answer: AnswerProgress) -> Write:
    """The write that stores an answer as far as it is made; a finished answer stays as it is."""
    return Write(
        _save,
        {
            "b_id": answer.answer_id,
            "b_org": answer.org_id,
            "b_text": answer.text,
            "b_state": answer.state,
            "b_citations": list(answer.citations),
            "b_ending": answer.ending,
            "b_provider": answer.provider,
            "b_tokens_in": answer.tokens_in,
            "b_tokens_out": answer.tokens_out,
            "b_at": answer.at_ms,
        },
    )


def page_of_messages(tx: Tx, org: OrgId, conversation: ConversationId, *, before: MessageId | None, limit: int) -> tuple[list[MessageRow], bool]:
    """Up to *limit* messages before *before* (or the newest), oldest first, and whether there are more."""
    query = select(messages).where(unsought(messages.c.org_id) == org, messages.c.conversation_id == conversation, messages.c.ending.is_distinct_from(ERASED))
    if before is not None:
        edge = select(messages.c.seq).where(messages.c.id == before, messages.c.conversation_id == conversation).scalar_subquery()
        query = query.where(messages.c.seq < edge)
    rows = tx.execute(query.order_by(messages.c.seq.desc()).limit(limit + 1)).all()
    page = [
        MessageRow(
            row.seq,
            MessageId(row.id),
            row.role,
            row.text,
            row.state,
            row.updated_at if row.role == "assistant" else row.created_at,
            MessageId(row.reply_to) if row.reply_to else None,
            row.citations,
        )
        for row in reversed(rows[:limit])
    ]
    return page, len(rows) > limit


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as stored, with what a repeated request needs of it."""

    message_id: MessageId
    question_id: MessageId
    conversation_id: ConversationId
    text: str
    state: str
    ending: str | None
    citations: Sequence[dict[str, Any]]

    @property
    def is_unfinished(self) -> bool:
        """Whether it broke off, and not because its visitor wanted that: asked for again, it is made anew."""
        return self.state == "interrupted" and self.ending != "stopped"

    @property
    def was_left(self) -> bool:
        """Whether it broke off because its visitor went away: to go away and come back must not buy answers."""
        return self.ending == "disconnected"


def find_answer(tx: Tx, org: OrgId, visitor: VisitorId, message: MessageId) -> StoredAnswer | None:
    """The answer of that id in one of *visitor*'s conversations."""
    query = (
        select(messages)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(messages.c.id == message, messages.c.org_id == org, messages.c.role == "assistant", conversations.c.visitor_id == visitor)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return StoredAnswer(MessageId(row.id), MessageId(row.reply_to), ConversationId(row.conversation_id), row.text, row.state, row.ending, row.citations)


def reopen_answer(tx: Tx, org: OrgId, message: MessageId, *, at_ms: int) -> bool:
    """Empty an interrupted answer so that it can be made anew; ``False`` when somebody else does that already."""
    changed = tx.execute(
        update(messages)
        .where(messages.c.org_id == org, messages.c.id == message, messages.c.state == "interrupted")
        .values(state="streaming", text="", ending=None, citations=[], updated_at=at_ms)
    )
    return changed.rowcount == 1


def settle_turn(tx: Tx, turn: NewTurn) -> None:
    """End the answer of a *turn* that nobody knows to be stored: interrupted where it is, and never there where it is not.

    Instance-wide: *turn* names its tenant.
    """
    insert_one = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    _, answer = beginning(turn)
    # Its own place is asked for: where the commit in doubt is still on its way, PostgreSQL waits for it here.
    mine = insert_one(messages).values(answer.values).on_conflict_do_nothing(index_elements=[messages.c.id]).returning(messages.c.seq)
    this_one = (messages.c.org_id == turn.org_id, messages.c.id == turn.answer_id)
    if tx.execute(mine).first() is not None:
        tx.execute(delete(messages).where(*this_one))
    else:
        tx.execute(update(messages).where(*this_one, messages.c.state == "streaming").values(state="interrupted"))


def owns_conversation(tx: Tx, org: OrgId, visitor: VisitorId, conversation: ConversationId) -> bool:
    """Whether *conversation* is one of *visitor*'s in *org*."""
    query = select(conversations.c.id).where(conversations.c.id == conversation, conversations.c.org_id == org, conversations.c.visitor_id == visitor)
    return tx.execute(query).first() is not None


def count_for_limits(
    tx: Tx, org: OrgId, *, widget: WidgetId, visitor: VisitorId | None, session: SessionId, conversation: ConversationId, day_start_ms: int
) -> Counts:
    """How many messages a visitor, its session and conversation, and the widget on that origin have had.

    Without a *visitor*, the session stands for one. What was erased counts, but not for the conversation that goes on in its place.
    """
    asked = select(func.count()).select_from(messages).where(unsought(messages.c.org_id) == org, messages.c.role == "visitor")
    joined = (
        select(func.count())
        .select_from(messages.join(sessions, sessions.c.id == messages.c.session_id))
        .where(unsought(messages.c.org_id) == org, messages.c.role == "visitor", messages.c.created_at >= day_start_ms)
    )
    by_page = (
        select(sessions.c.origin, func.count().label("asked"))
        .select_from(messages.join(sessions, sessions.c.id == messages.c.session_id))
        .where(messages.c.org_id == org, messages.c.role == "visitor", messages.c.created_at >= day_start_ms, unsought(sessions.c.widget_id) == widget)
        .group_by(sessions.c.origin)
    )
    return Counts(
        session=tx.execute(asked.where(messages.c.session_id == session)).scalar_one(),
        conversation=tx.execute(asked.where(messages.c.conversation_id == conversation, messages.c.ending.is_(None))).scalar_one(),
        visitor_today=tx.execute(joined.where(sessions.c.visitor_id == visitor if visitor is not None else sessions.c.id == session)).scalar_one(),
        widget_today={row.origin: row.asked for row in tx.execute(by_page)},
    )


def mark_interrupted(tx: Tx) -> int:
    """End every answer that a process left unfinished; how many. Instance-wide: for the start."""
    return tx.execute(update(messages).where(messages.c.state == "streaming").values(state="interrupted")).rowcount
