"""``chatkeep events``: read security events."""

import argparse
from datetime import UTC, datetime
from typing import Any

from chatkeep.cli.numbers import amount, whole
from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said, Table, add_commands, listed
from chatkeep.clock import iso
from chatkeep.manage.events import MOST_EVENTS, MOST_HOURS, recent_events
from chatkeep.store.events import EventRow


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("events", help="read security events")
    sub = add_commands(parser)
    listing = sub.add_parser("list", parents=[everywhere], help="list the newest events", epilog="Example: chatkeep events list --type domain_not_allowed")
    listing.add_argument("--type", metavar="TYPE", help="only this type (or one of its aliases)")
    listing.add_argument("--hours", type=amount(MOST_HOURS, "hours"), default=24.0, metavar="N", help="only the last N hours (24)")
    listing.add_argument("--limit", type=whole(1, MOST_EVENTS, "events"), default=50, metavar="N", help="at most N events (50)")
    add_org_option(listing)
    listing.set_defaults(run=_list)


def _list(options: argparse.Namespace) -> Said:
    """List events."""
    with open_office(options) as office:
        events = recent_events(office.store, office.clock, office.org.org_id, event_type=options.type, hours=options.hours, limit=options.limit)
    rows = [(_time(e)[:19], e.severity, e.type, e.count, e.domain or "-", e.address or "-", e.request_id or "-", _told(e)) for e in events]
    heads = ("TIME", "SEVERITY", "TYPE", "COUNT", "DOMAIN", "ADDRESS", "REQUEST", "DETAILS")
    table = Table(heads, rows, ("REQUEST", "DETAILS", "DOMAIN", "ADDRESS"))
    return listed([_value(event) for event in events], "No security events in that time.", table)


def _time(event: EventRow) -> str:
    """When it happened."""
    return iso(datetime.fromtimestamp(event.time_ms / 1000, UTC))


def _told(event: EventRow) -> str:
    """Its details for people, as the log has them."""
    return " ".join(f"{name}={value}" for name, value in event.details.items() if value is not None) or "-"


def _value(event: EventRow) -> dict[str, Any]:
    """An event as JSON."""
    return {
        "id": event.event_id,
        "time": _time(event),
        "type": event.type,
        "severity": event.severity,
        "organization": event.org_id,
        "widget": event.widget_id,
        "session": event.session_id,
        "conversation": event.conversation_id,
        "domain": event.domain,
        "address": event.address,
        "address_hash": event.address_hash,
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "details": dict(event.details),
        "count": event.count,
    }
