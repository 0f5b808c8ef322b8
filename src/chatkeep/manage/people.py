"""What can people do with their own account, and who makes the first one?

Users belong to the instance; what they may do is said by their memberships. Secrets are
shown once: a new authenticator secret, recovery codes. Spec: admin-api, "Sign-in".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatkeep.admit import sign_in
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.crypto.one_time import code_digest, find_totp_step, new_code, new_recovery_codes, new_totp_secret, recovery_digest, totp_address
from chatkeep.crypto.passwords import check_password, hash_password
from chatkeep.errors import InTheWay, NotThere, Reason, Refused, WrongUsage
from chatkeep.ids import LoginId, OrgId, UserId
from chatkeep.manage.organizations import checked_organization, put_first, put_name
from chatkeep.store import Store, Tx, logins, mailed_codes, users
from chatkeep.store.mailed_codes import CodePurpose, CodeRow
from chatkeep.store.members import Role, add_member, hold_people
from chatkeep.store.users import UserRow
from chatkeep.vault import Vault, place_of_totp

_HOUR_MS = 3_600_000
CODE_LIFE_MS = {"reset": _HOUR_MS, "verify": 48 * _HOUR_MS, "setup": 24 * _HOUR_MS}
_LONGEST_NAME = 200
# How a code begins whose use also removes the authenticator app. No other code can: the dot is not in their alphabet.
_LOST_APP = "totp."
_LONGEST_EMAIL = 254
# A dot-atom (RFC 5322, section 3.2.3) at a host; whether somebody reads there is found out by writing to it.
_EMAIL = re.compile(r"(?=[^@]{1,64}@)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """A secret for an authenticator app, shown this once; in force when it is confirmed with a code."""

    secret: str
    address: str


@dataclass(frozen=True, slots=True)
class FirstUser:
    """Who the first user is to be. *organization*: what theirs is called from now on."""

    email: str
    password: str
    name: str = ""
    organization: str | None = None


def make_user(store: Store, clock: Clock, *, email: str, password: str, name: str, org: OrgId, role: Role, is_verified: bool) -> UserRow:
    """A user who is a member of *org*. Raises ``WrongUsage``."""
    user = new_user(clock, email=email, password=password, name=name, is_verified=is_verified)
    store.transaction_now(_add, user, org, role)
    return user


def new_user(clock: Clock, *, email: str, password: str, name: str, is_verified: bool) -> UserRow:
    """A user who is not stored yet. Raises ``WrongUsage``."""
    address = parse_email(email)
    name = checked_person(name)
    check_password(password, words_about(address, name))
    at_ms = now_ms(clock)
    return UserRow(UserId(new_id("usr")), address, name, hash_password(password), at_ms, at_ms if is_verified else None, None, None, None, at_ms)


def offer_setup(store: Store, clock: Clock) -> str | None:
    """A code that makes the first user, or ``None`` where there are users. An earlier one is void."""
    if store.read_now(users.count_users):
        return None
    return put_code(store, clock, "setup", None)


def set_up(store: Store, clock: Clock, *, code: str, first: FirstUser) -> UserRow:
    """The first user, an owner of the first organization, by the code that ``serve`` printed. Raises ``WrongUsage``."""
    # Looked at first: a wrong code must not cost a password's hash.
    store.read_now(_check_setup, code_digest(code), at_ms=now_ms(clock))
    called = checked_organization(first.organization) if first.organization is not None else None
    user = new_user(clock, email=first.email, password=first.password, name=first.name, is_verified=False)
    store.transaction_now(_set_up, code_digest(code), user, called)
    return user


def change_password(store: Store, clock: Clock, user: UserRow, password: str, *, login: LoginId) -> None:
    """Another password, asked for by *login*; every other one ends. Raises ``WrongUsage``; ``Refused`` when *user* is not as judged any more."""
    check_password(password, words_about(user.email, user.name))
    store.transaction_now(_change_password, user, hash_password(password), login, at_ms=now_ms(clock))


def ask_for_reset(store: Store, clock: Clock, email: str) -> tuple[str, UserRow | None]:
    """A code that sets a new password, and for whom; for nobody, one that nothing can be done with. The same work either way."""
    code = new_code()
    return code, store.transaction_now(_put_reset, email, code_digest(code), at_ms=now_ms(clock))


def reset_password(store: Store, clock: Clock, *, code: str, password: str) -> UserRow:
    """Set a new password with a code: it proves the address too, every login ends, and the app goes if the code says so. Raises ``WrongUsage``."""
    at_ms, digest = now_ms(clock), code_digest(code)
    user = store.read_now(_user_of_code, digest, "reset", at_ms=at_ms)
    check_password(password, words_about(user.email, user.name))
    store.transaction_now(_reset, digest, user.user_id, hash_password(password), drops_totp=code.startswith(_LOST_APP), at_ms=at_ms)
    return user


def verify_email(store: Store, clock: Clock, code: str) -> UserRow:
    """Prove an address with a mailed code. Raises ``WrongUsage``."""
    return store.transaction_now(_verify, code_digest(code), at_ms=now_ms(clock))


def offer_totp(store: Store, clock: Clock, vault: Vault, user: UserRow, *, login: LoginId) -> TotpOffer:
    """A secret for an authenticator app, asked for by *login*. Raises ``InTheWay`` when one is in force; ``Refused`` as ``change_password``."""
    secret = new_totp_secret()
    store.transaction_now(_offer_totp, user, secret, vault, login, at_ms=now_ms(clock))
    return TotpOffer(secret, totp_address(secret, user.email))


def confirm_totp(store: Store, clock: Clock, vault: Vault, user: UserRow, code: str, *, login: LoginId) -> Sequence[str]:
    """Put the offered secret in force with a code of it, the logins but *login* end; recovery codes, shown this once. Raises ``WrongUsage``, ``Refused``."""
    codes = new_recovery_codes()
    store.transaction_now(_confirm_totp, clock, vault, user.user_id, code, login, [recovery_digest(one) for one in codes])
    return codes


def drop_totp(store: Store, clock: Clock, user: UserRow, *, login: LoginId) -> None:
    """Sign in without codes from now on, asked for by *login*. Raises ``Refused`` as ``change_password``."""
    store.transaction_now(_drop_totp, user, login, at_ms=now_ms(clock))


def renew_recovery_codes(store: Store, clock: Clock, user: UserRow, *, login: LoginId) -> Sequence[str]:
    """Other recovery codes, shown this once; the old ones are void. Raises ``WrongUsage``; ``Refused`` as ``change_password``."""
    if not user.has_totp:
        raise WrongUsage("recovery codes belong to an authenticator app: set one up first")
    codes = new_recovery_codes()
    store.transaction_now(_renew_codes, user, [recovery_digest(one) for one in codes], login, at_ms=now_ms(clock))
    return codes


def get_user(store: Store, user: UserId) -> UserRow:
    """The user of that id. Raises ``NotThere``."""
    found = store.read_now(users.find_user, user)
    if found is None:
        raise NotThere("there is no such user")
    return found


def offer_reset(store: Store, clock: Clock, user: UserId, *, drops_totp: bool) -> str:
    """A code that sets a new password. *drops_totp*: its use, and nothing before it, removes the authenticator app too."""
    return put_code(store, clock, "reset", user, begins=_LOST_APP if drops_totp else "")


def put_code(store: Store, clock: Clock, purpose: CodePurpose, user: UserId | None, *, begins: str = "") -> str:
    """A code that works once, and the only sight of it."""
    code, at_ms = begins + new_code(), now_ms(clock)
    store.transaction_now(mailed_codes.put_code, CodeRow(code_digest(code), purpose, user, at_ms, at_ms + CODE_LIFE_MS[purpose]))
    return code


def parse_email(text: str) -> str:
    """*text* as an address, in lower case. Raises ``WrongUsage``."""
    email = text.strip().lower()
    # An encoded word (RFC 2047) is read as another address by whoever decodes it.
    if len(email) > _LONGEST_EMAIL or not _EMAIL.match(email) or "=?" in email:
        raise WrongUsage("this is not an email address like alice@shop.example", field="email")
    return email


def checked_person(name: str) -> str:
    """A person's name. Raises ``WrongUsage``."""
    name = " ".join(name.split())
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise WrongUsage(f"a name has at most {_LONGEST_NAME} printable characters", field="name")
    return name


def words_about(email: str, name: str) -> tuple[str, ...]:
    """What the password of that person must not be made of."""
    return email, *email.replace("@", " ").replace(".", " ").split(), *name.split(), "chatkeep"


def now_ms(clock: Clock) -> int:
    """Wall time in ms."""
    return int(clock.now().timestamp() * 1000)


def _add(tx: Tx, user: UserRow, org: OrgId, role: Role) -> None:
    """Store *user* as a member of *org*."""
    if users.find_user_by_email(tx, user.email) is not None:
        raise InTheWay(f"there is a user with the address {user.email} already", field="email")
    users.add_user(tx, user)
    add_member(tx, org, user.user_id, role, at_ms=user.created_at_ms)


def _check_setup(tx: Tx, digest: str, *, at_ms: int) -> None:
    """Raise ``WrongUsage`` unless the code holds and there is no user yet."""
    if mailed_codes.find_code(tx, digest, "setup", at_ms=at_ms) is None or users.count_users(tx):
        raise _no_code()


def _set_up(tx: Tx, digest: str, user: UserRow, called: str | None) -> None:
    """Use the code up and store the first user, with an organization if need be. Two codes may be there, when two processes offered one at once."""
    org = put_first(tx, at_ms=user.created_at_ms).org_id
    hold_people(tx, org)
    _check_setup(tx, digest, at_ms=user.created_at_ms)
    if not mailed_codes.use_code(tx, digest):
        raise _no_code()
    if called is not None:
        put_name(tx, org, called)
    _add(tx, user, org, "owner")


def _hold(tx: Tx, user: UserRow, login: LoginId, *, at_ms: int) -> None:
    """Hold *user* as they were judged, and *login*, which asks. Raises ``Refused`` when either has changed or ended since: somebody took the account back."""
    sign_in.hold_judged(tx, user)
    _check_live(tx, login, at_ms=at_ms)


def _check_live(tx: Tx, login: LoginId, *, at_ms: int) -> None:
    """Raise ``Refused`` for a login that is over. Once its user is held, nobody ends it by another password."""
    found = logins.find_signed_in(tx, login)
    if found is None or not found.login.is_live(at_ms):
        raise Refused(Reason.INVALID_ADMIN_TOKEN)


def _change_password(tx: Tx, user: UserRow, password_hash: str, login: LoginId, *, at_ms: int) -> None:
    """Store another password in the place of the one that was judged."""
    _hold(tx, user, login, at_ms=at_ms)
    _set_password(tx, user.user_id, password_hash, login, at_ms=at_ms)


def _set_password(tx: Tx, user: UserId, password_hash: str, but: LoginId | None, *, at_ms: int) -> None:
    """Store another password and end the other logins."""
    users.set_password(tx, user, password_hash, at_ms=at_ms)
    logins.end_logins(tx, user, at_ms=at_ms, but=but)


def _put_reset(tx: Tx, email: str, digest: str, *, at_ms: int) -> UserRow | None:
    """Store a code for whoever has that address; for nobody, one that nothing can be done with."""
    user = users.find_user_by_email(tx, email)
    expires_at_ms = at_ms + CODE_LIFE_MS["reset"] if user is not None else at_ms
    mailed_codes.put_code(tx, CodeRow(digest, "reset", user.user_id if user is not None else None, at_ms, expires_at_ms))
    return user


def _user_of_code(tx: Tx, digest: str, purpose: CodePurpose, *, at_ms: int) -> UserRow:
    """Whom a code was mailed to. Raises ``WrongUsage``."""
    code = mailed_codes.find_code(tx, digest, purpose, at_ms=at_ms)
    user = users.find_user(tx, code.user_id) if code is not None and code.user_id is not None else None
    if user is None:
        raise _no_code()
    return user


def _reset(tx: Tx, digest: str, user: UserId, password_hash: str, *, drops_totp: bool, at_ms: int) -> None:
    """Use the code up and store the password."""
    # Before any code: two at once would wait for one another.
    users.hold_user(tx, user)
    if not mailed_codes.use_code(tx, digest):
        raise _no_code()
    if drops_totp:
        users.drop_totp(tx, user)
    _set_password(tx, user, password_hash, None, at_ms=at_ms)
    users.verify_email(tx, user, at_ms=at_ms)


def _verify(tx: Tx, digest: str, *, at_ms: int) -> UserRow:
    """Use the code up and note the proof."""
    user = _user_of_code(tx, digest, "verify", at_ms=at_ms)
    mailed_codes.use_code(tx, digest)
    users.verify_email(tx, user.user_id, at_ms=at_ms)
    return user


def _offer_totp(tx: Tx, user: UserRow, secret: str, vault: Vault, login: LoginId, *, at_ms: int) -> None:
    """Keep the secret, sealed."""
    _hold(tx, user, login, at_ms=at_ms)
    if not users.offer_totp(tx, user.user_id, vault.seal(tx, secret, place=place_of_totp(user.user_id))):
        raise InTheWay("an authenticator app is set up already: remove it first")


def _confirm_totp(tx: Tx, clock: Clock, vault: Vault, user_id: UserId, code: str, login: LoginId, digests: list[str]) -> None:
    """Check the code, put the secret in force, and end logins that never showed one."""
    user = users.hold_user(tx, user_id)
    _check_live(tx, login, at_ms=now_ms(clock))
    if user is None or user.totp_secret is None or user.has_totp:
        raise InTheWay("there is no authenticator app to confirm: ask for a secret first")
    step = find_totp_step(vault.unseal(tx, user.totp_secret, place=place_of_totp(user_id)), code, clock.now())
    if step is None:
        raise WrongUsage("the code is not right: check the clock of the device with the app", field="code")
    users.confirm_totp(tx, user_id, step=step, digests=digests, at_ms=now_ms(clock))
    logins.end_logins(tx, user_id, at_ms=now_ms(clock), but=login)


def _drop_totp(tx: Tx, user: UserRow, login: LoginId, *, at_ms: int) -> None:
    """Forget the app."""
    _hold(tx, user, login, at_ms=at_ms)
    users.drop_totp(tx, user.user_id)


def _renew_codes(tx: Tx, user: UserRow, digests: list[str], login: LoginId, *, at_ms: int) -> None:
    """Keep other recovery codes."""
    _hold(tx, user, login, at_ms=at_ms)
    users.replace_recovery_codes(tx, user.user_id, digests, at_ms=at_ms)


def _no_code() -> WrongUsage:
    """A code that is wrong, used or too old looks the same."""
    return WrongUsage("this link was used already, or is too old: ask for a new one", field="code")
