"""``chatkeep providers``: servers that an organization brought itself, with their keys."""

import argparse
import asyncio
from typing import Any

import msgspec

from chatkeep.cli.office import ALL, add_org_option, open_office, read_file
from chatkeep.cli.said import Said, Table, add_commands, facts, listed
from chatkeep.egress import Egress
from chatkeep.errors import WrongUsage
from chatkeep.ids import OrgId
from chatkeep.manage import providers
from chatkeep.manage.providers import Change, Tried
from chatkeep.manage.views import provider_view
from chatkeep.providers import Roster
from chatkeep.store.providers import ProviderRow

_LARGEST_FILE = 8192


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("providers", help="AI servers that an organization brought itself")
    sub = add_commands(parser)
    add = sub.add_parser(
        "add", parents=[everywhere], help="bring a provider", epilog='Example: chatkeep providers add "Ours" --url https://api.openai.com/v1 --model gpt-5-mini'
    )
    add.add_argument("name", metavar="NAME")
    add.set_defaults(run=_add)
    listing = sub.add_parser("list", parents=[everywhere], help="list providers", epilog="Example: chatkeep providers list")
    listing.set_defaults(run=_list)
    show = sub.add_parser("show", parents=[everywhere], help="show one provider", epilog="Example: chatkeep providers show prov_…")
    show.set_defaults(run=_show)
    change = sub.add_parser("update", parents=[everywhere], help="change a provider", epilog="Example: chatkeep providers update prov_… --model gpt-5")
    change.add_argument("--name", metavar="NAME", help="another name")
    change.set_defaults(run=_update)
    test = sub.add_parser("test", parents=[everywhere], help="ask it for one word", epilog="Example: chatkeep providers test prov_…")
    test.set_defaults(run=_test)
    remove = sub.add_parser("remove", parents=[everywhere], help="remove it with its key", epilog="Example: chatkeep providers remove prov_…")
    remove.set_defaults(run=_remove)
    for one, is_new in ((add, True), (change, False)):
        one.add_argument("--url", required=is_new, metavar="URL", help="base address of its API; from here it may be in a private network")
        one.add_argument("--model", required=is_new, metavar="M", help="model to ask for")
        one.add_argument("--key-file", metavar="FILE", help="file with its API key in one line")
    for one in (show, change, test, remove):
        one.add_argument("provider_id", metavar="PROVIDER_ID")
    for one in (add, listing, show, change, test, remove):
        add_org_option(one)


def _add(options: argparse.Namespace) -> Said:
    """Bring a provider."""
    wanted = Change(options.name, options.url, options.model, _read_key(options.key_file))
    if wanted.api_key == "":
        raise WrongUsage("--key-file names an empty file: put the key in it, or leave the option out for a server that wants none")
    with open_office(options) as office:
        made = providers.bring_provider(office.store, office.clock, office.vault, office.org.org_id, kind="openai", wanted=wanted, is_local=True)
    return Said(_value(made), [f"Added {made.provider_id} ({made.name})", *_next(made)])


def _next(made: ProviderRow) -> list[str]:
    """What to do with a new provider."""
    return [f"Next: chatkeep providers test {made.provider_id}", f"Then: chatkeep agents update default --provider {made.provider_id} --provider knowledge"]


def _list(options: argparse.Namespace) -> Said:
    """List providers; keys are never shown."""
    with open_office(options) as office:
        found, _ = providers.some_providers(office.store, office.org.org_id, ALL)
    rows = [(one.provider_id, one.name, one.base_url, one.model, f"…{one.last4}" if one.last4 else "set" if one.api_key else "-") for one in found]
    empty = "There are none: agents ask what the instance offers. Bring one: chatkeep providers add NAME --url URL --model MODEL --key-file FILE"
    return listed([_value(one) for one in found], empty, Table(("ID", "NAME", "URL", "MODEL", "KEY"), rows, ("NAME", "URL", "MODEL")))


def _show(options: argparse.Namespace) -> Said:
    """Show one provider, but for its key."""
    with open_office(options) as office:
        value = _value(providers.get_provider(office.store, office.org.org_id, options.provider_id))
    return Said(value, facts(value))


def _update(options: argparse.Namespace) -> Said:
    """Change a provider."""
    wanted = Change(options.name, options.url, options.model, _read_key(options.key_file))
    if wanted == Change():
        raise WrongUsage("say what to change: --name, --url, --model or --key-file (an empty file removes the key)")
    with open_office(options) as office:
        changed = providers.change_provider(office.store, office.vault, office.org.org_id, options.provider_id, wanted, is_local=True)
    return Said(_value(changed), [f"Changed {changed.provider_id}"])


def _test(options: argparse.Namespace) -> Said:
    """Ask it for one word."""
    with open_office(options) as office:
        row = providers.get_provider(office.store, office.org.org_id, options.provider_id)

        async def ask(org: OrgId) -> Tried:
            egress = Egress()
            try:
                return await providers.try_provider(await Roster(office.settings, egress, office.store, office.vault, office.clock).load(org, row.provider_id))
            finally:
                await egress.close()

        tried = asyncio.run(ask(office.org.org_id))
    value = {"success": tried.is_ok, "milliseconds": tried.milliseconds, "failure": tried.failure, "advice": tried.advice, "status": tried.status}
    status = f", its server said {tried.status}" if tried.status else ""
    line = f"It answers ({tried.milliseconds} ms)." if tried.is_ok else f"It does not answer: {tried.failure}{status}. {tried.advice}"
    return Said(value, [line], failed=not tried.is_ok)


def _remove(options: argparse.Namespace) -> Said:
    """Remove a provider."""
    with open_office(options) as office:
        providers.remove_provider(office.store, office.org.org_id, options.provider_id)
    return Said({"provider_id": options.provider_id, "removed": True}, [f"Removed {options.provider_id}"])


def _read_key(path: str | None) -> str | None:
    """A key from a file, if one is named. Raises ``WrongUsage``."""
    return None if path is None else read_file(path, most_bytes=_LARGEST_FILE).strip()


def _value(row: ProviderRow) -> Any:
    """A provider as JSON, without its key."""
    return msgspec.to_builtins(provider_view(row))
