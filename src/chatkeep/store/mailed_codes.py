"""Codes that were mailed to somebody and work once: rows in, frozen rows out. Only their digests are kept."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import String, bindparam, delete, insert, select

from chatkeep.ids import UserId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import mailed_codes

CodePurpose = Literal["reset", "verify", "setup"]


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code as stored. *user_id* is missing only where the first user is yet to be made."""

    digest: str
    purpose: CodePurpose
    user_id: UserId | None
    created_at_ms: int
    expires_at_ms: int


def put_code(tx: Tx, code: CodeRow) -> None:
    """Store *code*. Earlier ones hold to their end, so that no stranger's wish voids a mail that was read; the first user's alone are void. Instance-wide."""
    # Bound even where it is null: the statement says nothing about who there is.
    owner = bindparam("b_user", code.user_id, String)
    over = () if code.purpose == "setup" else (mailed_codes.c.expires_at <= code.created_at_ms,)
    tx.execute(delete(mailed_codes).where(mailed_codes.c.user_id.is_not_distinct_from(owner), mailed_codes.c.purpose == code.purpose, *over))
    values = {"user_id": code.user_id, "created_at": code.created_at_ms, "expires_at": code.expires_at_ms}
    tx.execute(insert(mailed_codes).values(digest=code.digest, purpose=code.purpose, **values))


def find_code(tx: Tx, digest: str, purpose: CodePurpose, *, at_ms: int) -> CodeRow | None:
    """The code of that digest, while it holds. Instance-wide."""
    query = select(mailed_codes).where(mailed_codes.c.digest == digest, mailed_codes.c.purpose == purpose, mailed_codes.c.expires_at > at_ms)
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return CodeRow(row.digest, row.purpose, UserId(row.user_id) if row.user_id else None, row.created_at, row.expires_at)


def use_code(tx: Tx, digest: str) -> bool:
    """Use a code up; ``False`` when somebody was faster. Instance-wide."""
    return tx.execute(delete(mailed_codes).where(mailed_codes.c.digest == digest)).rowcount == 1


def forget_old_codes(tx: Tx, *, at_ms: int) -> int:
    """Remove codes that no longer hold; how many. Instance-wide: for the sweep."""
    return int(tx.execute(delete(mailed_codes).where(mailed_codes.c.expires_at <= at_ms)).rowcount)
