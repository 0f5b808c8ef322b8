"""Who answers, and for how long do we wait?

Spec: visitor-api. First byte within 10 s, one retry before it, then the next provider;
120 s in all. Connecting (5 s) and silence (30 s) are the provider's own deadlines. Once
text was shown there is no second try: nobody wants two beginnings.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from chatkeep.audit import Context, Recorder
from chatkeep.audit.catalogue import ProviderFailed as ProviderFailedEvent
from chatkeep.audit.catalogue import ProviderFellBack
from chatkeep.providers import Failure, Finish, Prompt, Provider, ProviderFailed

FIRST_BYTE_SECONDS = 10.0
ALL_SECONDS = 120.0
_TRIES = 2
# Trying these again at once would only repeat the refusal.
_NOT_AGAIN = frozenset({Failure.REFUSED, Failure.TOO_LARGE, Failure.MISCONFIGURED})


@dataclass(slots=True)
class Consultation:
    """What came of asking: filled in while it goes on."""

    provider: str | None = None
    finish_reason: str = "stop"
    tokens_in: int | None = None
    tokens_out: int | None = None


class NoAnswer(Exception):  # noqa: N818 - reads as the state it reports
    """Every provider failed, or one failed in mid-answer."""

    def __init__(self, *, is_late: bool) -> None:
        super().__init__("late" if is_late else "failed")
        self.is_late = is_late


async def consult(chain: Sequence[Provider], prompt: Prompt, outcome: Consultation, recorder: Recorder, context: Context) -> AsyncGenerator[str, None]:
    """Yield the answer's text. Raises ``NoAnswer``; failures on the way are recorded."""
    deadline = asyncio.get_running_loop().time() + ALL_SECONDS
    failure = Failure.SERVER_ERROR
    for number, provider in enumerate(chain):
        outcome.provider = provider.name
        if number:
            recorder.record(ProviderFellBack(provider.name), context)
        for _ in range(_TRIES):
            has_begun, status, code = False, None, None
            try:
                async with asyncio.timeout_at(deadline), aclosing(_try(provider, prompt, outcome)) as pieces:
                    async for text in pieces:
                        has_begun = True
                        if text:
                            yield text
                return  # noqa: TRY300 - an else block would hide that this is the good end
            except TimeoutError:
                failure = Failure.TIMEOUT
            except ProviderFailed as failed:
                failure, status, code = failed.failure, failed.status, failed.code
            recorder.record(ProviderFailedEvent(provider.name, failure.value, status, code, provider.host, provider.model), context)
            is_over = asyncio.get_running_loop().time() >= deadline
            if has_begun or is_over:
                raise NoAnswer(is_late=failure is Failure.TIMEOUT)
            if failure in _NOT_AGAIN:
                break
    raise NoAnswer(is_late=failure is Failure.TIMEOUT)


async def _try(provider: Provider, prompt: Prompt, outcome: Consultation) -> AsyncGenerator[str, None]:
    """One call of one provider, with the deadline for its first byte."""
    async with aclosing(provider.stream(prompt)) as pieces:
        try:
            async with asyncio.timeout(FIRST_BYTE_SECONDS):
                first = await anext(pieces, None)
        except TimeoutError:
            raise ProviderFailed(Failure.TIMEOUT, "no first byte") from None
        if isinstance(first, str):
            yield first
        elif first is not None:
            _note_finish(first, outcome)
        async for piece in pieces:  # not anext() again: this runs for every chunk of every stream
            if isinstance(piece, str):
                yield piece
            else:
                _note_finish(piece, outcome)


def _note_finish(finish: Finish, outcome: Consultation) -> None:
    """What the provider said at the end."""
    outcome.finish_reason, outcome.tokens_in, outcome.tokens_out = finish.reason, finish.tokens_in, finish.tokens_out
