"""``chatkeep``: which command, with which options?

Exit codes: 0 ok, 1 failed, 2 wrong usage. ``--json`` prints one JSON value.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from chatkeep import __version__
from chatkeep.cli import agents, blocks, check, conversations, demo, events, keys, knowledge, migrate, organizations, providers, serve, users, widgets
from chatkeep.cli.said import Said, add_commands
from chatkeep.errors import ChatkeepError

_COMMANDS = (demo, serve, check, migrate, organizations, users, widgets, agents, providers, knowledge, keys, conversations, blocks, events)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        said: Said = options.run(options)
    except ChatkeepError as error:
        if options.json:
            _show(Said({"success": False, "error": str(error)}), as_json=True)
        print(f"chatkeep: {error}", file=sys.stderr)  # noqa: T201 - the command line's output
        return 1
    except KeyboardInterrupt:
        return 130
    is_heard = said.is_silent or _show(said, as_json=options.json)
    return 1 if said.failed or not is_heard else 0


def _show(said: Said, *, as_json: bool) -> bool:
    """Print *said*; whether the reader, who may be ``head``, stayed to the end."""
    try:
        said.show(as_json=as_json)
    except BrokenPipeError:
        # Python flushes standard output once more at exit: into nothing (docs of ``signal``, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--json", action="store_true", help="print one JSON value")
    everywhere.add_argument("--data-dir", metavar="DIR", help="folder of the SQLite database (CHATKEEP_DATA_DIR)")
    parser = argparse.ArgumentParser(prog="chatkeep", description="An AI assistant for any website.", epilog="First steps: chatkeep demo")
    parser.add_argument("--version", action="version", version=f"chatkeep {__version__}")
    commands = add_commands(parser)
    for module in _COMMANDS:
        module.register(commands, everywhere)
    return parser
