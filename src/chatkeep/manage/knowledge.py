"""What can an operator do with an agent's documents?

Plain functions for the command line, the demo and later the dashboard. One bad document
is reported and the others are stored: each is its own short transaction, so that a
running gateway is never kept waiting.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from chatkeep.clock import Clock, SystemClock
from chatkeep.crypto import content_digest, new_id
from chatkeep.errors import WrongUsage
from chatkeep.ids import AgentId, DocumentId, OrgId
from chatkeep.knowledge.read import MAX_BYTES, check_url
from chatkeep.knowledge.split import REVISION, split
from chatkeep.store import Store
from chatkeep.store import documents as rows
from chatkeep.store.documents import DocumentRow, NewDocument

SUFFIXES = frozenset((".md", ".markdown", ".txt"))
_PATH_LENGTH = 1024
_TITLE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Document:
    """A document in memory. *path* names it (``.txt`` means plain text); an empty *title* is found in the text."""

    path: str
    text: str
    title: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A document that was not stored, and why, for the operator to read."""

    path: str
    reason: str


@dataclass(slots=True)
class Report:
    """What became of each document, by path."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


Progress = Callable[[str, str], None]
"""Called after each document with its path and ``added``, ``updated``, ``unchanged`` or ``skipped``."""


def _silent(_path: str, _outcome: str) -> None:
    """No progress."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A document's bytes, or why there are none."""

    path: str
    data: bytes
    title: str = ""
    url: str | None = None
    problem: str = ""


def add_paths(
    store: Store,
    org: OrgId,
    agent: AgentId,
    paths: Sequence[Path],
    *,
    url_base: str | None = None,
    progress: Progress = _silent,
    clock: Clock | None = None,
) -> Report:
    """Add or update the files in *paths* and in the folders among them (.md, .markdown, .txt).

    A document's path is the file's, relative to the folder that was named. Its address is
    the front matter's ``url``, else *url_base* and the path without its suffix, else none.
    Raises ``WrongUsage`` only for a bad *url_base*; a bad file is in the report.
    """
    check_url("--url-base", url_base)
    return _add(store, org, agent, _loaded(paths, url_base), progress, clock or SystemClock())


def add_documents(
    store: Store, org: OrgId, agent: AgentId, documents: Iterable[Document], *, progress: Progress = _silent, clock: Clock | None = None
) -> Report:
    """Add or update *documents*. A document's own front matter wins over its *title* and *url*."""
    loaded = (_Loaded(one.path, one.text.encode("utf-8", "surrogatepass"), one.title, one.url) for one in documents)
    return _add(store, org, agent, loaded, progress, clock or SystemClock())


def list_documents(store: Store, org: OrgId, agent: AgentId) -> list[DocumentRow]:
    """Every document of *agent*, by path, with how many passages it has."""
    return store.read_now(rows.list_documents, org, agent)


def remove(store: Store, org: OrgId, agent: AgentId, path: str) -> None:
    """Remove the document at *path*. Raises ``WrongUsage`` when there is none."""
    if not store.transaction_now(rows.remove_document, org, agent, path):
        msg = f"there is no document {path!r}: `chatkeep knowledge list` shows them"
        raise WrongUsage(msg)


def _add(store: Store, org: OrgId, agent: AgentId, loaded: Iterable[_Loaded], progress: Progress, clock: Clock) -> Report:
    """Store each of *loaded* that can be stored, and say what became of all."""
    report = Report()
    digests = {row.path: row.digest for row in list_documents(store, org, agent)}
    seen: set[str] = set()
    for one in loaded:
        try:
            if one.path in seen:
                msg = "another document of this run has the same path: rename one, or add their common folder"
                raise WrongUsage(msg)  # noqa: TRY301 - one place turns problems into report lines
            outcome = _put(store, org, agent, one, digests.get(one.path), clock)
        except WrongUsage as problem:
            outcome = "skipped"
            report.skipped.append(Skipped(one.path, str(problem)))
        else:
            seen.add(one.path)
            getattr(report, outcome).append(one.path)
        progress(one.path, outcome)
    return report


def _put(store: Store, org: OrgId, agent: AgentId, one: _Loaded, known_digest: str | None, clock: Clock) -> str:
    """Store one document unless it is the same as before. Raises ``WrongUsage``."""
    if one.problem:
        raise WrongUsage(one.problem)
    if not one.path or len(one.path) > _PATH_LENGTH or "\0" in one.path or not one.path.isprintable():
        msg = f"its path must be 1 to {_PATH_LENGTH} printable characters"
        raise WrongUsage(msg)
    given_url = check_url(one.path, one.url)
    digest = content_digest(f"{REVISION}\0{one.title}\0{given_url}\0".encode("utf-8", "surrogatepass") + one.data)
    if digest == known_digest:
        return "unchanged"
    document = split(one.path, one.data, title=one.title)
    new = NewDocument(DocumentId(new_id("doc")), one.path, document.title, document.url or given_url, digest, document.passages)
    return store.transaction_now(rows.put_document, org, agent, new, at_ms=int(clock.now().timestamp() * 1000))


def _loaded(paths: Sequence[Path], url_base: str | None) -> Iterator[_Loaded]:
    """The files of *paths*, read one at a time."""
    for path in paths:
        try:
            yield from _below(path, url_base)
        except OSError as error:
            yield _Loaded(str(path)[:_PATH_LENGTH], b"", problem=f"cannot be looked at: {error.strerror}")


def _below(path: Path, url_base: str | None) -> Iterator[_Loaded]:
    """The file at *path*, or those in that folder. Raises ``OSError``."""
    if path.is_dir():
        is_empty = True
        for file in _files(path):
            is_empty = False
            name = file.relative_to(path).as_posix()
            if file.is_symlink() and file.exists() and not file.resolve().is_relative_to(path.resolve()):
                yield _Loaded(name, b"", problem=f"{file} is a link to a file outside of the folder: add that file by its own name")
            else:
                yield _load(file, name, url_base)
        if is_empty:
            yield _Loaded(str(path), b"", problem=f"found no .md, .markdown or .txt file in {path}")
    elif not path.exists():
        yield _Loaded(str(path), b"", problem="no such file or folder")
    elif path.suffix.lower() not in SUFFIXES:
        yield _Loaded(str(path), b"", problem=f"only {', '.join(sorted(SUFFIXES))} files and folders of them can be added")
    else:
        yield _load(path, path.name, url_base)


def _files(folder: Path) -> Iterator[Path]:
    """The documents below *folder* in order, without hidden files and folders. Linked folders are not entered."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES)


def _load(file: Path, name: str, url_base: str | None) -> _Loaded:
    """The bytes of *file*, at most one more than allowed."""
    try:
        if not file.is_file():
            return _Loaded(name, b"", problem=f"{file} is not there, or not a file")
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return _Loaded(name, b"", problem=f"{file} cannot be read: {error.strerror}")
    url = None if url_base is None else f"{url_base.rstrip('/')}/{quote(name.removesuffix(Path(name).suffix))}"
    return _Loaded(name, data, url=url)
