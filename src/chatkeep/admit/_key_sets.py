"""Which keys does a host publish right now? Its JWKS, fetched seldom and kept long.

A copy is fresh for 5 minutes and may be used for 24 hours while the host does not answer.
A key id that the copy does not know fetches anew at most once in 30 s, a failure waits
longer each time: nobody can make the gateway call a host more often by sending tokens.
"""

import asyncio
import logging
import math
from collections import OrderedDict
from dataclasses import dataclass

import ada_url

from chatkeep.admit.domains import LOOPBACK_HOSTS
from chatkeep.audit import Context, Recorder
from chatkeep.audit.catalogue import IdentityRejected
from chatkeep.clock import Clock
from chatkeep.crypto.host_keys import ALGORITHMS, HostKey, parse_key_set
from chatkeep.egress import Egress, EgressFailed, Trust
from chatkeep.errors import Reason, Unavailable
from chatkeep.ids import KeyId
from chatkeep.store.widget_keys import WidgetKeyRow

FRESH_SECONDS = 300.0
STALE_SECONDS = 24 * 3600.0
UNKNOWN_KID_SECONDS = 30.0
LARGEST_BYTES = 64 * 1024
_FIRST_WAIT_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 300.0
_DEADLINE_SECONDS = 5.0
_MOST_SETS = 1000

log = logging.getLogger("chatkeep.key_sets")


@dataclass(slots=True)
class _Copy:
    """What is known of one JWKS. Times by the monotonic clock."""

    keys: tuple[HostKey, ...] | None = None
    fetched_at: float = 0.0
    asked_at: float = 0.0
    failures: int = 0
    not_before: float = 0.0
    fetching: "asyncio.Task[None] | None" = None


@dataclass(frozen=True, slots=True)
class Later:
    """Nobody can say yet whose key it is: the host may be asked again in so many *seconds*."""

    seconds: int


class KeySets:
    """The JWKS that widgets name, one copy for each. Event loop only."""

    def __init__(self, egress: Egress, clock: Clock, recorder: Recorder, *, development: bool, deadline_s: float = _DEADLINE_SECONDS) -> None:
        self._egress = egress
        self._clock = clock
        self._recorder = recorder
        self._development = development
        self._deadline_s = deadline_s
        self._copies: OrderedDict[KeyId, _Copy] = OrderedDict()

    async def load(self, row: WidgetKeyRow, kid: str | None) -> tuple[tuple[HostKey, ...], Later | None]:
        """The keys of the JWKS that *row* names, where *kid* is wanted; ``Later`` when it is none of them, and the host was not asked for it.

        Raises ``Unavailable`` when no usable copy can be had.
        """
        copy = self._copy_of(row.key_id)
        is_due = self._is_due(copy, kid)
        if is_due:
            if copy.fetching is None or copy.fetching.done():
                copy.asked_at = self._clock.monotonic()
                copy.fetching = asyncio.create_task(self._fetch(row, copy), name="chatkeep-key-set")
            # Shielded: whoever else waits for it gets it, even if this visitor leaves.
            await asyncio.shield(copy.fetching)
        now = self._clock.monotonic()
        if copy.keys is None or now - copy.fetched_at >= STALE_SECONDS:
            raise Unavailable(Reason.KEY_SET_UNAVAILABLE, retry_after=max(1, round(copy.not_before - now)))
        is_looked_up = (is_due and copy.failures == 0) or not _is_unknown(copy, kid)
        next_try = max(copy.not_before, copy.asked_at + UNKNOWN_KID_SECONDS)
        return copy.keys, None if is_looked_up else Later(max(1, math.ceil(next_try - now)))

    def _copy_of(self, key_id: KeyId) -> _Copy:
        """The copy of one key set; the ones that nobody asked for make room."""
        copy = self._copies.pop(key_id, None) or _Copy()
        self._copies[key_id] = copy
        if len(self._copies) > _MOST_SETS:
            self._copies.popitem(last=False)
        return copy

    def _is_due(self, copy: _Copy, kid: str | None) -> bool:
        """Whether to ask the host now."""
        now = self._clock.monotonic()
        if copy.fetching is not None and not copy.fetching.done():
            return True
        if now < copy.not_before:
            return False
        if copy.keys is None or now - copy.fetched_at >= FRESH_SECONDS:
            return True
        return _is_unknown(copy, kid) and now - copy.asked_at >= UNKNOWN_KID_SECONDS

    async def _fetch(self, row: WidgetKeyRow, copy: _Copy) -> None:
        """Bring *copy* up to date, or note the failure. Raises nothing: all who wait look at the copy."""
        try:
            async with asyncio.timeout(self._deadline_s):
                found = await self._ask(row)
        except (EgressFailed, TimeoutError, ValueError) as error:
            failure = error.kind.value if isinstance(error, EgressFailed) else "timeout" if isinstance(error, TimeoutError) else str(error)
            wait = min(_FIRST_WAIT_SECONDS * 2**copy.failures, _LONGEST_WAIT_SECONDS)
            copy.failures = min(copy.failures + 1, 16)
            copy.not_before = self._clock.monotonic() + wait
            self._recorder.record(IdentityRejected(f"key_set_{failure}"), Context(org_id=row.org_id, widget_id=row.widget_id))
            log.info("key_set_not_fetched", extra={"fields": {"key_id": row.key_id, "failure": failure}})
            return
        copy.keys, copy.fetched_at, copy.failures = found, self._clock.monotonic(), 0

    async def _ask(self, row: WidgetKeyRow) -> tuple[HostKey, ...]:
        """One fetch. Raises ``EgressFailed``, ``TimeoutError``, or ``ValueError`` whose text is a code."""
        algorithm = next(name for name in ALGORITHMS if name == row.algorithm)
        accept = {"Accept": "application/jwk-set+json, application/json"}
        async with self._egress.get(row.material, headers=accept, trust=trust_in(row.material, development=self._development)) as reply:
            if reply.status != 200:  # noqa: PLR2004 - HTTP: nothing else brings keys, least of all a redirect
                raise ValueError(f"status_{reply.status}")
            data = await reply.read(LARGEST_BYTES + 1)
        if len(data) > LARGEST_BYTES:
            raise ValueError("too_large")
        try:
            found = parse_key_set(data, algorithm)
        except ValueError:
            raise ValueError("not_a_key_set") from None
        if not found:
            raise ValueError("no_usable_key")
        return found


def _is_unknown(copy: _Copy, kid: str | None) -> bool:
    """Whether a token names a key that is not in *copy*."""
    return kid is not None and all(key.kid != kid for key in copy.keys or ())


def trust_in(url: str, *, development: bool) -> Trust:
    """As a tenant's target: https and public. Development relaxes exactly this: http on this machine."""
    if not development:
        return Trust.TENANT
    try:
        parts = ada_url.URL(url)
    except ValueError:
        return Trust.TENANT
    return Trust.OPERATOR if parts.protocol == "http:" and parts.hostname in LOOPBACK_HOSTS else Trust.TENANT
