"""What is a visitor asking about?

A question becomes concepts: the words that carry it, each with the words that pages may
use in its place, and a weight. Words that every question has are left out; the language
of those is guessed from the question itself.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from chatkeep.knowledge.vocabulary import ENGLISH_STOP_WORDS, LIGHT_WORDS, OTHER_STOP_WORDS, PAIRS, PREPOSITIONS, REGIONS, SAME_IDEA, UNSPACED_FILLERS
from chatkeep.knowledge.words import UNSPACED, WORD, fold, stem

_LONGEST_QUESTION = 2000
_MOST_CONCEPTS = 24
_LIGHT = 0.25
_PLACE = 0.6
_LIGHT_STEMS = frozenset(stem(word) for word in LIGHT_WORDS)


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that a question is about. *is_light*: finding it in a passage proves little."""

    word: str
    plain: str
    stem: str
    others: tuple[str, ...]
    other_stems: frozenset[str]
    region_stems: frozenset[str]
    weight: float
    is_light: bool


@dataclass(frozen=True, slots=True)
class Question:
    """Concepts in the order of the question, and overlapping fragments of scripts without spaces."""

    concepts: tuple[Concept, ...]
    fragments: tuple[str, ...]


@lru_cache(maxsize=64)
def parse(text: str) -> Question:
    """*text* as a ``Question``; both parts are empty when it says nothing to look for."""
    text = unicodedata.normalize("NFKC", text[:_LONGEST_QUESTION]).lower()
    fragments = tuple(dict.fromkeys(fragment for run in UNSPACED.findall(text) for fragment in _fragments(run)))
    words = _paired(WORD.findall(UNSPACED.sub(" ", text)))
    skipped = _stop_words([fold(word) for word in words])
    found: dict[str, Concept] = {}
    before = ""
    for word in words:
        plain = fold(word)
        if plain and plain not in skipped and len(found) < _MOST_CONCEPTS:
            found.setdefault(stem(plain), _concept(word, plain, before))
        before = plain if plain not in {"the", "a", "an", "my", "your"} else before
    return Question(tuple(found.values()), fragments)


def _concept(word: str, plain: str, before: str) -> Concept:
    """The concept of *word* that follows *before*."""
    own = stem(plain)
    ideas = [other for idea in SAME_IDEA if own in {stem(each) for each in idea} for other in idea]
    regions = [other for names, region in REGIONS if plain in names for other in region]
    is_light = own in _LIGHT_STEMS or len(own) == 1 or own.isdigit()
    weight = _LIGHT if is_light else _PLACE if before in PREPOSITIONS else 1.0
    others = tuple(dict.fromkeys(other for other in ideas + regions if stem(other) != own))
    return Concept(word, plain, own, others, frozenset(map(stem, ideas)) - {own}, frozenset(map(stem, regions)) - {own}, weight, is_light)


def _paired(words: list[str]) -> list[str]:
    """*words* with each pair that means one thing read as that."""
    paired: list[str] = []
    for word in words:
        one = PAIRS.get((fold(paired[-1]), fold(word))) if paired else None
        if one is None:
            paired.append(word)
        else:
            paired[-1:] = one.split()
    return paired


def _stop_words(words: list[str]) -> frozenset[str]:
    """The words to leave out: English ones, or those of the language that more of *words* belong to."""
    english = sum(word in ENGLISH_STOP_WORDS for word in words)
    hits, other = max(((sum(word in language for word in words), language) for language in OTHER_STOP_WORDS), key=lambda pair: pair[0])
    return other if hits > english else ENGLISH_STOP_WORDS


def _fragments(run: str) -> list[str]:
    """Overlapping pairs of *run* without its question words (of three in scripts whose letters are smaller than a syllable)."""
    size = 2 if run[0] >= "\u3040" else 3
    parts = [part for part in UNSPACED_FILLERS.split(run) if part] or [run]
    return [part[i : i + size] for part in parts for i in range(max(1, len(part) - size + 1))]
