"""Answers without a model, for development and tests: it says back what was asked."""

from collections.abc import AsyncGenerator

from chatkeep.egress import Egress
from chatkeep.errors import Misconfigured
from chatkeep.providers import Finish, Prompt, Provider
from chatkeep.settings import Settings


class FakeProvider:
    """Yields "You said: …" word by word."""

    name = "fake"
    host: str | None = None
    model: str | None = None
    wants_history = False
    judges_sources = False

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Finish, None]:
        """Yield the question back, a word at a time."""
        yield "You said:"
        for word in prompt.question.split(" "):
            yield " " + word
        yield Finish("stop")


def build(settings: Settings, _egress: Egress) -> Provider:
    """The fake provider; refused in production."""
    if settings.is_production:
        msg = "the provider 'fake' is for development only; give the agent another one"
        raise Misconfigured(msg)
    return FakeProvider()
