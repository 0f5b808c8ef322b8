"""Conversations: a visitor reads what was said in their own."""

from datetime import UTC, datetime

from msgspec import Struct

from chatkeep.accept.chat import ADMISSION_ERRORS, Citation
from chatkeep.admit import Arrival, Desk, enter, recorded
from chatkeep.admit.body import parse_conversation_id
from chatkeep.clock import iso
from chatkeep.errors import invalid
from chatkeep.ids import MessageId, find_message_id
from chatkeep.store.messages import MessageRow, page_of_messages
from chatkeep.web.headers import Surface
from chatkeep.web.routes import Audience, Call, Reply, Route

_PAGE = 50
_LARGEST_PAGE = 200


class HistoryMessage(Struct):
    """One message of a conversation."""

    message_id: str
    role: str
    text: str
    state: str
    created_at: str
    reply_to: str | None
    citations: list[Citation]


class History(Struct):
    """A page of messages, the oldest first; *has_more* says whether there are older ones."""

    messages: list[HistoryMessage]
    has_more: bool


def conversation_routes(desk: Desk) -> list[Route]:
    """The rows of this file."""

    async def read_history(call: Call) -> Reply:
        asked_for = call.params["conversation_id"]
        entered = await enter(call.arrival, desk, asked_for=asked_for)
        with recorded(entered.seen, desk):
            before, limit = _parse_page(call.arrival)
            rows, has_more = await desk.store.read(page_of_messages, entered.session.org_id, parse_conversation_id(asked_for), before=before, limit=limit)
        return Reply({"messages": [_message(row) for row in rows], "has_more": has_more})

    return [
        Route(
            "GET",
            "/api/conversations/{conversation_id}/messages",
            Audience.SESSION,
            Surface.VISITOR_API,
            "Read the own conversation",
            read_history,
            History,
            errors=ADMISSION_ERRORS,
            query={"before": "A message id: only what was said before it.", "limit": f"At most this many messages, 1 to {_LARGEST_PAGE}; {_PAGE} by default."},
        )
    ]


def _parse_page(arrival: Arrival) -> tuple[MessageId | None, int]:
    """Which page of the history is wanted. Raises ``Refused``."""
    before_text = arrival.query.get("before")
    before = find_message_id(before_text) if before_text is not None else None
    if before_text is not None and before is None:
        raise invalid("before", "is not a message id")
    limit_text = arrival.query.get("limit", str(_PAGE))
    if not (limit_text.isascii() and limit_text.isdigit() and len(limit_text) <= len(str(_LARGEST_PAGE)) and 1 <= int(limit_text) <= _LARGEST_PAGE):
        raise invalid("limit", f"must be a whole number from 1 to {_LARGEST_PAGE}")
    return before, int(limit_text)


def _message(row: MessageRow) -> dict[str, object]:
    """A message as its visitor sees it."""
    return {
        "message_id": row.message_id,
        "role": row.role,
        "text": row.text,
        "state": row.state,
        "created_at": iso(datetime.fromtimestamp(row.created_at_ms / 1000, UTC)),
        "reply_to": row.reply_to,
        "citations": list(row.citations),
    }
