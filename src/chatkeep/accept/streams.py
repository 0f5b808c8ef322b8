"""``/api/chat/{message_id}/stream``: come back to an answer, or stop it.

A delta's event id is the answer's length in code points after it; ``Last-Event-ID``
brings it back, and only what comes after it is sent.
"""

from collections.abc import AsyncIterator

from chatkeep.accept.contract import ADMISSION_ERRORS, PLACE
from chatkeep.admit import Arrival, Desk, enter, recorded, usage_of
from chatkeep.answer import Answers, Ending, Running
from chatkeep.answer.stream import events, stored_events
from chatkeep.errors import Reason, Refused, Usage
from chatkeep.ids import find_message_id
from chatkeep.store.messages import StoredAnswer, find_answer
from chatkeep.web.headers import Surface
from chatkeep.web.problems import envelope
from chatkeep.web.routes import Audience, Call, EventStream, Reply, Route

_LONGEST_PLACE = 9


def stream_routes(desk: Desk, answers: Answers) -> list[Route]:
    """The rows of this file."""

    async def join_stream(call: Call) -> EventStream:
        entered = await enter(call.arrival, desk, is_activity=True)
        message_id = find_message_id(call.params["message_id"])
        after, request_id = parse_place(call.arrival), call.arrival.request_id
        usage = await usage_of(entered, desk)
        running = answers.find(message_id, entered.session.session_id) if message_id else None
        if running is not None:
            return live_stream(running, usage, request_id, desk.settings.resume_window, after)
        row = entered.session
        stored = await desk.store.read(find_answer, row.org_id, row.visitor_id, message_id) if message_id else None
        with recorded(entered.seen, desk):
            if stored is None or stored.state == "streaming":
                raise Refused(Reason.NOT_FOUND)
        return stored_stream(stored, usage, request_id, after)

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
            "GET",
            "/api/chat/{message_id}/stream",
            Audience.SESSION,
            Surface.VISITOR_API,
            "Join or resume the stream of an answer",
            join_stream,
            None,
            content_type="text/event-stream",
            errors=(*ADMISSION_ERRORS, Reason.NOT_FOUND),
            headers={"Last-Event-ID": PLACE},
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
            errors=(*ADMISSION_ERRORS, Reason.NOT_FOUND),
        ),
    ]


def live_stream(running: Running, usage: Usage, request_id: str, window: int, after: int) -> EventStream:
    """The stream of an answer that is being made."""
    return EventStream(events(running, usage, lambda error: envelope(error, request_id), after=after), lambda: running.abandon(window))


def stored_stream(stored: StoredAnswer, usage: Usage, request_id: str, after: int) -> EventStream:
    """The stream of an answer that has ended."""

    async def read_back() -> AsyncIterator[bytes]:
        for event in stored_events(stored, usage, lambda error: envelope(error, request_id), after=after):
            yield event

    return EventStream(read_back(), lambda: None)


def parse_place(arrival: Arrival) -> int:
    """How many code points the reader has already; what is no place is the beginning."""
    text = arrival.headers.get("last-event-id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_PLACE else 0
