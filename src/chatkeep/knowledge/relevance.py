"""Does a passage speak of what was asked, and how well?

Coverage decides, not BM25 alone: BM25 ranks something first for every question, also
for one that the pages do not answer. Calibrated by ``tests/knowledge/test_retrieval.py``.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chatkeep.knowledge.question import Concept
from chatkeep.knowledge.words import WORD, are_close, fold, stems
from chatkeep.store.documents import HEADING_JOINT

_OTHER_WORD = 0.85
_CLOSE_WORD = 0.75
_REGION = 0.6
# What is left of a word's weight when every passage has it.
_COMMONEST = 0.35
_ENOUGH_IN_TEXT = 0.62
_ENOUGH_UNDER_HEADING = 0.45
_ENOUGH_UNDER_EXACT_HEADING = 0.38


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a passage fits: shares of the question's weight from 0 to 1, and how much of the heading was asked for."""

    coverage: float
    as_written: float
    in_heading: float
    of_heading: float
    is_enough: bool


def weighed(concepts: Sequence[Concept], total: int, counts: Sequence[int]) -> tuple[Concept, ...]:
    """*concepts* with less weight for words that stand in many of the *total* passages (*counts* of them)."""
    rarities = [math.log((total + 1) / (count + 1)) / math.log(total + 2) for count in counts]
    return tuple(replace(one, weight=one.weight * (_COMMONEST + (1 - _COMMONEST) * rarity)) for one, rarity in zip(concepts, rarities, strict=True))


def fit(concepts: tuple[Concept, ...], heading: str, text: str) -> Fit:
    """How well the passage *text* under *heading* fits *concepts* (one or more)."""
    above, innermost = frozenset(stems(heading)), frozenset(stems(heading.rsplit(HEADING_JOINT, 1)[-1]))
    whole = above | frozenset(stems(text))
    of_heading = _asked(concepts, innermost)
    exact = frozenset(map(fold, WORD.findall(f"{heading} {text}")))
    as_written = sum(concept.weight for concept in concepts if concept.plain in exact) / sum(concept.weight for concept in concepts)
    in_heading = (_share(concepts, above) + _share(concepts, innermost)) / 2
    return Fit(_share(concepts, whole), as_written, in_heading, of_heading, _is_enough(concepts, above, whole, of_heading))


def _is_enough(concepts: Sequence[Concept], above: frozenset[str], whole: frozenset[str], of_heading: float) -> bool:
    """Whether a passage with these words is a source at all. Light words cannot make it one, nor their absence prevent it."""
    telling = [concept for concept in concepts if not concept.is_light]
    share = _share(telling or concepts, whole)
    if not any(match(concept, above) for concept in telling or concepts):
        return bool(telling) and share >= _ENOUGH_IN_TEXT
    if not telling:
        return share >= _ENOUGH_IN_TEXT
    return share >= (_ENOUGH_UNDER_EXACT_HEADING if of_heading >= 1 else _ENOUGH_UNDER_HEADING)


def _share(concepts: Sequence[Concept], words: frozenset[str]) -> float:
    """The share of the concepts' weight that *words* hold."""
    return sum(concept.weight * match(concept, words) for concept in concepts) / sum(concept.weight for concept in concepts)


def _asked(concepts: Sequence[Concept], innermost: frozenset[str]) -> float:
    """The share of the innermost heading's words that *concepts* ask for: "French press" fits better than a longer one."""
    wanted = sum(any(match(concept, frozenset((word,))) for concept in concepts) for word in innermost)
    return wanted / (len(innermost) or 1)


def match(concept: Concept, words: frozenset[str]) -> float:
    """How surely *words* (stems) hold *concept*: 1 for its own word, less for another or a similar one, else 0."""
    if concept.stem in words:
        return 1.0
    if not concept.other_stems.isdisjoint(words):
        return _OTHER_WORD
    if not concept.region_stems.isdisjoint(words):
        return _REGION
    return _CLOSE_WORD if any(are_close(concept.stem, word) for word in words) else 0.0


def covered(concepts: Iterable[Concept], text: str) -> float:
    """The weight of *concepts* that *text* holds."""
    words = frozenset(stems(text))
    return sum(concept.weight * match(concept, words) for concept in concepts)
