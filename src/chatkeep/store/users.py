"""Users: people who sign in. One person may be a member of several organizations, so users belong to the instance."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from chatkeep.ids import UserId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import mailed_codes, recovery_codes, users


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user as stored. *totp_secret* is sealed, and in force once it is confirmed. Times in ms."""

    user_id: UserId
    email: str
    name: str
    password_hash: str
    password_changed_at_ms: int
    email_verified_at_ms: int | None
    totp_secret: str | None
    totp_confirmed_at_ms: int | None
    totp_step: int | None
    created_at_ms: int

    @property
    def has_totp(self) -> bool:
        """Whether signing in takes a code as well."""
        return self.totp_secret is not None and self.totp_confirmed_at_ms is not None


def add_user(tx: Tx, user: UserRow) -> None:
    """Make *user*. Instance-wide."""
    tx.execute(
        insert(users).values(
            id=user.user_id,
            email=user.email,
            name=user.name,
            password_hash=user.password_hash,
            password_changed_at=user.password_changed_at_ms,
            email_verified_at=user.email_verified_at_ms,
            created_at=user.created_at_ms,
        )
    )


def count_users(tx: Tx) -> int:
    """How many users there are. Instance-wide: an empty instance offers to make the first one."""
    return tx.execute(select(func.count()).select_from(users)).scalar_one()


def find_user(tx: Tx, user: UserId) -> UserRow | None:
    """The user of that id. Instance-wide."""
    return _user(tx.execute(select(users).where(users.c.id == user)).one_or_none())


def find_user_by_email(tx: Tx, email: str) -> UserRow | None:
    """The user with that address, in lower case. Instance-wide."""
    return _user(tx.execute(select(users).where(users.c.email == email)).one_or_none())


def hold_user(tx: Tx, user: UserId) -> UserRow | None:
    """*user* as they are now, and let nobody else change how they sign in until the transaction ends; after ``hold_people``. Instance-wide."""
    return _user(tx.execute(select(users).where(users.c.id == user).with_for_update(key_share=True)).one_or_none())


def set_password(tx: Tx, user: UserId, password_hash: str, *, at_ms: int) -> None:
    """Give *user* another password; codes mailed to set one are void. Instance-wide."""
    tx.execute(update(users).where(users.c.id == user).values(password_hash=password_hash, password_changed_at=at_ms))
    tx.execute(delete(mailed_codes).where(mailed_codes.c.user_id == user, mailed_codes.c.purpose == "reset"))


def rehash_password(tx: Tx, user: UserId, old: str, new: str) -> bool:
    """Store the same password made with today's work, unless there is another one by now. Instance-wide."""
    return tx.execute(update(users).where(users.c.id == user, users.c.password_hash == old).values(password_hash=new)).rowcount == 1


def verify_email(tx: Tx, user: UserId, *, at_ms: int) -> None:
    """Note that *user* reads mail at that address. Instance-wide."""
    tx.execute(update(users).where(users.c.id == user, users.c.email_verified_at.is_(None)).values(email_verified_at=at_ms))


def offer_totp(tx: Tx, user: UserId, sealed: str) -> bool:
    """Keep a secret that *user* has yet to confirm; ``False`` when one is in force. Instance-wide."""
    changed = tx.execute(update(users).where(users.c.id == user, users.c.totp_confirmed_at.is_(None)).values(totp_secret=sealed, totp_step=None))
    return changed.rowcount == 1


def confirm_totp(tx: Tx, user: UserId, *, step: int, digests: list[str], at_ms: int) -> bool:
    """Put the offered secret in force, with its recovery codes; ``False`` when one is in force already. Instance-wide."""
    offered = (users.c.id == user, users.c.totp_confirmed_at.is_(None), users.c.totp_secret.is_not(None))
    if tx.execute(update(users).where(*offered).values(totp_confirmed_at=at_ms, totp_step=step)).rowcount != 1:
        return False
    replace_recovery_codes(tx, user, digests, at_ms=at_ms)
    return True


def use_totp_step(tx: Tx, user: UserId, step: int) -> bool:
    """Use the code of *step* up; ``False`` when it, or a later one, was used before. Instance-wide."""
    is_new = users.c.totp_step.is_(None) | (users.c.totp_step < step)
    return tx.execute(update(users).where(users.c.id == user, is_new).values(totp_step=step)).rowcount == 1


def drop_totp(tx: Tx, user: UserId) -> None:
    """Let *user* sign in without codes. Instance-wide."""
    tx.execute(update(users).where(users.c.id == user).values(totp_secret=None, totp_confirmed_at=None, totp_step=None))
    tx.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user))


def replace_recovery_codes(tx: Tx, user: UserId, digests: list[str], *, at_ms: int) -> None:
    """Give *user* other recovery codes. Instance-wide."""
    tx.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user))
    if digests:
        tx.execute(insert(recovery_codes), [{"digest": digest, "user_id": user, "created_at": at_ms} for digest in digests])


def use_recovery_code(tx: Tx, user: UserId, digest: str) -> bool:
    """Use a recovery code up; ``False`` when *user* has none like it. Instance-wide."""
    return tx.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user, recovery_codes.c.digest == digest)).rowcount == 1


def count_recovery_codes(tx: Tx, user: UserId) -> int:
    """How many codes *user* has left. Instance-wide."""
    return tx.execute(select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == user)).scalar_one()


def sealed_totp_secrets(tx: Tx) -> list[tuple[UserId, str]]:
    """Every sealed secret. Instance-wide: for changing the keys that seal."""
    return [(UserId(row.id), row.totp_secret) for row in tx.execute(select(users.c.id, users.c.totp_secret).where(users.c.totp_secret.is_not(None)))]


def reseal_totp(tx: Tx, user: UserId, old: str, new: str) -> bool:
    """Put *new* in the place of *old*, unless that changed meanwhile. Instance-wide."""
    return tx.execute(update(users).where(users.c.id == user, users.c.totp_secret == old).values(totp_secret=new)).rowcount == 1


def _user(row: Row[Any] | None) -> UserRow | None:
    """A row of the table as ``UserRow``."""
    if row is None:
        return None
    return UserRow(
        UserId(row.id),
        row.email,
        row.name,
        row.password_hash,
        row.password_changed_at,
        row.email_verified_at,
        row.totp_secret,
        row.totp_confirmed_at,
        row.totp_step,
        row.created_at,
    )
