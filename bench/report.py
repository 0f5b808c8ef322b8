"""How are figures kept and shown? One table for people, one file for programs."""

import json
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of ours, beside what a bare server needs in the same run. *note*: what was checked."""

    name: str
    unit: str
    ours: Sequence[float]
    bare: Sequence[float] = ()
    aim: str = ""
    is_met: bool | None = None
    note: str = ""
    details: dict[str, object] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours to bare, by medians."""
        return statistics.median(self.ours) / statistics.median(self.bare) if self.bare else None


def say(text: str) -> None:
    """One line of progress."""
    print(f"  {text}", flush=True)


def print_table(rows: Sequence[Row]) -> None:
    """Medians with the range of all repetitions, aims beside them, notes below."""
    head = ("", "unit", "Chatkeep", "bare server", "ratio", "aim", "")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    print()
    for number, line in enumerate(lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    print()
    for row in rows:
        if row.note:
            print(f"{row.name}: {row.note}")


def write_file(rows: Sequence[Row], path: Path, *, version: str, is_quick: bool, seconds: float) -> None:
    """The same as JSON, every repetition included."""
    found = {
        "version": version,
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": is_quick,
        "seconds": round(seconds, 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_average": list(_load_average()),
        "rows": [{**asdict(row), "ratio": row.ratio} for row in rows],
    }
    path.write_text(json.dumps(found, indent=1) + "\n")


def _cells(row: Row) -> tuple[str, ...]:
    """One line of the table."""
    verdict = "" if row.is_met is None else "met" if row.is_met else "NOT MET"
    return (row.name, row.unit, _range(row.ours), _range(row.bare), f"{row.ratio:.2f}" if row.ratio else "", row.aim, verdict)


def _range(values: Sequence[float]) -> str:
    """``median (least-most)``."""
    if not values:
        return "-"
    median = statistics.median(values)
    digits = 0 if median >= 100 else 1 if median >= 10 else 2
    if len(values) == 1:
        return f"{median:.{digits}f}"
    return f"{median:.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def _load_average() -> tuple[float, float, float]:
    """How busy the machine was besides."""
    one, five, fifteen, *_ = Path("/proc/loadavg").read_text().split()
    return float(one), float(five), float(fifteen)
