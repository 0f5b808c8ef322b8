"""API keys: what programs use in an operator's place. Rows in, frozen rows out. Only digests of keys are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update

from chatkeep.ids import KeyId, OrgId
from chatkeep.store.engine import Tx
from chatkeep.store.paging import Part, part_of
from chatkeep.store.tables import api_keys


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """A key as stored. *networks* empty: it may be used from anywhere. *created_by*: who answers for it, if it was not made on the command line."""

    key_id: KeyId
    org_id: OrgId
    name: str
    digest: str
    last4: str
    scopes: Sequence[str]
    networks: Sequence[str]
    created_by: str | None
    created_at_ms: int
    expires_at_ms: int | None
    used_at_ms: int | None = None
    revoked_at_ms: int | None = None

    def is_live(self, at_ms: int) -> bool:
        """Whether it may still be used."""
        return self.revoked_at_ms is None and (self.expires_at_ms is None or at_ms < self.expires_at_ms)


def add_api_key(tx: Tx, org: OrgId, key: ApiKeyRow) -> None:
    """Give *org* another key."""
    tx.execute(
        insert(api_keys).values(
            id=key.key_id,
            org_id=org,
            name=key.name,
            digest=key.digest,
            last4=key.last4,
            scopes=list(key.scopes),
            networks=list(key.networks),
            created_by=key.created_by,
            created_at=key.created_at_ms,
            expires_at=key.expires_at_ms,
            used_at=None,
            revoked_at=None,
        )
    )


def find_shown_key(tx: Tx, digest: str) -> ApiKeyRow | None:
    """The key with that digest, revoked or not. Instance-wide: the query that learns the tenant of a key."""
    row = tx.execute(select(api_keys).where(api_keys.c.digest == digest)).one_or_none()
    return _key(row) if row is not None else None


def find_api_key(tx: Tx, org: OrgId, key: str) -> ApiKeyRow | None:
    """The key of that id in *org*."""
    row = tx.execute(select(api_keys).where(api_keys.c.org_id == org, api_keys.c.id == key)).one_or_none()
    return _key(row) if row is not None else None


def list_api_keys(tx: Tx, org: OrgId, part: Part) -> tuple[list[ApiKeyRow], int]:
    """Keys of *org* that were not revoked, oldest first, and how many there are."""
    query = select(api_keys).where(api_keys.c.org_id == org, api_keys.c.revoked_at.is_(None)).order_by(api_keys.c.created_at, api_keys.c.id)
    rows, total = part_of(tx, query, part)
    return [_key(row) for row in rows], total


def change_api_key(tx: Tx, org: OrgId, key: ApiKeyRow) -> bool:
    """Give a key another name, scopes, networks or end; ``False`` when there is none."""
    one = (api_keys.c.org_id == org, api_keys.c.id == key.key_id, api_keys.c.revoked_at.is_(None))
    values = {"name": key.name, "scopes": list(key.scopes), "networks": list(key.networks), "expires_at": key.expires_at_ms}
    return tx.execute(update(api_keys).where(*one).values(**values)).rowcount == 1


def revoke_api_key(tx: Tx, org: OrgId, key: str, *, at_ms: int) -> bool:
    """End a key for good; ``False`` when there is none."""
    one = (api_keys.c.org_id == org, api_keys.c.id == key, api_keys.c.revoked_at.is_(None))
    return tx.execute(update(api_keys).where(*one).values(revoked_at=at_ms)).rowcount == 1


def revoke_keys_of(tx: Tx, org: OrgId, maker: str, *, at_ms: int) -> int:
    """End every key of *org* that *maker* made, for good; how many."""
    live = (api_keys.c.org_id == org, api_keys.c.created_by == maker, api_keys.c.revoked_at.is_(None))
    return int(tx.execute(update(api_keys).where(*live).values(revoked_at=at_ms)).rowcount)


def note_use(tx: Tx, org: OrgId, key: KeyId, *, at_ms: int) -> None:
    """Note when a key was last used."""
    tx.execute(update(api_keys).where(api_keys.c.org_id == org, api_keys.c.id == key).values(used_at=at_ms))


def _key(row: Row[Any]) -> ApiKeyRow:
    """A row of the table as ``ApiKeyRow``."""
    return ApiKeyRow(
        KeyId(row.id),
        OrgId(row.org_id),
        row.name,
        row.digest,
        row.last4,
        tuple(row.scopes),
        tuple(row.networks),
        row.created_by,
        row.created_at,
        row.expires_at,
        row.used_at,
        row.revoked_at,
    )
