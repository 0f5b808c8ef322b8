"""Which passages of a site's pages answer a question?

The database finds candidates (BM25 or PostgreSQL's rank), ``relevance`` judges them,
and what does not fit is not a source: nothing relevant gives an empty list. Scripts
without spaces are searched by fragments, since no full-text index here knows their words.
"""

import re
from dataclasses import dataclass
from itertools import zip_longest

from chatkeep.ids import AgentId, OrgId
from chatkeep.knowledge.question import Concept, Question, parse
from chatkeep.knowledge.relevance import Fit, covered, fit, match, weighed
from chatkeep.knowledge.sentences import sentences
from chatkeep.knowledge.words import stems
from chatkeep.store import Tx
from chatkeep.store.documents import MAX_TERMS, FoundPassage, count_passages, search_fragments, search_passages

_CANDIDATES = 40
_EXCERPT = 240
_PER_SECTION = 2
_PREFIX = 5
# Sources far behind the best one would only blur the answer.
_CLOSE_TO_BEST = 0.6
_ENOUGH_FRAGMENTS = 0.4
_MOST_PARTS = 3
_NEXT_QUESTION = re.compile(r"\?+\s+|,?\s+and\s+(?=(?:can|could|do|does|is|are|how|what|when|where|which|who|will|would)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A source for an answer: *excerpt* (at most 240 characters) for the visitor, *text* for the provider."""

    title: str
    url: str | None
    excerpt: str
    text: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A found passage and what it is worth for this question."""

    passage: FoundPassage
    score: float


def find_sources(tx: Tx, org: OrgId, agent: AgentId, question: str, *, limit: int = 4, for_model: bool = False) -> list[Found]:
    """Up to *limit* passages of *agent* that speak of *question*, best first; empty when none does.

    A model judges for itself what answers: *for_model* gives it also what only touches the question.
    """
    answers = [_answer(tx, org, agent, parse(part), limit) for part in _parts(question)]
    if for_model and not any(answers):
        return _answer(tx, org, agent, parse(question), limit, is_strict=False)
    # Of two questions in one message each gets its sources, best of each first.
    in_turn = [found for each in zip_longest(*answers) for found in each if found is not None]
    return list(dict.fromkeys(in_turn))[:limit] or _answer(tx, org, agent, parse(question), limit)


def _parts(question: str) -> list[str]:
    """The questions in a message; the whole message when it holds one, or none that is marked as one."""
    parts = [part for part in _NEXT_QUESTION.split(question) if parse(part).concepts]
    return parts[:_MOST_PARTS] if len(parts) > 1 else [question]


def _answer(tx: Tx, org: OrgId, agent: AgentId, asked: Question, limit: int, *, is_strict: bool = True) -> list[Found]:
    """The sources for one question."""
    judged = _by_words(tx, org, agent, asked.concepts, is_strict=is_strict) if asked.concepts else []
    if asked.fragments:
        judged += _by_fragments(tx, org, agent, asked)
    return [_found(candidate.passage, asked) for candidate in _picked(judged, limit)]


def _by_words(tx: Tx, org: OrgId, agent: AgentId, concepts: tuple[Concept, ...], *, is_strict: bool) -> list[_Candidate]:
    """Candidates that hold the concepts' words; *is_strict* drops those that hold too few."""
    # Light words would match half of all passages: they count in those that hold a telling one.
    telling = [concept for concept in concepts if not concept.is_light] or list(concepts)
    terms = [concept.word for concept in telling] + [other for concept in telling for other in concept.others]
    rows = search_passages(tx, org, agent, terms[:MAX_TERMS], _CANDIDATES)
    held = frozenset(word for row in rows for word in stems(f"{row.heading} {row.text}"))
    unknown = [concept.word[: max(_PREFIX, len(concept.word) - 3)] for concept in telling if len(concept.word) > _PREFIX and not match(concept, held)]
    if unknown:
        # Endings that the index does not know (other languages), and slips of the finger.
        rows = search_passages(tx, org, agent, terms[: MAX_TERMS - len(unknown)], _CANDIDATES, prefixes=unknown)
    concepts = weighed(concepts, *count_passages(tx, org, agent, [concept.word for concept in concepts]))
    best = max((row.score for row in rows), default=1.0) or 1.0
    fits = [(row, fit(concepts, row.heading, row.text)) for row in rows]
    return [_Candidate(row, _score(row, fitting, row.score / best, concepts)) for row, fitting in fits if fitting.is_enough or not is_strict]


def _score(row: FoundPassage, fitting: Fit, rank: float, concepts: tuple[Concept, ...]) -> float:
    """Coverage first; then the very words, how the heading fits, how much one sentence says, and the database's own rank."""
    total = sum(concept.weight for concept in concepts)
    densest = max((covered(concepts, sentence) for sentence in sentences(row.text)), default=0.0) / total
    return fitting.coverage + 0.15 * fitting.as_written + 0.6 * fitting.in_heading + 0.3 * densest + 0.15 * fitting.of_heading + 0.15 * rank


def _by_fragments(tx: Tx, org: OrgId, agent: AgentId, asked: Question) -> list[_Candidate]:
    """Candidates that hold enough of the fragments."""
    wanted = min(len(asked.fragments), MAX_TERMS)
    rows = search_fragments(tx, org, agent, asked.fragments, _CANDIDATES)
    return [_Candidate(row, row.score / wanted) for row in rows if row.score / wanted >= _ENOUGH_FRAGMENTS]


def _picked(judged: list[_Candidate], limit: int) -> list[_Candidate]:
    """The best of *judged*, at most two of one section unless there is nothing else."""
    ranked = sorted(judged, key=lambda candidate: -candidate.score)
    ranked = [candidate for candidate in ranked if candidate.score >= _CLOSE_TO_BEST * ranked[0].score]
    taken: dict[tuple[str, str], int] = {}
    first: list[_Candidate] = []
    later: list[_Candidate] = []
    for candidate in ranked:
        section = (candidate.passage.document_id, candidate.passage.heading)
        taken[section] = taken.get(section, 0) + 1
        (first if taken[section] <= _PER_SECTION else later).append(candidate)
    return (first + later)[:limit]


def _found(passage: FoundPassage, asked: Question) -> Found:
    """*passage* as a source."""
    return Found(passage.heading or passage.title, passage.url, excerpt(passage.text, asked), passage.text)


def excerpt(text: str, asked: Question) -> str:
    """At most 240 characters of *text* in whole words, from the sentence where they say most of what was asked."""
    plain = " ".join(text.split())
    if len(plain) <= _EXCERPT:
        return plain
    starts = [plain.find(sentence) for sentence in sentences(plain)]
    begin = max(starts, key=lambda start: (covered(asked.concepts, plain[start : start + _EXCERPT]), -start))
    # The last sentences would leave room unused: begin earlier, at a sentence that still shows all of them.
    begin = min((start for start in starts if len(plain) - start <= _EXCERPT), default=begin) if len(plain) - begin < _EXCERPT else begin
    lead = "… " if begin else ""
    shown = plain[begin : begin + _EXCERPT - len(lead)]
    if begin + len(shown) == len(plain):
        return lead + shown
    shown = plain[begin : begin + _EXCERPT - len(lead) - 2]
    return f"{lead}{shown.rsplit(' ', 1)[0].rstrip(',;:')} …"
