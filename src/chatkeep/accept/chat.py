"""``POST /api/chat``: a message in, an answer out, whole or as a stream."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from chatkeep.accept.contract import ADMISSION_ERRORS, PLACE, UsagePart
from chatkeep.accept.streams import joined_stream, live_stream
from chatkeep.accept.transcript import Citation
from chatkeep.admit import Desk, Replayed, admit, recorded
from chatkeep.admit.body import ChatRequest
from chatkeep.admit.idempotency import KEY_FORM, in_progress
from chatkeep.answer import Answers, Running
from chatkeep.answer.place import Place, parse_place
from chatkeep.answer.stream import failure_of
from chatkeep.errors import Reason, Usage
from chatkeep.ids import WIDGET_FORM
from chatkeep.web.headers import Surface
from chatkeep.web.problems import usage_part
from chatkeep.web.routes import Audience, Call, EventStream, Parameter, Reply, Route

# An answer that is there sooner is not worth a watch over its reader.
_WATCH_AFTER_SECONDS = 0.05


class ChatReply(Struct):
    """The answer to a message, whole."""

    success: bool
    response: str
    conversation_id: str
    usage: UsagePart
    message_id: str
    citations: list[Citation]


def chat_routes(desk: Desk, answers: Answers) -> list[Route]:
    """The rows of this file."""
    window = desk.settings.resume_window

    async def send_message(call: Call) -> Reply | EventStream:
        admitted = await admit(call.arrival, desk)
        after = parse_place(call.arrival.headers.get("last-event-id"))
        if isinstance(admitted, Replayed):
            return _repeat(admitted, answers, desk, after)
        running = await answers.begin(admitted)
        if admitted.wants_stream:
            return live_stream(running, admitted.usage, admitted.request_id, window, after)
        return await _whole_answer(call, running, admitted.usage, window)

    return [
        Route(
            "POST",
            "/api/chat",
            Audience.SESSION,
            Surface.VISITOR_API,
            "Send a message",
            send_message,
            ChatReply,
            request=ChatRequest,
            streams=True,
            tokenless=True,
            errors=(
                *ADMISSION_ERRORS,
                Reason.INVALID_CONVERSATION_ID,
                Reason.MESSAGE_EMPTY,
                Reason.MESSAGE_TOO_LONG,
                Reason.NOT_FOUND,
                Reason.IDEMPOTENCY_IN_PROGRESS,
                Reason.IDEMPOTENCY_KEY_REUSED,
                Reason.PAYLOAD_TOO_LARGE,
                Reason.UNSUPPORTED_MEDIA_TYPE,
                Reason.PROCESSING_ERROR,
                Reason.PROCESSING_TIMEOUT,
                Reason.INSUFFICIENT_STORAGE,
            ),
            headers={
                "X-Widget-ID": Parameter("The widget, when the body does not name it.", {"type": "string", "pattern": WIDGET_FORM}),
                "Idempotency-Key": Parameter("Unique per message; kept over retries.", {"type": "string", "pattern": KEY_FORM}),
                "Last-Event-ID": PLACE,
            },
        ),
    ]


async def _whole_answer(call: Call, running: Running, usage: Usage, window: int) -> Reply:
    """Wait for the end of the answer. Raises what went wrong."""
    loop = asyncio.get_running_loop()
    # A reader like those of streams: another one who leaves does not end the answer.
    follower = running.follow()

    def gone() -> None:
        running.leave(follower)
        running.abandon(window)

    watch = loop.call_later(_WATCH_AFTER_SECONDS, call.when_gone, gone)
    try:
        await running.finished
    finally:
        watch.cancel()
        running.leave(follower)
    failure = failure_of(running.ending) if running.ending is not None else None
    if failure is not None:
        raise failure
    return _reply(running.text, running.conversation_id, running.message_id, running.citations, usage)


def _repeat(replayed: Replayed, answers: Answers, desk: Desk, after: Place) -> Reply | EventStream:
    """The answer to a message that was admitted before: joined, read back, or (JSON) still in progress."""
    running = answers.find(replayed.message_id, replayed.session.session_id) if replayed.message_id else None
    if running is not None and replayed.wants_stream:
        return joined_stream(running, replayed, replayed.usage, desk, after)
    stored = replayed.stored
    with recorded(replayed.seen, desk):
        if running is not None or stored is None or stored.state == "streaming":
            raise in_progress(replayed.message_id)
    if replayed.wants_stream:
        return joined_stream(stored, replayed, replayed.usage, desk, after)
    return _reply(stored.text, stored.conversation_id, stored.message_id, stored.citations, replayed.usage)


def _reply(text: str, conversation_id: str, message_id: str, citations: Sequence[dict[str, Any]], usage: Usage) -> Reply:
    """An answer as JSON (S3's contract, with more keys behind)."""
    value: dict[str, Any] = {
        "success": True,
        "response": text,
        "conversation_id": conversation_id,
        "usage": usage_part(usage),
        "message_id": message_id,
        "citations": list(citations),
    }
    return Reply(value)
