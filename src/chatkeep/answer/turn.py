"""What are the steps of one turn? Sources, prompt, providers, storing: in that order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from chatkeep.admit import Admitted
from chatkeep.admit._cache import Cache
from chatkeep.admit._in_flight import InFlight
from chatkeep.admit._types import LiveSession
from chatkeep.answer.assemble import assemble, citations_of, find_material
from chatkeep.answer.consult import Consultation, NoAnswer, consult
from chatkeep.answer.running import GOOD, Ending, Running
from chatkeep.audit import Recorder
from chatkeep.audit.catalogue import ChatError, ChatMessageProcessed
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.errors import ChatkeepError, Unavailable
from chatkeep.ids import MessageId, SessionId
from chatkeep.limits import LimitStore
from chatkeep.providers import Roster
from chatkeep.store import Store
from chatkeep.store.messages import AnswerProgress, NewTurn, progress

# What a visitor was shown a second ago must survive `kill -9`: half of that, so that the
# commit has the other half.
SAVE_SECONDS = 0.5
# Saves wait for a common beat, so that those of many answers are one commit (measured at 500
# streams: one commit a save, a sixth of all CPU, without it).
_BEAT_SECONDS = 0.1

Save = Callable[[], Awaitable[None]]
log = logging.getLogger("chatkeep.answer")


@dataclass(frozen=True, slots=True)
class Tools:
    """The collaborators that answering may use."""

    store: Store
    clock: Clock
    recorder: Recorder
    limits: LimitStore
    roster: Roster
    in_flight: InFlight
    sessions: Cache[SessionId, LiveSession]


class _Keeper:
    """Saves an answer while it grows: at most every 0.5 s, by a timer, so that a pause saves too."""

    def __init__(self, turn: NewTurn, running: Running, tools: Tools) -> None:
        self._turn = turn
        self._running = running
        self._tools = tools
        self._timer: asyncio.TimerHandle | None = None
        self.outcome = Consultation()

    def grew(self) -> None:
        """There is text that is not saved."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(loop.time() // _BEAT_SECONDS * _BEAT_SECONDS + SAVE_SECONDS, self._save_soon)

    async def close(self, state: str, ending: Ending) -> None:
        """Save the answer for good. Raises ``Unavailable``."""
        if self._timer is not None:
            self._timer.cancel()
        await self._save(state, ending.value)

    def _save_soon(self) -> None:
        """Save without waiting; a failure is tried again with the next text, and at the end."""
        self._timer = None
        self._save("streaming").add_done_callback(_note_failure)

    def _save(self, state: str, ending: str | None = None) -> asyncio.Future[None]:
        """Queue the answer as it is."""
        answer = AnswerProgress(
            org_id=self._turn.org_id,
            answer_id=self._turn.answer_id,
            text=self._running.text,
            state=state,
            citations=self._running.citations,
            ending=ending,
            provider=self.outcome.provider,
            tokens_in=self.outcome.tokens_in,
            tokens_out=self.outcome.tokens_out,
            at_ms=int(self._tools.clock.now().timestamp() * 1000),
        )
        return self._tools.store.write(progress(answer))


def new_turn(admitted: Admitted, clock: Clock) -> NewTurn:
    """The question and its answer-to-be; for an answer made anew, those that are stored."""
    redo, claim = admitted.redo, admitted.claim
    answer_id = redo.message_id if redo is not None else claim.message_id if claim is not None else MessageId(new_id("msg"))
    return NewTurn(
        org_id=admitted.org_id,
        conversation_id=admitted.conversation_id,
        session_id=admitted.session.session_id,
        question_id=redo.question_id if redo is not None else MessageId(new_id("msg")),
        answer_id=answer_id,
        question=admitted.text,
        at_ms=int(clock.now().timestamp() * 1000),
    )


async def take_turn(admitted: Admitted, turn: NewTurn, running: Running, tools: Tools) -> Save | None:
    """Answer one admitted message; ends with ``running.finish``. Returns how to store the answer when that failed."""
    keeper = _Keeper(turn, running, tools)
    ending = running.stop_reason or await _answer_or_stop(admitted, turn, running, keeper, tools)
    save = partial(keeper.close, "complete" if ending in GOOD and ending is not Ending.STOPPED else "interrupted", ending)
    unsaved: Save | None = None
    try:
        await save()
    except ChatkeepError as error:
        log.warning("answer_not_stored", extra={"fields": {"request_id": admitted.request_id, "reason": str(error)}})
        ending, unsaved = Ending.STORE_FAILED, save
    _record(admitted, ending, running, keeper, tools)
    running.finish(ending)
    return unsaved


async def _answer_or_stop(admitted: Admitted, turn: NewTurn, running: Running, keeper: _Keeper, tools: Tools) -> Ending:
    """Let the answer grow to its end, or until ``running.stop``."""
    running.can_cancel = True
    try:
        return await _answer(admitted, turn, running, keeper, tools)
    except asyncio.CancelledError:
        if running.stop_reason is None:
            raise
        # Stopped on purpose: the cancellation has done its work here.
        _uncancel()
        return running.stop_reason
    except Unavailable:
        # Sources and history come from the database; what was made so far is stored when that is back.
        return Ending.STORE_FAILED
    except Exception:
        # The outermost edge of making: a bug ends one answer, with its trace in the log, and what was shown is stored.
        log.exception("answer_failed", extra={"fields": {"request_id": admitted.request_id, "message_id": turn.answer_id}})
        return Ending.BUG
    finally:
        running.can_cancel = False


async def _answer(admitted: Admitted, turn: NewTurn, running: Running, keeper: _Keeper, tools: Tools) -> Ending:
    """Let the answer grow to its end."""
    chain = await tools.roster.chain(admitted.org_id, admitted.agent.providers)
    material = await find_material(admitted, turn.question_id, tools.store, chain)
    if material.sources:
        running.show_sources(citations_of(material.sources))
    try:
        async for text in consult(chain, assemble(admitted, material), keeper.outcome, tools.recorder, admitted.context):
            running.append(text)
            keeper.grew()
    except NoAnswer as failure:
        return Ending.PROVIDER_LATE if failure.is_late else Ending.PROVIDER_FAILED
    return Ending(keeper.outcome.finish_reason)


def _record(admitted: Admitted, ending: Ending, running: Running, keeper: _Keeper, tools: Tools) -> None:
    """Note what came of the message."""
    outcome = keeper.outcome
    tools.recorder.count(
        admitted.org_id,
        admitted.widget.widget_id,
        messages=1 if admitted.redo is None or admitted.redo.was_left else 0,
        tokens_in=outcome.tokens_in or 0,
        tokens_out=outcome.tokens_out or 0,
    )
    if ending in GOOD or ending in {Ending.DISCONNECTED, Ending.SESSION_ENDED, Ending.SUSPENDED}:
        event = ChatMessageProcessed(outcome.provider or "none", len(admitted.text), running.length, ending.value)
        tools.recorder.record(event, admitted.context)
    else:
        tools.recorder.record(ChatError(ending.value), admitted.context)


def _uncancel() -> None:
    """Take back the one cancellation that ``Running.stop`` made, so that the answer can still be stored."""
    task: asyncio.Task[Any] | None = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _note_failure(saved: asyncio.Future[None]) -> None:
    """Say that a save in between failed."""
    if not saved.cancelled() and saved.exception() is not None:
        log.warning("answer_not_saved_yet", extra={"fields": {"reason": type(saved.exception()).__name__}})
