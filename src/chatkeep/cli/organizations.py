"""``chatkeep orgs``: the tenants of this instance."""

import argparse
from typing import Any

from chatkeep.cli.said import Said, add_commands, table
from chatkeep.clock import SystemClock
from chatkeep.manage.organizations import make_organization
from chatkeep.store.organizations import list_organizations
from chatkeep.wiring import prepare_store, read_settings


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("orgs", help="organizations: everything belongs to one")
    sub = add_commands(parser)
    create = sub.add_parser("create", parents=[everywhere], help="make an organization", epilog="Example: chatkeep orgs create Shop")
    create.add_argument("name", metavar="NAME")
    create.set_defaults(run=_create)
    listing = sub.add_parser("list", parents=[everywhere], help="list organizations", epilog="Example: chatkeep orgs list")
    listing.set_defaults(run=_list)


def _create(options: argparse.Namespace) -> Said:
    """Make an organization."""
    store = prepare_store(read_settings(data_dir=options.data_dir).settings)
    try:
        made = make_organization(store, SystemClock(), options.name)
    finally:
        store.close()
    lines = [f"Made {made.org_id} ({made.name})", f'Next: chatkeep users create alice@shop.example --role owner --org "{made.name}"']
    return Said({"organization_id": made.org_id, "name": made.name}, lines)


def _list(options: argparse.Namespace) -> Said:
    """List organizations."""
    store = prepare_store(read_settings(data_dir=options.data_dir).settings)
    try:
        found = store.read_now(list_organizations)
    finally:
        store.close()
    if not found:
        return Said([], ["There are none yet. Make one: chatkeep orgs create Shop"])
    return Said([{"organization_id": org.org_id, "name": org.name} for org in found], table(("ID", "NAME"), [(org.org_id, org.name) for org in found]))
