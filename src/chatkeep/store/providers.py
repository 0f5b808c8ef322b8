"""Providers that an organization brought itself: rows in, frozen rows out. Keys are sealed before they come here."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from chatkeep.ids import OrgId, ProviderId
from chatkeep.store.engine import Tx
from chatkeep.store.paging import Part, part_of
from chatkeep.store.tables import providers


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider as stored. *api_key* is sealed; *is_local*: set up on the command line, so that its target may be private."""

    provider_id: ProviderId
    org_id: OrgId
    name: str
    kind: str
    base_url: str
    model: str
    api_key: str | None
    last4: str | None
    is_local: bool
    created_at_ms: int


def add_provider(tx: Tx, org: OrgId, provider: ProviderRow) -> None:
    """Give *org* another provider."""
    owner = {"id": provider.provider_id, "org_id": org, "kind": provider.kind, "created_at": provider.created_at_ms}
    tx.execute(insert(providers).values(**owner, **_values(provider)))


def replace_provider(tx: Tx, org: OrgId, provider: ProviderRow) -> bool:
    """Give a provider of *org* another name, address, model or key; ``False`` when there is none."""
    return tx.execute(update(providers).where(providers.c.org_id == org, providers.c.id == provider.provider_id).values(**_values(provider))).rowcount == 1


def find_provider(tx: Tx, org: OrgId, provider: str, *, to_change: bool = False) -> ProviderRow | None:
    """The provider of that id in *org*; *to_change*: nobody else changes it until the transaction ends."""
    query = select(providers).where(providers.c.org_id == org, providers.c.id == provider)
    row = tx.execute(query.with_for_update(key_share=True) if to_change else query).one_or_none()
    return _provider(row) if row is not None else None


def list_providers(tx: Tx, org: OrgId, part: Part) -> tuple[list[ProviderRow], int]:
    """Providers of *org*, oldest first, and how many there are."""
    rows, total = part_of(tx, select(providers).where(providers.c.org_id == org).order_by(providers.c.created_at, providers.c.id), part)
    return [_provider(row) for row in rows], total


def remove_provider(tx: Tx, org: OrgId, provider: str) -> bool:
    """Remove a provider with its key; ``False`` when there is none."""
    return tx.execute(delete(providers).where(providers.c.org_id == org, providers.c.id == provider)).rowcount == 1


def sealed_provider_keys(tx: Tx) -> list[ProviderRow]:
    """Every provider that has a key. Instance-wide: for changing the keys that seal."""
    return [_provider(row) for row in tx.execute(select(providers).where(providers.c.api_key.is_not(None)).order_by(providers.c.id))]


def reseal_provider_key(tx: Tx, org: OrgId, provider: ProviderId, old: str, new: str) -> bool:
    """Put *new* in the place of *old*, unless that changed meanwhile."""
    one = (providers.c.org_id == org, providers.c.id == provider, providers.c.api_key == old)
    return tx.execute(update(providers).where(*one).values(api_key=new)).rowcount == 1


def _values(provider: ProviderRow) -> dict[str, Any]:
    """The columns that may change."""
    return {
        "name": provider.name,
        "base_url": provider.base_url,
        "model": provider.model,
        "api_key": provider.api_key,
        "last4": provider.last4,
        "is_local": provider.is_local,
    }


def _provider(row: Row[Any]) -> ProviderRow:
    """A row of the table as ``ProviderRow``."""
    return ProviderRow(ProviderId(row.id), OrgId(row.org_id), row.name, row.kind, row.base_url, row.model, row.api_key, row.last4, row.is_local, row.created_at)
