"""``chatkeep blocks``: ban, lift, exempt."""

import argparse
from typing import Any, cast

from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said, add_commands, table
from chatkeep.clock import iso_ms
from chatkeep.manage import blocks
from chatkeep.store.blocks import BlockKind, BlockRow

_KINDS = ("address", "network", "session", "visitor", "domain")


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("blocks", help="block and unblock addresses, networks, sessions, visitors, domains")
    sub = add_commands(parser)
    add = sub.add_parser("add", parents=[everywhere], help="block somebody", epilog='Example: chatkeep blocks add --network 203.0.113.0/24 --reason "flood"')
    whom = add.add_mutually_exclusive_group(required=True)
    for kind in _KINDS:
        whom.add_argument(f"--{kind}", metavar=kind.upper())
    add.add_argument("--reason", required=True, help="why, for whoever reads it later")
    add.add_argument("--minutes", type=float, metavar="N", help="for so long; without it until lifted")
    add.set_defaults(run=_add)
    listing = sub.add_parser("list", parents=[everywhere], help="list blocks that hold", epilog="Example: chatkeep blocks list --all")
    listing.add_argument("--all", action="store_true", help="also those that ended; automatic ones for a day")
    listing.set_defaults(run=_list)
    lift = sub.add_parser("lift", parents=[everywhere], help="end a block", epilog="Example: chatkeep blocks lift block_…")
    lift.add_argument("block_id", metavar="BLOCK_ID")
    lift.set_defaults(run=_lift)
    exempt = sub.add_parser(
        "exempt", parents=[everywhere], help="raise a network's address limits", epilog="Example: chatkeep blocks exempt 198.51.100.0/24 --factor 5"
    )
    exempt.add_argument("network", metavar="NETWORK", nargs="?", help="office or carrier network; without it the exemptions are listed")
    exempt.add_argument(
        "--factor", type=int, default=10, metavar="N", help="times the usual limits (10); 0 is no limit of its own; the instance's ceiling always holds"
    )
    exempt.add_argument("--note", default="exempt", help="why, for whoever reads it later")
    exempt.add_argument("--end", metavar="ID", help="remove this exemption")
    exempt.set_defaults(run=_exempt)
    for one in (add, listing, lift, exempt):
        add_org_option(one)


def _add(options: argparse.Namespace) -> Said:
    """Block somebody."""
    kind = next(kind for kind in _KINDS if getattr(options, kind) is not None)
    with open_office(options) as office:
        made = blocks.block(
            office.store,
            office.clock,
            office.org.org_id,
            kind=cast("BlockKind", kind),
            value=getattr(options, kind),
            reason=options.reason,
            minutes=options.minutes,
        )
    return Said(_value(made), [f"Blocked {made.kind} {made.value} {_until(made)} ({made.block_id})"])


def _list(options: argparse.Namespace) -> Said:
    """List blocks."""
    with open_office(options) as office:
        found = blocks.all_blocks(office.store, office.clock, office.org.org_id, with_past=options.all)
    if not found:
        return Said([], ["Nobody is blocked."])
    rows = [(b.block_id, b.kind, b.value, "automatic" if b.is_automatic else "by hand", _until(b), b.reason) for b in found]
    return Said([_value(one) for one in found], table(("ID", "KIND", "VALUE", "MADE", "UNTIL", "REASON"), rows))


def _lift(options: argparse.Namespace) -> Said:
    """End a block."""
    with open_office(options) as office:
        blocks.lift(office.store, office.clock, office.org.org_id, options.block_id)
    return Said({"block_id": options.block_id, "lifted": True}, [f"Lifted {options.block_id}"])


def _exempt(options: argparse.Namespace) -> Said:
    """Make, list or remove exemptions."""
    with open_office(options) as office:
        store, org = office.store, office.org.org_id
        if options.end:
            blocks.end_exemption(store, org, options.end)
        elif options.network:
            blocks.exempt(store, office.clock, org, network=options.network, factor=options.factor, note=options.note)
        found = blocks.all_exemptions(store, org)
    value = [{"id": one.exemption_id, "network": one.network, "factor": one.factor, "note": one.note} for one in found]
    lines = table(("ID", "NETWORK", "FACTOR", "NOTE"), [(e.exemption_id, e.network, e.factor or "no limit", e.note) for e in found])
    return Said(value, lines if found else ["No network is exempt."])


def _until(block: BlockRow) -> str:
    """When a block ends."""
    if block.lifted_at_ms is not None:
        return f"lifted {iso_ms(block.lifted_at_ms)}"
    return "until lifted" if block.ends_at_ms is None else f"until {iso_ms(block.ends_at_ms)}"


def _value(block: BlockRow) -> dict[str, Any]:
    """A block as JSON."""
    return {
        "block_id": block.block_id,
        "kind": block.kind,
        "value": block.value,
        "reason": block.reason,
        "is_automatic": block.is_automatic,
        "created_at": iso_ms(block.created_at_ms),
        "ends_at": None if block.ends_at_ms is None else iso_ms(block.ends_at_ms),
        "lifted_at": None if block.lifted_at_ms is None else iso_ms(block.lifted_at_ms),
    }
