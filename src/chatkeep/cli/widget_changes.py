"""``chatkeep widgets update|clone|pause|resume|delete``: widgets that are there already."""

import argparse
import json
from typing import Any

import msgspec

from chatkeep.cli.notes import about_widget
from chatkeep.cli.office import Office, add_org_option, open_office
from chatkeep.cli.said import Said
from chatkeep.errors import WrongUsage
from chatkeep.manage import widgets
from chatkeep.manage.agents import find_named_agent
from chatkeep.manage.views import widget_view
from chatkeep.manage.widgets import ACCESS_MODES, WidgetChange
from chatkeep.store.widgets import WidgetRow


def register(sub: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the sub-commands to ``widgets``."""
    update = sub.add_parser(
        "update", parents=[everywhere], help="change a widget", epilog="Example: chatkeep widgets update widget_… --set limits.per_minute=5 --set title=Help"
    )
    update.add_argument("--name", metavar="NAME", help="another name")
    update.add_argument("--domain", metavar="D", action="append", help="page that may embed it: replaces the list; repeat for more")
    update.add_argument("--access", choices=ACCESS_MODES, help="how visitors are let in")
    update.add_argument("--agent", metavar="AGENT", help="id or name of the agent that answers")
    update.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a setting: limits.per_minute=5; an empty value is the default again")
    update.set_defaults(run=_update)
    clone = sub.add_parser("clone", parents=[everywhere], help="copy a widget", epilog="Example: chatkeep widgets clone widget_… --name Copy")
    clone.add_argument("--name", metavar="NAME", help="what the copy is called")
    clone.set_defaults(run=_clone)
    pause = sub.add_parser("pause", parents=[everywhere], help="stop it everywhere within 2 s", epilog="Example: chatkeep widgets pause widget_…")
    pause.set_defaults(run=_pause)
    resume = sub.add_parser("resume", parents=[everywhere], help="let it go on", epilog="Example: chatkeep widgets resume widget_…")
    resume.set_defaults(run=_resume)
    delete = sub.add_parser("delete", parents=[everywhere], help="delete a widget", epilog="Example: chatkeep widgets delete widget_…")
    delete.set_defaults(run=_delete)
    for one in (update, clone, pause, resume, delete):
        one.add_argument("widget_id", metavar="WIDGET_ID")
        add_org_option(one)


def _update(options: argparse.Namespace) -> Said:
    """Change a widget."""
    settings = parse_settings(options.set)
    if not (settings or options.domain or any(given is not None for given in (options.name, options.access, options.agent))):
        raise WrongUsage("say what to change: --name, --domain, --access, --agent or --set (`chatkeep widgets show` lists what can be set)")
    with open_office(options) as office:
        store, org = office.store, office.org.org_id
        agent = find_named_agent(store, org, options.agent).agent_id if options.agent is not None else None
        wanted = WidgetChange(options.name, agent, options.access, options.domain, settings or None)
        changed = widgets.change_widget(store, org, options.widget_id, wanted, development=not office.settings.is_production)
        return _said(office, changed, "Changed")


def _clone(options: argparse.Namespace) -> Said:
    """Copy a widget."""
    with open_office(options) as office:
        return _said(office, widgets.clone_widget(office.store, office.clock, office.org.org_id, options.widget_id, name=options.name), "Made")


def _pause(options: argparse.Namespace) -> Said:
    """Pause a widget."""
    with open_office(options) as office:
        return _said(office, widgets.set_active(office.store, office.org.org_id, options.widget_id, is_active=False), "Paused")


def _resume(options: argparse.Namespace) -> Said:
    """Let a widget go on."""
    with open_office(options) as office:
        return _said(office, widgets.set_active(office.store, office.org.org_id, options.widget_id, is_active=True), "Resumed")


def _delete(options: argparse.Namespace) -> Said:
    """Delete a widget."""
    with open_office(options) as office:
        widgets.remove_widget(office.store, office.clock, office.org.org_id, options.widget_id)
    return Said(
        {"widget_id": options.widget_id, "deleted": True},
        [f"Deleted {options.widget_id}; what was said in it stays until it is erased (chatkeep conversations erase)."],
    )


def parse_settings(pairs: list[str]) -> dict[str, Any]:
    """``limits.per_minute=5`` as ``{"limits": {"per_minute": 5}}``. Raises ``WrongUsage``."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise WrongUsage(f"{pair[:100]!r} is not a setting: write NAME=VALUE, like title=Help")
        *groups, last = name.split(".")
        place = settings
        for group in groups:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                raise WrongUsage(f"{group!r} is set twice, as a value and as a group of settings")
        place[last] = _parse_value(text)
    return settings


def _parse_value(text: str) -> Any:
    """JSON where it is some, else the text itself; nothing is the default again."""
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _said(office: Office, widget: WidgetRow, what: str) -> Said:
    """What was done, and the widget as it is now."""
    today = widgets.usage_today(office.store, office.clock, office.org.org_id)
    value = msgspec.to_builtins(widget_view(widget, today.get(widget.widget_id, 0)))
    # Who has just paused it knows.
    notes = about_widget(office, widget) if what != "Paused" else []
    return Said(value, [f"{what} {widget.widget_id} ({widget.name}); running gateways follow within 2 s."], notes=notes)
