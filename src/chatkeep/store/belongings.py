"""What belongs to an organization, and how does all of it go?"""

from collections.abc import Mapping

from sqlalchemy import Table, delete, func, select, update

from chatkeep.ids import OrgId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import agents, api_keys, blocks, conversations, documents, members, messages, metadata, organizations, providers, users, widgets

_TOLD: Mapping[str, tuple[Table, str | None]] = {
    "members": (members, None),
    "widgets": (widgets, "deleted_at"),
    "agents": (agents, "deleted_at"),
    "providers": (providers, None),
    "API keys": (api_keys, "revoked_at"),
    "documents": (documents, None),
    "conversations": (conversations, None),
    "messages": (messages, None),
    "blocks": (blocks, "lifted_at"),
}


def count_belongings(tx: Tx, org: OrgId) -> dict[str, int]:
    """How much of each kind *org* has that still is in use."""
    counts = {}
    for noun, (table, ended) in _TOLD.items():
        query = select(func.count()).select_from(table).where(table.c.org_id == org)
        counts[noun] = tx.execute(query if ended is None else query.where(table.c[ended].is_(None))).scalar_one()
    return counts


def close_widgets(tx: Tx, org: OrgId, *, at_ms: int) -> None:
    """Let nobody in any more."""
    tx.execute(update(widgets).where(widgets.c.org_id == org).values(is_active=False, deleted_at=at_ms))


def remove_some(tx: Tx, org: OrgId, most: int) -> int:
    """Remove up to *most* rows of *org*, those first that others do not need; how many, 0 when members and the organization are left alone."""
    for table in reversed(metadata.sorted_tables):
        if "org_id" not in table.c or table is members:
            continue
        keys = list(table.primary_key.columns)
        mine = table.c.org_id == org
        # A table with several keys has a row a day, or fewer.
        which = keys[0].in_(select(keys[0]).where(mine).limit(most)) if len(keys) == 1 else mine
        removed = int(tx.execute(delete(table).where(mine, which)).rowcount)
        if removed:
            return removed
    return 0


def remove_organization(tx: Tx, org: OrgId) -> None:
    """Remove *org*, and the accounts of those who are members nowhere else: nobody could give them another membership."""
    elsewhere = select(members.c.user_id).where(members.c.org_id != org)
    here = select(members.c.user_id).where(members.c.org_id == org)
    tx.execute(delete(users).where(users.c.id.in_(here), users.c.id.not_in(elsewhere)))
    tx.execute(delete(organizations).where(organizations.c.id == org))
