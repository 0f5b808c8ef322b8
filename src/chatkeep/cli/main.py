"""``chatkeep``: which command, with which options?

Exit codes: 0 ok, 1 failed, 2 wrong usage. ``--json`` prints one JSON value.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from chatkeep import __version__
from chatkeep.cli import check, demo, events, knowledge, migrate, serve, widgets
from chatkeep.cli.said import Said
from chatkeep.errors import ChatkeepError

_COMMANDS = (demo, serve, check, migrate, widgets, knowledge, events)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        said: Said = options.run(options)
    except ChatkeepError as error:
        if options.json:
            print(json.dumps({"success": False, "error": str(error)}))  # noqa: T201 - the command line's output
        print(f"chatkeep: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    except KeyboardInterrupt:
        return 130
    if not said.is_silent:
        said.show(as_json=options.json)
    return 1 if said.failed else 0


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--json", action="store_true", help="print one JSON value")
    everywhere.add_argument("--data-dir", metavar="DIR", help="folder of the SQLite database (CHATKEEP_DATA_DIR)")
    parser = argparse.ArgumentParser(prog="chatkeep", description="An AI assistant for any website.", epilog="First steps: chatkeep demo")
    parser.add_argument("--version", action="version", version=f"chatkeep {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        module.register(commands, everywhere)
    return parser
