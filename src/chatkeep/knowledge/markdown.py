"""Which sections does a Markdown text have, as plain text?

Parsed by markdown-it-py (CommonMark and tables), so that headings in code fences,
setext headings, references and escapes are what they are in every other tool. Imported
only when documents are added.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"maxNesting": 60}).enable("table")
_LINE_BREAK_TAG = re.compile(r"<br\s*/?>\Z", re.IGNORECASE)
# What an HTML block holds beside words: comments, scripts, styles, and tags.
_SILENT = re.compile(r"<(?:!--|(script|style)\b)", re.IGNORECASE)
_ENDS = {"": re.compile("-->"), "script": re.compile("</script[^<>]*>?", re.IGNORECASE), "style": re.compile("</style[^<>]*>?", re.IGNORECASE)}
_TAG = re.compile(r"</?[a-z!?][^<>]*>", re.IGNORECASE)


@dataclass(slots=True)
class Section:
    """A heading's level, its path (outermost first; empty before the first) and the blocks right below it."""

    level: int
    path: tuple[str, ...]
    blocks: list[str] = field(default_factory=list)


def sections(text: str) -> list[Section]:
    """The sections of *text* in order, the first without a heading. Lists stay lists (``- item``)."""
    found = [Section(0, ())]
    levels: list[tuple[int, str]] = []
    tokens = iter(_PARSER.parse(text))
    for token in tokens:
        if token.type == "heading_open" and token.level == 0:
            level = int(token.tag[1])
            levels = [above for above in levels if above[0] < level] + [(level, _inline(next(tokens)).replace("\n", " "))]
            found.append(Section(level, tuple(title for _, title in levels if title)))
        elif token.nesting == 1:
            found[-1].blocks.extend(_container(token, tokens))
        elif block := _leaf(token):
            found[-1].blocks.append(block)
    return found


def _container(opening: Token, tokens: Iterator[Token]) -> list[str]:
    """The blocks inside *opening*, up to its end."""
    inside: list[Token] = []
    depth = 1
    for token in tokens:
        depth += token.nesting
        if depth == 0:
            break
        inside.append(token)
    if opening.type in {"bullet_list_open", "ordered_list_open"}:
        items = _list(opening, inside)
        return ["\n".join(items)] if items else []
    if opening.type == "table_open":
        rows = _table(inside)
        return ["\n".join(rows)] if rows else []
    return _blocks(inside)


def _blocks(tokens: list[Token]) -> list[str]:
    """*tokens* as blocks, whatever stands around them."""
    blocks: list[str] = []
    rest = iter(tokens)
    for token in rest:
        if token.nesting == 1:
            blocks.extend(_container(token, rest))
        elif block := _leaf(token):
            blocks.append(block)
    return blocks


def _list(opening: Token, inside: list[Token]) -> list[str]:
    """One line an item, ``- `` or ``1. `` before it; what an item holds beside is indented below it."""
    number = int(opening.attrGet("start") or 1) if opening.type == "ordered_list_open" else None
    lines: list[str] = []
    rest = iter(inside)
    for token in rest:
        if token.type != "list_item_open":
            continue
        own = "\n".join(_container(token, rest)).split("\n")
        mark = "- " if number is None else f"{number}. "
        if own != [""]:
            lines.append(mark + own[0])
            lines.extend("  " + line for line in own[1:])
        number = None if number is None else number + 1
    return lines


def _table(inside: list[Token]) -> list[str]:
    """One list item a row, each cell after its column's name: a row must be readable alone."""
    rows: list[list[str]] = []
    for token in inside:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_inline(token).replace("\n", " "))
    if not rows:
        return []
    names, *body = rows
    if not body:
        return ["- " + "; ".join(name for name in names if name)]
    return ["- " + "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=False) if cell) for row in body]


def _leaf(token: Token) -> str:
    """The text of a token without children of its own kind; empty for one that says nothing."""
    if token.type == "inline":
        return _inline(token)
    if token.type in {"fence", "code_block"}:
        return token.content.strip("\n")
    return _html_text(token.content) if token.type == "html_block" else ""


def _inline(token: Token) -> str:
    """The words of a run of text: links as their text, images as their description."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in {"text", "code_inline", "image", "text_special"}:
            parts.append(_inline(child) if child.type == "image" else child.content)
        elif child.type == "softbreak":
            parts.append(" ")
        elif child.type == "hardbreak" or (child.type == "html_inline" and _LINE_BREAK_TAG.match(child.content)):
            parts.append("\n")
    lines = ("".join(parts)).split("\n")
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def _html_text(source: str) -> str:
    """The visible words of an HTML block. In linear time, whatever is in it: tags are dropped, not understood."""
    parts: list[str] = []
    at = 0
    while (opening := _SILENT.search(source, at)) is not None:
        parts.append(source[at : opening.start()])
        closing = _ENDS[(opening[1] or "").lower()].search(source, opening.end())
        at = len(source) if closing is None else closing.end()
    parts.append(source[at:])
    return " ".join(html.unescape(_TAG.sub(" ", " ".join(parts))).split())
