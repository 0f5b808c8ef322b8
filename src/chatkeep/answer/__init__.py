"""3. Make the reply and stream it. Takes nothing but an ``Admitted``.

One turn: the question and an empty answer are committed, then a task of its own asks
the providers and lets the answer grow; readers follow it (``stream.py``). The answer is
one row, saved every 0.5 s while text arrives and once more at its end.
"""

import asyncio
import logging
from contextlib import suppress

from chatkeep.admit import Admitted
from chatkeep.admit.idempotency import in_progress
from chatkeep.answer.running import Ending, Running
from chatkeep.answer.turn import Save, Tools, new_turn, take_turn
from chatkeep.audit import event_for
from chatkeep.errors import ChatkeepError, Reason, Refused, Unavailable
from chatkeep.ids import ConversationId, MessageId, SessionId
from chatkeep.store import Clash, Write
from chatkeep.store.idempotency import KeyRow, remembering
from chatkeep.store.messages import NewTurn, beginning, reopen_answer, settle_turn
from chatkeep.store.sessions import activity, stopped_among
from chatkeep.store.standing import begin_standing

__all__ = ["Answers", "Ending", "Running", "Tools"]

# Revocation is effective within 2 s (spec: limits-and-sessions): half of it to notice, half to end.
_PATROL_SECONDS = 1.0
# How often an answer is offered to a database that was away or full when it ended.
_LATE_SAVE_SECONDS = 1.0

log = logging.getLogger("chatkeep.answer")


class Answers:
    """The answers that this process is making."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._running: dict[MessageId, Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # Turns that the database may have stored although nobody was told so.
        self._in_doubt: list[NewTurn] = []
        self._closing = asyncio.Event()
        self._patrol: asyncio.Task[None] | None = None

    async def begin(self, admitted: Admitted) -> Running:
        """Commit the question with its empty answer, then start to answer. Raises ``Unavailable``, ``Refused``."""
        turn = new_turn(admitted, self._tools.clock)
        running = Running(turn.answer_id, admitted.session.session_id, admitted.conversation_id)
        try:
            if self._closing.is_set():
                raise Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=2)  # noqa: TRY301 - what was held is given back in one place
            if turn.answer_id in self._running:
                raise in_progress(turn.answer_id)  # noqa: TRY301 - as above
            # Before the commit, so that a session that ends meanwhile ends this answer too.
            self._running[turn.answer_id] = running
            await self._commit(admitted, turn)
        except BaseException as error:
            if self._running.get(turn.answer_id) is running:
                del self._running[turn.answer_id]
            self._tools.limits.release(admitted.held)
            if isinstance(error, (Refused, Unavailable)):
                self._tools.recorder.record(event_for(error.reason), admitted.context)
            if isinstance(error, asyncio.CancelledError) or (isinstance(error, Unavailable) and error.in_doubt):
                self._in_doubt.append(turn)
            else:
                # Nothing was stored, so nothing is charged.
                self._tools.limits.give_back(admitted.held)
            raise
        finally:
            if admitted.claim is not None:
                self._tools.in_flight.release(admitted.claim)
        task = asyncio.create_task(self._run(admitted, turn, running))
        running.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return running

    async def _commit(self, admitted: Admitted, turn: NewTurn) -> None:
        """Store the question, its empty answer and its key; or empty the answer that is made anew."""
        store, session = self._tools.store, admitted.session
        if admitted.redo is not None:
            if not await store.transaction(reopen_answer, admitted.org_id, turn.answer_id, at_ms=turn.at_ms):
                raise in_progress(turn.answer_id)
            return
        claim, standing = admitted.claim, admitted.standing
        key = KeyRow(claim.digest, claim.body_digest, turn.answer_id, None, turn.at_ms) if claim is not None else None
        writes: tuple[Write, ...] = (*beginning(turn), activity(session, turn.at_ms), *(remembering(admitted.org_id, key) if key is not None else ()))
        is_stored = True
        try:
            if standing is None:
                await store.write(*writes)
            else:
                is_stored = await store.transaction(begin_standing, admitted.org_id, standing, writes, at_ms=turn.at_ms)
        except Clash:
            is_stored = False
        except Unavailable:
            # Perhaps it was stored all the same.
            if claim is not None:
                claim.note(None)
            raise
        if claim is not None:
            claim.note(key if is_stored else None)
        if not is_stored:
            # Its conversation was erased or taken, or another process took its key, since it was admitted: next time admission looks.
            self._tools.sessions.drop(session.session_id)
            raise Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=2)

    def find(self, message_id: MessageId, session_id: SessionId) -> Running | None:
        """The answer of that id while it is being made, if it belongs to the session."""
        running = self._running.get(message_id)
        return running if running is not None and running.session_id == session_id else None

    def stop_session(self, session_id: SessionId, why: Ending = Ending.SESSION_ENDED) -> None:
        """End every answer of a session that has ended, or may not go on for now."""
        for running in list(self._running.values()):
            if running.session_id == session_id:
                running.stop(why)

    async def stop_conversation(self, conversation_id: ConversationId) -> None:
        """Stop every answer of a conversation that its visitor erases, and wait until nothing of them is on its way to the store."""
        stopped = [running for running in self._running.values() if running.conversation_id == conversation_id]
        for running in stopped:
            running.stop(Ending.STOPPED)
        for running in stopped:
            await running.finished

    def start(self) -> None:
        """Begin to look after the sessions that stream."""
        self._patrol = asyncio.create_task(self._look_after_sessions(), name="chatkeep-patrol")

    async def close(self) -> None:
        """End every answer because the process ends: stored, marked interrupted, readers told to come back."""
        self._closing.set()
        if self._patrol is not None:
            self._patrol.cancel()
        for running in list(self._running.values()):
            running.stop(Ending.SHUTDOWN)
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look_after_sessions(self) -> None:
        """End the answers of sessions that were revoked or blocked, or whose widget was paused, by whatever process."""
        while True:
            await asyncio.sleep(_PATROL_SECONDS)
            try:
                await self._settle()
                await self._stop_ended()
            except Unavailable as error:
                log.warning("sessions_not_looked_after", extra={"fields": {"reason": error.reason.value}})
            except Exception:
                # The outermost edge of this task: it must go on, whatever the database says.
                log.exception("sessions_not_looked_after")

    async def _stop_ended(self) -> None:
        """End the answers of sessions that are over, blocked or paused."""
        streaming = {running.session_id for running in self._running.values()}
        if streaming:
            now_ms = int(self._tools.clock.now().timestamp() * 1000)
            stopped = await self._tools.store.read(stopped_among, list(streaming), now_ms=now_ms)
            for session_id, has_ended in stopped.items():
                self.stop_session(session_id, Ending.SESSION_ENDED if has_ended else Ending.SUSPENDED)

    async def _settle(self) -> None:
        """Find out what became of turns in doubt: an answer that nobody makes is interrupted, so that it can be made anew."""
        # One that is running was found interrupted, and is being made anew. Whatever is begun from here on is queued behind these.
        turns = [turn for turn in self._in_doubt if turn.answer_id not in self._running]
        self._in_doubt = []
        await asyncio.gather(*(self._settle_one(turn) for turn in turns))

    async def _settle_one(self, turn: NewTurn) -> None:
        """As ``_settle``; what the database does not take now is tried again."""
        try:
            await self._tools.store.transaction(settle_turn, turn)
        except Unavailable:
            self._in_doubt.append(turn)
        except Clash:
            # Its conversation was erased meanwhile, and so was all of it.
            log.info("turn_in_doubt_erased", extra={"fields": {"message_id": turn.answer_id}})

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
            if self._running.get(turn.answer_id) is running:
                del self._running[turn.answer_id]
            self._tools.limits.release(admitted.held)
        if unsaved is not None:
            await self._save_late(turn.answer_id, unsaved)

    async def _save_late(self, answer_id: MessageId, save: Save) -> None:
        """Store what was shown as soon as the database takes it; when the process ends, after one last try, never."""
        is_last = False
        while not is_last:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _LATE_SAVE_SECONDS)
            is_last = self._closing.is_set()
            if answer_id in self._running:
                # It was stored after all, and is being made anew.
                return
            with suppress(ChatkeepError):
                await save()
                return
