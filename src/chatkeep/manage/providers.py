"""What can an operator do with providers of their own? Bring a key, list, change, remove, try.

Keys are sealed before they are stored, and of a key only the last four characters are
ever shown. One set up on the command line may be in a private network; one typed by a
member of an organization may not (``egress.py``).
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.egress import EgressFailed, Trust, parse_target
from chatkeep.errors import InTheWay, NotThere, WrongUsage
from chatkeep.ids import OrgId, ProviderId
from chatkeep.manage.people import now_ms
from chatkeep.providers import Failure, Finish, Prompt, Provider, ProviderFailed
from chatkeep.store import Store, Tx
from chatkeep.store import providers as rows
from chatkeep.store.organizations import agents_with_provider
from chatkeep.store.paging import Part
from chatkeep.store.providers import ProviderRow
from chatkeep.vault import Vault, place_of_provider_key

KINDS = ("openai",)
_NOT_THERE = "there is no such provider"
_LONGEST_NAME = 200
_LONGEST_URL = 2048
_LONGEST_KEY = 4096
_SHOWN = 4
# A shorter key would be half told by its last four characters.
_SHORTEST_SHOWN = 12
_TRY_SECONDS = 15.0
_ADVICE: Mapping[Failure, str] = {
    Failure.CONNECT: "There is no public server at this address, or it speaks no TLS: check base_url.",
    Failure.TIMEOUT: "The server says nothing for too long: check that it runs, and the model.",
    Failure.RATE_LIMITED: "The server wants fewer requests: wait, or raise the limit of the account.",
    Failure.REFUSED: "The server refuses: check the key, the model and the path of base_url.",
    Failure.SERVER_ERROR: "The server has a failure of its own: try again later.",
    Failure.MALFORMED: "The server does not answer like an OpenAI-compatible API: check base_url, which ends before /chat/completions.",
    Failure.CUT: "The connection broke off: try again.",
    Failure.TOO_LARGE: "The answer is too large: take another model.",
    Failure.MISCONFIGURED: (
        "The keys that seal secrets were sealed with another CHATKEEP_SECRET_KEY: set CHATKEEP_SECRET_KEY_PREVIOUS to that one, or give api_key again."
    ),
}
_QUESTION = "Answer with the one word: ready"


@dataclass(frozen=True, slots=True)
class Change:
    """What to set; ``None`` leaves it as it is. An empty *api_key* removes the key."""

    name: str | None = None
    base_url: str | None = None
    model: str | None = None
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of asking a provider something: ``failure`` says what went wrong, *status* what its server answered.

    *milliseconds* is missing where nothing was reached: how long that took tells of names and ports that are not for everybody.
    """

    is_ok: bool
    milliseconds: int | None
    failure: Failure | None = None
    status: int | None = None

    @property
    def advice(self) -> str | None:
        """What to do about the failure."""
        return _ADVICE[self.failure] if self.failure is not None else None


def bring_provider(store: Store, clock: Clock, vault: Vault, org: OrgId, *, kind: str, wanted: Change, is_local: bool) -> ProviderRow:
    """A new provider of *org*. Raises ``WrongUsage``."""
    if kind not in KINDS:
        raise WrongUsage(f"there is no kind of provider like that: use {', '.join(KINDS)}", field="kind")
    empty = ProviderRow(ProviderId(new_id("prov")), org, "", kind, "", "", None, None, is_local, now_ms(clock))
    row = _changed(empty, wanted)
    for field in ("name", "base_url", "model"):
        if not getattr(row, field):
            raise WrongUsage("is missing", field=field)
    return store.transaction_now(_add, org, row, wanted.api_key, vault)


def some_providers(store: Store, org: OrgId, part: Part) -> tuple[list[ProviderRow], int]:
    """Providers of *org*, and how many there are."""
    return store.read_now(rows.list_providers, org, part)


def get_provider(store: Store, org: OrgId, provider: str) -> ProviderRow:
    """The provider of that id. Raises ``NotThere``."""
    found = store.read_now(rows.find_provider, org, provider)
    if found is None:
        raise NotThere(_NOT_THERE)
    return found


def change_provider(store: Store, vault: Vault, org: OrgId, provider: str, wanted: Change, *, is_local: bool) -> ProviderRow:
    """The provider with what is given changed. Its key goes to another host only when it is given again. Raises ``WrongUsage``.

    *is_local*: asked for on the command line. Who gave the address decides whether it may be private; other changes leave that as it is.
    """
    return store.transaction_now(_change, org, provider, wanted, vault, is_local=is_local)


def remove_provider(store: Store, org: OrgId, provider: str) -> None:
    """Remove a provider with its key. Raises ``NotThere``; ``InTheWay`` while an agent asks it."""
    store.transaction_now(_remove, org, provider)


async def try_provider(provider: Provider) -> Tried:
    """Ask *provider* for one word. Nothing that it answers is shown."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    failure: Failure | None = None
    status, is_ok = None, False
    try:
        async with asyncio.timeout(_TRY_SECONDS), aclosing(provider.stream(Prompt("", _QUESTION, (), ()))) as pieces:
            async for piece in pieces:
                is_ok = is_ok or isinstance(piece, Finish) or bool(piece)
    except TimeoutError:
        is_ok, failure = False, Failure.TIMEOUT
    except ProviderFailed as failed:
        is_ok, failure, status = False, failed.failure, failed.status
    milliseconds = int((loop.time() - begun) * 1000)
    return Tried(is_ok, None if failure in {Failure.CONNECT, Failure.MISCONFIGURED} else milliseconds, failure, status)


def _changed(row: ProviderRow, wanted: Change) -> ProviderRow:
    """*row* with what is given, its key aside. Raises ``WrongUsage``."""
    return replace(
        row,
        name=row.name if wanted.name is None else _checked_text("name", wanted.name, _LONGEST_NAME),
        base_url=row.base_url if wanted.base_url is None else _checked_url(wanted.base_url, is_local=row.is_local),
        model=row.model if wanted.model is None else _checked_text("model", wanted.model, _LONGEST_NAME),
    )


def _add(tx: Tx, org: OrgId, row: ProviderRow, api_key: str | None, vault: Vault) -> ProviderRow:
    """Store a provider whose name is free."""
    row = _with_key(tx, row, api_key, vault)
    _check_name_is_free(tx, org, row)
    rows.add_provider(tx, org, row)
    return row


def _change(tx: Tx, org: OrgId, provider: str, wanted: Change, vault: Vault, *, is_local: bool) -> ProviderRow:
    """Store the provider with what is given."""
    old = rows.find_provider(tx, org, provider, to_change=True)
    if old is None:
        raise NotThere(_NOT_THERE)
    row = _changed(replace(old, is_local=old.is_local if wanted.base_url is None else is_local), wanted)
    if wanted.api_key is None and old.api_key is not None and row.base_url != old.base_url:
        # Whoever may set an address must not learn a key that somebody else typed.
        raise WrongUsage("give the key again: another address may be another server", field="api_key")
    row = _with_key(tx, row, wanted.api_key, vault)
    _check_name_is_free(tx, org, row)
    rows.replace_provider(tx, org, row)
    return row


def _with_key(tx: Tx, row: ProviderRow, api_key: str | None, vault: Vault) -> ProviderRow:
    """*row* with the key sealed; without a new one as it is. Raises ``WrongUsage``."""
    if api_key is None:
        return row
    if not api_key:
        return replace(row, api_key=None, last4=None)
    if len(api_key) > _LONGEST_KEY or not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise WrongUsage("this holds a character that no key has: copy it again", field="api_key")
    last4 = api_key[-_SHOWN:] if len(api_key) >= _SHORTEST_SHOWN else None
    return replace(row, api_key=vault.seal(tx, api_key, place=place_of_provider_key(row.provider_id)), last4=last4)


def _check_name_is_free(tx: Tx, org: OrgId, row: ProviderRow) -> None:
    """Raise ``InTheWay`` when another provider of *org* has that name."""
    others, _ = rows.list_providers(tx, org, Part(1, 10_000))
    if any(other.name == row.name and other.provider_id != row.provider_id for other in others):
        raise InTheWay(f"a provider is called {row.name!r} already", field="name")


def _remove(tx: Tx, org: OrgId, provider: str) -> None:
    """Remove a provider that nobody asks."""
    asking = agents_with_provider(tx, org, provider)
    if asking:
        raise InTheWay(f"the agent {asking[0]!r} asks this provider: give it another one first")
    if not rows.remove_provider(tx, org, provider):
        raise NotThere(_NOT_THERE)


def _checked_text(field: str, text: str, longest: int) -> str:
    """Short printable text. Raises ``WrongUsage``."""
    text = text.strip()
    if not 1 <= len(text) <= longest or not text.isprintable():
        raise WrongUsage(f"has 1 to {longest} printable characters", field=field)
    return text


def _checked_url(url: str, *, is_local: bool) -> str:
    """The base address of an API. Raises ``WrongUsage``. Whether its host is public is judged at each call, after DNS."""
    problem = "is written like https://api.example/v1, without user name, query or fragment"
    try:
        target = parse_target(url, Trust.OPERATOR if is_local else Trust.TENANT)
    except EgressFailed:
        raise WrongUsage(problem, field="base_url") from None
    if len(target) > _LONGEST_URL or "?" in target or "#" in url:
        raise WrongUsage(problem, field="base_url")
    return target
