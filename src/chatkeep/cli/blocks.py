"""``chatkeep blocks``: ban, lift, exempt."""

import argparse
from typing import Any, cast

import msgspec

from chatkeep.cli.numbers import amount, whole
from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said, Table, add_commands, facts, listed, short_time
from chatkeep.errors import Reason
from chatkeep.manage import blocks
from chatkeep.manage.views import block_view
from chatkeep.manage.warnings import about_block
from chatkeep.store.blocks import BlockKind, BlockRow
from chatkeep.web.problems import WORDINGS

_KINDS = {
    "address": ("IP", "an address, like 203.0.113.7"),
    "network": ("CIDR", "a network, like 203.0.113.0/24"),
    "session": ("ID", "one session (`chatkeep sessions list`)"),
    "visitor": ("ID", "one visitor, in every session (`chatkeep sessions list`, `chatkeep conversations list`)"),
    "domain": ("HOST", "pages of a host, like shop.example"),
}


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("blocks", help="block and unblock addresses, networks, sessions, visitors, domains")
    sub = add_commands(parser)
    add = sub.add_parser(
        "add",
        parents=[everywhere],
        help="block somebody",
        # argparse breaks no line within a choice.
        usage=f"%(prog)s --{'|--'.join(_KINDS)} WHOM\n       --reason TEXT [--minutes N] [--yes] [--org NAME]",
        epilog='Example: chatkeep blocks add --network 203.0.113.0/24 --reason "flood"',
    )
    whom = add.add_mutually_exclusive_group(required=True)
    for kind, (metavar, meaning) in _KINDS.items():
        whom.add_argument(f"--{kind}", metavar=metavar, help=meaning)
    add.add_argument("--reason", required=True, metavar="TEXT", help="why, for whoever reads it later; visitors do not see it")
    add.add_argument("--minutes", type=amount(blocks.LONGEST_MINUTES, "minutes"), metavar="N", help="for so long; without it until lifted")
    add.set_defaults(run=_add)
    listing = sub.add_parser("list", parents=[everywhere], help="list blocks that hold", epilog="Example: chatkeep blocks list --all")
    listing.add_argument("--all", action="store_true", help="also those that ended; automatic ones for a day")
    listing.set_defaults(run=_list)
    lift = sub.add_parser("lift", parents=[everywhere], help="end a block", epilog="Example: chatkeep blocks lift block_…")
    show = sub.add_parser("show", parents=[everywhere], help="show one block", epilog="Example: chatkeep blocks show block_…")
    show.set_defaults(run=_show)
    for one in (lift, show):
        one.add_argument("block_id", metavar="BLOCK_ID")
    lift.set_defaults(run=_lift)
    exempt = sub.add_parser(
        "exempt", parents=[everywhere], help="raise a network's address limits", epilog="Example: chatkeep blocks exempt 198.51.100.0/24 --factor 5"
    )
    exempt.add_argument("network", metavar="NETWORK", nargs="?", help="office or carrier network; without it the exemptions are listed")
    exempt.add_argument(
        "--factor",
        type=whole(2, blocks.MOST_FACTOR, zero="no limit of its own"),
        default=10,
        metavar="N",
        help="times the usual limits (10); 0 is no limit of its own; the instance's ceiling always holds",
    )
    exempt.add_argument("--note", default="exempt", metavar="TEXT", help="why, for whoever reads it later")
    exempt.add_argument("--end", metavar="ID", help="remove this exemption")
    exempt.set_defaults(run=_exempt)
    for one in (add, exempt):
        one.add_argument("--yes", action="store_true", help="a network wider than /8 (IPv6: /16) is meant")
    for one in (add, listing, lift, show, exempt):
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
            is_wide_meant=options.yes,
        )
        notes = about_block(office.store, made)
    lines = [
        f"Blocked the {made.kind} {made.value} {_told_end(made)} ({made.block_id}); a running gateway follows within 2 s.",
        f"What they read: {_shown(made)} Your reason is not shown to them.",
        f"To end it: chatkeep blocks lift {made.block_id}",
    ]
    return Said(_value(made), lines, notes=notes)


def _list(options: argparse.Namespace) -> Said:
    """List blocks."""
    with open_office(options) as office:
        found = blocks.all_blocks(office.store, office.clock, office.org.org_id, with_past=options.all)
        now_ms = int(office.clock.now().timestamp() * 1000)
    rows = [(b.block_id, b.value, _short_end(b, now_ms), "automatic" if b.is_automatic else "by hand", b.reason) for b in found]
    return listed([_value(one) for one in found], "Nobody is blocked.", Table(("ID", "WHOM", "UNTIL", "MADE", "REASON"), rows, ("REASON", "MADE")))


def _show(options: argparse.Namespace) -> Said:
    """Show one block."""
    with open_office(options) as office:
        value = _value(blocks.get_block(office.store, office.org.org_id, options.block_id))
    return Said(value, facts(value))


def _lift(options: argparse.Namespace) -> Said:
    """End a block."""
    with open_office(options) as office:
        blocks.lift(office.store, office.clock, office.org.org_id, options.block_id)
    return Said({"block_id": options.block_id, "lifted": True}, [f"Lifted {options.block_id}; a running gateway follows within 2 s."])


def _exempt(options: argparse.Namespace) -> Said:
    """Make, list or remove exemptions."""
    with open_office(options) as office:
        store, org = office.store, office.org.org_id
        if options.end:
            blocks.end_exemption(store, org, options.end)
        elif options.network:
            choices = {"network": options.network, "factor": options.factor, "note": options.note}
            blocks.exempt(store, office.clock, org, **choices, is_wide_meant=options.yes)
        found = blocks.all_exemptions(store, org)
    value = [{"id": one.exemption_id, "network": one.network, "factor": one.factor, "note": one.note} for one in found]
    rows = [(e.exemption_id, e.network, e.factor or "no limit", e.note) for e in found]
    return listed(value, "No network is exempt.", Table(("ID", "NETWORK", "FACTOR", "NOTE"), rows, ("NOTE",)))


def _shown(block: BlockRow) -> str:
    """What the widget says to somebody whom a block meets (its words for the two cases: ``widget/src/words/en.ts``)."""
    return '"You cannot write in this chat."' if block.ends_at_ms is None else f'"{WORDINGS[Reason.TEMPORARILY_BLOCKED].message}" and the time that is left.'


def _told_end(block: BlockRow) -> str:
    """When a block that was just made ends."""
    return "until it is lifted" if block.ends_at_ms is None else f"until {short_time(block.ends_at_ms)} UTC"


def _short_end(block: BlockRow, now_ms: int) -> str:
    """When a block ends or ended, for a table."""
    if block.lifted_at_ms is not None:
        return "lifted"
    if block.ends_at_ms is None:
        return "lifted by hand"
    return "over" if block.ends_at_ms <= now_ms else short_time(block.ends_at_ms)


def _value(block: BlockRow) -> Any:
    """A block as JSON."""
    return msgspec.to_builtins(block_view(block, is_masked=False))
