"""Which widget files are there? Those that are installed, and those of every build that was ever shipped.

A page that pins a version with SRI keeps working after an upgrade, also when another
process is already ahead, so what a version once was is kept in the database. In
production the first content of a version stays: pages may have pinned it. In development
a version is built many times, and the newest build wins.
"""

import gzip
import json
import logging
import re
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chatkeep import __version__
from chatkeep.clock import Clock
from chatkeep.crypto import content_digest
from chatkeep.errors import Misconfigured
from chatkeep.store import Store
from chatkeep.store.widget_builds import BuiltFile, find_file, keep_build, load_build

log = logging.getLogger("chatkeep.start")

_OTHER_BUILD = "another widget was shipped under this version and is still served; install a package that has a version of its own"
_FOLDER = Path(__file__).parent.parent / "widget_dist"
# Of other versions than the own; about 150 KB each at most.
_MOST_KEPT = 64
_FORM = re.compile(r"[0-9A-Za-z.+-]{1,40} [A-Za-z0-9._-]{1,100}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class WidgetFile:
    """One built file. *integrity* is what an SRI attribute says (W3C SRI)."""

    content: bytes
    packed: bytes
    tag: str
    integrity: str


class WidgetBuilds:
    """Every build, from memory where possible."""

    def __init__(self, store: Store, clock: Clock, *, is_production: bool) -> None:
        self._store = store
        self._clock = clock
        self._is_production = is_production
        self._own: dict[str, WidgetFile] | None = None
        self._others: OrderedDict[tuple[str, str], WidgetFile] = OrderedDict()

    async def keep_own(self) -> None:
        """Put the installed build into the database. Another one that was shipped under this version stays, and is served."""
        installed = {name: BuiltFile(file.content, file.integrity) for name, file in load_files().items()}
        at_ms = int(self._clock.now().timestamp() * 1000)
        await self._store.transaction(keep_build, __version__, installed, at_ms=at_ms, replaces=not self._is_production)
        shipped = await self._store.read(load_build, __version__)
        if shipped == installed or not self._is_production:
            return
        self._own = {name: _ready(file) for name, file in shipped.items()}
        log.warning("widget_build_differs", extra={"fields": {"version": __version__, "advice": _OTHER_BUILD}})

    async def find(self, version: str, name: str) -> WidgetFile | None:
        """One file of one version. Raises ``Unavailable`` when the database has to be asked and is down."""
        if version == __version__:
            return self.own(name)
        if not _FORM.match(f"{version} {name}"):
            return None
        file = self._others.get((version, name))
        if file is None:
            kept = await self._store.read(find_file, version, name)
            if kept is None:
                return None
            file = _ready(kept)
            self._others[version, name] = file
            if len(self._others) > _MOST_KEPT:
                self._others.popitem(last=False)
        self._others.move_to_end((version, name))
        return file

    def own(self, name: str) -> WidgetFile | None:
        """One file of this version."""
        return (self._own or load_files()).get(name)


def loader_integrity(store: Store, *, is_production: bool) -> str:
    """What a page pins of this version: the loader that was shipped, before the first start the installed one."""
    shipped = store.read_now(find_file, __version__, "loader.js") if is_production else None
    return (shipped or load_files()["loader.js"]).integrity


@cache
def load_files() -> dict[str, WidgetFile]:
    """Every installed file by its name. Raises ``Misconfigured`` when the widget was never built."""
    manifest = _FOLDER / "manifest.json"
    if not manifest.is_file():
        msg = "the widget is not built: run `make widget` (a released package carries it)"
        raise Misconfigured(msg)
    facts = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    return {name: _ready(BuiltFile((_FOLDER / name).read_bytes(), about["integrity"])) for name, about in facts.items()}


def _ready(file: BuiltFile) -> WidgetFile:
    """*file* as it is served."""
    return WidgetFile(file.content, gzip.compress(file.content, 9, mtime=0), f'"{content_digest(file.content)[:32]}"', file.integrity)
