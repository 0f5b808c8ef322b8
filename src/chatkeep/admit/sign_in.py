"""Is this the person, and are they not guessing? Password, second factor, lock-out.

Stops: guessing and spraying of passwords and codes; finding out who has an account. An
attempt counts as a failure before its password is looked at, so that parallel ones do
not slip through; when it was right, it is taken back. Five failures in 15 minutes for an
account, an address, or the two together make the next attempt wait, 30 s at first and at
most 15 minutes. What others did to an account, or from behind the same address, does not
keep its user waiting where they have signed in before; a wrong password gets the words
there that anybody would get. An unknown account costs the same work and gets the same words.
Store down: ``Unavailable``: closed. Spec: limits-and-sessions, "admin login".
Runs in a thread: passwords are slow on purpose.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatkeep.admit._types import Desk
from chatkeep.crypto import keyed_hash
from chatkeep.crypto.one_time import find_totp_step, recovery_digest
from chatkeep.crypto.passwords import hash_password, is_outdated, is_password
from chatkeep.errors import LimitHit, Misconfigured, Problem, Reason, Refused
from chatkeep.ids import UserId
from chatkeep.store import Store, Tx, logins, users
from chatkeep.store.users import UserRow
from chatkeep.vault import Vault, place_of_totp

_FAILURES = 5
# Of an address, for those who have signed in from there: a crowd behind one address is mostly honest.
_NEIGHBOURS_FAILURES = 30
_WINDOW_SECONDS = 900
_FIRST_WAIT_SECONDS = 30
_KNOWN_PLACE_MS = 90 * 86_400_000
_NOBODY = UserId("usr_nobody")

log = logging.getLogger("chatkeep.sign_in")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, and where. *bucket*: what limits count by."""

    email: str
    password: str
    code: str | None
    recovery_code: str | None
    address: str
    bucket: str


@dataclass(frozen=True, slots=True)
class _Subjects:
    """What failures are counted by, as keyed hashes."""

    account: str
    address: str
    pair: str

    @property
    def all(self) -> Sequence[str]:
        """All of them."""
        return self.account, self.address, self.pair


@dataclass(frozen=True, slots=True)
class _Begun:
    """An attempt that counts. *locked*: what a stranger would be told here, and so whoever has signed in from here and is wrong now."""

    user: UserRow | None
    locked: Refused | None


def load(attempt: Attempt, store: Store, vault: Vault, desk: Desk) -> UserRow:
    """The user who signs in. Raises ``Refused``."""
    subjects = _subjects(attempt, desk)
    begun = store.transaction_now(_begin, attempt, subjects, at_ms=_now_ms(desk))
    user = begun.user
    if not is_password(attempt.password, user.password_hash if user is not None else None) or user is None:
        raise begun.locked or Refused(Reason.INVALID_CREDENTIALS)
    _check_second_factor(user, attempt, subjects, store, vault, desk)
    if is_outdated(user.password_hash):
        renewed = hash_password(attempt.password)
        if not store.transaction_now(users.rehash_password, user.user_id, user.password_hash, renewed):
            raise Refused(Reason.INVALID_CREDENTIALS)
        user = replace(user, password_hash=renewed)
    store.transaction_now(_succeed, subjects)
    return user


def hold_judged(tx: Tx, judged: UserRow) -> None:
    """Let nobody change how the user signs in until the transaction ends. Raises ``Refused`` where somebody has since they were *judged*.

    A password is looked at outside of any transaction: what it was good for, it must still be good for.
    """
    user = users.hold_user(tx, judged.user_id)
    if user is None or (user.password_hash, user.totp_confirmed_at_ms) != (judged.password_hash, judged.totp_confirmed_at_ms):
        raise Refused(Reason.INVALID_CREDENTIALS)


def confirm(user: UserRow, attempt: Attempt, store: Store, desk: Desk, *, vault: Vault | None = None) -> None:
    """Ask somebody who is signed in for their password again, and with *vault* for their second factor; guessing counts like signing in. Raises ``Refused``."""
    subjects = _subjects(attempt, desk)
    begun = store.transaction_now(_begin, attempt, subjects, at_ms=_now_ms(desk))
    if not is_password(attempt.password, user.password_hash):
        raise begun.locked or Refused(Reason.PASSWORD_NOT_CONFIRMED, details=(Problem("current_password", "is wrong"),))
    if vault is not None:
        _check_second_factor(user, attempt, subjects, store, vault, desk)
    store.transaction_now(_take_back, subjects)


def forgive(tx: Tx, email: str, hash_key: bytes, *, at_ms: int) -> int:
    """Forget what was tried at an account: its owner gets in at once, wherever they are. How many failures counted until now.

    An address goes on waiting for what was tried from there at other accounts.
    """
    account = _account_subject(email, hash_key)
    count, _ = logins.failures_of(tx, account, since_ms=at_ms - _WINDOW_SECONDS * 1000)
    logins.forget_failures_at(tx, account)
    return count


def _check_second_factor(user: UserRow, attempt: Attempt, subjects: _Subjects, store: Store, vault: Vault, desk: Desk) -> None:
    """Use the code of the app up, or a recovery code, where there is an app. Raises ``Refused``."""
    if not user.has_totp:
        return
    if not attempt.code and not attempt.recovery_code:
        store.transaction_now(_take_back, subjects)
        raise Refused(Reason.SECOND_FACTOR_REQUIRED, note={"cause": "missing"})
    if not store.transaction_now(use_second_factor, user.user_id, attempt.code, attempt.recovery_code, vault, desk):
        field = "recovery_code" if attempt.recovery_code else "totp_code"
        raise Refused(Reason.SECOND_FACTOR_WRONG, details=(Problem(field, "is not right, or was used already"),), note={"cause": "wrong"})


def use_second_factor(tx: Tx, user_id: UserId, code: str | None, recovery_code: str | None, vault: Vault, desk: Desk) -> bool:
    """Use a code up: of the app, or one that was written down. ``False`` when it is not right, or was used before."""
    if recovery_code:
        return users.use_recovery_code(tx, user_id, recovery_digest(recovery_code))
    user = users.find_user(tx, user_id)
    if user is None or user.totp_secret is None or not code:
        return False
    try:
        secret = vault.unseal(tx, user.totp_secret, place=place_of_totp(user_id))
    except Misconfigured as error:
        # No code can be right then; a recovery code still is.
        log.error("totp_secret_unreadable", extra={"fields": {"user_id": user_id, "advice": str(error)}})  # noqa: TRY400 - no trace needed
        return False
    step = find_totp_step(secret, code, desk.clock.now())
    return step is not None and users.use_totp_step(tx, user_id, step)


def _begin(tx: Tx, attempt: Attempt, subjects: _Subjects, *, at_ms: int) -> _Begun:
    """The account, after a look at what it and its address did before; counts as a failure from now on. Raises ``Refused``."""
    logins.hold_subjects(tx, subjects.all)
    user = users.find_user_by_email(tx, attempt.email)
    user_id, changed_at_ms = (user.user_id, user.password_changed_at_ms) if user is not None else (_NOBODY, 0)
    is_known_place = logins.has_signed_in_from(tx, user_id, (attempt.address,), since_ms=at_ms - _KNOWN_PLACE_MS, changed_at_ms=changed_at_ms)
    account, address, pair = (logins.failures_of(tx, subject, since_ms=at_ms - _WINDOW_SECONDS * 1000) for subject in subjects.all)
    seconds = max(_wait(failures, at_ms) for failures in (account, address, pair))
    locked = Refused(Reason.LOGIN_LOCKED, limit=LimitHit("login", seconds, _FAILURES, _WINDOW_SECONDS)) if seconds > 0 else None
    # Where somebody has signed in before, neither strangers nor a few neighbours keep them waiting; many neighbours are one who sprays.
    is_let_by = is_known_place and _wait(pair, at_ms) == 0 and _wait(address, at_ms, allowed=_NEIGHBOURS_FAILURES) == 0
    if locked is not None and not is_let_by:
        raise locked
    logins.note_failures(tx, subjects.all, account=subjects.account, at_ms=at_ms)
    return _Begun(user, locked)


def _wait(failures: tuple[int, int], at_ms: int, *, allowed: int = _FAILURES) -> int:
    """Whole seconds until the next attempt after *failures*: how many, and when the last one was."""
    count, last_ms = failures
    if count < allowed:
        return 0
    # Within the window there can be no more than a dozen.
    delay_ms = 1000 * min(_FIRST_WAIT_SECONDS * 2 ** min(count - allowed, 16), _WINDOW_SECONDS)
    wait_ms: int = last_ms + delay_ms - at_ms
    return max(0, -(-wait_ms // 1000))


def _take_back(tx: Tx, subjects: _Subjects) -> None:
    """It was no failure after all."""
    for subject in subjects.all:
        logins.forget_last_failure(tx, subject)


def _succeed(tx: Tx, subjects: _Subjects) -> None:
    """The person is there: what was done in their name is forgotten. Of the address only this attempt is, or spraying would have a way round."""
    logins.forget_last_failure(tx, subjects.address)
    logins.forget_failures(tx, subject=subjects.account)
    logins.forget_failures(tx, subject=subjects.pair)


def _subjects(attempt: Attempt, desk: Desk) -> _Subjects:
    """What failures of *attempt* are counted by."""
    address, key = attempt.bucket, desk.hash_key
    pair = f"login-pair:{_told_apart(attempt.email)}:{address}"
    return _Subjects(_account_subject(attempt.email, key), keyed_hash(key, f"login-address:{address}"), keyed_hash(key, pair))


def _account_subject(email: str, hash_key: bytes) -> str:
    """What failures at the account of *email* are counted by."""
    return keyed_hash(hash_key, f"login-account:{_told_apart(email)}")


def _told_apart(email: str) -> str:
    """*email* so that what is written behind it cannot be taken for a part of it."""
    return f"{len(email)}:{email}"


def _now_ms(desk: Desk) -> int:
    """Wall time in ms."""
    return int(desk.clock.now().timestamp() * 1000)
