"""Which idempotency keys did a session use that this process opened? All of them, so the database need not be asked."""

from chatkeep.store.idempotency import LIFE_MS, KeyRow


class KeyBook:
    """The stored keys of one session. Not whole any more once another process has stored one."""

    def __init__(self) -> None:
        self._rows: dict[str, KeyRow] = {}
        self.is_whole = True

    def find(self, digest: str, *, at_ms: int) -> KeyRow | None:
        """The key of that digest, unless it is over 24 h old."""
        row = self._rows.get(digest)
        return row if row is not None and row.created_at_ms > at_ms - LIFE_MS else None

    def close(self) -> None:
        """Somebody else knows better: from now on the database is asked."""
        self.is_whole = False
        self._rows.clear()

    def add(self, row: KeyRow) -> None:
        """One more, just committed."""
        if self.is_whole:
            self._rows[row.digest] = row
