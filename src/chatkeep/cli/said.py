"""What does a command answer? One value for machines, lines for people; help to who named none."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Said:
    """The result of a command; *failed* makes the exit code 1."""

    value: Any
    lines: Sequence[str] = field(default_factory=tuple)
    failed: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether everything was said while the command ran."""
        return self.value is None

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            print(json.dumps(self.value, ensure_ascii=False), flush=True)  # noqa: T201 - this is the command line's output
            return
        for line in self.lines:
            print(line, flush=True)  # noqa: T201 - as above


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of aligned columns."""
    cells = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def add_commands(parser: argparse.ArgumentParser) -> Any:
    """Where the sub-commands of *parser* go; called without one, it prints its help and ends with 2."""

    def print_help(_options: argparse.Namespace) -> Said:
        parser.print_help(sys.stderr)
        parser.exit(2)

    parser.set_defaults(run=print_help)
    return parser.add_subparsers(title="commands", metavar="COMMAND")
