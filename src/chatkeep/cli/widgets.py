"""``chatkeep widgets``: make, list, show, change and embed widgets."""

import argparse
from typing import Any

import msgspec

from chatkeep import __version__
from chatkeep.checks import public_url, refuse_errors, widget_url
from chatkeep.cli import widget_changes, widget_content, widget_features, widget_keys, widget_theme, widget_words
from chatkeep.cli.notes import about_widget
from chatkeep.cli.office import Office, add_org_option, open_office
from chatkeep.cli.said import Said, Table, add_commands, facts, listed
from chatkeep.manage.agents import find_named_agent
from chatkeep.manage.organizations import DEFAULT
from chatkeep.manage.views import widget_view
from chatkeep.manage.widgets import ACCESS_MODES, all_widgets, create_widget, get_widget, snippet, usage_today, use_frame, use_resume
from chatkeep.store.widgets import WidgetRow
from chatkeep.web.widget_build import loader_integrity


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("widgets", help="make, list, show, change and embed widgets")
    sub = add_commands(parser)
    create = sub.add_parser("create", parents=[everywhere], help="make a widget", epilog='Example: chatkeep widgets create "Help" --domain shop.example')
    create.add_argument("name", metavar="NAME", help="what you call it")
    create.add_argument("--domain", metavar="D", action="append", required=True, help="page that may embed it; repeat for more (=host: without subdomains)")
    create.add_argument("--access", choices=ACCESS_MODES, default="session", help="how visitors are let in")
    create.add_argument("--agent", metavar="AGENT", help="id or name of the agent that answers (default)")
    create.add_argument("--id", metavar="WIDGET_ID", help="an id of your own choice, if it is free: widget_ and 12 to 64 of a-z, 0-9 and _")
    create.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a setting, as for `chatkeep widgets update`; repeat for more")
    create.set_defaults(run=_create)
    listing = sub.add_parser("list", parents=[everywhere], help="list all widgets", epilog="Example: chatkeep widgets list --json")
    listing.set_defaults(run=_list)
    show = sub.add_parser("show", parents=[everywhere], help="show one widget", epilog="Example: chatkeep widgets show widget_…")
    show.set_defaults(run=_show)
    embed = sub.add_parser("embed", parents=[everywhere], help="print the tag for your page", epilog="Example: chatkeep widgets embed widget_…")
    embed.set_defaults(run=_embed)
    frame = sub.add_parser("frame", parents=[everywhere], help="switch frame mode on or off", epilog="Example: chatkeep widgets frame widget_… on")
    frame.set_defaults(run=_frame)
    remember = sub.add_parser(
        "remember", parents=[everywhere], help="keep conversations when the page is reloaded, or not", epilog="Example: chatkeep widgets remember widget_… on"
    )
    remember.set_defaults(run=_remember)
    widget_features.register(sub, everywhere)
    widget_content.register(sub, everywhere)
    widget_keys.register(sub, everywhere)
    widget_changes.register(sub, everywhere)
    widget_theme.register(sub, everywhere)
    widget_words.register(sub, everywhere)
    for one in (show, embed, frame, remember):
        one.add_argument("widget_id", metavar="WIDGET_ID")
    frame.add_argument("switch", choices=("on", "off"), help="on: the chat runs in a frame, out of reach for the page's scripts")
    remember.add_argument("switch", choices=("on", "off"), help="on: a visitor who reloads the page goes on with the conversation for up to 30 minutes")
    for one in (create, listing, show, embed, frame, remember):
        add_org_option(one)


def _create(options: argparse.Namespace) -> Said:
    """Make a widget."""
    settings = widget_changes.parse_settings(options.set)
    with open_office(options) as office:
        widget = create_widget(
            office.store,
            office.clock,
            office.org.org_id,
            find_named_agent(office.store, office.org.org_id, options.agent or DEFAULT).agent_id,
            name=options.name,
            domains=options.domain,
            access_mode=options.access,
            development=not office.settings.is_production,
            settings=settings,
            widget_id=options.id,
        )
        value, notes = _value(office, widget), about_widget(office, widget)
    lines = [f"Made {widget.widget_id} for {', '.join(widget.allowed_domains)}", f"Next: chatkeep widgets embed {widget.widget_id}"]
    return Said(value, lines, notes=notes)


def _list(options: argparse.Namespace) -> Said:
    """List all widgets."""
    with open_office(options) as office:
        widgets = all_widgets(office.store, office.org.org_id)
        values = [_value(office, widget) for widget in widgets]
    rows = [(w.widget_id, w.name, w.access_mode, ", ".join(w.allowed_domains) or "(none)", "live" if w.is_active else "paused") for w in widgets]
    empty = 'There are no widgets yet. Make one: chatkeep widgets create "Help" --domain shop.example'
    return listed(values, empty, Table(("ID", "NAME", "ACCESS", "DOMAINS", "STATE"), rows, ("DOMAINS", "NAME")))


def _show(options: argparse.Namespace) -> Said:
    """Show one widget."""
    with open_office(options) as office:
        widget = get_widget(office.store, office.org.org_id, options.widget_id)
        value, notes = _value(office, widget), about_widget(office, widget)
    return Said(value, facts(value), notes=notes)


def _embed(options: argparse.Namespace) -> Said:
    """Print the tag. Nobody pastes one with an address that browsers cannot reach."""
    with open_office(options) as office:
        refuse_errors(list(public_url.check(office.loaded)))
        widget = get_widget(office.store, office.org.org_id, options.widget_id)
        gateway = office.settings.public_urls[0]
        notes = about_widget(office, widget)
        if not office.settings.public_url:
            notes.append(f"the tag names {gateway}; set CHATKEEP_PUBLIC_URL if browsers reach the gateway elsewhere")
        integrity = loader_integrity(office.store, is_production=office.settings.is_production)
        tag = snippet(widget, gateway=gateway, version=__version__, integrity=integrity)
    return Said({"widget_id": widget.widget_id, "snippet": tag}, [tag], notes=notes)


def _frame(options: argparse.Namespace) -> Said:
    """Switch frame mode, and say what it does not do here."""
    is_on = options.switch == "on"
    with open_office(options) as office:
        widget = use_frame(office.store, office.org.org_id, options.widget_id, on=is_on)
        findings = list(widget_url.check(office.loaded)) if is_on else []
    place = "in a frame; its pages' policy needs `frame-src` of the gateway (docs/how-to/frame-mode.md)" if is_on else "in the page"
    notes = [finding.message for finding in findings]
    return Said({"widget_id": widget.widget_id, "frame": is_on}, [f"{widget.widget_id}: the chat runs {place}"], notes=notes)


def _remember(options: argparse.Namespace) -> Said:
    """Switch whether conversations outlive a reload of the page."""
    is_on = options.switch == "on"
    with open_office(options) as office:
        widget = use_resume(office.store, office.org.org_id, options.widget_id, on=is_on)
    does = "stay when the page is reloaded; a handle is kept in the tab's sessionStorage" if is_on else "end with the page; nothing is kept in the browser"
    return Said({"widget_id": widget.widget_id, "resume": is_on}, [f"{widget.widget_id}: conversations {does}"])


def _value(office: Office, widget: WidgetRow) -> Any:
    """A widget as JSON, defaults filled in."""
    today = usage_today(office.store, office.clock, office.org.org_id)
    return msgspec.to_builtins(widget_view(widget, today.get(widget.widget_id, 0)))
