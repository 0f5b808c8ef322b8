"""``chatkeep widgets words``: in which language a widget speaks, and what the owner says in its place."""

import argparse
from typing import Any

from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said
from chatkeep.manage.widgets import get_widget, word_widget

_OWN = {"title": "the heading", "greeting": "what an empty chat says", "disclosure": "that an AI answers", "locale": "auto, or a tag such as de or pt-BR"}


def register(sub: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the sub-command to ``widgets``."""
    words = sub.add_parser(
        "words",
        parents=[everywhere],
        help="show or change what a widget says, and in which language",
        epilog="Example: chatkeep widgets words widget_… --locale auto --text de hello Servus. Keys: docs/how-to/languages.md.",
    )
    words.add_argument("widget_id", metavar="WIDGET_ID")
    words.add_argument("--reset", action="store_true", help="forget what was set before")
    for name, meaning in _OWN.items():
        words.add_argument(f"--{name}", metavar="TEXT", help=meaning)
    words.add_argument("--suggestion", metavar="TEXT", dest="suggestions", action="append", help="a question to begin with: replaces the list; repeat for more")
    words.add_argument(
        "--text", nargs=3, action="append", default=[], metavar=("LOCALE", "KEY", "TEXT"), help="another text, for a language or `default`; repeat for more"
    )
    words.set_defaults(run=_words)
    add_org_option(words)


def _words(options: argparse.Namespace) -> Said:
    """Show the words, or change what was named."""
    own: dict[str, Any] = {name: value for name in _OWN if (value := getattr(options, name)) is not None}
    if options.suggestions is not None:
        # One that is empty empties the list.
        own["suggestions"] = [text for text in options.suggestions if text]
    with open_office(options) as office:
        whose = (office.store, office.org.org_id, options.widget_id)
        changes = options.reset or own or options.text
        widget = word_widget(*whose, own=own, texts=options.text, reset=options.reset) if changes else get_widget(*whose)
    value = {name: widget.settings[name] for name in (*_OWN, "suggestions", "texts") if name in widget.settings}
    lines = [f"{name}: {' | '.join(one) if isinstance(one, list) else one}" for name, one in value.items() if name != "texts"]
    lines += [f"{locale}, {key}: {text}" for locale, by_key in value.get("texts", {}).items() for key, text in by_key.items()]
    return Said({"widget_id": widget.widget_id, **value}, lines or ["Nothing is set: the widget says everything in the visitor's language."])
