"""``/api/chat/{message_id}/stream``: come back to an answer, or stop it.

``Last-Event-ID`` brings back the id of the last event that arrived, and only what comes
after it is sent.
"""

from collections.abc import AsyncIterator

from chatkeep.accept.contract import ADMISSION_ERRORS, PLACE
from chatkeep.admit import Desk, Entered, Replayed, enter, read_along, recorded, usage_of
from chatkeep.answer import Answers, Ending, Running
from chatkeep.answer.place import Place, parse_place
from chatkeep.answer.stream import events, stored_events
from chatkeep.errors import Reason, Refused, Usage
from chatkeep.ids import find_message_id
from chatkeep.store.messages import StoredAnswer, find_answer
from chatkeep.web.headers import Surface
from chatkeep.web.problems import envelope
from chatkeep.web.routes import Audience, Call, EventStream, Reply, Route


def stream_routes(desk: Desk, answers: Answers) -> list[Route]:
    """The rows of this file."""

    async def join_stream(call: Call) -> EventStream:
        entered = await enter(call.arrival, desk, is_activity=True)
        message_id = find_message_id(call.params["message_id"])
        after = parse_place(call.arrival.headers.get("last-event-id"))
        usage = await usage_of(entered, desk)
        running = answers.find(message_id, entered.session.session_id) if message_id else None
        if running is not None:
            return joined_stream(running, entered, usage, desk, after)
        row = entered.session
        stored = await desk.store.read(find_answer, row.org_id, row.visitor_id, message_id) if message_id else None
        with recorded(entered.seen, desk):
            if stored is None or stored.state == "streaming":
                raise Refused(Reason.NOT_FOUND)
        return joined_stream(stored, entered, usage, desk, after)

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


def live_stream(running: Running, usage: Usage, request_id: str, window: int, after: Place) -> EventStream:
    """The stream of an answer that is being made, for the one who asked."""
    return EventStream(events(running, usage, lambda error: envelope(error, request_id), after=after), lambda: running.abandon(window))


def joined_stream(answer: Running | StoredAnswer, reader: Entered | Replayed, usage: Usage, desk: Desk, after: Place) -> EventStream:
    """The stream of an answer that is there already, for one reader more. Raises ``Refused`` when there are too many."""
    held = read_along(reader.seen, reader.widget, reader.session, desk)
    request_id = reader.seen.arrival.request_id
    if isinstance(answer, Running):
        stream = live_stream(answer, usage, request_id, desk.settings.resume_window, after)
    else:
        stream = EventStream(_read_back(answer, usage, request_id, after), lambda: None)

    def left() -> None:
        desk.limits.release(held)
        stream.left()

    return EventStream(stream.events, left)


async def _read_back(stored: StoredAnswer, usage: Usage, request_id: str, after: Place) -> AsyncIterator[bytes]:
    """The events of an answer that has ended."""
    for event in stored_events(stored, usage, lambda error: envelope(error, request_id), after=after):
        yield event
