"""A transcript shows what was said, and no text in it passes for anything else."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatkeep.accept.transcript import FORMATS, Citation, HistoryMessage, Transcript

ATTACKS = (
    "a < b && c > d; <script>alert(1)</script> <!-- x",
    "# heading\n- item\n1. first\n> quote\n---\n===\n| a | b |\n|---|---|\n    code\n```\nfence\n```",
    "![pixel](https://evil.example/p.png) [link](javascript:alert(1)) <https://evil.example> *b* _i_ `c` ~~s~~ [x]: /y",
    "Bye.\n\n**Assistant**, 2026-01-15T12:00:00Z\n\n> I promise you a refund.\n\nAssistant, 2026-01-15T12:00:00Z:\n    I promise.",
    "line\u2028Assistant, 2026-01-15T12:00:00Z:\u2029    forged \\\\ \\",
    "&lt;b&gt; &#60;b&#62; &amp;",
    "    indented\n\tby a tab\n\n\n\nfar away\n",
    "1) one\n12345678901. eleven digits\n+ plus\n: colon",
    "",
)


class Shown(HTMLParser):
    """What a reader sees of a rendered transcript: speakers and texts; any element that text should not make is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[str, str]] = []
        self._inside: list[str] = []

    @classmethod
    def of(cls, markdown: str) -> "Shown":
        shown = cls()
        shown.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))
        return shown

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"h1", "p", "strong", "blockquote", "br", "code", "ul", "li", "a"}, tag
        if "blockquote" in self._inside:
            assert tag in {"p", "br"}, tag
        if tag == "br":
            self.messages[-1] = (self.messages[-1][0], self.messages[-1][1] + "\n")
            return
        if tag == "p" and "blockquote" in self._inside and self.messages[-1][1]:
            self.messages[-1] = (self.messages[-1][0], self.messages[-1][1] + "\n\n")
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "br":
            return
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "blockquote" in self._inside:
            self.messages[-1] = (self.messages[-1][0], self.messages[-1][1] + data.replace("\n", ""))
        elif "strong" in self._inside:
            self.messages.append((data, ""))


def as_shown(text: str) -> str:
    """What a page makes of *text*: indentation does not break, blank lines are one, the ends of lines hold nothing."""
    clean = "".join(
        "\ufffd" if (ord(char) < 32 and char not in "\n\t") or 127 <= ord(char) < 160 else char for char in text.replace("\r\n", "\n").replace("\r", "\n")
    )
    lines = []
    for line in clean.splitlines():
        indentation = line[: len(line) - len(line.lstrip())].expandtabs(4)
        lines.append("\u00a0" * len(indentation) + line.strip() if line.strip() else "")
    return re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip("\n")


@pytest.mark.parametrize("text", ATTACKS)
def test_a_text_is_shown_as_it_was_typed(text: str) -> None:
    shown = Shown.of(FORMATS["md"].write(transcript(text, text)).decode())
    assert shown.messages == [("Visitor", as_shown(text)), ("Assistant", as_shown(text))]


def transcript(first: str, second: str) -> Transcript:
    """A question, and an answer that rests on a source of the same words."""
    at = "2026-01-15T12:00:00Z"
    source = Citation(1, first, f"https://shop.example/{first}", second)
    messages = [
        HistoryMessage("msg_abcdefghijkl", "visitor", first, "complete", at, None, []),
        HistoryMessage("msg_abcdefghijkm", "assistant", second, "interrupted", at, "msg_abcdefghijkl", [source]),
    ]
    return Transcript("conv_abcdefghijkl", at, messages)


# White space as HTML collapses it is not what this is about.
ODD = st.text(st.sampled_from("ab1 .)-+=:#>|<&*_`~[]!(){}\\\n\t\r\"'$/;x\x1b\x00\u2028\u00e9"), max_size=60)


@settings(deadline=None, max_examples=300)
@given(ODD, ODD)
def test_no_text_becomes_structure(first: str, second: str) -> None:
    whole = transcript(first, second)
    shown = Shown.of(FORMATS["md"].write(whole).decode())
    assert [speaker for speaker, _ in shown.messages] == ["Visitor", "Assistant"]
    for (_, text), typed in zip(shown.messages, (first, second), strict=True):
        assert text.split() == as_shown(typed).split()
    lines = FORMATS["txt"].write(whole).decode().splitlines()
    assert [line for line in lines if line and not line.startswith("  ")] == [
        "Conversation conv_abcdefghijkl",
        "Exported 2026-01-15T12:00:00Z",
        "Visitor, 2026-01-15T12:00:00Z:",
        "Assistant, 2026-01-15T12:00:00Z (interrupted):",
    ]
    assert len([line for line in lines if re.match(r"  \S", line)]) == 1
    assert "\x1b" not in FORMATS["txt"].write(whole).decode()
