"""``chatkeep widgets keys`` and ``widgets tickets``: what a host's server vouches for visitors with."""

import argparse
from typing import Any

from chatkeep.cli.numbers import amount
from chatkeep.cli.office import Office, add_org_option, open_office, read_file
from chatkeep.cli.said import Said, Table, add_commands, listed, short_time
from chatkeep.clock import iso_ms
from chatkeep.crypto.host_keys import ALGORITHMS, parse_public_key
from chatkeep.errors import WrongUsage
from chatkeep.manage import widget_keys
from chatkeep.manage.widgets import require_tickets
from chatkeep.store.widget_keys import WidgetKeyRow

_LARGEST_FILE = 64 * 1024


def register(sub: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the sub-commands to ``widgets``."""
    hours = amount(widget_keys.MOST_HOURS, "hours", zero="now")
    keys = sub.add_parser("keys", help="keys that identities of visitors are checked with (access mode identity)")
    commands = add_commands(keys)
    add = commands.add_parser(
        "add", parents=[everywhere], help="add a key", epilog="Example: chatkeep widgets keys add widget_… --algorithm ES256 --public-key host.pem"
    )
    source = add.add_mutually_exclusive_group(required=True)
    source.add_argument("--public-key", metavar="FILE", help="public key in PEM or JWK form")
    source.add_argument("--secret-file", metavar="FILE", help="shared secret (HS256), one line")
    source.add_argument("--jwks", metavar="URL", help="address where the host publishes its keys")
    add.add_argument("--algorithm", choices=ALGORITHMS, help="the one algorithm that the key is for (not needed with --secret-file)")
    add.add_argument("--kid", metavar="K", help="what tokens call the key in their header")
    add.set_defaults(run=_add)
    listing = commands.add_parser("list", parents=[everywhere], help="list keys", epilog="Example: chatkeep widgets keys list widget_…")
    listing.set_defaults(run=_list)
    retire = commands.add_parser("retire", parents=[everywhere], help="end a key", epilog="Example: chatkeep widgets keys retire widget_… key_… --in-hours 24")
    retire.set_defaults(run=_retire)
    tickets = sub.add_parser(
        "tickets", parents=[everywhere], help="make a secret for page tickets; shown once", epilog="Example: chatkeep widgets tickets widget_…"
    )
    tickets.add_argument("--overlap-hours", type=hours, default=widget_keys.OVERLAP_HOURS, metavar="N", help="how long older secrets still work (24)")
    tickets.add_argument("--require", choices=("on", "off"), help="make no secret; say whether sessions need a ticket")
    tickets.set_defaults(run=_tickets)
    for one in (add, listing, retire, tickets):
        one.add_argument("widget_id", metavar="WIDGET_ID")
        add_org_option(one)
    retire.add_argument("key_id", metavar="KEY_ID")
    retire.add_argument("--in-hours", type=hours, default=0.0, metavar="N", help="when (now)")


def _add(options: argparse.Namespace) -> Said:
    """Add a key."""
    with open_office(options) as office:
        key = _added(office, options)
    return Said(_value(key), [f"Added {key.key_id} ({key.algorithm}{f', kid {key.kid}' if key.kid else ''})"])


def _added(office: Office, options: argparse.Namespace) -> WidgetKeyRow:
    """The new key, by whichever source was named. Raises ``WrongUsage``."""
    where = (office.store, office.clock)
    whose = (office.org.org_id, options.widget_id)
    if options.secret_file is not None:
        if options.algorithm not in (None, "HS256"):
            raise WrongUsage(f"{options.algorithm} takes a public key (--public-key), not a shared secret")
        return widget_keys.add_shared_secret(*where, office.vault, *whose, text=_read(options.secret_file).strip("\r\n"), kid=options.kid)
    if options.algorithm is None:
        raise WrongUsage(f"say --algorithm: one of {', '.join(ALGORITHMS)}")
    if options.public_key is not None:
        return widget_keys.add_public_key(*where, *whose, algorithm=options.algorithm, text=_read(options.public_key), kid=options.kid)
    if options.kid is not None:
        raise WrongUsage("the keys of a JWKS have names of their own: leave --kid away")
    return widget_keys.add_key_set(*where, *whose, algorithm=options.algorithm, url=options.jwks, development=not office.settings.is_production)


def _list(options: argparse.Namespace) -> Said:
    """List keys; secrets are never shown."""
    with open_office(options) as office:
        keys = widget_keys.all_keys(office.store, office.org.org_id, options.widget_id)
        now_ms = int(office.clock.now().timestamp() * 1000)
    rows = [(key.key_id, key.purpose, key.algorithm, key.kid or "-", _state(key, now_ms), _told(key)) for key in keys]
    empty = "This widget has no keys yet. Add one: chatkeep widgets keys add --help"
    table = Table(("ID", "FOR", "ALGORITHM", "KID", "STATE", "KEY"), rows, ("KEY", "KID", "STATE"))
    return listed([_value(key) for key in keys], empty, table)


def _retire(options: argparse.Namespace) -> Said:
    """End a key."""
    with open_office(options) as office:
        widget_keys.retire_key(office.store, office.clock, office.org.org_id, options.widget_id, options.key_id, hours=options.in_hours)
    when = f"in {options.in_hours:g} hours" if options.in_hours else "now"
    return Said({"key_id": options.key_id, "in_hours": options.in_hours}, [f"{options.key_id} ends {when}"])


def _tickets(options: argparse.Namespace) -> Said:
    """Make a ticket secret, or say whether tickets are required."""
    with open_office(options) as office:
        org = office.org.org_id
        if options.require is not None:
            widget = require_tickets(office.store, org, options.widget_id, required=options.require == "on")
            value = {"widget_id": widget.widget_id, "require_ticket": options.require == "on"}
            return Said(value, [f"{widget.widget_id}: sessions {'need a' if options.require == 'on' else 'need no'} page ticket"])
        key, secret = widget_keys.make_ticket_secret(office.store, office.clock, office.vault, org, options.widget_id, overlap_hours=options.overlap_hours)
    lines = [f"Ticket secret of {key.widget_id}, shown this once:", "", secret, "", "Keep it on your server. See docs/how-to/page-tickets.md"]
    return Said({"key_id": key.key_id, "widget_id": key.widget_id, "secret": secret}, lines)


def _read(path: str) -> str:
    """A small text file. Raises ``WrongUsage``."""
    return read_file(path, most_bytes=_LARGEST_FILE)


def _value(key: WidgetKeyRow) -> dict[str, Any]:
    """A key as JSON, without any secret."""
    return {
        "key_id": key.key_id,
        "widget_id": key.widget_id,
        "purpose": key.purpose,
        "algorithm": key.algorithm,
        "kid": key.kid,
        "key": _told(key),
        "created_at": iso_ms(key.created_at_ms),
        "retires_at": iso_ms(key.retires_at_ms) if key.retires_at_ms is not None else None,
    }


def _told(key: WidgetKeyRow) -> str:
    """What may be shown of a key: the address of a JWKS, the thumbprint of a public key, nothing of a secret."""
    if key.purpose == "jwks":
        return key.material
    algorithm = widget_keys.checked_algorithm(key.algorithm)
    return "(secret)" if algorithm == "HS256" else f"thumbprint {parse_public_key(key.material, algorithm).thumbprint}"


def _state(key: WidgetKeyRow, now_ms: int) -> str:
    """Whether it works, and until when."""
    if key.retires_at_ms is None:
        return "live"
    return f"until {short_time(key.retires_at_ms)}" if key.is_live(now_ms) else "retired"
