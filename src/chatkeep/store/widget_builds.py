"""The widget builds that were ever shipped, file by file: pages pin them, and hosts share no folder."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from chatkeep.store.engine import Tx
from chatkeep.store.tables import widget_builds

_DECIDES = "loader.js"


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """One file of a build. *integrity* is what an SRI attribute says (W3C SRI)."""

    content: bytes
    integrity: str


def keep_build(tx: Tx, version: str, files: Mapping[str, BuiltFile], *, at_ms: int, replaces: bool) -> bool:
    """Keep *files* as the build of *version*, unless there is one; with *replaces* also then. Whether they were kept. Instance-wide.

    The loader, which every build has, decides for all: of two processes that start at once, one keeps its whole build.
    """
    if replaces:
        tx.execute(delete(widget_builds).where(widget_builds.c.version == version))
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    for name, file in sorted(files.items(), key=lambda item: item[0] != _DECIDES):
        row = {"version": version, "name": name, "integrity": file.integrity, "content": file.content, "created_at": at_ms}
        if tx.execute(insert(widget_builds).values(row).on_conflict_do_nothing().returning(widget_builds.c.name)).first() is None:
            return False
    return True


def load_build(tx: Tx, version: str) -> dict[str, BuiltFile]:
    """The files of *version* by name; none when it was never shipped. Instance-wide."""
    table = widget_builds.c
    rows = tx.execute(select(table.name, table.content, table.integrity).where(table.version == version))
    return {name: BuiltFile(content, integrity) for name, content, integrity in rows}


def find_file(tx: Tx, version: str, name: str) -> BuiltFile | None:
    """One file of *version*. Instance-wide."""
    table = widget_builds.c
    row = tx.execute(select(table.content, table.integrity).where(table.version == version, table.name == name)).first()
    return None if row is None else BuiltFile(row.content, row.integrity)
