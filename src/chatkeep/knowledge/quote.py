"""Which sentences of a passage answer a question, in words that can stand alone?

Extractive: whole sentences and list items in their own order, never reworded. The run
that says most of what was asked wins; a run that would begin with "It" or "Otherwise"
takes the sentence before along, because nobody could understand it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatkeep.knowledge.question import Concept
from chatkeep.knowledge.relevance import covered
from chatkeep.knowledge.sentences import sentences

_MOST_UNITS = 3
_MOST_UNITS_ON_TOPIC = 5
_MOST_ITEMS = 8
_ITEM = re.compile(r"(?:[-*•]|\d{1,3}[.)])\s")
# Openings that lean on the sentence before.
_LEANING = re.compile(
    r"(?:it|its|they|their|them|this|that|these|those|both|otherwise|then|also|but|and|so|after (?:that|this|it)|for (?:those|these|this)|he|she"
    r"|in (?:that|this) case|if (?:it|they|not|so)|any other|from other|we then|all we ask|orders above that|the (?:promise|rest|same|number|change))\b",
    re.IGNORECASE,
)
# What an answer to "how much" or "when" has in it.
_ASKS_PRICE = re.compile(r"\b(?:how much|prices?|costs?|fees?)\b", re.IGNORECASE)
_PRICE = re.compile(r"[£$€¥]|\d[\d.,]*\s?(?:eur|usd|gbp|chf|mg|g|kg|%)\b|\bfree\b", re.IGNORECASE)
_ASKS_NUMBER = re.compile(r"\b(?:how (?:many|long|old|far|soon|often|big)|when|what time|opening|hours|phone|number)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d")
# Cost of beginning one sentence later.
_LATE = 0.04
_LATE_ON_TOPIC = 0.3


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or a list item with what is indented below it."""

    text: str
    is_item: bool
    begins_block: bool


def quote(text: str, question: str, concepts: Sequence[Concept], *, longest: int, is_topic: bool = False) -> str:
    """The run of sentences and list items of *text* that answers best, at most *longest* characters, as Markdown.

    *is_topic*: the passage's heading names what was asked, so its beginning is the answer's.
    """
    units = _units(text)
    most = _MOST_UNITS_ON_TOPIC if is_topic else _MOST_UNITS
    bounds = [(begin, end) for begin in range(len(units)) for end in range(begin + 1, min(len(units), begin + most + _MOST_ITEMS) + 1)]
    runs = [(begin, units[begin:end]) for begin, end in bounds if _fits(units[begin:end], longest, most)]
    if not runs:
        return _markdown([Unit(_cut(units[0].text, longest), is_item=False, begins_block=True)]) if units else ""
    amount = _PRICE if _ASKS_PRICE.search(question) else _NUMBER if _ASKS_NUMBER.search(question) else None
    late = _LATE_ON_TOPIC if is_topic else _LATE
    return _markdown(max(runs, key=lambda run: _worth(run[0], run[1], concepts, amount) - _awkwardness(*run) - late * run[0])[1])


def _worth(place: int, run: Sequence[Unit], concepts: Sequence[Concept], amount: re.Pattern[str] | None) -> float:
    """How much of the question *run*, which begins at *place*, would answer."""
    each = [covered(concepts, unit.text) for unit in run]
    # What the run says in all counts most; then each sentence, so that no idle one is carried along.
    worth = covered(concepts, " ".join(unit.text for unit in run)) + 0.3 * sum(each) + 0.15 * min(len(run), _MOST_UNITS_ON_TOPIC)
    worth -= 0.3 if place and not each[0] else 0
    return worth + (0.8 if amount is not None and any(amount.search(unit.text) for unit in run) else 0)


def _awkwardness(place: int, run: Sequence[Unit]) -> float:
    """How much *run* lacks that stands before its *place* in the passage."""
    first = run[0]
    return bool(place) * ((1.0 if _LEANING.match(first.text) else 0) + (0.5 if first.is_item and not first.begins_block else 0))


def _fits(run: Sequence[Unit], longest: int, most: int) -> bool:
    """Whether *run* is short enough; a list may have more items than there may be sentences."""
    items = sum(unit.is_item for unit in run)
    return items <= _MOST_ITEMS and len(run) - items <= most and len(_markdown(run)) <= longest


def _units(text: str) -> list[Unit]:
    """*text* as sentences and list items."""
    units: list[Unit] = []
    for block in text.split("\n\n"):
        prose: list[str] = []
        first = len(units)
        for line in [*block.split("\n"), "- "]:
            if not _ITEM.match(line) and not (line.startswith("  ") and len(units) > first and units[-1].is_item):
                prose.append(line)
                continue
            # A line of its own is a sentence of its own, whatever it ends with.
            parts = [part for one in prose for part in sentences(one)]
            units += [Unit(part, is_item=False, begins_block=len(units) == first and not number) for number, part in enumerate(parts)]
            prose = []
            if _ITEM.match(line) and line != "- ":
                units.append(Unit(line, is_item=True, begins_block=len(units) == first))
            elif line != "- ":
                units[-1] = replace(units[-1], text=f"{units[-1].text}\n{line}")
    return units


def _markdown(run: Sequence[Unit]) -> str:
    """*run* as Markdown: sentences in a paragraph, items in a list, nothing of the text taken for markup."""
    parts: list[str] = []
    for number, unit in enumerate(run):
        before = run[number - 1] if number else None
        if before is not None:
            parts.append("\n" if unit.is_item and before.is_item else "\n\n" if unit.is_item or before.is_item or unit.begins_block else " ")
        parts.append(_escaped(unit.text, keep_mark=unit.is_item))
    return "".join(parts)


def _escaped(text: str, *, keep_mark: bool) -> str:
    """*text* so that a Markdown reader shows it as it is; *keep_mark* leaves list marks at line beginnings."""
    lines = []
    for line in text.split("\n"):
        mark = re.match(r"\s*(?:(?:-|\d{1,3}[.)])\s+)?", line) if keep_mark else None
        begin = mark[0] if mark else ""
        rest = re.sub(r"([\\`*\[\]<])|(?<!\w)(_)|(_)(?!\w)", lambda found: "\\" + found[0], line[len(begin) :])
        lines.append(begin + re.sub(r"\A(\s*)(#{1,6}\s|>|[-+=~])", r"\1\\\2", rest) if not keep_mark else begin + rest)
    return "\n".join(lines)


def _cut(text: str, longest: int) -> str:
    """The first words of a sentence that is too long to quote."""
    return f"{text[: longest - 2].rsplit(' ', 1)[0].rstrip(',;:')} …"
