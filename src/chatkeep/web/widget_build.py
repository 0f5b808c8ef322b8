"""Which files did the widget's build leave in the package? Read once, kept compressed."""

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chatkeep.crypto import content_digest
from chatkeep.errors import Misconfigured

_FOLDER = Path(__file__).parent.parent / "widget_dist"


@dataclass(frozen=True, slots=True)
class WidgetFile:
    """One built file. *integrity* is what an SRI attribute says (W3C SRI)."""

    content: bytes
    packed: bytes
    tag: str
    integrity: str


@cache
def load_files() -> dict[str, WidgetFile]:
    """Every built file by its name. Raises ``Misconfigured`` when the widget was never built."""
    manifest = _FOLDER / "manifest.json"
    if not manifest.is_file():
        msg = "the widget is not built: run `make widget` (a released package carries it)"
        raise Misconfigured(msg)
    files = {}
    for name, facts in json.loads(manifest.read_text(encoding="utf-8"))["files"].items():
        content = (_FOLDER / name).read_bytes()
        files[name] = WidgetFile(content, gzip.compress(content, 9, mtime=0), f'"{content_digest(content)[:32]}"', facts["integrity"])
    return files
