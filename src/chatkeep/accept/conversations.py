"""Conversations: a visitor reads their own, takes it away, or erases it."""

import asyncio

from msgspec import Struct

from chatkeep.accept.contract import ADMISSION_ERRORS
from chatkeep.accept.transcript import FORMATS, HistoryMessage, Transcript, history_message, transcript_of
from chatkeep.admit import Arrival, Desk, enter, recorded
from chatkeep.admit.body import parse_conversation_id
from chatkeep.answer import Answers
from chatkeep.crypto import new_id
from chatkeep.errors import Reason, Refused, invalid
from chatkeep.ids import MESSAGE_FORM, ConversationId, MessageId, OrgId, find_message_id
from chatkeep.store import Tx
from chatkeep.store.erasing import erase_conversation
from chatkeep.store.messages import MessageRow, page_of_messages
from chatkeep.web.headers import Surface
from chatkeep.web.routes import Audience, Call, Parameter, Reply, Route

_PAGE = 50
_LARGEST_PAGE = 200
_DEFAULT_FORMAT = "json"
_ALSO_AS = ("text/markdown", "text/plain")


class History(Struct):
    """A page of messages, the oldest first; *has_more* says whether there are older ones."""

    messages: list[HistoryMessage]
    has_more: bool


_OWN = "/api/conversations/{conversation_id}"
_ERRORS = (*ADMISSION_ERRORS, Reason.INVALID_CONVERSATION_ID, Reason.NOT_FOUND)


def conversation_routes(desk: Desk, answers: Answers) -> list[Route]:
    """The rows of this file."""

    async def read_history(call: Call) -> Reply:
        asked_for = call.params["conversation_id"]
        entered = await enter(call.arrival, desk, asked_for=asked_for)
        with recorded(entered.seen, desk):
            before, limit = _parse_page(call.arrival)
            rows, has_more = await desk.store.read(page_of_messages, entered.session.org_id, parse_conversation_id(asked_for), before=before, limit=limit)
        return Reply(History([history_message(row) for row in rows], has_more))

    page = {
        "before": Parameter("A message id: only what was said before it.", {"type": "string", "pattern": MESSAGE_FORM}),
        "limit": Parameter("At most this many messages.", {"type": "integer", "minimum": 1, "maximum": _LARGEST_PAGE, "default": _PAGE}),
    }
    face = Surface.VISITOR_API
    read = Route("GET", f"{_OWN}/messages", Audience.SESSION, face, "Read the own conversation", read_history, History, errors=_ERRORS, query=page)
    return [read, _export_route(desk), _erase_route(desk, answers)]


def _export_route(desk: Desk) -> Route:
    """Take a transcript away."""

    async def export_conversation(call: Call) -> Reply:
        asked_for = call.params["conversation_id"]
        entered = await enter(call.arrival, desk, asked_for=asked_for, also_as=_ALSO_AS)
        with recorded(entered.seen, desk):
            name = _parse_format(call.arrival)
        conversation = parse_conversation_id(asked_for)
        rows = await desk.store.read(_all_messages, entered.session.org_id, conversation)
        # In a thread: a full conversation is megabytes, and every other visitor would wait for its escaping.
        content = await asyncio.to_thread(lambda: FORMATS[name].write(transcript_of(conversation, entered.widget.settings.title, rows, desk.clock.now())))
        attachment = f'attachment; filename="conversation-{conversation.removeprefix("conv_")}.{name}"'
        return Reply(content=content, content_type=FORMATS[name].content_type, headers=(("content-disposition", attachment),))

    form = {"format": Parameter("The form of the transcript.", {"type": "string", "enum": list(FORMATS), "default": _DEFAULT_FORMAT})}
    return Route(
        "GET",
        f"{_OWN}/export",
        Audience.SESSION,
        Surface.VISITOR_API,
        "Take the own conversation away",
        export_conversation,
        Transcript,
        errors=_ERRORS,
        query=form,
        also_as=_ALSO_AS,
        gives={"Content-Disposition": "The file's name: `conversation-…` with the format as ending."},
    )


def _erase_route(desk: Desk, answers: Answers) -> Route:
    """Forget a conversation."""

    async def erase_own(call: Call) -> Reply:
        asked_for = call.params["conversation_id"]
        entered = await enter(call.arrival, desk, asked_for=asked_for, is_erasing=True)
        conversation, session = parse_conversation_id(asked_for), entered.session
        heir = session.conversation_id if session.conversation_id != conversation else ConversationId(new_id("conv"))
        await answers.stop_conversation(conversation)
        was_there = await desk.store.transaction(erase_conversation, session.org_id, session.visitor_id, conversation, heir=heir)
        # A message that was committed just before the erasing has its answer begun only now.
        await answers.stop_conversation(conversation)
        # What this process knows of the visitor's sessions, on other devices too, names the erased conversation.
        desk.sessions.drop_if(lambda live: live.row.visitor_id == session.visitor_id)
        with recorded(entered.seen, desk):
            if not was_there:
                raise Refused(Reason.NOT_FOUND)
        return Reply(status=204)

    return Route(
        "DELETE",
        _OWN,
        Audience.SESSION,
        Surface.VISITOR_API,
        "Erase the own conversation",
        erase_own,
        None,
        status=204,
        errors=(*_ERRORS, Reason.INSUFFICIENT_STORAGE),
        notes="All messages, their feedback and their idempotency keys are gone; limits are not given back. "
        "The session goes on: its next message begins a new conversation, whose id is in the answer. "
        "A session that has ended still erases what was said in it, with any of its tokens and a proof of its key.",
    )


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


def _parse_format(arrival: Arrival) -> str:
    """Which form of transcript is wanted. Raises ``Refused``."""
    name = arrival.query.get("format", _DEFAULT_FORMAT)
    if name not in FORMATS:
        raise invalid("format", f"must be one of {', '.join(FORMATS)}")
    return name


def _all_messages(tx: Tx, org: OrgId, conversation: ConversationId) -> list[MessageRow]:
    """Every message, oldest first; page by page, so that no statement runs long. The widget's limits bound a conversation."""
    pages: list[list[MessageRow]] = []
    before, has_more = None, True
    while has_more:
        page, has_more = page_of_messages(tx, org, conversation, before=before, limit=_LARGEST_PAGE)
        pages.append(page)
        before = page[0].message_id if page else None
    return [row for page in reversed(pages) for row in page]
