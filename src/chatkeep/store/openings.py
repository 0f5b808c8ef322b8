"""Sessions that are more than a session: of a known visitor, or let in by something that works once.

Everything about such an opening is one transaction: what works once is used up exactly
when the session is there, and two openings of one visitor share its row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chatkeep.ids import OrgId, VisitorId
from chatkeep.store import idempotency
from chatkeep.store.engine import Tx
from chatkeep.store.idempotency import KeyRow
from chatkeep.store.sessions import Page, SessionRow, new_visitor, starting
from chatkeep.store.tables import sessions, used_values, visitors


@dataclass(frozen=True, slots=True)
class KnownVisitor:
    """Who the host's server says a visitor is. *subject* decides; the rest is what its newest token said."""

    subject: str
    email: str | None
    name: str | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SingleUse:
    """Something that works once, as a keyed hash, kept until *expires_at_ms*."""

    digest: str
    expires_at_ms: int


def open_session(
    tx: Tx, org: OrgId, session: SessionRow, page: Page, *, known: KnownVisitor | None, once: Sequence[SingleUse], key: KeyRow | None
) -> SessionRow | SingleUse:
    """Store *session* and return it as stored. When one of *once* was used before, that is returned and nothing is opened."""
    used = use_up(tx, once)
    if used is not None:
        return used
    if known is None:
        writes = [new_visitor(session)]
    else:
        session = _of_known(tx, org, session, known)
        writes = []
    writes += starting(session, page)
    if key is not None:
        writes += idempotency.remembering(org, key)
    for write in writes:
        tx.execute(write.statement, write.values)
    return session


def said_of(known: KnownVisitor) -> dict[str, Any]:
    """What the newest token said, as columns of the visitor."""
    return {"email": known.email, "name": known.name, "attributes": dict(known.attributes) or None}


def forget_used_values(tx: Tx, *, at_ms: int) -> int:
    """Remove what has expired by itself; how many. Instance-wide: for the sweep."""
    return int(tx.execute(delete(used_values).where(used_values.c.expires_at <= at_ms)).rowcount)


def find_used(tx: Tx, once: Sequence[SingleUse]) -> SingleUse | None:
    """The first of *once* that was used before. Instance-wide: the digests name their widget."""
    used = (value for value in once if tx.execute(select(used_values.c.digest).where(used_values.c.digest == value.digest)).first() is not None)
    return next(used, None)


def use_up(tx: Tx, once: Sequence[SingleUse]) -> SingleUse | None:
    """Mark all of *once* as used, or return the one that was before. Instance-wide: as above."""
    # Looked at first, so that a used ticket does not use up the identity beside it.
    used = find_used(tx, once)
    if used is not None:
        return used
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    for value in once:
        row = {"digest": value.digest, "expires_at": value.expires_at_ms}
        # Another process may be faster: its row is waited for, then nothing is inserted.
        if tx.execute(insert(used_values).values(row).on_conflict_do_nothing().returning(used_values.c.digest)).first() is None:
            return value
    return None


def _of_known(tx: Tx, org: OrgId, session: SessionRow, known: KnownVisitor) -> SessionRow:
    """*session* of the one visitor with that subject, made or brought up to date."""
    says = said_of(known)
    at = session.created_at_ms
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    row = {"id": session.visitor_id, "org_id": org, "subject": known.subject, "created_at": at, **says}
    tx.execute(insert(visitors).values(row).on_conflict_do_nothing(index_elements=[visitors.c.org_id, visitors.c.subject]))
    one = (visitors.c.org_id == org, visitors.c.subject == known.subject)
    # Locks the visitor until the commit: a session's time tells which conversation it opened.
    tx.execute(update(visitors).where(*one).values(**says))
    visitor = VisitorId(tx.execute(select(visitors.c.id).where(*one)).scalar_one())
    newest = tx.execute(select(func.max(sessions.c.created_at)).where(sessions.c.visitor_id == visitor, sessions.c.created_at >= at)).scalar()
    at = at if newest is None else newest + 1
    return replace(session, visitor_id=visitor, created_at_ms=at, active_at_ms=at, is_vouched=True)
