"""Logins: where a user is signed in, and failures to sign in. Rows in, frozen rows out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from chatkeep.ids import LoginId, OrgId, UserId
from chatkeep.store.engine import Tx
from chatkeep.store.members import Role, find_member, hold_people
from chatkeep.store.tables import login_failures, logins, members, users


@dataclass(frozen=True, slots=True)
class LoginRow:
    """A login as stored. *generation*: the number of its newest refresh token. Times in ms."""

    login_id: LoginId
    org_id: OrgId
    user_id: UserId
    generation: int
    refreshed_with: str | None
    address: str
    user_agent: str
    created_at_ms: int
    active_at_ms: int
    expires_at_ms: int
    ended_at_ms: int | None

    def is_live(self, at_ms: int) -> bool:
        """Whether it may still be used."""
        return self.ended_at_ms is None and at_ms < self.expires_at_ms


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A login with who it is of, as they are now."""

    login: LoginRow
    email: str
    name: str
    role: Role


def add_login(tx: Tx, org: OrgId, login: LoginRow) -> None:
    """Sign a user in to *org*."""
    tx.execute(
        insert(logins).values(
            id=login.login_id,
            org_id=org,
            user_id=login.user_id,
            generation=login.generation,
            refreshed_with=None,
            address=login.address,
            user_agent=login.user_agent,
            created_at=login.created_at_ms,
            active_at=login.active_at_ms,
            expires_at=login.expires_at_ms,
            ended_at=None,
        )
    )


def sign_in_member(tx: Tx, org: OrgId, login: LoginRow) -> Role | None:
    """Sign a member in to *org*; what they are. ``None``, and no login, when they are none: whoever is let go meanwhile leaves none behind."""
    hold_people(tx, org)
    member = find_member(tx, org, login.user_id)
    if member is None:
        return None
    add_login(tx, org, login)
    return member.role


def find_signed_in(tx: Tx, login: LoginId) -> SignedIn | None:
    """The login of that id with its user's role, while they are a member. Instance-wide: the query that learns the tenant of a token."""
    joined = logins.join(users, users.c.id == logins.c.user_id).join(members, (members.c.user_id == logins.c.user_id) & (members.c.org_id == logins.c.org_id))
    row = tx.execute(select(logins, users.c.email, users.c.name, members.c.role).select_from(joined).where(logins.c.id == login)).one_or_none()
    return SignedIn(_login(row), row.email, row.name, row.role) if row is not None else None


def list_logins(tx: Tx, user: UserId, *, at_ms: int) -> list[LoginRow]:
    """Where *user* is signed in, newest first. Instance-wide: of all their organizations."""
    live = (logins.c.user_id == user, logins.c.ended_at.is_(None), logins.c.expires_at > at_ms)
    return [_login(row) for row in tx.execute(select(logins).where(*live).order_by(logins.c.created_at.desc(), logins.c.id))]


def rotate_login(tx: Tx, login: LoginRow, *, refreshed_with: str | None, address: str, at_ms: int, expires_at_ms: int) -> bool:
    """Move *login* on by one refresh token; ``False`` when somebody was faster, or it ended. Instance-wide: a refresh token names no tenant."""
    one = (logins.c.id == login.login_id, logins.c.generation == login.generation, logins.c.ended_at.is_(None))
    values = {"refreshed_with": refreshed_with, "address": address, "active_at": at_ms, "expires_at": expires_at_ms}
    return tx.execute(update(logins).where(*one).values(generation=login.generation + 1, **values)).rowcount == 1


def end_login(tx: Tx, user: UserId, login: str, *, at_ms: int) -> bool:
    """End a login of *user*; ``False`` when there is none. Instance-wide."""
    one = (logins.c.user_id == user, logins.c.id == login, logins.c.ended_at.is_(None))
    return tx.execute(update(logins).where(*one).values(ended_at=at_ms)).rowcount == 1


def end_logins_to(tx: Tx, org: OrgId, user: UserId, *, at_ms: int) -> int:
    """End every login of *user* to *org*; how many."""
    live = (logins.c.org_id == org, logins.c.user_id == user, logins.c.ended_at.is_(None))
    return int(tx.execute(update(logins).where(*live).values(ended_at=at_ms)).rowcount)


def end_logins(tx: Tx, user: UserId, *, at_ms: int, but: LoginId | None = None) -> int:
    """End every login of *user* except *but*; how many. Instance-wide."""
    live = (logins.c.user_id == user, logins.c.ended_at.is_(None), *((logins.c.id != but,) if but is not None else ()))
    return int(tx.execute(update(logins).where(*live).values(ended_at=at_ms)).rowcount)


def has_signed_in_from(tx: Tx, user: UserId, addresses: Sequence[str], *, since_ms: int, changed_at_ms: int) -> bool:
    """Whether *user* has signed in from one of *addresses* since then, by a login that no change of the password (at *changed_at_ms*) ended. Instance-wide."""
    theirs = logins.c.ended_at.is_(None) | (logins.c.ended_at > changed_at_ms)
    query = select(logins.c.id).where(logins.c.user_id == user, logins.c.address.in_(addresses), logins.c.active_at > since_ms, theirs)
    return tx.execute(query.limit(1)).first() is not None


def hold_subjects(tx: Tx, subjects: Sequence[str]) -> None:
    """Let nobody else count failures of *subjects* until the transaction ends, or processes would all count the same few. Instance-wide."""
    # An account that nobody has is no row to lock. SQLite has one writer, and needs no lock.
    if tx.dialect.name == "postgresql":
        # In one order everywhere; a subject is a hash, and a key has 64 bits with a sign.
        for subject in sorted(subjects):
            tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(subject, 0))))


def note_failures(tx: Tx, subjects: Sequence[str], *, account: str, at_ms: int) -> None:
    """Note a failure to sign in at *account* for each of *subjects*. Instance-wide: nobody is known yet."""
    tx.execute(insert(login_failures), [{"subject": subject, "account": account, "created_at": at_ms} for subject in subjects])


def failures_of(tx: Tx, subject: str, *, since_ms: int) -> tuple[int, int]:
    """How many failures *subject* has had since then, and when the last was (0: never). Instance-wide."""
    query = select(func.count(), func.max(login_failures.c.created_at)).where(login_failures.c.subject == subject, login_failures.c.created_at > since_ms)
    count, last = tx.execute(query).one()
    return count, last or 0


def forget_last_failure(tx: Tx, subject: str) -> None:
    """Take the newest failure of *subject* back. Instance-wide."""
    newest = select(func.max(login_failures.c.seq)).where(login_failures.c.subject == subject).scalar_subquery()
    tx.execute(delete(login_failures).where(login_failures.c.subject == subject, login_failures.c.seq == newest))


def forget_failures(tx: Tx, *, subject: str | None = None, before_ms: int | None = None) -> int:
    """Remove the failures of *subject*, or all that are older than *before_ms*; how many. Instance-wide."""
    which = login_failures.c.subject == subject if before_ms is None else login_failures.c.created_at <= before_ms
    return int(tx.execute(delete(login_failures).where(which)).rowcount)


def forget_failures_at(tx: Tx, account: str) -> None:
    """Remove every failure at *account*, also what it counted for the addresses that it came from. Instance-wide."""
    tx.execute(delete(login_failures).where(login_failures.c.account == account))


def forget_old_logins(tx: Tx, *, before_ms: int) -> int:
    """Remove logins that were over before then; how many. Instance-wide: for the sweep."""
    return int(tx.execute(delete(logins).where((logins.c.expires_at <= before_ms) | (logins.c.ended_at <= before_ms))).rowcount)


def _login(row: Row[Any]) -> LoginRow:
    """A row of the table as ``LoginRow``."""
    return LoginRow(
        LoginId(row.id),
        OrgId(row.org_id),
        UserId(row.user_id),
        row.generation,
        row.refreshed_with,
        row.address,
        row.user_agent,
        row.created_at,
        row.active_at,
        row.expires_at,
        row.ended_at,
    )
