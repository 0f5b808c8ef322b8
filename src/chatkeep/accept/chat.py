"""``POST /api/chat``: a message in, an answer out, whole or as a stream."""

import asyncio
from typing import Any

from msgspec import Struct

from chatkeep.admit import Admitted, Desk, admit, enter, recorded
from chatkeep.admit.body import ChatRequest
from chatkeep.answer import Answers, Ending, Running
from chatkeep.answer.stream import events, failure_of
from chatkeep.errors import Reason, Refused
from chatkeep.ids import find_message_id
from chatkeep.web.headers import Surface
from chatkeep.web.problems import envelope, usage_part
from chatkeep.web.routes import Audience, Call, EventStream, Reply, Route

# An answer that is there sooner is not worth a watch over its reader.
_WATCH_AFTER_SECONDS = 0.05


class UsagePart(Struct):
    """What a visitor has left today."""

    messages_remaining_today: int
    reset_at: str


class Citation(Struct):
    """A numbered source of an answer."""

    index: int
    title: str
    url: str | None
    excerpt: str


class ChatReply(Struct):
    """The answer to a message, whole."""

    success: bool
    response: str
    conversation_id: str
    usage: UsagePart
    message_id: str
    citations: list[Citation]


ADMISSION_ERRORS = (
    Reason.INVALID_REQUEST,
    Reason.INVALID_WIDGET_ID,
    Reason.SESSION_REQUIRED,
    Reason.DOMAIN_NOT_AUTHORIZED,
    Reason.WIDGET_NOT_FOUND,
    Reason.NOT_ACCEPTABLE,
    Reason.SESSION_EXPIRED,
    Reason.MISDIRECTED_REQUEST,
    Reason.RATE_LIMIT_EXCEEDED,
    Reason.INTERNAL_SERVER_ERROR,
    Reason.SERVICE_UNAVAILABLE,
)


def chat_routes(desk: Desk, answers: Answers) -> list[Route]:
    """The rows of this file."""

    async def send_message(call: Call) -> Reply | EventStream:
        admitted = await admit(call.arrival, desk)
        running = await answers.begin(admitted)
        if admitted.wants_stream:
            stream = events(running, admitted.usage, lambda error: envelope(error, admitted.request_id))
            return EventStream(stream, lambda: running.stop(Ending.DISCONNECTED))
        return await _whole_answer(call, admitted, running)

    async def stop_answer(call: Call) -> Reply:
        entered = await enter(call.arrival, desk)
        message_id = find_message_id(call.params["message_id"])
        running = answers.find(message_id, entered.session.session_id) if message_id else None
        with recorded(entered.seen, desk):
            if running is None:
                # Unknown, somebody else's and already finished look the same from outside.
                raise Refused(Reason.NOT_FOUND)
        running.stop(Ending.STOPPED)
        await running.finished
        return Reply(status=204)

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
            errors=(
                *ADMISSION_ERRORS,
                Reason.PAYLOAD_TOO_LARGE,
                Reason.UNSUPPORTED_MEDIA_TYPE,
                Reason.PROCESSING_ERROR,
                Reason.PROCESSING_TIMEOUT,
                Reason.INSUFFICIENT_STORAGE,
            ),
            headers={"X-Widget-ID": "The widget, when the body does not name it.", "Idempotency-Key": "Unique per message; kept over retries."},
        ),
        Route(
            "DELETE",
            "/api/chat/{message_id}/stream",
            Audience.SESSION,
            Surface.VISITOR_API,
            "Stop an answer that is being made",
            stop_answer,
            None,
            status=204,
            errors=ADMISSION_ERRORS,
        ),
    ]


async def _whole_answer(call: Call, admitted: Admitted, running: Running) -> Reply:
    """Wait for the end of the answer. Raises what went wrong."""
    loop = asyncio.get_running_loop()
    watch = loop.call_later(_WATCH_AFTER_SECONDS, call.when_gone, lambda: running.stop(Ending.DISCONNECTED))
    try:
        await running.finished
    finally:
        watch.cancel()
    failure = failure_of(running.ending) if running.ending is not None else None
    if failure is not None:
        raise failure
    value: dict[str, Any] = {
        "success": True,
        "response": running.text,
        "conversation_id": running.conversation_id,
        "usage": usage_part(admitted.usage),
        "message_id": running.message_id,
        "citations": running.citations,
    }
    return Reply(value)
