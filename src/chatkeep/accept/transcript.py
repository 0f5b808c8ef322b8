"""What does a conversation look like to take away: as JSON, as Markdown, as plain text?

What people and models wrote stays inside its message: in Markdown every line is quoted, in
plain text every line is indented, and control characters are replaced. So no text can pass
for another message, or for a source. A question is shown as it was typed, every mark
escaped; of an answer's Markdown stays what is harmless (``answer_text.py``).
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from chatkeep.accept.answer_text import escaped, is_linkable, markdown_lines, plain_lines
from chatkeep.clock import iso
from chatkeep.ids import ConversationId
from chatkeep.store.messages import MessageRow

_SPEAKERS = {"visitor": "Visitor", "assistant": "Assistant"}
_STATES = {"complete": "", "streaming": " (not finished)", "interrupted": " (interrupted)"}


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
    """A whole conversation, the oldest message first. *title*: the widget's, as its owner set it, if they did."""

    conversation_id: str
    title: str
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


def transcript_of(conversation: ConversationId, title: str, rows: Sequence[MessageRow], at: datetime) -> Transcript:
    """*rows*, oldest first, as a transcript made at *at*."""
    return Transcript(conversation, title, iso(at), [history_message(row) for row in rows])


def _as_markdown(transcript: Transcript) -> bytes:
    """Quoted messages under bold headings."""
    lines = [f"# {escaped(_heading(transcript))}", "", f"`{transcript.conversation_id}`, exported {_readable(transcript.exported_at)}", ""]
    for message in transcript.messages:
        lines += [f"**{_SPEAKERS[message.role]}**, {_readable(message.created_at)}{_STATES[message.state]}", ""]
        lines += [*_quoted(message), ""]
        if message.citations:
            lines += ["Sources:", "", *(_source_in_markdown(citation) for citation in message.citations), ""]
    return "\n".join(lines).encode()


def _as_text(transcript: Transcript) -> bytes:
    """Indented messages under plain headings."""
    lines = [_heading(transcript), f"{transcript.conversation_id}, exported {_readable(transcript.exported_at)}", ""]
    for message in transcript.messages:
        lines.append(f"{_SPEAKERS[message.role]}, {_readable(message.created_at)}{_STATES[message.state]}:")
        understood = _understood(message, plain_lines)
        lines += [f"    {line}".rstrip() for line in (_lines(message.text) if understood is None else understood)]
        for citation in message.citations:
            # Less deep than any text, so that no text can pass for a source.
            lines.append(f"  [{citation.index}] {_in_one_line(citation.title)}" + (f" ({_in_one_line(citation.url)})" if citation.url else ""))
        lines.append("")
    return "\n".join(lines).encode()


def _heading(transcript: Transcript) -> str:
    """Which chat this was, and on what day it began."""
    began = transcript.messages[0].created_at if transcript.messages else transcript.exported_at
    return f"{_in_one_line(transcript.title) or 'Conversation'}, {began[:10]}"


def _readable(time: str) -> str:
    """An ISO time in UTC, as people read it."""
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M:%S} UTC"


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


def _understood(message: HistoryMessage, write: Callable[[str], list[str] | None]) -> list[str] | None:
    """The lines that *write* makes of an answer, if it can; a question has none."""
    lines = write("\n".join(_lines(message.text))) if message.role == "assistant" else None
    # Once more: a character reference may have stood for what breaks a line or moves a cursor.
    return None if lines is None else _lines("\n".join(lines))


def _quoted(message: HistoryMessage) -> Iterator[str]:
    """A message's text as a block quote: a question shows as it was typed, an answer as it was meant."""
    understood = _understood(message, markdown_lines)
    if understood is not None:
        yield from (f"> {line}".rstrip() for line in (understood or [""]))
        return
    lines = [_escaped_line(line) for line in _lines(message.text)] or [""]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        # A line break within a paragraph is only kept where a backslash asks for it.
        yield "> " + line + ("\\" if following else "") if line else ">"


def _escaped_line(line: str) -> str:
    """One line, its indentation kept by spaces that do not break."""
    stripped = line.strip()
    indentation = line[: len(line) - len(line.lstrip())].expandtabs(4) if stripped else ""
    return "&nbsp;" * len(indentation) + escaped(stripped)


def _source_in_markdown(citation: Citation) -> str:
    """A source as one item of a list."""
    title = escaped(_in_one_line(citation.title))
    if not citation.url:
        return f"- \\[{citation.index}\\] {title}"
    url = f"<{citation.url}>" if is_linkable(citation.url) else escaped(_in_one_line(citation.url))
    return f"- \\[{citation.index}\\] {title}: {url}"
