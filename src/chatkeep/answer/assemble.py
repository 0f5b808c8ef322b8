"""What does the model get to see? Instructions, numbered sources, earlier turns, the question.

Visitor and document text never becomes an instruction here: providers fence and label
it. Characters that only deceive (bidi overrides, zero-width runs) are kept out of
prompts; what the visitor typed is stored as typed. Spec: content-and-privacy.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chatkeep.admit import Admitted
from chatkeep.ids import ConversationId, MessageId, OrgId
from chatkeep.knowledge.search import Found, find_sources
from chatkeep.providers import Prompt, Provider, Source, Turn
from chatkeep.store import Store
from chatkeep.store.engine import Tx
from chatkeep.store.messages import page_of_messages

_HISTORY = 20
# Bidi embeddings, overrides and isolates; zero-width space, word joiner, BOM, soft hyphen.
# Not the zero-width joiners (U+200C, U+200D): Persian, Hindi and emoji need them.
_DECEIVING = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\u00ad]")


@dataclass(frozen=True, slots=True)
class Material:
    """What the database had to say about a question."""

    sources: tuple[Source, ...] = ()
    history: tuple[Turn, ...] = ()


async def find_material(admitted: Admitted, question_id: MessageId, store: Store, chain: Sequence[Provider]) -> Material:
    """Passages and earlier turns for the providers of *chain*, in one read; none at all for an agent that needs neither."""
    wants_history = not admitted.is_first and any(provider.wants_history for provider in chain)
    if not (wants_history or admitted.agent.has_knowledge):
        return Material()
    for_model = all(provider.judges_sources for provider in chain)
    return await store.read(_find_material, admitted, question_id, wants_history=wants_history, for_model=for_model)


def assemble(admitted: Admitted, material: Material) -> Prompt:
    """The prompt for one question."""
    return Prompt(
        instructions=admitted.agent.instructions,
        question=_plain(admitted.text),
        history=material.history,
        sources=material.sources,
    )


def citations_of(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Sources as visitors see them (spec: visitor-api, ``citations``)."""
    return [{"index": source.index, "title": source.title, "url": source.url, "excerpt": source.excerpt} for source in sources]


def _find_material(tx: Tx, admitted: Admitted, question_id: MessageId, *, wants_history: bool, for_model: bool) -> Material:
    """Runs in a reader thread."""
    found: Sequence[Found] = ()
    if admitted.agent.has_knowledge:
        found = find_sources(tx, admitted.org_id, admitted.agent.agent_id, admitted.text, for_model=for_model)
    history = _history(tx, admitted.org_id, admitted.conversation_id, question_id) if wants_history else ()
    sources = tuple(Source(number, _plain(f.title), f.url, _plain(f.excerpt), _plain(f.text)) for number, f in enumerate(found, 1))
    return Material(sources, history)


def _history(tx: Tx, org: OrgId, conversation: ConversationId, question_id: MessageId) -> tuple[Turn, ...]:
    """The turns before this question; an answer without text says nothing."""
    rows, _more = page_of_messages(tx, org, conversation, before=question_id, limit=_HISTORY)
    return tuple(Turn("visitor" if row.role == "visitor" else "assistant", _plain(row.text)) for row in rows if row.text)


def _plain(text: str) -> str:
    """*text* without characters that only deceive."""
    return _DECEIVING.sub("", text)
