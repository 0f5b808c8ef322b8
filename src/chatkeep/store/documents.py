"""Documents and their passages: rows in, ranked rows out.

What a visitor asked never becomes query syntax: a term is reduced to its letters and
digits, quoted, and bound as a parameter. The full-text indexes are in the migrations.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, bindparam, case, column, delete, func, insert, literal_column, select, table, update

from chatkeep.ids import AgentId, DocumentId, OrgId
from chatkeep.store.engine import Tx
from chatkeep.store.steering import unsought
from chatkeep.store.tables import documents, passages

MAX_TERMS = 32
# Between the headings of a path, outermost first: a single angle quotation mark.
HEADING_JOINT = " \u203a "
_TERM_LENGTH = 64
_HEADING_WEIGHT = 3.0
_WORD = re.compile(r"[^\W_]+")
# The full-text index of each database, as the migrations made it.
_INDEX = table("passages_fts", column("rowid"))
# Keeps SQLite from walking an agent's passages and asking the index about each (300 times slower).
_INDEXED_OWNER = (unsought(passages.c.org_id), unsought(passages.c.agent_id))
_WHOLE: ColumnElement[Any] = literal_column("passages_fts")
_WORDS: ColumnElement[Any] = literal_column("passages.words")
_ENGLISH: ColumnElement[Any] = literal_column("'english'::regconfig")

Change = Literal["added", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document: its heading path in one line, and plain text."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to store under *path*. *digest* changes whenever anything else does."""

    document_id: DocumentId
    path: str
    title: str
    url: str | None
    digest: str
    passages: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as stored, and into how many passages it was split."""

    document_id: DocumentId
    path: str
    title: str
    url: str | None
    digest: str
    passages: int
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that holds a term. Scores compare within one search only; higher is better."""

    document_id: DocumentId
    position: int
    title: str
    url: str | None
    heading: str
    text: str
    score: float


def put_document(tx: Tx, org: OrgId, agent: AgentId, document: NewDocument, *, at_ms: int) -> Change:
    """Make *document*, or replace the one at its path (which keeps its id); equal digests mean no work."""
    here = (documents.c.org_id == org, documents.c.agent_id == agent, documents.c.path == document.path)
    old = tx.execute(select(documents.c.id, documents.c.digest).where(*here)).one_or_none()
    if old is not None and old.digest == document.digest:
        return "unchanged"
    values = {"title": document.title, "url": document.url, "digest": document.digest}
    document_id = document.document_id
    if old is None:
        owner = {"org_id": org, "agent_id": agent, "path": document.path}
        tx.execute(insert(documents).values(id=document_id, created_at=at_ms, **owner, **values))
    else:
        document_id = DocumentId(old.id)
        tx.execute(update(documents).where(*here).values(**values))
        tx.execute(delete(passages).where(passages.c.org_id == org, passages.c.document_id == document_id))
    rows = [
        {"org_id": org, "agent_id": agent, "document_id": document_id, "position": position, "heading": passage.heading, "text": passage.text}
        for position, passage in enumerate(document.passages)
    ]
    if rows:
        tx.execute(insert(passages), rows)
    return "added" if old is None else "updated"


def list_documents(tx: Tx, org: OrgId, agent: AgentId) -> list[DocumentRow]:
    """Every document of *agent*, by path."""
    count = select(func.count()).where(passages.c.document_id == documents.c.id).scalar_subquery().label("passage_count")
    query = select(documents, count).where(documents.c.org_id == org, documents.c.agent_id == agent).order_by(documents.c.path)
    return [DocumentRow(DocumentId(row.id), row.path, row.title, row.url, row.digest, row.passage_count, row.created_at) for row in tx.execute(query)]


def remove_document(tx: Tx, org: OrgId, agent: AgentId, path: str) -> bool:
    """Remove the document at *path* with its passages. Whether there was one."""
    here = (documents.c.org_id == org, documents.c.agent_id == agent, documents.c.path == path)
    document_id = tx.execute(select(documents.c.id).where(*here)).scalar_one_or_none()
    if document_id is None:
        return False
    tx.execute(delete(passages).where(passages.c.org_id == org, passages.c.document_id == document_id))
    tx.execute(delete(documents).where(*here))
    return True


def search_passages(tx: Tx, org: OrgId, agent: AgentId, terms: Sequence[str], limit: int, *, prefixes: Sequence[str] = ()) -> list[FoundPassage]:
    """The passages of *agent* that hold any of *terms* or a word that begins with one of *prefixes*, best first.

    Words are compared as English stems; a hit in a heading counts more. BM25 on SQLite,
    cover density over passage length on PostgreSQL. Terms beyond ``MAX_TERMS`` are not looked for.
    """
    words = [_quotable(term) for term in [*terms, *prefixes][:MAX_TERMS]]
    stems = ["*" if number >= len(terms) else "" for number in range(len(words))]
    wanted = [(word, star) for word, star in zip(words, stems, strict=True) if word]
    if not wanted:
        return []
    if tx.dialect.name == "postgresql":
        query = _ranked_by_density(" | ".join(f"'{word}':*" if star else f"'{word}'" for word, star in wanted))
        query = query.where(passages.c.org_id == org, passages.c.agent_id == agent)
    else:
        query = _ranked_by_bm25(" OR ".join(f'"{word}"{star}' for word, star in wanted))
        query = query.where(_INDEXED_OWNER[0] == org, _INDEXED_OWNER[1] == agent)
    return _found(tx, query.limit(limit))


def search_fragments(tx: Tx, org: OrgId, agent: AgentId, fragments: Sequence[str], limit: int) -> list[FoundPassage]:
    """The passages of *agent* with most of *fragments* anywhere in them: for scripts that write no spaces.

    Reads every passage of the agent, because no index of ours knows words in such scripts.
    """
    cleaned = [fragment for fragment in (_quotable(fragment) for fragment in fragments[:MAX_TERMS]) if fragment]
    if not cleaned:
        return []
    whole = passages.c.heading.concat(" ").concat(passages.c.text)
    held = [case((whole.contains(fragment, autoescape=True), 1), else_=0) for fragment in cleaned]
    score: ColumnElement[Any] = sum(held[1:], start=held[0])
    query = _select(score).select_from(passages.join(documents, documents.c.id == passages.c.document_id)).where(score > 0)
    query = query.order_by(score.desc(), passages.c.id)
    return _found(tx, query.where(passages.c.org_id == org, passages.c.agent_id == agent).limit(limit))


def count_passages(tx: Tx, org: OrgId, agent: AgentId, terms: Sequence[str]) -> tuple[int, list[int]]:
    """How many passages *agent* has, and how many of them hold each of *terms* (at most ``MAX_TERMS``)."""
    mine = (passages.c.org_id == org, passages.c.agent_id == agent)
    counts = [select(func.count()).select_from(passages).where(*mine)]
    for number, word in enumerate(_quotable(term) for term in terms[:MAX_TERMS]):
        if tx.dialect.name == "postgresql":
            wanted = func.to_tsquery(_ENGLISH, bindparam(f"word_{number}", f"'{word}'" if word else ""))
            counts.append(counts[0].where(_WORDS.op("@@")(wanted)))
        else:
            joined = _INDEX.join(passages, passages.c.id == _INDEX.c.rowid)
            matches = _WHOLE.op("MATCH")(bindparam(f"word_{number}", f'"{word}"'))
            counts.append(select(func.count()).select_from(joined).where(_INDEXED_OWNER[0] == org, _INDEXED_OWNER[1] == agent, matches))
    total, *each = tx.execute(select(*(count.scalar_subquery() for count in counts))).one()
    return total, each


def _quotable(term: str) -> str:
    """The letters and digits of *term*, other characters as single spaces: nothing that any query syntax knows."""
    return " ".join(_WORD.findall(term[:_TERM_LENGTH]))


def _select(score: ColumnElement[Any]) -> Select[Any]:
    """What a found passage is made of; the caller says from where."""
    return select(documents.c.id, passages.c.position, documents.c.title, documents.c.url, passages.c.heading, passages.c.text, score.label("score"))


def _ranked_by_bm25(match: str) -> Select[Any]:
    """SQLite FTS5: *match* holds quoted words joined by OR."""
    # bm25() is negative: the better, the lower.
    score = -func.bm25(_WHOLE, _HEADING_WEIGHT, 1.0)
    joined = _INDEX.join(passages, passages.c.id == _INDEX.c.rowid).join(documents, documents.c.id == passages.c.document_id)
    query = _select(score).select_from(joined).where(_WHOLE.op("MATCH")(bindparam("match", match)))
    return query.order_by(score.desc(), passages.c.id)


def _ranked_by_density(match: str) -> Select[Any]:
    """PostgreSQL full text: *match* holds quoted lexemes joined by ``|``."""
    wanted = func.to_tsquery(_ENGLISH, bindparam("match", match))
    # 1: divided by 1 + the logarithm of the passage's length.
    score = func.ts_rank_cd(_WORDS, wanted, 1)
    joined = passages.join(documents, documents.c.id == passages.c.document_id)
    return _select(score).select_from(joined).where(_WORDS.op("@@")(wanted)).order_by(score.desc(), passages.c.id)


def _found(tx: Tx, query: Select[Any]) -> list[FoundPassage]:
    """The rows of *query*."""
    return [FoundPassage(DocumentId(row[0]), row[1], row[2], row[3], row[4], row[5], float(row[6])) for row in tx.execute(query)]
