"""What operators' requests with an Idempotency-Key came to: rows in, frozen rows out.

The row is written in the transaction of the change, so that there is never one without
the other; what was answered follows, without its secrets.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from chatkeep.ids import OrgId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import office_replays
from chatkeep.store.writer import Write

LIFE_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """A request that was carried out. *answer* is missing in the moment before it was given."""

    digest: str
    body_digest: str
    answer: Any


_insert = insert(office_replays)
_delete_old = delete(office_replays).where(office_replays.c.digest == bindparam("b_digest"), office_replays.c.created_at <= bindparam("b_before"))


def carried_out(org: OrgId, digest: str, body_digest: str, *, at_ms: int) -> tuple[Write, Write]:
    """The writes that say that a request was carried out; one of the same name that is over 24 h old makes room."""
    values = {"digest": digest, "org_id": org, "body_digest": body_digest, "answer": None, "created_at": at_ms}
    return Write(_delete_old, {"b_digest": digest, "b_before": at_ms - LIFE_MS}), Write(_insert, values)


def find_replay(tx: Tx, org: OrgId, digest: str, *, at_ms: int) -> ReplayRow | None:
    """The request of that digest, unless it is over 24 h old."""
    mine = (office_replays.c.digest == digest, office_replays.c.org_id == org, office_replays.c.created_at > at_ms - LIFE_MS)
    row = tx.execute(select(office_replays).where(*mine)).one_or_none()
    return ReplayRow(row.digest, row.body_digest, row.answer) if row is not None else None


def keep_answer(tx: Tx, org: OrgId, digest: str, answer: Any) -> None:
    """Note what was answered."""
    tx.execute(update(office_replays).where(office_replays.c.digest == digest, office_replays.c.org_id == org).values(answer=answer))


def forget_old_replays(tx: Tx, *, at_ms: int) -> int:
    """Remove requests over 24 h old; how many. Instance-wide: for the sweep."""
    return int(tx.execute(delete(office_replays).where(office_replays.c.created_at <= at_ms - LIFE_MS)).rowcount)
