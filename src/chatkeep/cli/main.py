"""``chatkeep``: which command, with which options?

Exit codes: 0 ok, 1 failed, 2 wrong usage. ``--json`` prints one JSON value: an object or
a list of objects, with the names that the admin API gives them; for a failure
``{"success": false, "error": …, "message": …}``, a stable code and words as in the API.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import IO, Any, NoReturn

from chatkeep import __version__
from chatkeep.audit.redact import printable
from chatkeep.cli import (
    agents,
    blocks,
    check,
    conversations,
    demo,
    events,
    keys,
    knowledge,
    migrate,
    openapi,
    organizations,
    providers,
    serve,
    users,
    widgets,
)
from chatkeep.cli.said import Said, add_commands
from chatkeep.errors import ChatkeepError, InTheWay, NotThere, Reason, Refused, Unavailable, WrongUsage
from chatkeep.store import Clash
from chatkeep.web.problems import WORDINGS

_COMMANDS = (demo, serve, check, migrate, organizations, users, widgets, agents, providers, knowledge, keys, conversations, blocks, events, openapi)
_MEANINGS_BEGIN = 30
_FIRST_STEPS = """first steps:
  chatkeep demo                  see it work, with nothing to set up

  chatkeep orgs create Shop
  chatkeep users create alice@shop.example --role owner
  chatkeep knowledge add help/
  chatkeep widgets create "Help" --domain shop.example
  chatkeep widgets embed WIDGET_ID
  chatkeep serve

Each command says the next one; `chatkeep COMMAND --help` has an example of each. On your own machine
set CHATKEEP_ENV=development first: it allows pages on localhost and http."""


class _Parser(argparse.ArgumentParser):
    """Wrong usage is told to machines too, and a typing error with what was perhaps meant."""

    is_for_machines = False

    def __init__(self, **choices: Any) -> None:
        super().__init__(**{"formatter_class": partial(argparse.HelpFormatter, max_help_position=_MEANINGS_BEGIN), **choices})

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with 2."""
        message = printable(message)
        if _Parser.is_for_machines:
            Said({"success": False, "error": Reason.INVALID_REQUEST.value, "message": message}).show(as_json=True)
        super().error(message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse does; a command that does not exist gets a shorter answer."""
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:  # noqa: SLF001 - argparse has no public name for it
            near = difflib.get_close_matches(str(value), list(action.choices), n=1)
            meant = f"did you mean `{self.prog} {near[0]}`?" if near else f"`{self.prog} --help` lists all"
            raise argparse.ArgumentError(None, f"there is no command {str(value)[:100]!r}: {meant}")
        super()._check_value(action, value)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """As argparse does. Before Python 3.13 it makes an empty list of `--name=--`."""
        value: Any = super()._get_values(action, arg_strings)
        if value == [] and action.nargs is None:
            raise argparse.ArgumentError(action, "expected one argument")
        return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        _never_choke(stream)
    _Parser.is_for_machines = "--json" in given
    options = parser().parse_args(given)
    try:
        _check_text(given)
        said: Said = options.run(options)
    except Clash:
        return _fail(InTheWay("somebody else made, changed or removed the same at this moment: look at what is there now, and try again"), options)
    except ChatkeepError as error:
        return _fail(error, options)
    except KeyboardInterrupt:
        return 130
    is_heard = said.is_silent or _show(said, options)
    return 1 if said.failed or not is_heard else 0


def _fail(error: ChatkeepError, options: argparse.Namespace) -> int:
    """Say what went wrong; the exit code."""
    if options.json:
        _show(Said({"success": False, "error": _code(error), "message": str(error)}), options)
    print(f"chatkeep: {printable(str(error))}", file=sys.stderr)  # noqa: T201 - the command line's output
    return 1


def _code(error: ChatkeepError) -> str:
    """The stable code of *error*, the same as the admin API has for it; of what only operators of the machine see, ``misconfigured``."""
    if isinstance(error, WrongUsage):
        reasons = {NotThere: Reason.NOT_FOUND, InTheWay: Reason.CONFLICT}
        return reasons.get(type(error), Reason.INVALID_REQUEST).value
    return WORDINGS[error.reason].code if isinstance(error, (Refused, Unavailable)) else "misconfigured"


def _show(said: Said, options: argparse.Namespace) -> bool:
    """Print *said*; whether the reader, who may be ``head``, stayed to the end."""
    try:
        said.show(as_json=options.json, is_wide=options.wide)
    except BrokenPipeError:
        # Python flushes standard output once more at exit: into nothing (docs of ``signal``, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _check_text(arguments: Sequence[str]) -> None:
    """Raise ``WrongUsage`` for an argument that no database could keep."""
    for argument in arguments:
        if not argument.isascii() and argument != argument.encode(errors="replace").decode():
            raise WrongUsage(f"{printable(argument)[:100]!r} is not UTF-8 text: type it again, or rename the file")


def _never_choke(stream: IO[str] | Any) -> None:
    """Let a terminal that is not UTF-8, and names of files that are not, show as escapes."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = _Parser(
        prog="chatkeep",
        description="An AI assistant for any website.",
        epilog=_FIRST_STEPS,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=_MEANINGS_BEGIN),
    )
    parser.add_argument("--version", action="version", version=f"chatkeep {__version__}")
    parser.set_defaults(json=False, wide=False, data_dir=None)
    everywhere = argparse.ArgumentParser(add_help=False)
    for place in (parser, everywhere):
        # Before the command or behind it: what is not given behind must not undo what stands before.
        group = place.add_argument_group("everywhere")
        group.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON value")
        group.add_argument("--wide", action="store_true", default=argparse.SUPPRESS, help="do not shorten the columns of tables")
        group.add_argument("--data-dir", metavar="DIR", default=argparse.SUPPRESS, help="folder of the SQLite database (CHATKEEP_DATA_DIR)")
    commands = add_commands(parser)
    for module in _COMMANDS:
        module.register(commands, everywhere)
    return parser
