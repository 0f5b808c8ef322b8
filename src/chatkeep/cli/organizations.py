"""``chatkeep orgs``: the tenants of this instance."""

import argparse
import sys
from typing import Any

from chatkeep.cli.office import open_place
from chatkeep.cli.said import Said, Table, add_commands, listed
from chatkeep.errors import WrongUsage
from chatkeep.manage import organizations
from chatkeep.store.organizations import Organization, list_organizations


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("orgs", help="organizations: everything belongs to one")
    sub = add_commands(parser)
    create = sub.add_parser("create", parents=[everywhere], help="make an organization", epilog="Example: chatkeep orgs create Shop")
    create.set_defaults(run=_create)
    listing = sub.add_parser("list", parents=[everywhere], help="list organizations", epilog="Example: chatkeep orgs list")
    listing.set_defaults(run=_list)
    rename = sub.add_parser("rename", parents=[everywhere], help="give one another name", epilog='Example: chatkeep orgs rename Shop "Shop & Sons"')
    rename.add_argument("name", metavar="NAME", help="id or name")
    rename.add_argument("new_name", metavar="NEW_NAME")
    rename.set_defaults(run=_rename)
    delete = sub.add_parser(
        "delete",
        parents=[everywhere],
        help="delete one with everything that belongs to it",
        description="Without --yes nothing is deleted: it says what would be lost. People who belong to no other organization lose their account.",
        epilog="Example: chatkeep orgs delete Shop --yes",
    )
    delete.add_argument("name", metavar="NAME", help="id or name")
    delete.add_argument("--yes", action="store_true", help="delete it; there is no way back but a backup")
    delete.set_defaults(run=_delete)
    create.add_argument("name", metavar="NAME")


def _create(options: argparse.Namespace) -> Said:
    """Make an organization."""
    with open_place(options, may_begin=True) as place:
        made = organizations.make_organization(place.store, place.clock, options.name)
    lines = [f"Made {made.org_id} ({made.name})", f'Next: chatkeep users create alice@shop.example --role owner --org "{made.name}"']
    return Said(_value(made), lines, notes=place.notes)


def _list(options: argparse.Namespace) -> Said:
    """List organizations."""
    with open_place(options) as place:
        found = place.store.read_now(list_organizations)
    table = Table(("ID", "NAME"), [(org.org_id, org.name) for org in found], ("NAME",))
    return listed([_value(org) for org in found], "There are none yet. Make one: chatkeep orgs create Shop", table)


def _rename(options: argparse.Namespace) -> Said:
    """Give one another name."""
    with open_place(options) as place:
        org = organizations.find_named_organization(place.store, options.name)
        organizations.rename(place.store, org.org_id, options.new_name)
        renamed = organizations.find_named_organization(place.store, org.org_id)
    return Said(_value(renamed), [f"{org.name} is called {renamed.name} now"])


def _delete(options: argparse.Namespace) -> Said:
    """Delete one, or say what that would mean."""
    with open_place(options) as place:
        org = organizations.find_named_organization(place.store, options.name)
        lost = organizations.count_belongings(place.store, org.org_id)
        told = ", ".join(f"{count} {noun if count > 1 else noun.removesuffix('s')}" for noun, count in lost.items() if count) or "nothing but its name"
        if not options.yes:
            raise WrongUsage(f"this deletes {org.name!r} for good with {told}: say --yes if you mean it (a copy of the database is the only way back)")
        removed = 0

        def show(rows: int) -> None:
            nonlocal removed
            removed += rows
            if sys.stderr.isatty():
                print(f"\r{removed} rows removed", end="", file=sys.stderr, flush=True)  # noqa: T201 - progress

        lost = organizations.delete(place.store, place.clock, org.org_id, show)
        if sys.stderr.isatty():
            print(file=sys.stderr)  # noqa: T201 - the end of that line
    return Said({**_value(org), "deleted": True, "lost": lost}, [f"Deleted {org.name} ({org.org_id}) with {told}."])


def _value(org: Organization) -> dict[str, Any]:
    """An organization as JSON."""
    return {"organization_id": org.org_id, "name": org.name}
