"""Write the reference pages that are made from code: settings, commands, errors, events.

``make docs`` runs it; a test fails when a page is old. Usage: ``python docs/generate.py``.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chatkeep.audit.catalogue import event_for, event_types
from chatkeep.cli.main import parser
from chatkeep.errors import Reason
from chatkeep.settings import setting_fields
from chatkeep.web.problems import ADVICE, WORDINGS

REFERENCE = Path(__file__).parent / "reference"
_EVERYWHERE = {"--help", "--json", "--wide", "--data-dir"}
_HEAD = "<!-- Made by docs/generate.py from the code: do not edit. -->\n\n"


def settings_page() -> str:
    """Every setting."""
    rows = []
    for field in setting_fields():
        default = f"`{field.default}`" if field.default != "" else "-"
        aliases = ", ".join(f"`{alias}`" for alias in field.aliases) or "-"
        rows.append((f"`{field.variable}`", default, field.doc + (" *(secret)*" if field.is_secret else ""), aliases))
    text = (
        "# Settings\n\nEach setting is an environment variable; with `_FILE` behind its name the variable names a file that holds the value "
        "(setting both is an error). Aliases are read when the own name is absent. `chatkeep check` prints what holds and where it came from.\n\n"
    )
    return _HEAD + text + _table(("setting", "default", "meaning", "aliases"), rows)


def commands_page() -> str:
    """Every command."""
    text = (
        "# Commands\n\nEvery command has `--help` with an example. Exit codes: 0 ok, 1 failed, 2 wrong usage. What a command found goes to standard output; "
        "what is wrong, progress and notes (`note: …`: it was done, and something still stands against it) go to standard error.\n\n"
        "Everywhere, before the command or behind it: `--json` prints one JSON value, an object or a list of objects, named as in the admin API; for a "
        'failure `{"success": false, "error": "not_found", "message": "…"}`; '
        "`--wide` does not shorten the columns of tables; `--data-dir DIR` names the folder of the SQLite "
        "database.\n\nOnly `serve`, `demo`, `migrate`, `orgs create` and `users create` make a database where there is none: a mistyped folder is an error for "
        "all others.\n"
    )
    return _HEAD + text + "".join(f"\n{_command(*command)}" for command in _walk(parser(), (), ""))


def commands() -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command that does something: the words that are typed, and its parser."""
    yield from ((words, one) for words, one, _about in _walk(parser(), (), ""))


def groups_of(one: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The sub-commands of a parser by name; none for a command that does something."""
    action = _grouping(one)
    return dict(action.choices) if action is not None else {}


def _grouping(one: argparse.ArgumentParser) -> "argparse._SubParsersAction[Any] | None":
    """What holds the sub-commands of a parser; argparse has no public way to ask."""
    return next((action for action in one._actions if isinstance(action, argparse._SubParsersAction)), None)  # noqa: SLF001 - as said


def _walk(one: argparse.ArgumentParser, words: tuple[str, ...], about: str) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser, str]]:
    """As ``commands``, below *one*, with what the help says about each."""
    action = _grouping(one)
    if action is None:
        yield words, one, about
        return
    helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001 - as above
    for name, inner in action.choices.items():
        yield from _walk(inner, (*words, name), helps[name])


def _command(words: tuple[str, ...], one: argparse.ArgumentParser, about: str) -> str:
    """One command: what it is for, an example, what it takes."""
    example = re.fullmatch(r"Example: (chatkeep .*?)(?:\. ([A-Z].*))?", one.epilog or "")
    more = [text for text in (one.description, example[2] if example else None) if text]
    parts = [f"## chatkeep {' '.join(words)}", " ".join((about[:1].upper() + about[1:] + ".", *more)), f"```\n{example[1] if example else ''}\n```"]
    rows = [_argument(action) for action in one._actions if not _EVERYWHERE & set(action.option_strings)]  # noqa: SLF001 - as above
    return "\n\n".join(parts) + "\n" + (f"\n{_table(('argument', 'needed', 'meaning'), rows)}" if rows else "")


def _argument(action: argparse.Action) -> tuple[str, ...]:
    """One option or place of a command."""
    value = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar
    if value is None and action.nargs != 0:
        value = " | ".join(map(str, action.choices)) if action.choices else action.dest.upper()
    shown = " ".join((*action.option_strings[-1:], *((value,) if value else ())))
    return f"`{shown}`", "yes" if action.required else "", (action.help or "").replace("%%", "%")


def errors_page() -> str:
    """Every error code with its status and its event."""
    rows = [
        (f"`{WORDINGS[reason].code}`", str(WORDINGS[reason].status), WORDINGS[reason].message, ADVICE[reason], f"`{event_for(reason).type}`")
        for reason in Reason
    ]
    text = (
        "# Errors\n\nEvery error is one envelope: `success` (false), `error` (stable), `message` (English, for people), `request_id`, and where they fit "
        "`retry_after` (seconds), `limit_type`, `action`, `usage`, `needs` (a permission), `block_expires_at` (null: a block without an end), "
        "`details` (which fields are wrong, and what they may be). "
        "Limited answers carry `Retry-After`, `RateLimit` and `RateLimit-Policy` "
        "(draft-ietf-httpapi-ratelimit-headers-10).\n\n"
    )
    own = (
        "\nA page hears codes of the widget's own besides these, in its events `error` and `refused`. One of them, `blocked`, is a `temporarily_blocked` whose "
        "`block_expires_at` is null; the others are in [The widget's API for the page](host-api.md#events).\n"
    )
    return _HEAD + text + _table(("error", "status", "message", "what to do", "security event"), rows) + own


def events_page() -> str:
    """Every security event."""
    events = sorted(set(event_types().values()), key=lambda event: event.type)
    rows = [
        (
            f"`{event.type}`",
            event.severity,
            (event.__doc__ or "").strip().replace("\n", " "),
            ", ".join(f"`{alias}`" for alias in event.aliases) or "-",
        )
        for event in events
    ]
    text = (
        "# Security events\n\nEqual events within a minute are one row with a `count`. No event holds message text or tokens. "
        "Read them with `chatkeep events list`.\n\n"
    )
    return _HEAD + text + _table(("type", "severity", "meaning", "aliases"), rows)


PAGES = {"settings.md": settings_page, "commands.md": commands_page, "errors.md": errors_page, "events.md": events_page}


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
