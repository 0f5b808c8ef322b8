"""Where is somebody signed in, and with which tokens?

An access token lasts 15 minutes. The refresh token that comes with it works once and
brings the next two; one that was replaced ends the login, because two people have it.
Spec: admin-api.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from chatkeep.admit import sign_in
from chatkeep.admit._types import Desk
from chatkeep.admit.network import printable_agent
from chatkeep.admit.sign_in import Attempt
from chatkeep.clock import Clock
from chatkeep.crypto import keyed_hash, new_id
from chatkeep.crypto.office_tokens import ACCESS_SECONDS, REFRESH_SECONDS, AccessClaims, RefreshClaims, find_claims, sign
from chatkeep.errors import NotThere, Problem, Reason, Refused
from chatkeep.ids import LoginId, OrgId, UserId
from chatkeep.manage import people
from chatkeep.manage.people import now_ms
from chatkeep.store import Store, Tx, logins
from chatkeep.store.logins import LoginRow, SignedIn
from chatkeep.store.members import Role, find_home, organizations_of
from chatkeep.store.organizations import Organization
from chatkeep.store.users import UserRow
from chatkeep.vault import Vault

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Tokens:
    """What somebody who signed in gets. *expires_in*, *refresh_expires_in*: seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_in: int
    person: SignedIn


def begin_login(store: Store, vault: Vault, desk: Desk, attempt: Attempt, *, organization: str | None, user_agent: str) -> Tokens:
    """Sign somebody in to *organization* (id or name), or to the first that they belong to. Raises ``Refused``."""
    with _told(store, attempt.email, organization):
        user = sign_in.load(attempt, store, vault, desk)
    org = _choose(store.read_now(organizations_of, user.user_id), organization)
    at_ms = now_ms(desk.clock)
    ends_at_ms = at_ms + REFRESH_SECONDS * 1000
    row = LoginRow(LoginId(new_id("login")), org, user.user_id, 1, None, attempt.address, printable_agent(user_agent), at_ms, at_ms, ends_at_ms, None)
    with _told(store, attempt.email, organization):
        role = store.transaction_now(_sign_in, org, row, user)
    return _tokens(SignedIn(row, user.email, user.name, role), desk)


def refresh_login(store: Store, desk: Desk, token: str, *, idempotency_key: str | None, address: str) -> Tokens | LoginRow:
    """The next tokens; or the login that ended because *token* had been used before. Raises ``Refused``."""
    claims = find_claims(token, RefreshClaims, desk.office_key)
    at_ms = now_ms(desk.clock)
    found = store.read_now(logins.find_signed_in, claims.lid) if claims is not None else None
    if claims is None or found is None or claims.exp * 1000 <= at_ms or not found.login.is_live(at_ms):
        raise Refused(Reason.INVALID_ADMIN_TOKEN)
    known_as = keyed_hash(desk.hash_key, f"refresh:{claims.lid}:{claims.gen}:{idempotency_key}") if idempotency_key is not None else None
    login = found.login
    if claims.gen == login.generation:
        ends_at_ms = at_ms + REFRESH_SECONDS * 1000
        if not store.transaction_now(logins.rotate_login, login, refreshed_with=known_as, address=address, at_ms=at_ms, expires_at_ms=ends_at_ms):
            raise Refused(Reason.IDEMPOTENCY_IN_PROGRESS, retry_after=1)
        found = store.read_now(logins.find_signed_in, claims.lid)
        if found is None:
            raise Refused(Reason.INVALID_ADMIN_TOKEN)
        return _tokens(found, desk)
    if claims.gen == login.generation - 1 and known_as is not None and known_as == login.refreshed_with:
        # The answer to this very request was lost: the same tokens, signed anew.
        return _tokens(found, desk)
    store.transaction_now(logins.end_login, login.user_id, login.login_id, at_ms=at_ms)
    return login


def reset_password(store: Store, desk: Desk, *, code: str, password: str) -> UserRow:
    """Set a new password with a mailed code; what strangers did to the account no longer locks its owner out. Raises ``WrongUsage``."""
    user = people.reset_password(store, desk.clock, code=code, password=password)
    unlock(store, desk.clock, user.email, [desk.hash_key])
    return user


def unlock(store: Store, clock: Clock, email: str, hash_keys: Sequence[bytes]) -> int:
    """Let whoever has that address, in lower case, try to sign in at once; how many failures they had in the last 15 minutes.

    *hash_keys*: of every SECRET_KEY that a gateway may have.
    """
    return sum(store.transaction_now(sign_in.forgive, email, key, at_ms=now_ms(clock)) for key in hash_keys)


def end_login(store: Store, clock: Clock, user: UserId, login_id: str) -> None:
    """Sign *user* out there. Raises ``NotThere``."""
    if not store.transaction_now(logins.end_login, user, login_id, at_ms=now_ms(clock)):
        raise NotThere("there is no such login")


def end_all_logins(store: Store, clock: Clock, user: UserId) -> int:
    """Sign *user* out everywhere, of all their organizations; of how many logins."""
    return store.transaction_now(_end_all, user, at_ms=now_ms(clock))


def all_logins(store: Store, clock: Clock, user: UserId) -> list[LoginRow]:
    """Where *user* is signed in, newest first."""
    return store.read_now(logins.list_logins, user, at_ms=now_ms(clock))


def _end_all(tx: Tx, user: UserId, *, at_ms: int) -> int:
    """End every login of *user*; how many were live."""
    live = len(logins.list_logins(tx, user, at_ms=at_ms))
    logins.end_logins(tx, user, at_ms=at_ms)
    return live


@contextmanager
def _told(store: Store, email: str, organization: str | None) -> Iterator[None]:
    """Let a refusal say whose people are to see it. Nobody's account costs the same work."""
    try:
        yield
    except Refused as refusal:
        home = store.read_now(find_home, email, organization)
        refusal.note = {**refusal.note, **({"org_id": home} if home is not None else {})}
        raise


def _sign_in(tx: Tx, org: OrgId, row: LoginRow, judged: UserRow) -> Role:
    """Store the login of whoever was *judged*, unless they were let go or have another password meanwhile: that would have ended it. Raises ``Refused``."""
    role = logins.sign_in_member(tx, org, row)
    if role is None:
        raise Refused(Reason.FORBIDDEN)
    sign_in.hold_judged(tx, judged)
    return role


def _choose(found: list[Organization], wanted: str | None) -> OrgId:
    """The organization *wanted*, or the first. Raises ``Refused``; one that somebody else has looks like none."""
    for org in found:
        if wanted is None or wanted in (org.org_id, org.name):
            return org.org_id
    # Password and code were right: what is named is their own.
    theirs = ", ".join(f"{org.name} ({org.org_id})" for org in found[:_MOST_NAMED])
    raise Refused(Reason.FORBIDDEN, details=(Problem("organization", f"is none of yours: you belong to {theirs or 'none'}"),))


def _tokens(person: SignedIn, desk: Desk) -> Tokens:
    """Tokens of the login's newest number."""
    login, now = person.login, int(desk.clock.now().timestamp())
    access = sign(AccessClaims(login.user_id, login.org_id, login.login_id, now, now + ACCESS_SECONDS), desk.office_key)
    ends_at = login.expires_at_ms // 1000
    refresh = sign(RefreshClaims(login.login_id, login.generation, ends_at), desk.office_key)
    return Tokens(access, refresh, ACCESS_SECONDS, ends_at - now, person)
