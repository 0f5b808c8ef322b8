"""``/api/admin/blocks``: whom this organization keeps out."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatkeep.admit.permissions import Permission
from chatkeep.manage import blocks
from chatkeep.manage.queries import parse_flag
from chatkeep.manage.views import BlockView, block_view
from chatkeep.manage.warnings import about_block
from chatkeep.rest.contract import CREATED, AskedByOperator, Done, Office, operator_route
from chatkeep.store.blocks import BlockRow
from chatkeep.web.routes import Parameter, Route

_MOST_MINUTES = 366 * 24 * 60
_SOON = "Holds at once in the process that answers, and within 2 s on every process."


class BlockRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to block, why, and for how long; without *minutes* until it is lifted."""

    kind: Literal["address", "network", "session", "visitor", "domain"]
    value: Annotated[str, Meta(min_length=1, max_length=300, examples=["203.0.113.7"])]
    reason: Annotated[str, Meta(min_length=1, max_length=300, examples=["scraping"])]
    minutes: Annotated[float, Meta(gt=0, le=_MOST_MINUTES)] | None = None


class BlockOne(Struct):
    """One block."""

    success: bool
    block: BlockView
    warnings: list[str]


class BlockList(Struct):
    """A part of the blocks, newest first."""

    success: bool
    blocks: list[BlockView]
    total: int
    page: int
    limit: int


def block_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    every, one = "/api/admin/blocks", "/api/admin/blocks/{block_id}"
    read, write = Permission.BLOCKS_READ, Permission.BLOCKS_WRITE
    past = {"all": Parameter("`true`: also those that ended.", {"type": "string", "enum": ["true", "false"]})}
    return [
        operator_route(
            office,
            "POST",
            every,
            write,
            "Block somebody",
            create_block,
            BlockOne,
            request=BlockRequest,
            status=CREATED,
            notes=f"{_SOON} A network is /8 or narrower, for IPv6 /16.",
        ),
        operator_route(office, "GET", every, read, "List blocks", list_blocks, BlockList, is_paged=True, query=past),
        operator_route(office, "GET", one, read, "Read a block", read_block, BlockOne),
        operator_route(office, "DELETE", one, write, "Lift a block", lift_block, Done, notes=_SOON),
    ]


async def create_block(asked: AskedByOperator) -> BlockOne:
    """Block somebody. This process follows at once, others within two seconds."""
    request: BlockRequest = asked.body
    whose = (asked.store, asked.clock, asked.org)
    made = await asked.run(blocks.block, *whose, kind=request.kind, value=request.value, reason=request.reason, minutes=request.minutes)
    asked.office.desk.bans.update((made,))
    return BlockOne(success=True, block=_view(asked, made), warnings=await asked.run(about_block, asked.store, made))


def list_blocks(asked: AskedByOperator) -> BlockList:
    """A part of the blocks."""
    part, with_past = asked.part, parse_flag(asked.query, "all") or False
    rows, total = blocks.some_blocks(asked.store, asked.clock, asked.org, part, with_past=with_past)
    return BlockList(success=True, blocks=[_view(asked, row) for row in rows], total=total, page=part.page, limit=part.limit)


def read_block(asked: AskedByOperator) -> BlockOne:
    """One block."""
    row = blocks.get_block(asked.store, asked.org, asked.params["block_id"])
    return BlockOne(success=True, block=_view(asked, row), warnings=about_block(asked.store, row))


async def lift_block(asked: AskedByOperator) -> Done:
    """Lift a block. This process follows at once, others within two seconds."""
    await asked.run(blocks.lift, asked.store, asked.clock, asked.org, asked.params["block_id"])
    asked.office.desk.bans.update((await asked.run(blocks.get_block, asked.store, asked.org, asked.params["block_id"]),))
    return Done(success=True, message="The block is lifted.")


def _view(asked: AskedByOperator, row: BlockRow) -> BlockView:
    """A block as this operator may see it."""
    return block_view(row, is_masked=asked.operator.sees_masks)
