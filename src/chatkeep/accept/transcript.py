"""What does a conversation look like to take away: as JSON, as Markdown, as plain text?

What people and models wrote stays inside its message: in Markdown every line is quoted
and every mark escaped (no HTML, no picture that loads, no heading of its own), in plain
text every line is indented and control characters are replaced. So no text can pass for
another message, or for a source.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from chatkeep.clock import iso
from chatkeep.ids import ConversationId
from chatkeep.store.messages import MessageRow

_SPEAKERS = {"visitor": "Visitor", "assistant": "Assistant"}
_STATES = {"complete": "", "streaming": " (not finished)", "interrupted": " (interrupted)"}
# Characters that mean something to Markdown anywhere in a line, and those that do at its beginning.
_MARKS = re.compile(r"[\\`*_\[\]{}!|~$#]")
_FIRST_MARK = re.compile(r"[-+=:]|\d{1,9}(?=[.)])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINKABLE = re.compile(r"https?://[!-;=?-~]+\Z")


class Citation(Struct):
    """A numbered source of an answer."""

    index: int
    title: str
    url: str | None
    excerpt: str


class HistoryMessage(Struct):
    """One message of a conversation."""

    message_id: str
    role: str
    text: str
    state: str
    created_at: str
    reply_to: str | None
    citations: list[Citation]


class Transcript(Struct):
    """A whole conversation, the oldest message first."""

    conversation_id: str
    exported_at: str
    messages: list[HistoryMessage]


@dataclass(frozen=True, slots=True)
class Format:
    """A form of transcript: its content type, and how it is written."""

    content_type: str
    write: Callable[[Transcript], bytes]


def history_message(row: MessageRow) -> HistoryMessage:
    """A message as its visitor sees it."""
    citations = msgspec.convert(row.citations, list[Citation])
    created_at = iso(datetime.fromtimestamp(row.created_at_ms / 1000, UTC))
    return HistoryMessage(row.message_id, row.role, row.text, row.state, created_at, row.reply_to, citations)


def transcript_of(conversation: ConversationId, rows: Sequence[MessageRow], at: datetime) -> Transcript:
    """*rows*, oldest first, as a transcript made at *at*."""
    return Transcript(conversation, iso(at), [history_message(row) for row in rows])


def _as_markdown(transcript: Transcript) -> bytes:
    """Quoted messages under bold headings."""
    lines = ["# Conversation", "", f"`{transcript.conversation_id}`, exported {transcript.exported_at}", ""]
    for message in transcript.messages:
        lines += [f"**{_SPEAKERS[message.role]}**, {message.created_at}{_STATES[message.state]}", ""]
        lines += [*_quoted(message.text), ""]
        if message.citations:
            lines += ["Sources:", "", *(_source_in_markdown(citation) for citation in message.citations), ""]
    return "\n".join(lines).encode()


def _as_text(transcript: Transcript) -> bytes:
    """Indented messages under plain headings."""
    lines = [f"Conversation {transcript.conversation_id}", f"Exported {transcript.exported_at}", ""]
    for message in transcript.messages:
        lines.append(f"{_SPEAKERS[message.role]}, {message.created_at}{_STATES[message.state]}:")
        lines += [f"    {line}".rstrip() for line in _lines(message.text)]
        for citation in message.citations:
            # Less deep than any text, so that no text can pass for a source.
            lines.append(f"  [{citation.index}] {_in_one_line(citation.title)}" + (f" ({_in_one_line(citation.url)})" if citation.url else ""))
        lines.append("")
    return "\n".join(lines).encode()


FORMATS: Mapping[str, Format] = {
    "json": Format("application/json", msgspec.json.encode),
    "md": Format("text/markdown; charset=utf-8", _as_markdown),
    "txt": Format("text/plain; charset=utf-8", _as_text),
}


def _lines(text: str) -> list[str]:
    """*text* line by line, whatever breaks a line; controls other than tab as replacement characters."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join("\ufffd" if _is_control(char) else char for char in plain).splitlines()


def _is_control(char: str) -> bool:
    """Whether *char* could move a terminal's cursor or colour it."""
    return char not in "\n\t" and unicodedata.category(char) == "Cc"


def _in_one_line(text: str) -> str:
    """*text* with every run of white space as one space."""
    return " ".join(" ".join(_lines(text)).split())


def _quoted(text: str) -> Iterator[str]:
    """*text* as a block quote that shows it as it was typed."""
    lines = [_escaped_line(line) for line in _lines(text)] or [""]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        # A line break within a paragraph is only kept where a backslash asks for it.
        yield "> " + line + ("\\" if following else "") if line else ">"


def _escaped_line(line: str) -> str:
    """One line, its indentation kept by spaces that do not break."""
    stripped = line.strip()
    indentation = line[: len(line) - len(line.lstrip())].expandtabs(4) if stripped else ""
    return "&nbsp;" * len(indentation) + _escaped(stripped)


def _escaped(text: str) -> str:
    """*text*, which has no line break, without anything that Markdown or HTML would read."""
    first = _FIRST_MARK.match(text)
    # The mark itself, or the one behind a number.
    place = first.start() if first and not first.group().isdigit() else first.end() if first else -1
    escaped = (f"\\{char}" if place == number or _MARKS.match(char) else _ENTITIES.get(char, char) for number, char in enumerate(text))
    return "".join(escaped)


def _source_in_markdown(citation: Citation) -> str:
    """A source as one item of a list."""
    title = _escaped(_in_one_line(citation.title))
    if not citation.url:
        return f"- \\[{citation.index}\\] {title}"
    url = f"<{citation.url}>" if _LINKABLE.match(citation.url) else _escaped(_in_one_line(citation.url))
    return f"- \\[{citation.index}\\] {title}: {url}"
