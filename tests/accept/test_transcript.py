"""A transcript shows what was said, and no text in it passes for anything else."""

import re
from collections import Counter
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


HARMLESS = {"p", "br", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "a", "table", "thead", "tbody", "tr", "th", "td"}


class Shown(HTMLParser):
    """What a reader sees of a rendered transcript: speakers and texts; any element that text should not make is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[str, str]] = []
        self._inside: list[str] = []

    @classmethod
    def of(cls, markdown: str) -> "Shown":
        shown = cls()
        shown.feed(MarkdownIt("commonmark", {"html": True, "maxNesting": 100}).enable(["table", "strikethrough"]).render(markdown))
        return shown

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in HARMLESS | {"h1"}, tag
        if "blockquote" in self._inside:
            assert tag in (HARMLESS if self.messages[-1][0] == "Assistant" else {"p", "br"}), tag
        for name, value in attrs:
            assert name in {"href", "start", "class"}, name
            assert name != "href" or re.match(r"(https?://|mailto:|tel:)", value or ""), value
        if tag in {"br", "hr"}:
            self._add("\n" if tag == "br" else "")
            return
        if tag == "p" and "blockquote" in self._inside and self.messages[-1][1]:
            self._add("\n\n")
        self._inside.append(tag)

    def _add(self, text: str) -> None:
        self.messages[-1] = (self.messages[-1][0], self.messages[-1][1] + text)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "blockquote" in self._inside:
            self._add(data.replace("\n", "") if self.messages[-1][0] == "Visitor" else data)
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
def test_a_question_is_shown_as_it_was_typed(text: str) -> None:
    shown = Shown.of(FORMATS["md"].write(transcript(text, text)).decode())
    assert [speaker for speaker, _ in shown.messages] == ["Visitor", "Assistant"]
    assert shown.messages[0][1] == as_shown(text)


ANSWER = """\
## Two *ways* to **pay**

Be **short**: `pip install x` ~~now~~ [here](https://docs.example/a_b) and <https://docs.example>.

1. First
   - nested `a|b`
2. Second

   ```python
   print("**not bold**")  # <b>
   ```

> Quoted [1]

| Plan | Price |
|------|------:|
| **S** | `1\\|2` |

Costs 3 * 4, <b>HTML</b>, ![pixel](https://evil.example/p.png?q=secret) and [bad](javascript:alert(1)) or [odd](foo:bar).
Look: [https://bank.example](https://evil.example/) and [x](https://bank.example@evil.example/).
"""


def test_an_answer_keeps_the_marks_that_are_harmless() -> None:
    written = FORMATS["md"].write(transcript("**short**", ANSWER)).decode()
    assert "> \\*\\*short\\*\\*" in written, "a question is no Markdown"
    quoted = [line.removeprefix(">").removeprefix(" ") for line in written.partition("**Assistant**")[2].splitlines() if line.startswith(">")]
    assert quoted == [
        "**Two *ways* to pay**",
        "",
        "Be **short**: `pip install x` ~~now~~ [here](<https://docs.example/a_b>) (docs.example) and [https://docs.example](<https://docs.example>).",
        "",
        "1. First",
        "",
        "   - nested `a|b`",
        "",
        "2. Second",
        "",
        "   ```python",
        '   print("**not bold**")  # <b>',
        "   ```",
        "",
        "> Quoted \\[1\\]",
        "",
        "| Plan | Price |",
        "| --- | --- |",
        "| **S** | `1\\|2` |",
        "",
        "Costs 3 \\* 4, &lt;b&gt;HTML&lt;/b&gt;, [Image: pixel](<https://evil.example/p.png?q=secret>) (evil.example)"
        " and \\[bad\\](javascript:alert(1)) or odd (foo:bar).",
        "Look: [https://bank.example](<https://evil.example/>) (evil.example) and x (https://bank.example@evil.example/).",
    ]


def test_a_plain_transcript_has_no_marks() -> None:
    written = FORMATS["txt"].write(transcript("**typed**", ANSWER)).decode()
    assert "    **typed**" in written
    answer = written.partition("Assistant, ")[2]
    assert "    Two ways to pay\n" in answer
    assert "    Be short: pip install x now here (https://docs.example/a_b) and https://docs.example.\n" in answer
    assert "    1. First\n\n       - nested a|b\n\n    2. Second\n" in answer
    assert '           print("**not bold**")  # <b>\n' in answer
    assert "    Plan | Price\n    S | 1|2\n" in answer
    assert "Image: pixel (https://evil.example/p.png?q=secret)" in answer


@pytest.mark.parametrize("odd", [">" * 60 + " deep", "word " * 5000, "- " * 60 + "deep"])
def test_an_answer_too_odd_to_be_taken_apart_is_there_as_it_came(odd: str) -> None:
    assert Shown.of(FORMATS["md"].write(transcript("x", odd)).decode()).messages[1][1].split() == odd.split()
    assert "".join(odd.split()) in "".join(FORMATS["txt"].write(transcript("x", odd)).decode().split())


@pytest.mark.parametrize("odd", ["a&#10;&#10;**Assistant**, now", "&#27;[31m &#x9b; &#0;", "a&#x2028;b", "a&NewLine;b"])
def test_no_character_reference_breaks_a_line_or_moves_a_cursor(odd: str) -> None:
    for name in ("md", "txt"):
        lines = FORMATS[name].write(transcript("x", odd)).decode().split("\n")
        told = [line for line in lines if line and not line.startswith((">", "  ", "-"))]
        assert len(told) == {"md": 5, "txt": 4}[name], told
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", "\n".join(lines))


def test_a_transcript_names_the_chat_and_the_day_and_says_utc() -> None:
    head = FORMATS["md"].write(transcript("Hi", "Hello")).decode().splitlines()
    assert head[:6] == [
        "# Alice's \\*shop\\*, 2026-01-15",
        "",
        "`conv_abcdefghijkl`, exported 2026-01-15 12:10:00 UTC",
        "",
        "**Visitor**, 2026-01-15 12:00:00 UTC",
        "",
    ]
    assert "**Assistant**, 2026-01-15 12:00:07 UTC (interrupted)" in head
    unnamed = Transcript("conv_abcdefghijkl", "", "2026-01-15T12:10:00Z", [])
    assert FORMATS["txt"].write(unnamed).decode().startswith("Conversation, 2026-01-15\n")


def transcript(first: str, second: str) -> Transcript:
    """A question, and an answer that rests on a source of the same words."""
    source = Citation(1, first, f"https://shop.example/{first}", second)
    messages = [
        HistoryMessage("msg_abcdefghijkl", "visitor", first, "complete", "2026-01-15T12:00:00Z", None, []),
        HistoryMessage("msg_abcdefghijkm", "assistant", second, "interrupted", "2026-01-15T12:00:07Z", "msg_abcdefghijkl", [source]),
    ]
    return Transcript("conv_abcdefghijkl", "Alice's *shop*", "2026-01-15T12:10:00Z", messages)


# White space as HTML collapses it is not what this is about.
ODD = st.text(st.sampled_from("ab1 .)-+=:#>|<&*_`~[]!(){}\\\n\t\r\"'$/;x\x1b\x00\u2028\u00e9"), max_size=60)


@settings(deadline=None, max_examples=300)
@given(ODD, ODD)
def test_no_text_becomes_structure(first: str, second: str) -> None:
    whole = transcript(first, second)
    shown = Shown.of(FORMATS["md"].write(whole).decode())
    assert [speaker for speaker, _ in shown.messages] == ["Visitor", "Assistant"]
    (_, asked), (_, answered) = shown.messages
    assert asked.split() == as_shown(first).split()
    # What marks an answer keeps is Markdown's affair; no word of it is lost.
    assert words(second) <= words(answered)
    lines = FORMATS["txt"].write(whole).decode().splitlines()
    assert [line for line in lines if line and not line.startswith("  ")] == [
        "Alice's *shop*, 2026-01-15",
        "conv_abcdefghijkl, exported 2026-01-15 12:10:00 UTC",
        "Visitor, 2026-01-15 12:00:00 UTC:",
        "Assistant, 2026-01-15 12:00:07 UTC (interrupted):",
    ]
    assert len([line for line in lines if re.match(r"  \S", line)]) == 1
    assert "\x1b" not in FORMATS["txt"].write(whole).decode()


def words(text: str) -> Counter[str]:
    """The letters in *text*; numbers may be those of a list, which renumbers its items."""
    return Counter(re.findall(r"[ab;x\u00e9]", text))
