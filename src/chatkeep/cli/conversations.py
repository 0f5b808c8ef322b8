"""``chatkeep conversations`` and ``chatkeep sessions``: what is said, and by whom."""

import argparse
from typing import Any

import msgspec

from chatkeep.audit.redact import printable
from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said, add_commands, table
from chatkeep.errors import WrongUsage
from chatkeep.ids import WidgetId, find_widget_id
from chatkeep.manage import conversations, visits
from chatkeep.manage.queries import LARGEST_LIMIT, parse_moment
from chatkeep.manage.views import conversation_view, message_view, visit_view
from chatkeep.store.conversations import ConversationFilter
from chatkeep.store.paging import Part


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add both commands and their sub-commands."""
    sub = add_commands(commands.add_parser("conversations", help="search, read and erase what was said"))
    listing = sub.add_parser("list", parents=[everywhere], help="search conversations", epilog='Example: chatkeep conversations list --text "parcel"')
    listing.add_argument("--text", metavar="T", help="in what was said")
    listing.add_argument("--since", metavar="DAY", help="begun on this day or later, like 2026-01-31")
    listing.add_argument("--flagged", action="store_true", help="only where an answer was rated down")
    listing.set_defaults(run=_list)
    show = sub.add_parser("show", parents=[everywhere], help="read one", epilog="Example: chatkeep conversations show conv_…")
    show.set_defaults(run=_show)
    erase = sub.add_parser("erase", parents=[everywhere], help="erase one for good", epilog="Example: chatkeep conversations erase conv_…")
    erase.set_defaults(run=_erase)
    for one in (show, erase):
        one.add_argument("conversation_id", metavar="CONVERSATION_ID")
    sessions = add_commands(commands.add_parser("sessions", help="list and revoke visitors' sessions"))
    visiting = sessions.add_parser("list", parents=[everywhere], help="list open sessions", epilog="Example: chatkeep sessions list --widget widget_…")
    visiting.set_defaults(run=_list_sessions)
    revoke = sessions.add_parser("revoke", parents=[everywhere], help="end a session", epilog="Example: chatkeep sessions revoke sess_…")
    revoke.add_argument("session_id", metavar="SESSION_ID")
    revoke.set_defaults(run=_revoke)
    for one in (listing, visiting):
        one.add_argument("--widget", metavar="WIDGET_ID", help="only of this widget")
        one.add_argument("--limit", type=int, default=50, metavar="N", help="at most N (50)")
    for one in (listing, show, erase, visiting, revoke):
        add_org_option(one)


def _list(options: argparse.Namespace) -> Said:
    """Search conversations."""
    since = parse_moment({"since": options.since}, "since") if options.since is not None else None
    wanted = ConversationFilter(widget=_widget(options.widget), text=options.text, since_ms=since, is_flagged=options.flagged or None)
    with open_office(options) as office:
        rows, total = conversations.some_conversations(office.store, office.org.org_id, _part(options.limit), wanted)
    views = [conversation_view(row, is_masked=False) for row in rows]
    if not views:
        return Said([], ["No conversation."])
    lines = table(("ID", "WIDGET", "BEGUN", "MESSAGES", "PAGE"), [(v.conversation_id, v.widget_id, v.created_at, v.messages, v.domain or "-") for v in views])
    more = [f"({total - len(views)} more: --limit)"] if total > len(views) else []
    return Said([msgspec.to_builtins(view) for view in views], [*lines, *more])


def _show(options: argparse.Namespace) -> Said:
    """Read a conversation's newest messages."""
    with open_office(options) as office:
        rows, _, ratings = conversations.read_messages(office.store, office.org.org_id, options.conversation_id, before=None, limit=LARGEST_LIMIT)
    views = [message_view(row, ratings.get(row.message_id), is_masked=False) for row in rows]
    lines = [f"{view.created_at} {view.role}: {printable(view.text)}" for view in views]
    return Said([msgspec.to_builtins(view) for view in views], lines)


def _erase(options: argparse.Namespace) -> Said:
    """Erase a conversation."""
    with open_office(options) as office:
        conversations.erase(office.store, office.org.org_id, options.conversation_id)
    return Said({"conversation_id": options.conversation_id, "erased": True}, [f"Erased {options.conversation_id}"])


def _list_sessions(options: argparse.Namespace) -> Said:
    """List open sessions."""
    with open_office(options) as office:
        rows, _ = visits.some_visits(office.store, office.org.org_id, _part(options.limit), widget=_widget(options.widget), is_open=True)
    views = [visit_view(row, is_masked=False) for row in rows]
    if not views:
        return Said([], ["No session is open."])
    lines = table(("ID", "WIDGET", "PAGE", "ADDRESS", "ACTIVE"), [(v.session_id, v.widget_id, v.domain, v.ip_address, v.active_at) for v in views])
    return Said([msgspec.to_builtins(view) for view in views], lines)


def _revoke(options: argparse.Namespace) -> Said:
    """End a session."""
    with open_office(options) as office:
        visits.revoke_session(office.store, office.clock, office.org.org_id, options.session_id)
    return Said({"session_id": options.session_id, "revoked": True}, [f"Revoked {options.session_id}"])


def _part(limit: int) -> Part:
    """The first *limit* rows. Raises ``WrongUsage``."""
    if not 1 <= limit <= 100_000:  # noqa: PLR2004 - what a terminal can show, and more
        raise WrongUsage("--limit is a number from 1 to 100000")
    return Part(1, limit)


def _widget(text: str | None) -> WidgetId | None:
    """A widget id, if one is given. Raises ``WrongUsage``."""
    found = find_widget_id(text) if text is not None else None
    if text is not None and found is None:
        raise WrongUsage(f"{text[:100]!r} is not a widget id")
    return found
