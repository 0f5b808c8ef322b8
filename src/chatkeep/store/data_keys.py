"""Keys that seal secrets, themselves sealed: rows in, frozen rows out. They belong to the instance."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, text, update

from chatkeep.store.engine import Tx
from chatkeep.store.tables import data_keys


@dataclass(frozen=True, slots=True)
class DataKeyRow:
    """A key as stored: what sealed texts call it, and the key itself, sealed. Times in ms."""

    key_id: str
    wrapped: str
    created_at_ms: int
    retired_at_ms: int | None


def list_data_keys(tx: Tx) -> list[DataKeyRow]:
    """Every key, newest first. Instance-wide."""
    rows = tx.execute(select(data_keys).order_by(data_keys.c.created_at.desc(), data_keys.c.id))
    return [DataKeyRow(row.id, row.wrapped, row.created_at, row.retired_at) for row in rows]


def begin_data_key(tx: Tx, key: DataKeyRow) -> None:
    """Let *key* be the one that seals from now on; those before it only open. Instance-wide."""
    _hold(tx)
    tx.execute(update(data_keys).where(data_keys.c.retired_at.is_(None)).values(retired_at=key.created_at_ms))
    tx.execute(insert(data_keys).values(id=key.key_id, wrapped=key.wrapped, created_at=key.created_at_ms, retired_at=None))


def add_first_data_key(tx: Tx, key: DataKeyRow) -> bool:
    """Make *key* the first one; ``False`` when another process was faster. Instance-wide."""
    _hold(tx)
    if tx.execute(select(data_keys.c.id).limit(1)).first() is not None:
        return False
    begin_data_key(tx, key)
    return True


def rewrap_data_key(tx: Tx, key_id: str, wrapped: str) -> None:
    """Keep a key sealed in another way. Instance-wide."""
    tx.execute(update(data_keys).where(data_keys.c.id == key_id).values(wrapped=wrapped))


def remove_data_key(tx: Tx, key_id: str) -> None:
    """Destroy a key: whatever it sealed is lost. Instance-wide."""
    tx.execute(delete(data_keys).where(data_keys.c.id == key_id, data_keys.c.retired_at.is_not(None)))


def _hold(tx: Tx) -> None:
    """Let nobody else make a key until the transaction ends. SQLite has one writer and needs no lock."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("LOCK TABLE data_keys IN SHARE ROW EXCLUSIVE MODE"))
