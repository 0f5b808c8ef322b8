"""How does a growing answer become an event stream?

Server-sent events (WHATWG HTML): ``start``, ``sources``, ``delta``, then ``done`` or
``error``; text only ever as JSON data, so that it cannot imitate an event. A delta's id
is the answer's length in code points after it. Deltas wait at most 40 ms for company.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec

from chatkeep.answer.running import GOOD, Ending, Running
from chatkeep.errors import Reason, Refused, Unavailable, Usage

COALESCE_SECONDS = 0.04
PING_SECONDS = 15.0
_PING = b": ping\n\n"
_SHUTDOWN_RETRY_SECONDS = 2

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
    return Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=_SHUTDOWN_RETRY_SECONDS)


async def events(running: Running, usage: Usage, envelope: Envelope) -> AsyncIterator[bytes]:
    """Yield the whole stream of one answer, event by event."""
    loop = asyncio.get_running_loop()
    follower = running.follow()
    pinger = _Pinger(loop, lambda: running.wake(follower))
    length = 0
    has_sources = False
    try:
        yield _event(0, "start", {"message_id": running.message_id, "conversation_id": running.conversation_id})
        while True:
            if running.sources and not has_sources:
                has_sources = True
                yield _event(0, "sources", running.sources)
            if follower.position < len(running.pieces) and (running.ending is not None or loop.time() >= follower.due):
                text = "".join(running.pieces[follower.position :])
                follower.position = len(running.pieces)
                length += len(text)
                follower.due = loop.time() + COALESCE_SECONDS
                pinger.quiet_since = loop.time()
                yield _event(length, "delta", {"text": text})
            elif running.ending is not None:
                yield _last(running.ending, length, usage, envelope)
                return
            elif loop.time() - pinger.quiet_since >= PING_SECONDS:
                pinger.quiet_since = loop.time()
                yield _PING
            else:
                await running.wait(follower)
    finally:
        pinger.stop()
        running.leave(follower)


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


def _last(ending: Ending, length: int, usage: Usage, envelope: Envelope) -> bytes:
    """The one event that ends a stream."""
    failure = failure_of(ending)
    if failure is not None:
        return _event(length, "error", envelope(failure))
    return _event(length, "done", {"usage": usage, "finish_reason": ending.value})


def _event(number: int, name: str, data: object) -> bytes:
    """One event. JSON has no raw line breaks, so one ``data`` line is enough."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), _json.encode(data))
