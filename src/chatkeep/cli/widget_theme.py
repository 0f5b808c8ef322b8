"""``chatkeep widgets theme``: how a widget looks. The options are the fields of ``admit/widget_theme.py``."""

import argparse
from typing import Any

from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said
from chatkeep.manage.allowed import choices_of, fields_of, meaning_of
from chatkeep.manage.widgets import get_widget, style_widget

_GROUPS = {"theme": "", "launcher": "launcher-"}


def register(sub: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the sub-command to ``widgets``."""
    theme = sub.add_parser(
        "theme",
        parents=[everywhere],
        help="show or change how a widget looks",
        epilog="Example: chatkeep widgets theme widget_… --preset ocean --position bottom-left. Colours may be any: what is drawn is made readable.",
    )
    theme.add_argument("widget_id", metavar="WIDGET_ID")
    theme.add_argument("--reset", action="store_true", help="forget what was set before")
    for group, prefix in _GROUPS.items():
        for name, kind in fields_of(group).items():
            choices = choices_of(kind)
            theme.add_argument(
                f"--{prefix}{name.replace('_', '-')}",
                dest=f"{group}.{name}",
                choices=choices or None,
                type=int if choices and isinstance(choices[0], int) else str,
                metavar=name.upper() if choices else "#RRGGBB" if meaning_of(kind) else "TEXT",
                help=f"one of {', '.join(map(str, choices))}" if choices else meaning_of(kind) or "text on the launcher",
            )
    theme.set_defaults(run=_theme)
    add_org_option(theme)


def _theme(options: argparse.Namespace) -> Said:
    """Show the look, or change what was named."""
    given: dict[str, dict[str, Any]] = {group: {} for group in _GROUPS}
    for group, names in given.items():
        names.update({name: value for name in fields_of(group) if (value := getattr(options, f"{group}.{name}")) is not None})
    with open_office(options) as office:
        whose = (office.store, office.org.org_id, options.widget_id)
        changes = options.reset or any(given.values())
        widget = style_widget(*whose, theme=given["theme"], launcher=given["launcher"], reset=options.reset) if changes else get_widget(*whose)
    value = {group: widget.settings.get(group, {}) for group in _GROUPS}
    lines = [f"{group}.{name}: {one}" for group, names in value.items() for name, one in names.items()]
    return Said({"widget_id": widget.widget_id, **value}, lines or ["Nothing is set: the preset default as it is."])
