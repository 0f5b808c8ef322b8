"""How is an answer got? The protocol that every provider speaks, and the registry.

A provider gets a finished ``Prompt`` and yields text. It knows its own wire format and
nothing of visitors, stores or HTTP. Deadlines for the first byte and for the whole
belong to ``answer/consult.py``; connecting and silence in mid-answer to the provider.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Literal, Protocol

from chatkeep.clock import Clock
from chatkeep.egress import Egress
from chatkeep.errors import Misconfigured
from chatkeep.ids import OrgId
from chatkeep.settings import Settings
from chatkeep.store import Store, Tx
from chatkeep.store.providers import find_provider
from chatkeep.vault import Vault, place_of_provider_key

# How the ids of providers begin that organizations brought themselves.
BROUGHT = "prov_"
_FRESH_SECONDS = 2.0
_MOST = 10_000

log = logging.getLogger("chatkeep.providers")


@dataclass(frozen=True, slots=True)
class Source:
    """A retrieved passage, numbered from 1 as citations name it. *text* is the whole passage."""

    index: int
    title: str
    url: str | None
    excerpt: str
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of the conversation."""

    role: Literal["visitor", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a provider may know: instructions, earlier turns (oldest first), question, sources."""

    instructions: str
    question: str
    history: tuple[Turn, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """The last thing that a provider yields: why it stopped, and tokens where it knows them."""

    reason: Literal["stop", "length", "content_filter"]
    tokens_in: int | None = None
    tokens_out: int | None = None


class Failure(StrEnum):
    """Why a provider could not answer; goes into the record, never to the visitor."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    CUT = "cut"
    TOO_LARGE = "too_large"
    MISCONFIGURED = "misconfigured"


class ProviderFailed(Exception):  # noqa: N818 - a past participle is a proof (house style)
    """A provider gave up. All of it is safe for logs: no key, no prompt, no answer text.

    *status* and *code*, a short token, are what the server said, where it said something.
    """

    def __init__(self, failure: Failure, detail: str = "", *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(f"{failure.value}: {detail}" if detail else failure.value)
        self.failure = failure
        self.status = status
        self.code = code


class Provider(Protocol):
    """One way to get an answer."""

    name: str
    # Whom it asks, for the record: host of the server, name of the model. ``None``: nobody outside.
    host: str | None
    model: str | None
    wants_history: bool
    # Whether it can tell a source that answers from one that does not.
    judges_sources: bool

    def stream(self, prompt: Prompt) -> AsyncGenerator[str | Finish, None]:
        """Yield text as it comes, then one ``Finish``.

        An empty string says "the first byte is here" before there is text. Closing the
        iterator (``aclose``) ends the call to the outside at once. Raises ``ProviderFailed``.
        """
        ...


class Unusable:
    """Stands for a provider that cannot be had, as its key does not open: that is recorded like any failure, and the next one is asked."""

    host: str | None = None
    model: str | None = None
    wants_history = False
    judges_sources = True

    def __init__(self, name: str) -> None:
        self.name = name

    async def stream(self, _prompt: Prompt) -> AsyncGenerator[str | Finish, None]:
        """Raise ``ProviderFailed``."""
        pieces: tuple[str, ...] = ()
        for piece in pieces:
            yield piece
        raise ProviderFailed(Failure.MISCONFIGURED)


# One line per provider; each file is imported only when an agent uses it.
_FACTORIES: dict[str, str] = {
    "openai": "chatkeep.providers.openai",
    "knowledge": "chatkeep.providers.knowledge",
    "fake": "chatkeep.providers.fake",
}


NAMES = tuple(_FACTORIES)


def build_provider(name: str, settings: Settings, egress: Egress) -> Provider:
    """The provider *name*, ready to use. Raises ``Misconfigured`` for one that cannot be had."""
    if name not in _FACTORIES:
        msg = f"unknown provider {name!r}; known are {', '.join(_FACTORIES)}"
        raise Misconfigured(msg)
    build: Callable[[Settings, Egress], Provider] = import_module(_FACTORIES[name]).build
    return build(settings, egress)


class Roster:
    """The providers of this process: the instance's, built at first use, and those that organizations brought themselves."""

    def __init__(self, settings: Settings, egress: Egress, store: Store, vault: Vault, clock: Clock) -> None:
        self._settings = settings
        self._egress = egress
        self._store = store
        self._vault = vault
        self._clock = clock
        self._built: dict[str, Provider] = {}
        self._brought: dict[str, tuple[float, Provider]] = {}

    async def chain(self, org: OrgId, names: Sequence[str]) -> list[Provider]:
        """The providers *names* of *org* in order; none named means what the instance offers. Raises ``Unavailable``."""
        offered = ("openai",) if self._settings.openai_configured else ("knowledge",)
        return [await self.load(org, name) if name.startswith(BROUGHT) else self._get(name) for name in names or offered]

    async def load(self, org: OrgId, provider: str) -> Provider:
        """A provider that *org* brought, as it was at most two seconds ago. Raises ``Unavailable``."""
        key, now = f"{org}/{provider}", self._clock.monotonic()
        read_at, known = self._brought.get(key, (-_FRESH_SECONDS, None))
        if known is not None and now - read_at < _FRESH_SECONDS:
            return known
        try:
            built = await self._store.read(self._read, org, provider)
        except Misconfigured as error:
            built = _unusable(provider, error)
        if len(self._brought) >= _MOST:
            self._brought.clear()
        self._brought[key] = (now, built)
        return built

    def _read(self, tx: Tx, org: OrgId, provider: str) -> Provider:
        """The stored provider with its key, ready to be asked. In a reader thread. Raises ``Misconfigured``."""
        row = find_provider(tx, org, provider)
        if row is None:
            msg = f"the provider {provider} is gone: give the agent another one"
            raise Misconfigured(msg)
        key = self._vault.unseal(tx, row.api_key, place=place_of_provider_key(row.provider_id)) if row.api_key is not None else ""
        built: Provider = import_module(_FACTORIES[row.kind]).build_brought(row, key, self._egress)
        return built

    def _get(self, name: str) -> Provider:
        """The instance's provider *name*."""
        if name not in self._built:
            try:
                self._built[name] = build_provider(name, self._settings, self._egress)
            except Misconfigured as error:
                return _unusable(name, error)
        return self._built[name]


def _unusable(name: str, error: Misconfigured) -> Provider:
    """What stands for *name*; the log says what to mend."""
    log.error("provider_misconfigured", extra={"fields": {"provider": name, "advice": str(error)}})
    return Unusable(name)
