"""``chatkeep widgets features``: what a widget offers besides questions and answers."""

import argparse
from typing import Any, Final

from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said
from chatkeep.manage.widgets import get_widget, set_features

_SWITCHES: Final = {
    "feedback": "thumbs below answers",
    "transcript": "visitors can download their conversation",
    "analytics": "the widget counts what happens in it",
    "masking": "card and account numbers that visitors type are shown as dots",
}


def register(sub: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the sub-command to ``widgets``."""
    features = sub.add_parser(
        "features",
        parents=[everywhere],
        help="show or change what a widget offers",
        epilog="Example: chatkeep widgets features widget_… --analytics off --consent required --consent-link https://shop.example/privacy",
    )
    features.add_argument("widget_id", metavar="WIDGET_ID")
    for name, meaning in _SWITCHES.items():
        features.add_argument(f"--{name}", choices=("on", "off"), help=meaning)
    features.add_argument("--consent", choices=("required", "optional", "off"), help="ask before the first message")
    features.add_argument("--consent-text", metavar="TEXT", help="what is asked; without it the widget has a sentence in the visitor's language")
    features.add_argument("--consent-link", metavar="URL", help="where it says more")
    features.set_defaults(run=_features)
    add_org_option(features)


def _features(options: argparse.Namespace) -> Said:
    """Show what is offered, or change what was named."""
    with open_office(options) as office:
        whose = (office.store, office.org.org_id, options.widget_id)
        widget = get_widget(*whose)
        given = _given(options, widget.settings.get("features", {}).get("consent"))
        value = (set_features(*whose, given) if given else widget).settings.get("features", {})
    lines = [f"{name}: {one}" for name, one in value.items()]
    return Said({"widget_id": widget.widget_id, "features": value}, lines or ["Nothing is set: everything is on, and nobody is asked for consent."])


def _given(options: argparse.Namespace, consent: dict[str, Any] | None) -> dict[str, Any]:
    """The features that *options* name; a part of the consent goes with the others that *consent* had."""
    given: dict[str, Any] = {name: value == "on" for name in _SWITCHES if (value := getattr(options, name)) is not None}
    if options.consent == "off":
        return {**given, "consent": None}
    asked: dict[str, Any] = {} if options.consent is None else {"required": options.consent == "required"}
    asked |= {name: value for name, value in (("text", options.consent_text), ("link", options.consent_link)) if value is not None}
    return {**given, "consent": {**(consent or {}), **asked}} if asked else given
