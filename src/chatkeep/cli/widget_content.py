"""``chatkeep widgets content``: may answers and greetings be HTML, and from where may their pictures come?"""

import argparse
from typing import Any, Final

from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said, facts
from chatkeep.manage.views import filled_settings
from chatkeep.manage.widgets import WidgetChange, change_widget, get_widget

_SWITCHES: Final = {"html_answers": "answers may be HTML, which the widget cleans before it shows it", "html_greeting": "the greeting may be HTML"}


def register(sub: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the sub-command to ``widgets``."""
    content = sub.add_parser(
        "content",
        parents=[everywhere],
        help="show or change whether texts may be HTML, and whose pictures they may show",
        epilog="Example: chatkeep widgets content widget_… --html-answers on --image-host cdn.shop.example",
    )
    content.add_argument("widget_id", metavar="WIDGET_ID")
    for name, meaning in _SWITCHES.items():
        content.add_argument(f"--{name.replace('_', '-')}", choices=("on", "off"), help=meaning)
    images = content.add_mutually_exclusive_group()
    images.add_argument("--image-host", metavar="HOST", action="append", help="pictures may come from there, by https: replaces the list; repeat for more")
    images.add_argument("--no-images", action="store_true", help="empty the list")
    content.set_defaults(run=_content)
    add_org_option(content)


def _content(options: argparse.Namespace) -> Said:
    """Show what texts may be, or change what was named."""
    given: dict[str, Any] = {name: value == "on" for name in _SWITCHES if (value := getattr(options, name)) is not None}
    if options.image_host or options.no_images:
        given["image_hosts"] = options.image_host or []
    with open_office(options) as office:
        whose = (office.store, office.org.org_id, options.widget_id)
        wanted = WidgetChange(settings={"content": given})
        widget = change_widget(*whose, wanted, development=not office.settings.is_production) if given else get_widget(*whose)
    value = filled_settings(widget)["content"]
    return Said({"widget_id": widget.widget_id, "content": value}, facts(value))
