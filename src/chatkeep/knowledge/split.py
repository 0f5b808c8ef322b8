"""How is a document cut into passages that can be found and quoted?

A passage is one section's text under its heading path, up to 1,200 characters: short
enough to be quoted, long enough to be understood alone. A longer section is cut between
blocks, then between lines, sentences, words; sections too small to stand alone share a
passage with the neighbour that has the same parent.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from chatkeep.errors import WrongUsage
from chatkeep.knowledge.read import read
from chatkeep.knowledge.sentences import sentences
from chatkeep.store.documents import HEADING_JOINT, Passage

# Part of a document's digest: a new way to split makes `knowledge add` split again.
REVISION = 1

_LONGEST = 1200
_GOOD = 400
_TINY = 100
_HEADING_LENGTH = 300
# A line of ===== or ----- below a title, and a line that ends as titles do.
_RULE = re.compile(r"\s*([=\-~#*_])\1*\s*")
_TITLE_LINE = re.compile(r".{1,100}(?<![.!;:,\s])\s*")


@dataclass(frozen=True, slots=True)
class SplitDocument:
    """A document ready to be stored."""

    title: str
    url: str | None
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """A section: the headings above its text, without the document's title."""

    path: tuple[str, ...]
    text: str


def split(name: str, data: bytes, *, title: str = "") -> SplitDocument:
    """The title, address and passages of the document in *data*; *name* is its path.

    Front matter names the title, else *title*, else the first heading, else *name*.
    Plain text when *name* ends in ``.txt``, else Markdown. Raises ``WrongUsage`` naming
    the file when it is too large, not UTF-8, or holds no text.
    """
    page = read(name, data)
    parts_of = _plain_parts if name.lower().endswith(".txt") else _markdown_parts
    title, parts = parts_of(page.text, _one_line(page.title or title))
    title = _one_line(title) or _title_from(name)
    passages = tuple(Passage(_heading(title, part.path), text) for part in _merged([part for part in parts if part.text]) for text in _pieces(part.text))
    if not passages:
        msg = f"{name} holds no text"
        raise WrongUsage(msg)
    return SplitDocument(title[:_HEADING_LENGTH], page.url, passages)


def _markdown_parts(text: str, title: str) -> tuple[str, list[_Part]]:
    """The title (*title*, else the first level-one heading) and the sections below it."""
    from chatkeep.knowledge.markdown import sections  # noqa: PLC0415 - the parser is needed only to add documents

    found = sections(text)
    title = title or next((section.path[0] for section in found if section.level == 1 and section.path), "")
    return title, [_Part(section.path[1:] if section.path[:1] == (title,) else section.path, "\n\n".join(section.blocks)) for section in found]


def _plain_parts(text: str, title: str) -> tuple[str, list[_Part]]:
    """The title (*title*, else a first line that stands alone and ends like one) and the paragraphs."""
    blocks = [block.strip("\n") for block in re.split(r"\n[ \t]*\n", text) if block.strip()]
    lines = [line for line in blocks[0].split("\n") if not _RULE.fullmatch(line)] if blocks else []
    if not title and len(blocks) > 1 and len(lines) == 1 and _TITLE_LINE.fullmatch(lines[0]):
        title = lines[0].strip()
        blocks = blocks[1:]
    return title, [_Part((), "\n\n".join(blocks))]


def _merged(parts: list[_Part]) -> Iterator[_Part]:
    """*parts*, the tiny ones joined with a neighbour under the same parent heading."""
    waiting: _Part | None = None
    for part in parts:
        if waiting is not None and _belong(waiting, part):
            parent = part.path[:-1]
            waiting = _Part(parent, f"{_with_heading(waiting, parent)}\n\n{_with_heading(part, parent)}")
            continue
        if waiting is not None:
            yield waiting
        waiting = part
    if waiting is not None:
        yield waiting


def _belong(before: _Part, part: _Part) -> bool:
    """Whether *part* may join *before*: same parent, one of them tiny, together no longer than a good passage."""
    parent = part.path[:-1]
    are_siblings = bool(part.path) and before.path in (parent, (*parent, before.path[-1] if before.path else ""))
    return are_siblings and min(len(before.text), len(part.text)) < _TINY and len(before.text) + len(part.text) < _GOOD


def _with_heading(part: _Part, parent: tuple[str, ...]) -> str:
    """A part's text under its own heading, where that is not the heading of the whole."""
    return part.text if part.path == parent else f"{part.path[-1]}\n{part.text}"


def _pieces(text: str) -> list[str]:
    """*text* in pieces of at most ``_LONGEST`` characters, cut at the widest gap that serves."""
    return _packed(text.split("\n\n"), "\n\n", (_lines, sentences, _words, _characters))


def _packed(blocks: Iterable[str], joint: str, cuts: tuple[Callable[[str], list[str]], ...]) -> list[str]:
    """*blocks* joined while they fit; one that is too long by itself is cut by the first of *cuts* and packed."""
    pieces: list[str] = []
    current = ""
    for block in blocks:
        joined = f"{current}{joint}{block}" if current else block
        if len(joined) <= _LONGEST:
            current = joined
            continue
        if current:
            pieces.append(current)
        *full, current = _packed(cuts[0](block), _JOINTS[cuts[0]], cuts[1:]) if len(block) > _LONGEST else [block]
        pieces.extend(full)
    return [*pieces, current] if current else pieces


def _lines(text: str) -> list[str]:
    """*text* by line."""
    return [line for line in text.split("\n") if line.strip()]


def _words(text: str) -> list[str]:
    """*text* by word."""
    return text.split()


def _characters(text: str) -> list[str]:
    """*text* in runs of characters: for a word that is longer than a passage."""
    return [text[i : i + _LONGEST] for i in range(0, len(text), _LONGEST)]


_JOINTS: dict[Callable[[str], list[str]], str] = {_lines: "\n", sentences: " ", _words: " ", _characters: ""}


def _heading(title: str, path: tuple[str, ...]) -> str:
    """The heading path in one line; the innermost headings stay when it is too long."""
    parts = [_one_line(part) for part in (title, *path)]
    while len(parts) > 1 and len(HEADING_JOINT.join(parts)) > _HEADING_LENGTH:
        del parts[1 if len(parts) > 2 else 0]  # noqa: PLR2004 - the title and the innermost heading
    return HEADING_JOINT.join(parts)[:_HEADING_LENGTH]


def _one_line(text: str) -> str:
    """*text* without line ends and doubled spaces."""
    return " ".join(text.split())


def _title_from(name: str) -> str:
    """A file name as a title: ``opening-hours.md`` as ``Opening hours``."""
    words = re.sub(r"[-_\s]+", " ", PurePosixPath(name).stem).strip()
    return words[:1].upper() + words[1:] or "Untitled"
