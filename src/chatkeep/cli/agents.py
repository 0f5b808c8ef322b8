"""``chatkeep agents``: how answers are made."""

import argparse
from typing import Any

import msgspec

from chatkeep.cli.notes import about_agent
from chatkeep.cli.office import ALL, add_org_option, open_office, read_file
from chatkeep.cli.said import Said, Table, add_commands, facts, listed
from chatkeep.errors import WrongUsage
from chatkeep.manage import agents
from chatkeep.manage.views import agent_view
from chatkeep.store.organizations import Agent

_LARGEST_FILE = 200_000


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("agents", help="how answers are made: instructions and providers")
    sub = add_commands(parser)
    create = sub.add_parser("create", parents=[everywhere], help="make an agent", epilog='Example: chatkeep agents create "Shop" --provider prov_…')
    create.add_argument("name", metavar="NAME")
    create.set_defaults(run=_create)
    listing = sub.add_parser("list", parents=[everywhere], help="list agents", epilog="Example: chatkeep agents list")
    listing.set_defaults(run=_list)
    show = sub.add_parser("show", parents=[everywhere], help="show one agent", epilog="Example: chatkeep agents show default")
    show.set_defaults(run=_show)
    change = sub.add_parser("update", parents=[everywhere], help="change an agent", epilog="Example: chatkeep agents update default --provider knowledge")
    change.add_argument("--name", metavar="NAME", help="another name")
    change.set_defaults(run=_update)
    remove = sub.add_parser("delete", parents=[everywhere], help="delete an agent", epilog="Example: chatkeep agents delete agent_…")
    remove.set_defaults(run=_delete)
    for one in (show, change, remove):
        one.add_argument("agent", metavar="AGENT", help="id or name")
    for one in (create, change):
        one.add_argument("--provider", metavar="P", action="append", help="whom it asks, in order: an id, or openai, knowledge; repeat for more")
        one.add_argument("--instructions-file", metavar="FILE", help="text file with its instructions")
    for one in (create, listing, show, change, remove):
        add_org_option(one)


def _create(options: argparse.Namespace) -> Said:
    """Make an agent."""
    text = _instructions(options)
    with open_office(options) as office:
        made = agents.make_agent(office.store, office.clock, office.org.org_id, name=options.name, instructions=text, providers=options.provider or ())
        notes = about_agent(office, made)
    lines = [f"Made {made.agent_id} ({made.name})", f'Next: chatkeep widgets create "Help" --domain shop.example --agent {made.agent_id}']
    return Said(_value(made), lines, notes=notes)


def _list(options: argparse.Namespace) -> Said:
    """List agents."""
    with open_office(options) as office:
        found, _ = agents.some_agents(office.store, office.org.org_id, ALL)
    rows = [(one.agent_id, one.name, ", ".join(one.providers) or "(the instance's)", "yes" if one.has_knowledge else "no") for one in found]
    table = Table(("ID", "NAME", "PROVIDERS", "KNOWLEDGE"), rows, ("NAME", "PROVIDERS"))
    return listed([_value(one) for one in found], "There are no agents.", table)


def _show(options: argparse.Namespace) -> Said:
    """Show one agent."""
    with open_office(options) as office:
        found = agents.find_named_agent(office.store, office.org.org_id, options.agent)
        notes = about_agent(office, found)
    return Said(_value(found), facts(_value(found)), notes=notes)


def _update(options: argparse.Namespace) -> Said:
    """Change an agent."""
    text = _instructions(options)
    if (options.name, options.provider, text) == (None, None, None):
        raise WrongUsage("say what to change: --name, --provider or --instructions-file")
    with open_office(options) as office:
        store, org = office.store, office.org.org_id
        found = agents.find_named_agent(store, org, options.agent)
        changed = agents.change_agent(store, org, found.agent_id, name=options.name, instructions=text, providers=options.provider)
        notes = about_agent(office, changed)
    return Said(_value(changed), [f"Changed {changed.agent_id} ({changed.name}); running gateways follow within 2 s."], notes=notes)


def _delete(options: argparse.Namespace) -> Said:
    """Delete an agent."""
    with open_office(options) as office:
        found = agents.find_named_agent(office.store, office.org.org_id, options.agent)
        agents.remove_agent(office.store, office.clock, office.org.org_id, found.agent_id)
    return Said({"agent_id": found.agent_id, "deleted": True}, [f"Deleted {found.agent_id} ({found.name})"])


def _instructions(options: argparse.Namespace) -> str | None:
    """The text of the file, if one is named. Raises ``WrongUsage``."""
    return None if options.instructions_file is None else read_file(options.instructions_file, most_bytes=_LARGEST_FILE)


def _value(agent: Agent) -> Any:
    """An agent as JSON."""
    return msgspec.to_builtins(agent_view(agent))
