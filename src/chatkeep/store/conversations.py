"""Conversations as operators see them: rows in, frozen rows out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select

from chatkeep.ids import ConversationId, OrgId, VisitorId, WidgetId
from chatkeep.store.engine import Tx
from chatkeep.store.messages import ERASED
from chatkeep.store.paging import Part, part_of
from chatkeep.store.steering import unsought
from chatkeep.store.tables import conversations, feedback, messages, sessions, visitors

_ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations are wanted; ``None`` is all. *text*: in what was said; *page*: where; *is_flagged*: an answer was rated down."""

    widget: WidgetId | None = None
    visitor: VisitorId | None = None
    page: "Pages | None" = None
    text: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    is_flagged: bool | None = None


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of one origin, with *scheme*; else of every origin with that *host*, which may have a port: ``shop.example``, ``shop.example:8443``."""

    scheme: str | None
    host: str


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation with what lists show of it. Times in ms."""

    conversation_id: ConversationId
    widget_id: WidgetId
    visitor_id: VisitorId
    subject: str | None
    email: str | None
    name: str | None
    origin: str | None
    messages: int
    is_flagged: bool
    created_at_ms: int
    last_at_ms: int


def list_conversations(tx: Tx, org: OrgId, part: Part, wanted: ConversationFilter) -> tuple[list[ConversationRow], int]:
    """Conversations of *org* in which something was said, newest first, and how many there are."""
    is_narrow = (wanted.widget, wanted.visitor) != (None, None)
    query = _conversations(org, is_narrow=is_narrow).where(*_filters(org, wanted)).order_by(conversations.c.created_at.desc(), conversations.c.id)
    rows, total = part_of(tx, query, part)
    return [_conversation(row) for row in rows], total


def find_conversation(tx: Tx, org: OrgId, conversation: ConversationId) -> ConversationRow | None:
    """The conversation of that id in *org*."""
    row = tx.execute(_conversations(org, is_narrow=True).where(conversations.c.id == conversation)).one_or_none()
    return _conversation(row) if row is not None else None


def ratings_of(tx: Tx, org: OrgId, conversation: ConversationId) -> Mapping[str, tuple[str, str | None]]:
    """What visitors thought of the answers of *conversation*: rating and comment by message id."""
    joined = feedback.join(messages, messages.c.id == feedback.c.message_id)
    query = select(feedback).select_from(joined).where(feedback.c.org_id == org, messages.c.conversation_id == conversation)
    return {row.message_id: (row.rating, row.comment) for row in tx.execute(query)}


def _conversations(org: OrgId, *, is_narrow: bool) -> Select[Any]:
    """Conversations of *org* with what lists show of them; those that nobody has said anything in are left out.

    *is_narrow*: another condition follows, which finds fewer.
    """
    own = (unsought(conversations.c.org_id) if is_narrow else conversations.c.org_id) == org
    said = (unsought(messages.c.org_id) == org, messages.c.conversation_id == conversations.c.id, messages.c.ending.is_distinct_from(ERASED))
    count = select(func.count()).where(*said).correlate(conversations).scalar_subquery()
    last = select(func.max(messages.c.created_at)).where(*said).correlate(conversations).scalar_subquery()
    origin = (
        select(sessions.c.origin)
        .join(messages, messages.c.session_id == sessions.c.id)
        .where(*said)
        .order_by(messages.c.seq)
        .limit(1)
        .correlate(conversations)
        .scalar_subquery()
    )
    return (
        select(
            conversations,
            visitors.c.subject,
            visitors.c.email,
            visitors.c.name,
            count.label("said"),
            last.label("last_at"),
            origin.label("origin"),
            _is_flagged(org).label("is_flagged"),
        )
        .select_from(conversations.join(visitors, visitors.c.id == conversations.c.visitor_id))
        .where(own, select(messages.c.id).where(*said).correlate(conversations).exists())
    )


def _is_flagged(org: OrgId) -> ColumnElement[bool]:
    """Whether an answer of the conversation was rated down."""
    joined = feedback.join(messages, messages.c.id == feedback.c.message_id)
    down = (feedback.c.org_id == org, feedback.c.rating == "down", messages.c.conversation_id == conversations.c.id)
    return select(feedback.c.message_id).select_from(joined).where(*down).correlate(conversations).exists()


def _filters(org: OrgId, wanted: ConversationFilter) -> list[ColumnElement[bool]]:
    """*wanted* as conditions; every value is bound, and what a pattern means specially is escaped."""
    found: list[ColumnElement[bool]] = []
    if wanted.widget is not None:
        found.append(conversations.c.widget_id == wanted.widget)
    if wanted.visitor is not None:
        found.append(conversations.c.visitor_id == wanted.visitor)
    if wanted.since_ms is not None:
        found.append(conversations.c.created_at >= wanted.since_ms)
    if wanted.until_ms is not None:
        found.append(conversations.c.created_at < wanted.until_ms)
    if wanted.is_flagged is not None:
        found.append(_is_flagged(org) if wanted.is_flagged else ~_is_flagged(org))
    here = (unsought(messages.c.org_id) == org, messages.c.conversation_id == conversations.c.id)
    if wanted.text is not None:
        like = messages.c.text.icontains(wanted.text, autoescape=True, escape=_ESCAPE)
        found.append(select(messages.c.id).where(*here, messages.c.ending.is_distinct_from(ERASED), like).correlate(conversations).exists())
    if wanted.page is not None:
        from_page = select(messages.c.id).join(sessions, sessions.c.id == messages.c.session_id).where(*here, _is_of(wanted.page))
        found.append(from_page.correlate(conversations).exists())
    return found


def _is_of(pages: Pages) -> ColumnElement[bool]:
    """Whether a session was opened on one of *pages*."""
    origin = sessions.c.origin
    if pages.scheme is not None:
        return origin == f"{pages.scheme}://{pages.host}"
    starts = [f"{scheme}://{pages.host}" for scheme in ("https", "http")]
    return or_(origin.in_(starts), *(origin.startswith(f"{start}:", autoescape=True, escape=_ESCAPE) for start in starts))


def _conversation(row: Row[Any]) -> ConversationRow:
    """A row of the query as ``ConversationRow``."""
    return ConversationRow(
        ConversationId(row.id),
        WidgetId(row.widget_id),
        VisitorId(row.visitor_id),
        row.subject,
        row.email,
        row.name,
        row.origin,
        row.said,
        bool(row.is_flagged),
        row.created_at,
        row.last_at,
    )
