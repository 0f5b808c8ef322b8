"""Blocks, warnings and exemptions: rows in, frozen rows out."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, Select, delete, func, insert, select, update

from chatkeep.ids import BlockId, OrgId
from chatkeep.store.engine import Tx
from chatkeep.store.paging import Part, part_of
from chatkeep.store.tables import blocks, exemptions, warnings
from chatkeep.store.writer import Write

BlockKind = Literal["address", "network", "session", "visitor", "domain"]


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A ban. *ends_at_ms* ``None``: until it is lifted."""

    block_id: BlockId
    org_id: OrgId
    kind: BlockKind
    value: str
    reason: str
    is_automatic: bool
    created_at_ms: int
    ends_at_ms: int | None
    lifted_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class WarningRow:
    """One thing that an address or a session should not have done."""

    org_id: OrgId
    kind: str
    value: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ExemptionRow:
    """A network whose address limits are *factor* times the usual; 0 is none at all."""

    exemption_id: str
    org_id: OrgId
    network: str
    factor: int
    note: str


_insert_block = insert(blocks)
_insert_warning = insert(warnings)


def new_block(block: BlockRow) -> Write:
    """The write that stores *block*."""
    return Write(
        _insert_block,
        {
            "id": block.block_id,
            "org_id": block.org_id,
            "kind": block.kind,
            "value": block.value,
            "reason": block.reason,
            "is_automatic": block.is_automatic,
            "created_at": block.created_at_ms,
            "ends_at": block.ends_at_ms,
            "lifted_at": None,
        },
    )


def new_warning(warning: WarningRow) -> Write:
    """The write that stores *warning*."""
    return Write(_insert_warning, {"org_id": warning.org_id, "kind": warning.kind, "value": warning.value, "created_at": warning.at_ms})


def revision(tx: Tx) -> tuple[object, ...]:
    """Something that changes whenever a block or an exemption is made, lifted or removed. Instance-wide."""
    of_blocks = tx.execute(select(func.count(), func.max(blocks.c.created_at), func.count(blocks.c.lifted_at)).select_from(blocks)).one()
    of_exemptions = tx.execute(select(func.count(), func.max(exemptions.c.created_at)).select_from(exemptions)).one()
    return (*of_blocks, *of_exemptions)


def blocks_since(tx: Tx, since_ms: int) -> list[BlockRow]:
    """Every block that holds, or that was made or ended since then. Instance-wide: for the guard's first reading."""
    holds = blocks.c.lifted_at.is_(None) & (blocks.c.ends_at.is_(None) | (blocks.c.ends_at > since_ms))
    return [_block(row) for row in tx.execute(select(blocks).where(holds | (blocks.c.created_at > since_ms)))]


def changed_blocks(tx: Tx, made_since_ms: int) -> list[BlockRow]:
    """Every block that may have changed: automatic ones made since then, and all that an operator made or lifted, by whatever clock.

    Instance-wide: for the guard.
    """
    may_differ = blocks.c.is_automatic.is_(False) | blocks.c.lifted_at.is_not(None) | (blocks.c.created_at > made_since_ms)
    return [_block(row) for row in tx.execute(select(blocks).where(may_differ))]


def forget_blocks(tx: Tx, before_ms: int) -> int:
    """Remove automatic blocks that ended before then; what an operator did stays listed. Instance-wide: for the sweep."""
    is_over = (blocks.c.ends_at <= before_ms) | (blocks.c.lifted_at <= before_ms)
    return int(tx.execute(delete(blocks).where(blocks.c.is_automatic.is_(True), is_over)).rowcount)


def warnings_since(tx: Tx, since_ms: int) -> list[WarningRow]:
    """Every warning since then, oldest first. Instance-wide: for the guard."""
    found = tx.execute(select(warnings).where(warnings.c.created_at > since_ms).order_by(warnings.c.seq))
    return [WarningRow(OrgId(row.org_id), row.kind, row.value, row.created_at) for row in found]


def forget_warnings(tx: Tx, before_ms: int) -> int:
    """Remove warnings that no longer count. Instance-wide: for the sweep."""
    return int(tx.execute(delete(warnings).where(warnings.c.created_at <= before_ms)).rowcount)


def all_exemptions(tx: Tx) -> list[ExemptionRow]:
    """Every exemption. Instance-wide: for the guard."""
    return [ExemptionRow(row.id, OrgId(row.org_id), row.network, row.factor, row.note) for row in tx.execute(select(exemptions))]


def list_blocks(tx: Tx, org: OrgId, *, now_ms: int, with_past: bool = False) -> list[BlockRow]:
    """The blocks of *org* that hold, newest first; *with_past* also those that ended."""
    return [_block(row) for row in tx.execute(_blocks(org, now_ms=now_ms, with_past=with_past))]


def part_of_blocks(tx: Tx, org: OrgId, part: Part, *, now_ms: int, with_past: bool = False) -> tuple[list[BlockRow], int]:
    """As ``list_blocks``, a part of them, and how many there are."""
    rows, total = part_of(tx, _blocks(org, now_ms=now_ms, with_past=with_past), part)
    return [_block(row) for row in rows], total


def find_block(tx: Tx, org: OrgId, block: str) -> BlockRow | None:
    """The block of that id in *org*."""
    row = tx.execute(select(blocks).where(blocks.c.org_id == org, blocks.c.id == block)).one_or_none()
    return _block(row) if row is not None else None


def add_block(tx: Tx, org: OrgId, block: BlockRow) -> None:
    """Make *block* in *org*."""
    tx.execute(_insert_block, [{**new_block(block).values, "org_id": org}])


def lift_block(tx: Tx, org: OrgId, block: str, *, at_ms: int) -> bool:
    """Lift a block; ``False`` when there is none that holds."""
    changed = tx.execute(update(blocks).where(blocks.c.org_id == org, blocks.c.id == block, blocks.c.lifted_at.is_(None)).values(lifted_at=at_ms))
    return changed.rowcount == 1


def add_exemption(tx: Tx, org: OrgId, exemption: ExemptionRow, *, at_ms: int) -> None:
    """Make *exemption* in *org*."""
    values = {"id": exemption.exemption_id, "org_id": org, "network": exemption.network, "factor": exemption.factor, "note": exemption.note}
    tx.execute(insert(exemptions).values(**values, created_at=at_ms))


def list_exemptions(tx: Tx, org: OrgId) -> list[ExemptionRow]:
    """The exemptions of *org*."""
    return [exemption for exemption in all_exemptions(tx) if exemption.org_id == org]


def remove_exemption(tx: Tx, org: OrgId, exemption: str) -> bool:
    """Remove an exemption; ``False`` when there is none."""
    return tx.execute(delete(exemptions).where(exemptions.c.org_id == org, exemptions.c.id == exemption)).rowcount == 1


def _blocks(org: OrgId, *, now_ms: int, with_past: bool) -> Select[Any]:
    """The blocks of *org*, newest first."""
    query = select(blocks).where(blocks.c.org_id == org)
    if not with_past:
        query = query.where(blocks.c.lifted_at.is_(None), blocks.c.ends_at.is_(None) | (blocks.c.ends_at > now_ms))
    return query.order_by(blocks.c.created_at.desc(), blocks.c.id)


def _block(row: Row[Any]) -> BlockRow:
    """A row of the table as ``BlockRow``."""
    return BlockRow(BlockId(row.id), OrgId(row.org_id), row.kind, row.value, row.reason, row.is_automatic, row.created_at, row.ends_at, row.lifted_at)
