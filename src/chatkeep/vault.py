"""How does a secret come to rest in the database, and out of it again?

Envelope encryption: a secret is sealed with a data key, and the data key is itself
stored, sealed with a key that is derived from SECRET_KEY; while that is being changed,
once for each of them, so that processes with the old one and with the new one go on.
Changing the data key means sealing the secrets anew; changing SECRET_KEY means sealing a
few data keys anew. ``manage/sealing.py`` does both while the gateway runs. Inside
transactions only.
"""

from collections.abc import Sequence

from chatkeep.clock import Clock
from chatkeep.crypto.sealed import SealingKey, key_id_of, seal, unseal
from chatkeep.errors import Misconfigured
from chatkeep.ids import ProviderId, UserId
from chatkeep.store import Tx
from chatkeep.store import data_keys as rows
from chatkeep.store.data_keys import DataKeyRow


class Vault:
    """Seals and opens. *secrets*: SECRET_KEY, and while it is being changed the ones before it; *gone*: those that only open, until the next change of keys."""

    def __init__(self, secrets: Sequence[str], clock: Clock, *, gone: Sequence[str] = ()) -> None:
        self._wrapping = [SealingKey.from_secret(secret) for secret in secrets]
        self._masters = [*self._wrapping, *(SealingKey.from_secret(secret) for secret in gone)]
        self._clock = clock
        # Keys by what sealed texts call them; those that open secrets sealed before there were data keys, too.
        self._opened: dict[str, SealingKey] = {master.key_id: master for master in self._masters}

    def seal(self, tx: Tx, text: str, *, place: str) -> str:
        """*text*, to be opened only for the same *place*. Writes when there is no data key yet."""
        return seal(text, self.newest(tx), place=place)

    def unseal(self, tx: Tx, sealed: str, *, place: str) -> str:
        """What was sealed for *place*. Raises ``Misconfigured`` when it cannot be opened."""
        key = self._opened.get(key_id_of(sealed)) or self._find(tx, key_id_of(sealed)) or self._masters[0]
        return unseal(sealed, key, place=place)

    def newest(self, tx: Tx) -> SealingKey:
        """The data key that seals now; made when there is none."""
        live = next((row for row in rows.list_data_keys(tx) if row.retired_at_ms is None), None)
        if live is not None:
            return self._open(live)
        key = SealingKey.random()
        if rows.add_first_data_key(tx, self._row(key)):
            return key
        return self.newest(tx)

    def begin_next(self, tx: Tx) -> SealingKey:
        """A new data key, which seals from now on."""
        key = SealingKey.random()
        rows.begin_data_key(tx, self._row(key))
        return key

    def rewrap_all(self, tx: Tx) -> int:
        """Seal every data key for each of the secrets and for no other; how many were not."""
        wanted = {key.key_id for key in self._wrapping}
        old = [row for row in rows.list_data_keys(tx) if {key_id_of(one) for one in row.wrapped.split()} != wanted]
        for row in old:
            rows.rewrap_data_key(tx, row.key_id, self._wrap(self._open(row)))
        return len(old)

    def _find(self, tx: Tx, key_id: str) -> SealingKey | None:
        """The data key of that name."""
        row = next((row for row in rows.list_data_keys(tx) if row.key_id == key_id), None)
        return self._open(row) if row is not None else None

    def _open(self, row: DataKeyRow) -> SealingKey:
        """The key in *row*. Raises ``Misconfigured``."""
        known = self._opened.get(row.key_id)
        if known is not None:
            return known
        wrapped = {key_id_of(one): one for one in row.wrapped.split()}
        master = next((master for master in self._masters if master.key_id in wrapped), None)
        if master is None:
            msg = "the keys that seal secrets were sealed with another CHATKEEP_SECRET_KEY: set CHATKEEP_SECRET_KEY_PREVIOUS to that one"
            raise Misconfigured(msg)
        key = SealingKey.from_text(unseal(wrapped[master.key_id], master, place=_place(row.key_id)), row.key_id)
        self._opened[row.key_id] = key
        return key

    def _row(self, key: SealingKey) -> DataKeyRow:
        """*key* as it is stored, made just now."""
        return DataKeyRow(key.key_id, self._wrap(key), int(self._clock.now().timestamp() * 1000), None)

    def _wrap(self, key: SealingKey) -> str:
        """*key*, sealed once for each of the secrets."""
        return " ".join(seal(key.text, master, place=_place(key.key_id)) for master in self._wrapping)


def place_of_provider_key(provider: ProviderId) -> str:
    """Where the key of a provider belongs."""
    return f"provider-key:{provider}"


def place_of_totp(user: UserId) -> str:
    """Where the secret of a user's authenticator app belongs."""
    return f"totp:{user}"


def _place(key_id: str) -> str:
    """Where a data key belongs."""
    return f"data-key:{key_id}"
