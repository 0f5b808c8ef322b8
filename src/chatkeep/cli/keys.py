"""``chatkeep keys``: API keys for programs, and the keys that seal secrets."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said, add_commands, table
from chatkeep.clock import SystemClock
from chatkeep.errors import WrongUsage
from chatkeep.manage import api_keys
from chatkeep.manage.sealing import rotate_keys
from chatkeep.manage.views import api_key_view
from chatkeep.store.paging import Part
from chatkeep.vault import Vault
from chatkeep.wiring import prepare_store, read_settings, with_secret

_ALL = Part(1, 100_000)
_MOST_DAYS = 3650


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("keys", help="API keys, and the keys that seal secrets")
    sub = add_commands(parser)
    create = sub.add_parser(
        "create", parents=[everywhere], help="make an API key; shown once", epilog='Example: chatkeep keys create "Nightly" --scope widgets:read --days 90'
    )
    create.add_argument("name", metavar="NAME")
    create.add_argument("--scope", choices=api_keys.SCOPES, action="append", required=True, metavar="S", help="what it may do; repeat for more")
    create.add_argument("--network", action="append", default=[], metavar="CIDR", help="where it may be used from; repeat for more")
    create.add_argument("--days", type=int, metavar="N", help="how long it works; without it until it is revoked")
    create.set_defaults(run=_create)
    listing = sub.add_parser("list", parents=[everywhere], help="list API keys", epilog="Example: chatkeep keys list")
    listing.set_defaults(run=_list)
    revoke = sub.add_parser("revoke", parents=[everywhere], help="end an API key", epilog="Example: chatkeep keys revoke key_…")
    revoke.add_argument("key_id", metavar="KEY_ID")
    revoke.set_defaults(run=_revoke)
    rotate = sub.add_parser("rotate", parents=[everywhere], help="seal all secrets anew, beside a running gateway", epilog="Example: chatkeep keys rotate")
    rotate.add_argument("--old-secret-file", metavar="FILE", help="after a change of CHATKEEP_SECRET_KEY: file with the one before")
    rotate.set_defaults(run=_rotate)
    for one in (create, listing, revoke):
        add_org_option(one)


def _create(options: argparse.Namespace) -> Said:
    """Make an API key."""
    if options.days is not None and not 1 <= options.days <= _MOST_DAYS:
        raise WrongUsage(f"--days is a number from 1 to {_MOST_DAYS}")
    with open_office(options) as office:
        ends_at = None if options.days is None else office.clock.now() + timedelta(days=options.days)
        choices = {"name": options.name, "scopes": options.scope, "networks": options.network}
        made = api_keys.make_api_key(office.store, office.clock, office.org.org_id, expires_at=ends_at, **choices)
    value = {**msgspec.to_builtins(api_key_view(made.row)), "api_key": made.secret}
    return Said(value, [f"API key {made.row.key_id}, shown this once:", "", made.secret])


def _list(options: argparse.Namespace) -> Said:
    """List API keys."""
    with open_office(options) as office:
        found, _ = api_keys.some_api_keys(office.store, office.org.org_id, _ALL)
    if not found:
        return Said([], ["There are no API keys."])
    views = [api_key_view(row) for row in found]
    rows = [(v.key_id, v.name, f"…{v.last4}", ", ".join(v.scopes), v.expires_at or "never", v.used_at or "never") for v in views]
    return Said([msgspec.to_builtins(view) for view in views], table(("ID", "NAME", "KEY", "SCOPES", "ENDS", "USED"), rows))


def _revoke(options: argparse.Namespace) -> Said:
    """End an API key."""
    with open_office(options) as office:
        api_keys.revoke_api_key(office.store, office.clock, office.org.org_id, options.key_id)
    return Said({"key_id": options.key_id, "revoked": True}, [f"Revoked {options.key_id}"])


def _rotate(options: argparse.Namespace) -> Said:
    """Seal all secrets with a new key."""
    settings = read_settings(data_dir=options.data_dir).settings
    secrets = [with_secret(settings).secret_key]
    if options.old_secret_file is not None:
        try:
            secrets.append(Path(options.old_secret_file).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise WrongUsage(f"{options.old_secret_file} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from None
    store, clock = prepare_store(settings), SystemClock()

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} secrets", end="" if done < total else "\n", file=sys.stderr, flush=True)  # noqa: T201 - progress

    try:
        rotated = rotate_keys(store, clock, Vault(secrets, clock), show)
    finally:
        store.close()
    value = {"key_id": rotated.key_id, "secrets": rotated.secrets, "rewrapped": rotated.rewrapped, "removed": rotated.removed}
    return Said(value, [f"{rotated.secrets} secrets are sealed with the new key {rotated.key_id}; {rotated.removed} old keys are destroyed."])
