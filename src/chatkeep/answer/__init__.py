"""3. Make the reply and stream it. Takes nothing but an ``Admitted``.

One turn: the question and an empty answer are committed, then a task of its own asks
the providers and lets the answer grow; readers follow it (``stream.py``). The answer is
one row, saved every 0.5 s while text arrives and once more at its end.
"""

import asyncio
import logging
from contextlib import suppress

from chatkeep.admit import Admitted
from chatkeep.answer.running import Ending, Running
from chatkeep.answer.turn import Save, Tools, take_turn
from chatkeep.audit import event_for
from chatkeep.crypto import new_id
from chatkeep.errors import ChatkeepError, Reason, Unavailable
from chatkeep.ids import MessageId, SessionId
from chatkeep.store.messages import NewTurn, beginning
from chatkeep.store.sessions import activity

__all__ = ["Answers", "Ending", "Running", "Tools"]

# How often an answer is offered to a database that was away or full when it ended.
_LATE_SAVE_SECONDS = 1.0

log = logging.getLogger("chatkeep.answer")


class Answers:
    """The answers that this process is making."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._running: dict[MessageId, Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def begin(self, admitted: Admitted) -> Running:
        """Commit the question with its empty answer, then start to answer. Raises ``Unavailable``."""
        if self._closing.is_set():
            self._tools.limits.release(admitted.held)
            raise Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=2)
        at_ms = int(self._tools.clock.now().timestamp() * 1000)
        turn = NewTurn(
            org_id=admitted.org_id,
            conversation_id=admitted.conversation_id,
            session_id=admitted.session_id,
            question_id=MessageId(new_id("msg")),
            answer_id=MessageId(new_id("msg")),
            question=admitted.text,
            at_ms=at_ms,
        )
        try:
            await self._tools.store.write(*beginning(turn), activity(admitted.session, at_ms))
        except BaseException as error:
            self._tools.limits.release(admitted.held)
            if isinstance(error, Unavailable):
                self._tools.recorder.record(event_for(error.reason), admitted.context)
            raise
        running = Running(turn.answer_id, admitted.session_id, admitted.conversation_id)
        self._running[turn.answer_id] = running
        task = asyncio.create_task(self._run(admitted, turn, running))
        running.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return running

    def find(self, message_id: MessageId, session_id: SessionId) -> Running | None:
        """The answer of that id while it is being made, if it belongs to the session."""
        running = self._running.get(message_id)
        return running if running is not None and running.session_id == session_id else None

    def stop_session(self, session_id: SessionId) -> None:
        """End every answer of a session that has ended."""
        for running in list(self._running.values()):
            if running.session_id == session_id:
                running.stop(Ending.SESSION_ENDED)

    async def close(self) -> None:
        """End every answer because the process ends: stored, marked interrupted, readers told to come back."""
        self._closing.set()
        for running in list(self._running.values()):
            running.stop(Ending.SHUTDOWN)
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, admitted: Admitted, turn: NewTurn, running: Running) -> None:
        """One turn to its end, whatever happens; what was held is given back."""
        unsaved: Save | None = None
        try:
            unsaved = await take_turn(admitted, turn, running, self._tools)
        except Exception:
            # The outermost edge of this task: a bug ends one answer, with its trace in the log.
            log.exception("answer_failed", extra={"fields": {"request_id": admitted.request_id, "message_id": turn.answer_id}})
            running.finish(Ending.BUG)
        finally:
            self._running.pop(turn.answer_id, None)
            self._tools.limits.release(admitted.held)
        if unsaved is not None:
            await self._save_late(unsaved)

    async def _save_late(self, save: Save) -> None:
        """Store what was shown as soon as the database takes it; when the process ends, after one last try, never."""
        is_last = False
        while not is_last:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _LATE_SAVE_SECONDS)
            is_last = self._closing.is_set()
            with suppress(ChatkeepError):
                await save()
                return
