"""How are the keys that seal secrets changed, while the gateway runs?

A new data key seals from now on; every secret is sealed anew, a few at a time, each only
if nobody changed it meanwhile. The old key goes with a later change: whoever still held
it in memory has long stopped. Spec: admin-api; checklist A62.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from chatkeep.admit._key_ring import place_of
from chatkeep.clock import Clock
from chatkeep.crypto.sealed import key_id_of
from chatkeep.errors import InTheWay
from chatkeep.ids import UserId
from chatkeep.store import Store, Tx, data_keys, providers, users, widget_keys
from chatkeep.store.widget_keys import WidgetKeyRow
from chatkeep.vault import Vault, place_of_provider_key, place_of_totp

_BATCH = 50
# How long a retired key is kept after the last secret left it.
GRACE_MINUTES = 60

Progress = Callable[[int, int], None]
"""Called after each batch with how many secrets are sealed anew, and how many there are."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a change of keys came to.

    *rewrapped*: data keys that an older SECRET_KEY sealed; *removed*: old data keys destroyed; *waiting*: old ones that are kept.
    """

    key_id: str
    secrets: int
    rewrapped: int
    removed: int
    waiting: int


@dataclass(frozen=True, slots=True)
class _Secret:
    """A sealed secret where it lies: *put* replaces it unless it changed."""

    sealed: str
    place: str
    put: Callable[[Tx, str], bool]


def rotate_keys(store: Store, clock: Clock, vault: Vault, progress: Progress = lambda _done, _all: None) -> Rotated:
    """Seal everything with a new data key. Raises ``Misconfigured`` for a secret that cannot be opened, ``InTheWay`` when another change of keys begins."""
    rewrapped = store.transaction_now(vault.rewrap_all)
    key_id = store.transaction_now(vault.begin_next).key_id
    done = 0
    # Again until there is none: somebody may have sealed with the old key while we looked.
    while stale := [one for one in store.read_now(_secrets) if key_id_of(one.sealed) != key_id]:
        total = done + len(stale)
        waiting = iter(stale)
        while batch := list(islice(waiting, _BATCH)):
            store.transaction_now(_reseal, vault, key_id, batch)
            done += len(batch)
            progress(done, total)
    removed = store.transaction_now(_remove_unused, before_ms=int(clock.now().timestamp() * 1000) - GRACE_MINUTES * 60_000)
    kept = len(store.read_now(data_keys.list_data_keys)) - 1
    return Rotated(key_id, done, rewrapped, removed, kept)


def _secrets(tx: Tx) -> list[_Secret]:
    """Everything that is sealed."""
    return list(_all_secrets(tx))


def _all_secrets(tx: Tx) -> Iterator[_Secret]:
    """As ``_secrets``, one kind after the other."""
    for user, sealed in users.sealed_totp_secrets(tx):
        yield _Secret(sealed, place_of_totp(user), partial(_put_totp, user, sealed))
    for row in providers.sealed_provider_keys(tx):
        if row.api_key is not None:
            yield _Secret(row.api_key, place_of_provider_key(row.provider_id), partial(_put_provider_key, row, row.api_key))
    for key in widget_keys.sealed_widget_keys(tx):
        yield _Secret(key.material, place_of(key.purpose, key.widget_id), partial(_put_widget_key, key))


def _put_totp(user: UserId, old: str, tx: Tx, new: str) -> bool:
    return users.reseal_totp(tx, user, old, new)


def _put_provider_key(row: providers.ProviderRow, old: str, tx: Tx, new: str) -> bool:
    return providers.reseal_provider_key(tx, row.org_id, row.provider_id, old, new)


def _put_widget_key(key: WidgetKeyRow, tx: Tx, new: str) -> bool:
    return widget_keys.reseal_widget_key(tx, key.org_id, key, new)


def _reseal(tx: Tx, vault: Vault, key_id: str, batch: list[_Secret]) -> None:
    """Seal *batch* with the newest key, which must still be the one of that name."""
    if vault.newest(tx).key_id != key_id:
        # Two that seal everything anew, each with its own key, would undo each other without end.
        raise InTheWay("another change of keys began after this one and seals everything anew: this one stops, let the other end")
    for one in batch:
        one.put(tx, vault.seal(tx, vault.unseal(tx, one.sealed, place=one.place), place=one.place))


def _remove_unused(tx: Tx, *, before_ms: int) -> int:
    """Destroy data keys that retired before then and seal nothing; how many."""
    used = {key_id_of(one.sealed) for one in _all_secrets(tx)}
    old = [row for row in data_keys.list_data_keys(tx) if row.retired_at_ms is not None and row.retired_at_ms <= before_ms and row.key_id not in used]
    for row in old:
        data_keys.remove_data_key(tx, row.key_id)
    return len(old)
