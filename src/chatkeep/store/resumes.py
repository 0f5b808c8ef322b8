"""Resume handles: one a session, as a keyed hash in its row, gone with its use.

A session that is resumed stays the row that it was: what counts its messages, blocks it
or ends it by age goes on. Only its key is another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update

from chatkeep.ids import OrgId, SessionId, WidgetId
from chatkeep.store import idempotency
from chatkeep.store.engine import Tx
from chatkeep.store.idempotency import KeyRow
from chatkeep.store.openings import KnownVisitor, SingleUse, find_used, said_of, use_up
from chatkeep.store.sessions import SessionRow, find_session
from chatkeep.store.tables import sessions, visitors


@dataclass(frozen=True, slots=True)
class Resumable:
    """The session of a handle, and the subject of its visitor when the host's server said who that is."""

    session_id: SessionId
    subject: str | None


def keep_handle(tx: Tx, org: OrgId, session: SessionId, *, thumbprint: str, digest: str, until_ms: int) -> bool:
    """Give *session* its newest handle, in place of the one before; ``False`` when it ended or is bound to another key by now."""
    one = (sessions.c.org_id == org, sessions.c.id == session, sessions.c.key_thumbprint == thumbprint, sessions.c.ended_at.is_(None))
    return tx.execute(update(sessions).where(*one).values(resume_digest=digest, resume_until=until_ms)).rowcount == 1


def find_resumable(tx: Tx, org: OrgId, digest: str, *, at_ms: int) -> Resumable | None:
    """The session that the handle of that digest resumes, if it still does."""
    query = select(sessions.c.id, visitors.c.subject).join(visitors, visitors.c.id == sessions.c.visitor_id).where(*_open(org, digest, at_ms))
    row = tx.execute(query).one_or_none()
    return Resumable(SessionId(row.id), row.subject) if row is not None else None


def resume_session(
    tx: Tx, org: OrgId, widget: WidgetId, digest: str, *, thumbprint: str, at_ms: int, known: KnownVisitor | None, once: Sequence[SingleUse], key: KeyRow | None
) -> SessionRow | SingleUse | None:
    """Bind the session of the handle to the key of *thumbprint*, and return it.

    ``None`` when the handle is not good any more, or the key is not a new one; when one of
    *once* was used before, that is returned. Either way the session stays as it was.
    """
    used = find_used(tx, once)
    if used is not None:
        return used
    changed = tx.execute(
        update(sessions)
        .where(*_open(org, digest, at_ms), sessions.c.key_thumbprint != thumbprint)
        # Two generations on: no token from before is the one before the newest, which would have its minute of grace.
        .values(key_thumbprint=thumbprint, generation=sessions.c.generation + 2, previous_until=None, active_at=at_ms, resumed_at=at_ms, resume_digest=None)
        .returning(sessions.c.id, sessions.c.visitor_id)
    ).one_or_none()
    if changed is None:
        return None
    use_up(tx, once)
    if known is not None:
        tx.execute(update(visitors).where(visitors.c.org_id == org, visitors.c.id == changed.visitor_id).values(**said_of(known)))
    for write in idempotency.remembering(org, key) if key is not None else ():
        tx.execute(write.statement, write.values)
    return find_session(tx, widget, SessionId(changed.id))


def _open(org: OrgId, digest: str, at_ms: int) -> tuple[ColumnElement[bool], ...]:
    """What holds for the session of a handle that is still good."""
    return sessions.c.org_id == org, sessions.c.resume_digest == digest, sessions.c.resume_until > at_ms, sessions.c.ended_at.is_(None)
