"""Idempotency keys: which request was already carried out, and as what.

A key is stored in the transaction of what it made, so that there is never one without
the other. Keys and bodies are kept as hashes.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select

from chatkeep.ids import MessageId, OrgId, SessionId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import idempotency_keys
from chatkeep.store.writer import Write

LIFE_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class KeyRow:
    """What a key stands for: an answer, or a session."""

    digest: str
    body_digest: str
    message_id: MessageId | None
    session_id: SessionId | None
    created_at_ms: int


_insert = insert(idempotency_keys)
_delete_old = delete(idempotency_keys).where(idempotency_keys.c.digest == bindparam("b_digest"), idempotency_keys.c.created_at <= bindparam("b_before"))


def remembering(org: OrgId, key: KeyRow) -> tuple[Write, Write]:
    """The writes that store *key*; one of the same name that is over 24 h old makes room."""
    return (
        Write(_delete_old, {"b_digest": key.digest, "b_before": key.created_at_ms - LIFE_MS}),
        Write(
            _insert,
            {
                "digest": key.digest,
                "org_id": org,
                "body_digest": key.body_digest,
                "message_id": key.message_id,
                "session_id": key.session_id,
                "created_at": key.created_at_ms,
            },
        ),
    )


def find_key(tx: Tx, org: OrgId, digest: str, *, at_ms: int) -> KeyRow | None:
    """The key of that digest, unless it is over 24 h old."""
    query = select(idempotency_keys).where(
        idempotency_keys.c.digest == digest, idempotency_keys.c.org_id == org, idempotency_keys.c.created_at > at_ms - LIFE_MS
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return KeyRow(
        row.digest,
        row.body_digest,
        MessageId(row.message_id) if row.message_id else None,
        SessionId(row.session_id) if row.session_id else None,
        row.created_at,
    )


def forget_old_keys(tx: Tx, *, at_ms: int) -> int:
    """Remove keys over 24 h old; how many. Instance-wide: for the sweep."""
    return int(tx.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at <= at_ms - LIFE_MS)).rowcount)
