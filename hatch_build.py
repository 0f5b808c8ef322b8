"""Build the widget when its output is missing or older than its sources.

Runs inside every wheel, sdist and editable build, and as a script (``make widget``), so
that installing the package never needs Node.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WIDGET = ROOT / "widget"
OUTPUT = ROOT / "src" / "chatkeep" / "widget_dist" / "manifest.json"


class WidgetBuildHook(BuildHookInterface[Any]):
    """Hatch's entry."""

    def initialize(self, _version: str, _build_data: dict[str, Any]) -> None:
        """Before a package is put together."""
        build_widget()


def build_widget() -> None:
    """Install the locked packages without their scripts, then build; nothing when the output is current."""
    if _is_current():
        return
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("The widget must be built and npm is missing: install Node.js 20 (Debian: apt-get install nodejs npm).")
    print("Building the widget (npm ci, vite build) ...", file=sys.stderr)
    for command in (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"]):
        done = subprocess.run([npm, *command], cwd=WIDGET, check=False, capture_output=True, text=True)  # noqa: S603 - npm and fixed words
        if done.returncode != 0:
            sys.exit(f"The widget could not be built (npm {' '.join(command)}):\n{done.stdout}{done.stderr}")


def _is_current() -> bool:
    """Whether the output is there and no source is newer. Without sources (from an sdist's wheel) it must be there."""
    if not OUTPUT.is_file():
        return False
    sources = [path for path in WIDGET.rglob("*") if path.is_file() and not {"node_modules", "test", "dist"} & set(path.relative_to(WIDGET).parts)]
    # In an sdist every file has the time of its making: then the shipped output is current by definition.
    is_checkout = (ROOT / ".git").exists()
    return not is_checkout or all(path.stat().st_mtime <= OUTPUT.stat().st_mtime for path in sources)


if __name__ == "__main__":
    build_widget()
