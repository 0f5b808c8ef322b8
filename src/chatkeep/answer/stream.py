"""How does a growing answer become an event stream?

Server-sent events (WHATWG HTML): ``start``, ``sources``, ``delta``, then ``done`` or
``error``; text only ever as JSON data, so that it cannot imitate an event. An event's id
is the reader's place after it (``place.py``). Deltas wait at most 40 ms for company.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from chatkeep.answer.place import START, Place
from chatkeep.answer.running import GOOD, Ending, Follower, Running
from chatkeep.errors import Reason, Refused, Unavailable, Usage
from chatkeep.store.messages import StoredAnswer

COALESCE_SECONDS = 0.04
PING_SECONDS = 15.0
# A reader who is slow gets what came meanwhile in pieces, not as one copy of it all.
_LONGEST_DELTA = 16 * 1024
_PING = b": ping\n\n"
_COME_BACK_SECONDS = 2

Envelope = Callable[[Refused | Unavailable], Mapping[str, Any]]
_json = msgspec.json.Encoder()


def failure_of(ending: Ending) -> Refused | Unavailable | None:
    """The error that an answer's ending is to its reader; ``None`` for a good one."""
    if ending in GOOD:
        return None
    if ending is Ending.PROVIDER_LATE:
        return Unavailable(Reason.PROCESSING_TIMEOUT)
    if ending is Ending.PROVIDER_FAILED:
        return Unavailable(Reason.PROCESSING_ERROR)
    if ending is Ending.SESSION_ENDED:
        return Refused(Reason.SESSION_REVOKED)
    if ending is Ending.BUG:
        return Unavailable(Reason.INTERNAL_SERVER_ERROR)
    # Whoever comes back hears at the door why: blocked until when, paused; or finds the next process.
    return Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=_COME_BACK_SECONDS)


async def events(running: Running, usage: Usage, envelope: Envelope, *, after: Place = START) -> AsyncIterator[bytes]:
    """Yield the stream of one answer, event by event, from *after* on, or from its beginning where *after* is not in it."""
    loop = asyncio.get_running_loop()
    follower = running.follow()
    pinger = _Pinger(loop, lambda: running.wake(follower))
    try:
        begin = after.within(running.text)
        yield _start(running.message_id, running.conversation_id, begin)
        has_sources = bool(running.sources)
        if running.sources:
            yield _event(begin, "sources", running.sources)
        if begin.length:
            yield _catch_up(running, follower, begin)
        while True:
            if running.sources and not has_sources:
                has_sources = True
                yield _event(follower.place, "sources", running.sources)
            if follower.position < len(running.pieces) and (running.ending is not None or loop.time() >= follower.due):
                text, follower.position = _next_text(running.pieces, follower.position)
                follower.place = follower.place.after(text)
                follower.due = loop.time() + COALESCE_SECONDS if follower.position == len(running.pieces) else 0.0
                pinger.quiet_since = loop.time()
                yield _event(follower.place, "delta", {"text": text})
            elif running.ending is not None:
                yield _last(running.ending, follower.place, usage, envelope)
                return
            elif loop.time() - pinger.quiet_since >= PING_SECONDS:
                pinger.quiet_since = loop.time()
                yield _PING
            else:
                await running.wait(follower)
    finally:
        pinger.stop()
        running.leave(follower)


def stored_events(stored: StoredAnswer, usage: Usage, envelope: Envelope, *, after: Place = START) -> Iterator[bytes]:
    """Yield the stream of an answer that ended, from *after* on, or from its beginning where *after* is not in it."""
    begin = after.within(stored.text)
    missing = stored.text[begin.length :]
    end = begin.after(missing)
    yield _start(stored.message_id, stored.conversation_id, begin)
    if stored.citations:
        yield _event(begin, "sources", stored.citations)
    if missing:
        yield _event(end, "delta", {"text": missing})
    yield _last(ending_of(stored), end, usage, envelope)


def ending_of(stored: StoredAnswer) -> Ending:
    """Why a stored answer ended; one that its process could not finish was cut off."""
    if stored.ending is not None:
        return Ending(stored.ending)
    return Ending.DONE if stored.state == "complete" else Ending.SHUTDOWN


def _next_text(pieces: Sequence[str], position: int) -> tuple[str, int]:
    """Pieces from *position* on as one text, up to 16 Ki code points or one piece, and the position behind them."""
    if len(pieces) - position == 1:
        return pieces[position], position + 1
    end, length = position, 0
    while end < len(pieces) and (end == position or length + len(pieces[end]) <= _LONGEST_DELTA):
        length += len(pieces[end])
        end += 1
    return "".join(pieces[position:end]), end


def _catch_up(running: Running, follower: Follower, begin: Place) -> bytes:
    """What a reader has missed since *begin*, as one delta (perhaps an empty one)."""
    missing = running.text[begin.length :]
    follower.position = len(running.pieces)
    follower.place = begin.after(missing)
    return _event(follower.place, "delta", {"text": missing})


class _Pinger:
    """Wakes a silent stream every 15 s: one timer a stream, moved only when it fires."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop = loop
        self._wake = wake
        self.quiet_since = loop.time()
        self._timer = loop.call_later(PING_SECONDS, self._fire)

    def stop(self) -> None:
        """No more pings."""
        self._timer.cancel()

    def _fire(self) -> None:
        """Wake if it was quiet for long enough; come back when it will have been."""
        left = self.quiet_since + PING_SECONDS - self._loop.time()
        if left <= 0:
            self._wake()
            left = PING_SECONDS
        self._timer = self._loop.call_later(left, self._fire)


def _start(message_id: str, conversation_id: str, after: Place) -> bytes:
    """The first event."""
    return _event(after, "start", {"message_id": message_id, "conversation_id": conversation_id})


def _last(ending: Ending, place: Place, usage: Usage, envelope: Envelope) -> bytes:
    """The one event that ends a stream."""
    failure = failure_of(ending)
    if failure is not None:
        return _event(place, "error", envelope(failure))
    return _event(place, "done", {"usage": usage, "finish_reason": ending.value})


def _event(place: Place, name: str, data: object) -> bytes:
    """One event. JSON has no raw line breaks, so one ``data`` line is enough."""
    return b"id: %d-%08x\nevent: %s\ndata: %s\n\n" % (*place, name.encode(), _json.encode(data))
