"""``chatkeep conversations`` and ``chatkeep sessions``: what is said, and by whom."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from chatkeep.cli.numbers import whole
from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said, Table, add_commands, listed, short_time
from chatkeep.errors import WrongUsage
from chatkeep.ids import MessageId, VisitorId, WidgetId, find_message_id, find_widget_id
from chatkeep.manage import conversations, visits
from chatkeep.manage.queries import LARGEST_LIMIT, parse_moment, parse_text
from chatkeep.manage.views import conversation_view, message_view, visit_view
from chatkeep.store.conversations import ConversationFilter, Pages
from chatkeep.store.paging import Part
from chatkeep.store.visits import Visit

T = TypeVar("T")


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add both commands and their sub-commands."""
    sub = add_commands(commands.add_parser("conversations", help="search, read and erase what was said"))
    listing = sub.add_parser("list", parents=[everywhere], help="search conversations", epilog='Example: chatkeep conversations list --text "parcel"')
    listing.add_argument("--text", metavar="T", help="in what was said")
    listing.add_argument("--since", type=_moment, metavar="DAY", help="begun on this day or later, like 2026-01-31")
    listing.add_argument("--until", type=_moment, metavar="DAY", help="begun before this day")
    listing.add_argument("--page", metavar="HOST", help="on pages of this host, like shop.example, or of this origin, like https://shop.example")
    listing.add_argument("--flagged", action="store_true", help="only where an answer was rated down")
    listing.set_defaults(run=_list)
    show = sub.add_parser("show", parents=[everywhere], help="read one", epilog="Example: chatkeep conversations show conv_…")
    show.add_argument("--before", metavar="MESSAGE_ID", help="what was said before that")
    show.set_defaults(run=_show)
    erase = sub.add_parser("erase", parents=[everywhere], help="erase one for good", epilog="Example: chatkeep conversations erase conv_…")
    erase.set_defaults(run=_erase)
    for one in (show, erase):
        one.add_argument("conversation_id", metavar="CONVERSATION_ID")
    sessions = add_commands(commands.add_parser("sessions", help="list and revoke visitors' sessions"))
    visiting = sessions.add_parser("list", parents=[everywhere], help="list open sessions", epilog="Example: chatkeep sessions list --widget widget_…")
    visiting.add_argument("--all", action="store_true", help="also those that ended")
    visiting.set_defaults(run=_list_sessions)
    revoke = sessions.add_parser("revoke", parents=[everywhere], help="end a session", epilog="Example: chatkeep sessions revoke sess_…")
    revoke.add_argument("session_id", metavar="SESSION_ID")
    revoke.set_defaults(run=_revoke)
    for one in (listing, visiting):
        one.add_argument("--widget", metavar="WIDGET_ID", help="only of this widget")
        one.add_argument("--visitor", metavar="VISITOR_ID", help="only of this visitor")
        one.add_argument("--limit", type=whole(1, 100_000), default=50, metavar="N", help="at most N (50)")
    for one in (listing, show, erase, visiting, revoke):
        add_org_option(one)


def _list(options: argparse.Namespace) -> Said:
    """Search conversations."""
    given = {"text": options.text, "page": options.page, "visitor": options.visitor}
    query = {name: value for name, value in given.items() if value is not None}
    wanted = ConversationFilter(
        widget=_widget(options.widget),
        visitor=_visitor(query),
        page=_told("--page", _page, query, "page"),
        text=_told("--text", parse_text, query, "text"),
        since_ms=options.since,
        until_ms=options.until,
        is_flagged=options.flagged or None,
    )
    with open_office(options) as office:
        rows, total = conversations.some_conversations(office.store, office.org.org_id, Part(1, options.limit), wanted)
    values = [msgspec.to_builtins(conversation_view(row, is_masked=False)) for row in rows]
    lines = [(row.conversation_id, row.visitor_id, short_time(row.created_at_ms), row.messages, row.origin or "-") for row in rows]
    table = Table(("ID", "VISITOR", "BEGUN", "SAID", "PAGE"), lines, ("PAGE",))
    return listed(values, "No conversation.", table, *_more(total, len(rows)))


def _show(options: argparse.Namespace) -> Said:
    """Read a conversation's newest messages."""
    with open_office(options) as office:
        whose = (office.store, office.org.org_id, options.conversation_id)
        rows, has_more, ratings = conversations.read_messages(*whose, before=_message(options.before), limit=LARGEST_LIMIT)
    views = [message_view(row, ratings.get(row.message_id), is_masked=False) for row in rows]
    lines = []
    for view in views:
        first, *others = view.text.splitlines() or [""]
        lines += [f"{view.created_at} {view.role}: {first}", *(f"  {line}" for line in others)]
    older = [f"there are older ones: chatkeep conversations show {options.conversation_id} --before {views[0].message_id}"] if has_more and views else []
    return Said([msgspec.to_builtins(view) for view in views], lines or ["Nothing was said."], notes=older)


def _erase(options: argparse.Namespace) -> Said:
    """Erase a conversation."""
    with open_office(options) as office:
        conversations.erase(office.store, office.org.org_id, options.conversation_id)
    return Said({"conversation_id": options.conversation_id, "erased": True}, [f"Erased {options.conversation_id}"])


def _list_sessions(options: argparse.Namespace) -> Said:
    """List open sessions."""
    visitor = _visitor({"visitor": options.visitor} if options.visitor is not None else {})
    with open_office(options) as office:
        whose = (office.store, office.org.org_id, Part(1, options.limit))
        rows, total = visits.some_visits(*whose, widget=_widget(options.widget), visitor=visitor, is_open=None if options.all else True)
    values = [msgspec.to_builtins(visit_view(row, is_masked=False)) for row in rows]
    lines = [(row.session_id, row.visitor_id, row.address, _state(row), row.origin) for row in rows]
    table = Table(("ID", "VISITOR", "ADDRESS", "ACTIVE", "PAGE"), lines, ("PAGE", "ADDRESS"))
    return listed(values, "No session is open." if not options.all else "No session.", table, *_more(total, len(rows)))


def _revoke(options: argparse.Namespace) -> Said:
    """End a session."""
    with open_office(options) as office:
        visits.revoke_session(office.store, office.clock, office.org.org_id, options.session_id)
    return Said({"session_id": options.session_id, "revoked": True}, [f"Revoked {options.session_id}: it ends within 2 s."])


def _more(total: int, shown: int) -> list[str]:
    """Whether there is more than what is shown."""
    return [f"{total - shown} more: --limit {total}"] if total > shown else []


def _moment(text: str) -> int | None:
    """A moment in ms since 1970. Raises what argparse tells as wrong usage."""
    try:
        return parse_moment({"moment": text}, "moment")
    except WrongUsage as error:
        raise argparse.ArgumentTypeError(f"it {error}") from None


def _widget(text: str | None) -> WidgetId | None:
    """A widget id, if one is given. Raises ``WrongUsage``."""
    found = find_widget_id(text) if text is not None else None
    if text is not None and found is None:
        raise WrongUsage(f"{text[:100]!r} is not a widget id: `chatkeep widgets list` shows all")
    return found


def _message(text: str | None) -> MessageId | None:
    """A message id, if one is given. Raises ``WrongUsage``."""
    found = find_message_id(text) if text is not None else None
    if text is not None and found is None:
        raise WrongUsage(f"{text[:100]!r} is not a message id")
    return found


def _visitor(query: Mapping[str, str]) -> VisitorId | None:
    """A visitor id, if one is given. Raises ``WrongUsage``."""
    found = _told("--visitor", parse_text, query, "visitor")
    return None if found is None else VisitorId(found)


def _page(query: Mapping[str, str], name: str) -> Pages | None:
    """The pages that are meant, if any are named. Raises ``WrongUsage``."""
    text = parse_text(query, name)
    return None if text is None else conversations.parse_page(text)


def _told(option: str, parse: Callable[[Mapping[str, str], str], T], query: Mapping[str, str], name: str) -> T:
    """What *parse* finds. Raises ``WrongUsage`` that names the option."""
    try:
        return parse(query, name)
    except WrongUsage as error:
        raise WrongUsage(f"{option} {error}") from None


def _state(visit: Visit) -> str:
    """When a session was last active, or that it ended."""
    return short_time(visit.active_at_ms)[5:] if visit.ended_at_ms is None else f"({visit.end_reason or 'ended'})"
