"""How far is an answer? Its text as it grows, and whoever follows it.

A reader's place is behind so many code points of it (``place.py``).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chatkeep.answer.place import START, Place
from chatkeep.ids import ConversationId, MessageId, SessionId


class Ending(StrEnum):
    """Why an answer ended."""

    DONE = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    STOPPED = "stopped"
    SESSION_ENDED = "session_ended"
    SUSPENDED = "suspended"
    DISCONNECTED = "disconnected"
    SHUTDOWN = "shutdown"
    PROVIDER_FAILED = "provider_failed"
    PROVIDER_LATE = "provider_late"
    STORE_FAILED = "store_failed"
    BUG = "bug"


# The visitor has all there will be, or asked for no more: the stream ends with `done`.
GOOD = frozenset({Ending.DONE, Ending.LENGTH, Ending.CONTENT_FILTER, Ending.STOPPED})


@dataclass(slots=True, eq=False)
class Follower:
    """One reader: how many pieces it has, when it may be woken next, what wakes it."""

    position: int = 0
    place: Place = START
    due: float = 0.0
    waiting: asyncio.Future[None] | None = None
    timer: asyncio.TimerHandle | None = None


class Running:
    """An answer while it is being made. Event loop only."""

    def __init__(self, message_id: MessageId, session_id: SessionId, conversation_id: ConversationId) -> None:
        self.message_id = message_id
        self.session_id = session_id
        self.conversation_id = conversation_id
        self.pieces: list[str] = []
        self.length = 0
        self.sources: Sequence[dict[str, Any]] | None = None
        self.ending: Ending | None = None
        self.stop_reason: Ending | None = None
        self.task: asyncio.Task[None] | None = None
        # Only while a provider is being asked: before that there is nothing to cancel, and
        # after it a cancellation would hit the storing of what was made.
        self.can_cancel = False
        self._loop = asyncio.get_running_loop()
        self._followers: list[Follower] = []
        self._orphaned: asyncio.TimerHandle | None = None
        self.finished: asyncio.Future[None] = self._loop.create_future()

    @property
    def text(self) -> str:
        """All of the answer so far."""
        if len(self.pieces) > 1:
            # Not joined in place: a follower's position counts pieces.
            return "".join(self.pieces)
        return self.pieces[0] if self.pieces else ""

    @property
    def citations(self) -> list[dict[str, Any]]:
        """The sources that the text cites as ``[1]``: what was found but not used is no citation."""
        text = self.text
        return [source for source in self.sources or () if f"[{source['index']}]" in text]

    def append(self, text: str) -> None:
        """Let the answer grow."""
        self.pieces.append(text)
        self.length += len(text)
        self._poke()

    def show_sources(self, sources: Sequence[dict[str, Any]]) -> None:
        """Say what the answer rests on."""
        self.sources = sources
        self._poke()

    def finish(self, ending: Ending) -> None:
        """The answer is whole, or will never be; it is stored."""
        if self.ending is None:
            self.ending = ending
            if self._orphaned is not None:
                self._orphaned.cancel()
            self.finished.set_result(None)
            self._poke()

    def stop(self, reason: Ending) -> None:
        """End the answer early: cancels the provider's call; what was made is stored."""
        if self.ending is None and self.stop_reason is None:
            self.stop_reason = reason
            if self.can_cancel and self.task is not None:
                self.task.cancel()

    def follow(self) -> Follower:
        """A new reader, at the beginning."""
        follower = Follower()
        self._followers.append(follower)
        if self._orphaned is not None:
            self._orphaned.cancel()
            self._orphaned = None
        return follower

    def abandon(self, window_seconds: float) -> None:
        """The one who asked is gone: go on for *window_seconds*, in case that they come back, then stop."""
        if self.ending is None and not self._followers and self._orphaned is None:
            self._orphaned = self._loop.call_later(window_seconds, self.stop, Ending.DISCONNECTED)

    def leave(self, follower: Follower) -> None:
        """A reader goes; twice is once."""
        if follower in self._followers:
            self._followers.remove(follower)
        if follower.timer is not None:
            follower.timer.cancel()

    async def wait(self, follower: Follower) -> None:
        """Until there is something new, but not before the follower is due, or until ``wake``."""
        follower.waiting = self._loop.create_future()
        if follower.position < len(self.pieces) or self.ending is not None:
            self._poke_one(follower)
        try:
            await follower.waiting
        finally:
            follower.waiting = None
            if follower.timer is not None:
                follower.timer.cancel()
                follower.timer = None

    def wake(self, follower: Follower) -> None:
        """Let *follower* look around now."""
        if follower.waiting is not None and not follower.waiting.done():
            follower.waiting.set_result(None)

    def _poke(self) -> None:
        """Something is new."""
        for follower in self._followers:
            self._poke_one(follower)

    def _poke_one(self, follower: Follower) -> None:
        """Wake *follower* now if it is due or the answer is over, else when it is due."""
        if follower.waiting is None or follower.waiting.done():
            return
        if follower.timer is not None and self.ending is None:
            return
        if self.ending is not None or self._loop.time() >= follower.due:
            follower.waiting.set_result(None)
        else:
            follower.timer = self._loop.call_at(follower.due, self.wake, follower)
