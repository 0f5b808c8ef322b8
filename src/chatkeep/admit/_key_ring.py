"""With which keys may a widget's visitors be vouched for? Its stored keys, ready to check.

Rows are read at most every two seconds, so that what the command line adds or retires
holds at once; a widget without keys is asked for anew each time.
"""

import logging
from dataclasses import dataclass

from chatkeep.admit._cache import Cache
from chatkeep.admit._key_sets import KeySets, Later
from chatkeep.clock import Clock
from chatkeep.crypto.host_keys import ALGORITHMS, HostKey, parse_public_key, parse_shared_secret
from chatkeep.crypto.host_tokens import HostToken, is_signed_by
from chatkeep.errors import Misconfigured, WrongUsage
from chatkeep.ids import OrgId, WidgetId
from chatkeep.store import Store, Tx
from chatkeep.store.widget_keys import Purpose, WidgetKeyRow, list_keys
from chatkeep.vault import Vault

log = logging.getLogger("chatkeep.keys")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A row, and its key unless that lies in a JWKS."""

    row: WidgetKeyRow
    key: HostKey | None


class KeyRing:
    """The keys of all widgets. Event loop only."""

    def __init__(self, store: Store, clock: Clock, vault: Vault, sets: KeySets) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._sets = sets
        self._rows: Cache[WidgetId, tuple[_Ready, ...]] = Cache(clock)

    async def find_signer(self, token: HostToken, org: OrgId, widget: WidgetId) -> HostKey | Later | None:
        """The key that signed the identity *token*: of its algorithm, and of its name if it says one; ``Later`` when nobody can say yet.

        Keys at hand come first, so that a JWKS is fetched only for a token that needs it. Raises ``Unavailable``.
        """
        ready = [one for one in await self._live(org, widget) if one.row.algorithm == token.algorithm]
        for one in ready:
            if one.key is not None and one.row.purpose == "identity" and _signed(token, one.key):
                return one.key
        later = None
        for one in ready:
            if one.row.purpose == "jwks":
                keys, waits = await self._sets.load(one.row, token.kid)
                for key in keys:
                    if _signed(token, key):
                        return key
                later = waits or later
        return later

    async def ticket_keys(self, org: OrgId, widget: WidgetId) -> list[HostKey]:
        """Every key that may sign page tickets of *widget*."""
        return [one.key for one in await self._live(org, widget) if one.row.purpose == "ticket" and one.key is not None]

    async def _live(self, org: OrgId, widget: WidgetId) -> list[_Ready]:
        """The keys that have not retired."""
        known = self._rows.find(widget)
        if known is None:
            known = await self._store.read(self._read, org, widget)
            if known:
                self._rows.put(widget, known)
        at_ms = int(self._clock.now().timestamp() * 1000)
        return [one for one in known if one.row.is_live(at_ms)]

    def _read(self, tx: Tx, org: OrgId, widget: WidgetId) -> tuple[_Ready, ...]:
        """Every key of *widget*, opened."""
        return tuple(_Ready(row, self._find_key(tx, row)) for row in list_keys(tx, org, widget))

    def _find_key(self, tx: Tx, row: WidgetKeyRow) -> HostKey | None:
        """The key of *row*; ``None`` for a JWKS, and for one that cannot be used: then it checks nothing."""
        if row.purpose == "jwks":
            return None
        algorithm = next((name for name in ALGORITHMS if name == row.algorithm), None)
        try:
            if algorithm == "HS256":
                return parse_shared_secret(self._vault.unseal(tx, row.material, place=place_of(row.purpose, row.widget_id)), row.kid)
            return parse_public_key(row.material, algorithm, row.kid) if algorithm is not None else None
        except (Misconfigured, WrongUsage) as error:
            log.warning("key_not_usable", extra={"fields": {"key_id": row.key_id, "problem": str(error)}})
            return None


def _signed(token: HostToken, key: HostKey) -> bool:
    """Whether *key* is the one that *token* names, if it names one, and signed it. Names are compared, never looked up."""
    return token.kid in (None, key.kid) and is_signed_by(token, key)


def place_of(purpose: Purpose, widget: WidgetId) -> str:
    """Where a secret belongs: sealed for one widget and purpose, it opens nowhere else."""
    return f"widget-key:{purpose}:{widget}"
