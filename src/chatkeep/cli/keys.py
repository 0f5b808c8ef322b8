"""``chatkeep keys``: API keys for programs, and the keys that seal secrets."""

import argparse
import sys
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chatkeep.cli.numbers import whole
from chatkeep.cli.office import ALL, Office, add_org_option, open_office, open_place, read_file
from chatkeep.cli.said import Said, Table, add_commands, facts, listed
from chatkeep.errors import WrongUsage
from chatkeep.manage import api_keys
from chatkeep.manage.sealing import GRACE_MINUTES, Rotated, rotate_keys
from chatkeep.manage.views import ApiKeyView, api_key_view
from chatkeep.wiring import build_vault

_MOST_DAYS = 3650
_LARGEST_FILE = 4096


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("keys", help="API keys, and the keys that seal secrets")
    sub = add_commands(parser)
    create = sub.add_parser(
        "create", parents=[everywhere], help="make an API key; shown once", epilog='Example: chatkeep keys create "Nightly" --scope widgets:read --days 90'
    )
    create.add_argument("name", metavar="NAME")
    create.set_defaults(run=_create)
    listing = sub.add_parser("list", parents=[everywhere], help="list API keys", epilog="Example: chatkeep keys list")
    listing.set_defaults(run=_list)
    show = sub.add_parser("show", parents=[everywhere], help="show one API key", epilog="Example: chatkeep keys show key_…")
    show.set_defaults(run=_show)
    change = sub.add_parser(
        "update",
        parents=[everywhere],
        help="change an API key; what is named replaces",
        epilog="Example: chatkeep keys update key_… --scope widgets:read --days 30",
    )
    change.add_argument("--name", metavar="NAME", help="another name")
    change.set_defaults(run=_update)
    revoke = sub.add_parser("revoke", parents=[everywhere], help="end an API key", epilog="Example: chatkeep keys revoke key_…")
    revoke.set_defaults(run=_revoke)
    rotate = sub.add_parser(
        "rotate",
        parents=[everywhere],
        help="seal all stored secrets with a new key, beside a running gateway",
        description="Seals what the database keeps secret (provider keys, authenticator apps, keys of widgets) with a new data key. API keys do not change.",
        epilog="Example: chatkeep keys rotate",
    )
    rotate.add_argument("--old-secret-file", metavar="FILE", help="file with a CHATKEEP_SECRET_KEY that no process has any more")
    rotate.set_defaults(run=_rotate)
    for one, is_new in ((create, True), (change, False)):
        scopes = f"what it may do; repeat for more: {', '.join(api_keys.SCOPES)}"
        one.add_argument("--scope", choices=api_keys.SCOPES, action="append", required=is_new, metavar="S", help=scopes)
        one.add_argument("--network", action="append", metavar="CIDR", help="where it may be used from; repeat for more; without one from anywhere")
        one.add_argument(
            "--days",
            type=whole(1, _MOST_DAYS, "days"),
            metavar="N",
            help="how long it works from now on; without it until it is revoked" if is_new else "how long from now on",
        )
    for one in (show, change, revoke):
        one.add_argument("key_id", metavar="KEY_ID")
    for one in (create, listing, show, change, revoke):
        add_org_option(one)


def _create(options: argparse.Namespace) -> Said:
    """Make an API key."""
    with open_office(options) as office:
        choices = {"name": options.name, "scopes": options.scope, "networks": options.network or ()}
        made = api_keys.make_api_key(office.store, office.clock, office.org.org_id, expires_at=_end(options, office), **choices)
    view = api_key_view(made.row)
    lines = [f"API key {view.key_id}, shown this once:", "", made.secret, "", *_told(view), 'Send it as the header "Authorization: Bearer sec_…".']
    return Said({**msgspec.to_builtins(view), "api_key": made.secret}, lines)


def _list(options: argparse.Namespace) -> Said:
    """List API keys."""
    with open_office(options) as office:
        found, _ = api_keys.some_api_keys(office.store, office.org.org_id, ALL)
    views = [api_key_view(row) for row in found]
    rows = [(v.key_id, v.name, f"…{v.last4}", ", ".join(v.scopes), _day(v.expires_at), _day(v.used_at)) for v in views]
    empty = "There are no API keys. Make one: chatkeep keys create NAME --scope widgets:read"
    table = Table(("ID", "NAME", "KEY", "SCOPES", "ENDS", "USED"), rows, ("NAME", "SCOPES"))
    return listed([msgspec.to_builtins(view) for view in views], empty, table)


def _show(options: argparse.Namespace) -> Said:
    """Show one API key, but for its secret."""
    with open_office(options) as office:
        value = msgspec.to_builtins(api_key_view(api_keys.get_api_key(office.store, office.org.org_id, options.key_id)))
    return Said(value, facts(value))


def _update(options: argparse.Namespace) -> Said:
    """Change an API key."""
    if (options.name, options.scope, options.network, options.days) == (None, None, None, None):
        raise WrongUsage("say what to change: --name, --scope, --network or --days")
    with open_office(options) as office:
        choices = {"name": options.name, "scopes": options.scope, "networks": options.network}
        changed = api_keys.change_api_key(office.store, office.clock, office.org.org_id, options.key_id, expires_at=_end(options, office), **choices)
    view = api_key_view(changed)
    return Said(msgspec.to_builtins(view), [f"Changed {view.key_id}", *_told(view)])


def _revoke(options: argparse.Namespace) -> Said:
    """End an API key."""
    with open_office(options) as office:
        api_keys.revoke_api_key(office.store, office.clock, office.org.org_id, options.key_id)
    return Said({"key_id": options.key_id, "revoked": True}, [f"Revoked {options.key_id}: it works nowhere any more."])


def _rotate(options: argparse.Namespace) -> Said:
    """Seal all secrets with a new key."""
    gone = [] if options.old_secret_file is None else [read_file(options.old_secret_file, most_bytes=_LARGEST_FILE).strip()]

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} secrets", end="" if done < total else "\n", file=sys.stderr, flush=True)  # noqa: T201 - progress

    with open_place(options) as place:
        rotated = rotate_keys(place.store, place.clock, build_vault(place.settings, place.clock, gone=gone), show)
    value = {"key_id": rotated.key_id, "secrets": rotated.secrets, "rewrapped": rotated.rewrapped, "removed": rotated.removed}
    return Said({**value, "waiting": rotated.waiting}, _told_rotation(rotated, has_old=bool(gone)))


def _told_rotation(rotated: Rotated, *, has_old: bool) -> list[str]:
    """What was changed, what still holds and until when, and what comes next."""
    sealed = f"{rotated.secrets} stored secrets (provider keys, authenticator apps, keys of widgets) are sealed with the new data key {rotated.key_id}."
    lines = [
        sealed if rotated.secrets else f"No secret is stored yet; the next ones are sealed with the new data key {rotated.key_id}.",
        "Not changed: API keys, passwords, logins, sessions; nobody has to do anything.",
    ]
    if rotated.waiting:
        lines.append(f"Older data keys that are kept for a running gateway: {rotated.waiting}. They seal nothing any more.")
        lines.append(f"Next: `chatkeep keys rotate` again, {GRACE_MINUTES} minutes or more from now, destroys them.")
    if rotated.removed:
        lines.append(f"Older data keys that were destroyed: {rotated.removed}.")
    if has_old:
        lines.append("Next: start the gateway with the new CHATKEEP_SECRET_KEY and delete the file with the old one: nothing needs it any more.")
    return lines


def _end(options: argparse.Namespace, office: Office) -> datetime | None:
    """When the key ends."""
    if options.days is None:
        return None
    return office.clock.now() + timedelta(days=options.days)


def _told(view: ApiKeyView) -> list[str]:
    """What a key may do, where, and how long."""
    return [f"may: {', '.join(view.scopes)}", f"from: {', '.join(view.networks) or 'anywhere'}", f"until: {view.expires_at or 'it is revoked'}"]


def _day(moment: str | None) -> str:
    """A moment as its day, for a table."""
    return "never" if moment is None else moment[:10]
