"""How is an answer's Markdown written into a transcript, so that it means nothing but emphasis, lists, tables, code and links?

An answer is parsed, and what was understood is written anew, mark by mark: whatever is
not in this file has no mark and becomes text. HTML is text, pictures are named and never
loaded, headings are bold, and a link says where it leads. Two pens: Markdown and plain text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

# Deeper than people write; a parser leaves out what is deeper still, and a transcript leaves out nothing.
_DEEPEST = 40
_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"]).disable(["reference", "lheading"])
# Longer answers are quoted as they are: parsing some texts takes time like the square of their length.
_LONGEST = 20_000
# Characters that mean something to Markdown anywhere in a line, and those that do at its beginning.
_MARKS = re.compile(r"[\\`*_\[\]{}!|~$#]")
_FIRST_MARK = re.compile(r"[-+=:]|\d{1,9}(?=[.)])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINKABLE = re.compile(r"(https?://|mailto:|tel:)[!-;=?-~]+\Z")
_LANGUAGE = re.compile(r"[\w+#.-]{1,20}")


@dataclass(frozen=True, slots=True)
class _Pen:
    """What is written for what was understood. *letters*: what has no mark; *line*: one whole line, its beginning made harmless."""

    letters: Callable[[str], str]
    line: Callable[[str], str]
    code: Callable[[str], str]
    fence: Callable[[str, str], list[str]]
    link: Callable[[str, str], str]
    table: Callable[[list[list[str]]], list[str]]
    marks: dict[str, str]


def markdown_lines(text: str) -> list[str] | None:
    """The lines of an answer, whose lines end in line feeds, as Markdown that is safe wherever it is shown; ``None``: it is too odd to be taken apart."""
    return _lines(text, _MARKDOWN)


def plain_lines(text: str) -> list[str] | None:
    """As ``markdown_lines``, without marks."""
    return _lines(text, _PLAIN)


def escaped(text: str) -> str:
    """*text*, which has no line break, without anything that Markdown or HTML would read."""
    return _escaped_first(_escaped_anywhere(text))


def is_linkable(address: str) -> bool:
    """Whether a reader may follow *address*: absolute, of a scheme that runs nothing, and pretending no other host."""
    return _LINKABLE.match(address) is not None and "@" not in urlsplit(address).netloc


def _lines(text: str, pen: _Pen) -> list[str] | None:
    """*text* written with *pen*."""
    if len(text) > _LONGEST:
        return None
    tokens = _PARSER.parse(text)
    if any(token.level >= _DEEPEST - 2 for token in tokens):
        return None
    return _blocks(SyntaxTreeNode(tokens), pen, apart=True)


def _blocks(parent: SyntaxTreeNode, pen: _Pen, *, apart: bool) -> list[str]:
    """The blocks in *parent*, with an empty line between two where they are *apart*."""
    lines: list[str] = []
    for node in parent.children:
        block = list(_block(node, pen))
        # A paragraph would go on in the next one, and a list in the next list.
        lines += [""] if lines and block and (apart or node.type != "bullet_list") else []
        lines += block
    return lines


def _block(node: SyntaxTreeNode, pen: _Pen) -> Iterator[str]:
    """One block."""
    match node.type:
        case "paragraph":
            yield from (pen.line(line.strip()) for line in _inline(node, pen).split("\n"))
        case "heading":
            yield pen.line(_bold(node, pen))
        case "fence" | "code_block":
            language = _LANGUAGE.match(node.info) if node.type == "fence" else None
            yield from pen.fence(node.content.rstrip("\n"), language.group() if language else "")
        case "bullet_list" | "ordered_list":
            yield from _list(node, pen)
        case "blockquote":
            yield from (f"> {line}".rstrip() for line in _blocks(node, pen, apart=True))
        case "table":
            cells = replace(pen, code=lambda text: pen.code(text).replace("|", r"\|") if pen is _MARKDOWN else text)
            rows = [[_inline(cell, cells).replace("\n", " ") for cell in row.children] for part in node.children for row in part.children]
            yield from pen.table(rows)
        case "hr":
            yield "___"
        case _:
            yield from (pen.line(pen.letters(line)) for line in node.content.splitlines())


def _bold(heading: SyntaxTreeNode, pen: _Pen) -> str:
    """A heading in one line, which is no heading of the transcript."""
    words = " ".join(_inline(heading, replace(pen, marks={**pen.marks, "strong": "", "hardbreak": "\n"})).split())
    return f"{pen.marks['strong']}{words}{pen.marks['strong']}" if words else ""


def _list(node: SyntaxTreeNode, pen: _Pen) -> Iterator[str]:
    """A list; what belongs to an item is as deep as its text."""
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    is_tight = all(inner.hidden for item in node.children for inner in item.children if inner.type == "paragraph")
    for place, item in enumerate(node.children):
        mark = "- " if number is None else f"{number + place}. "
        if place and not is_tight:
            yield ""
        for count, line in enumerate(_blocks(item, pen, apart=not is_tight) or [""]):
            yield (f"{' ' * len(mark) if count else mark}{line}").rstrip()


def _inline(parent: SyntaxTreeNode, pen: _Pen) -> str:
    """What is written within *parent*'s lines."""
    return "".join(_piece(node, pen) for node in parent.children)


def _piece(node: SyntaxTreeNode, pen: _Pen) -> str:
    """One piece of a line."""
    match node.type:
        case "inline":
            written = _inline(node, pen)
        case "softbreak" | "hardbreak":
            written = pen.marks[node.type]
        case "strong" | "em" | "s":
            written = pen.marks[node.type] + _inline(node, pen) + pen.marks[node.type]
        case "code_inline":
            written = pen.code(node.content)
        case "link":
            written = pen.link(_inline(node, pen), str(node.attrs.get("href", "")))
        case "image":
            written = pen.link(pen.letters(f"Image: {node.content}"), str(node.attrs.get("src", "")))
        case _:
            # What character references stand for may break lines.
            written = pen.letters(" ".join(node.content.splitlines()))
    return written


def _escaped_first(line: str) -> str:
    """*line*, in which no list, heading, or rule begins."""
    found = _FIRST_MARK.match(line)
    if found is None:
        return line
    # The mark itself, or the one behind a number.
    place = found.end() if found.group().isdigit() else found.start()
    return f"{line[:place]}\\{line[place:]}"


def _escaped_anywhere(text: str) -> str:
    """*text* without marks that mean something within a line."""
    return "".join(f"\\{char}" if _MARKS.match(char) else _ENTITIES.get(char, char) for char in text)


def _longest_run(text: str) -> int:
    """How many backquotes stand together in *text* at most."""
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _span(text: str) -> str:
    """*text* as code within a line."""
    fence = "`" * (_longest_run(text) + 1)
    return f"{fence} {text} {fence}" if text[:1] in "` " or text[-1:] in "` " else f"{fence}{text}{fence}"


def _fence(text: str, language: str) -> list[str]:
    """*text* as code between fences that are not in it."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return [f"{fence}{language}", *text.split("\n"), fence]


def _link(label: str, address: str) -> str:
    """A link that says where it leads; text where following it could do harm."""
    if not is_linkable(address):
        return f"{label} ({_escaped_anywhere(address)})" if address else label
    host = urlsplit(address).netloc.removeprefix("www.")
    return f"[{label}](<{address}>)" + (f" ({host})" if host and host not in label else "")


def _table(rows: list[list[str]]) -> list[str]:
    """Rows, the first of which is the heading."""
    written = [f"| {' | '.join(cells)} |" for cells in rows]
    return [written[0], f"|{' --- |' * len(rows[0])}", *written[1:]]


_MARKDOWN = _Pen(
    letters=_escaped_anywhere,
    line=_escaped_first,
    code=_span,
    fence=_fence,
    link=_link,
    table=_table,
    marks={"strong": "**", "em": "*", "s": "~~", "softbreak": "\n", "hardbreak": "\\\n"},
)
_PLAIN = _Pen(
    letters=str,
    line=str,
    code=str,
    fence=lambda text, _language: [f"    {line}" for line in text.split("\n")],
    link=lambda label, address: label if not address or address in label else f"{label} ({address})",
    table=lambda rows: [" | ".join(cells) for cells in rows],
    marks={"strong": "", "em": "", "s": "", "softbreak": "\n", "hardbreak": "\n"},
)
