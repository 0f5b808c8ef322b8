"""What does a command answer? One value for machines, lines for people; help to who named none."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chatkeep.audit.redact import printable
from chatkeep.clock import iso_ms

# What a terminal shows beside another window.
WIDTH = 100
_GAP = "  "
_NARROWEST = 6


@dataclass(frozen=True, slots=True)
class Table:
    """Aligned columns. Where a line would be longer than ``WIDTH``, those named in *cut* are shortened, the first one first."""

    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    cut: Sequence[str] = ()

    def lines(self, *, is_wide: bool) -> list[str]:
        """The table; *is_wide* shows every cell as it is."""
        cells = [[printable(str(cell)) for cell in row] for row in (self.heads, *self.rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.heads))]
        if not is_wide:
            self._narrow(widths)
        return [_GAP.join(_shortened(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]

    def _narrow(self, widths: list[int]) -> None:
        """Take from the columns that may be cut, one after the other, until a line fits."""
        for name in self.cut:
            column = self.heads.index(name)
            too_long = sum(widths) + len(_GAP) * (len(widths) - 1) - WIDTH
            if too_long > 0:
                widths[column] = min(widths[column], max(widths[column] - too_long, _NARROWEST, len(name)))


@dataclass(frozen=True, slots=True)
class Said:
    """The result of a command; *failed* makes the exit code 1. *notes*: what to know besides, on standard error."""

    value: Any
    lines: Sequence[str] | Table = field(default_factory=tuple)
    failed: bool = False
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def is_silent(self) -> bool:
        """Whether everything was said while the command ran."""
        return self.value is None

    def show(self, *, as_json: bool, is_wide: bool = False) -> None:
        """Print it. What comes from a database or a visitor cannot colour or break a terminal."""
        if as_json:
            print(json.dumps(self.value, ensure_ascii=False), flush=True)  # noqa: T201 - this is the command line's output
        else:
            for line in self.lines.lines(is_wide=is_wide) if isinstance(self.lines, Table) else self.lines:
                print(printable(line), flush=True)  # noqa: T201 - as above
        for note in self.notes:
            print(f"note: {printable(note)}", file=sys.stderr)  # noqa: T201 - as above


def listed(values: Sequence[Any], empty: str, shown: Table, *more: str) -> Said:
    """A list: every value for machines; for people a table, or what to do when it is empty."""
    if not values:
        return Said([], [empty])
    return Said(list(values), shown, notes=more)


def facts(value: dict[str, Any], prefix: str = "") -> list[str]:
    """One thing as lines of ``name: value``, nested names dotted."""
    lines: list[str] = []
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            lines += facts(inner, f"{prefix}{name}.")
        else:
            first, *others = _told(inner).splitlines() or [""]
            lines += [f"{prefix}{name}: {first}".rstrip(), *(f"  {line}" for line in others)]
    return lines


def short_time(at_ms: int) -> str:
    """A moment to the minute, UTC, for a table."""
    return iso_ms(at_ms)[:16].replace("T", " ")


def add_commands(parser: argparse.ArgumentParser) -> Any:
    """Where the sub-commands of *parser* go; called without one, it prints its help and ends with 2."""

    def print_help(_options: argparse.Namespace) -> Said:
        parser.print_help(sys.stderr)
        parser.exit(2)

    parser.set_defaults(run=print_help)
    return parser.add_subparsers(title="commands", metavar="COMMAND")


def _shortened(cell: str, width: int) -> str:
    """*cell*, its end left out where it is too long."""
    return cell if len(cell) <= width else cell[: width - 1] + "…"


def _told(value: object) -> str:
    """A value as people write it."""
    if value is None or value in ([], {}):
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
