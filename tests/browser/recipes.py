"""What do the recipes of the documentation say? Their code, word for word, and bundles of apps that use it."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

from tests.conftest import missing

ROOT = Path(__file__).parents[2]
NODE = ROOT / "tests" / "node"
_PAGE = ROOT / "docs" / "how-to" / "recipes.md"
# What the page writes for what is different everywhere.
_WRITTEN = {
    "gateway": "https://gateway.example",
    "widget_id": "widget_…",
    "nonce": "nonce-…",
    "nonce_attribute": 'nonce="…"',
    "integrity": "sha384-…",
    "version": "v0.1.0",
}
_CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def recipe(heading: str, language: str, **values: str) -> str:
    """The one block of *language* below *heading*; each of *values* takes the place of what the page writes for it."""
    sections = re.split(r"^## ", _PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    [section] = [section for section in sections if section.startswith(f"{heading}\n")]
    [code] = [code for written, code in _CODE.findall(section) if written == language]
    for name, value in values.items():
        assert _WRITTEN[name] in code, f"{heading} has no {_WRITTEN[name]}"
        code = code.replace(_WRITTEN[name], value)
    return str(code)


def installed(folder: Path = NODE) -> None:
    """Skip where the npm packages of *folder* are not installed."""
    mark = folder / "node_modules" / ".installed"
    if not mark.is_file():
        missing(str(mark.relative_to(ROOT)), f"run make {mark.relative_to(ROOT)}")


@cache
def npm_package() -> None:
    """The widget's npm package, made of its last build."""
    subprocess.run(["npm", "run", "--silent", "package"], cwd=ROOT / "widget", check=True, capture_output=True)


def bundled(app: str, files: dict[str, str]) -> bytes:
    """JavaScript of ``tests/node/apps/<app>`` with the recipe's *files* beside it."""
    installed()
    npm_package()
    done = subprocess.run(["node", NODE / "bundle.mjs", app], input=json.dumps(files).encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout
