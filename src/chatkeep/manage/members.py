"""Who belongs to an organization? Members, their roles, and invitations.

The last owner stays. An admin lets analysts and viewers in and out; who is owner or
admin is said by owners alone. Whoever goes takes along what they handed out: logins, API
keys, invitations. *by* is who asks, a person or an API key; what they may do is asked
anew in the transaction, and ``None`` is the command line. Spec: admin-api, roles.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from chatkeep.admit import rights
from chatkeep.admit.permissions import ROLES, check_may_give, check_may_take
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.crypto.one_time import code_digest, new_code
from chatkeep.errors import InTheWay, NotThere, WrongUsage
from chatkeep.ids import InvitationId, OrgId, UserId
from chatkeep.manage.people import new_user, now_ms, parse_email
from chatkeep.store import Store, Tx, api_keys, logins, users
from chatkeep.store import members as rows
from chatkeep.store.members import InvitationRow, MemberRow, Role
from chatkeep.store.paging import Part
from chatkeep.store.users import UserRow

_INVITATION_LIFE_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation, and the only sight of its code."""

    row: InvitationRow
    code: str


def some_members(store: Store, org: OrgId, part: Part) -> tuple[list[MemberRow], int]:
    """Members of *org*, and how many there are."""
    return store.read_now(rows.list_members, org, part)


def get_member(store: Store, org: OrgId, user: str) -> MemberRow:
    """The member of that user id. Raises ``NotThere``."""
    found = store.read_now(rows.find_member, org, UserId(user))
    if found is None:
        raise NotThere("there is no such member")
    return found


def change_role(store: Store, org: OrgId, user: str, role: str, *, by: str | None = None) -> MemberRow:
    """Give a member another role; invitations that they may no longer write are void. Raises ``WrongUsage``, ``Refused``."""
    store.transaction_now(_change_role, org, UserId(user), parse_role(role), by)
    return get_member(store, org, user)


def remove_member(store: Store, clock: Clock, org: OrgId, user: str, *, by: str | None = None) -> None:
    """Let a member go: their logins to *org*, their API keys and their invitations end for good. Raises ``WrongUsage``, ``Refused``."""
    store.transaction_now(_remove, org, UserId(user), by, at_ms=now_ms(clock))


def invite(store: Store, clock: Clock, org: OrgId, *, email: str, role: str, by: str | None = None) -> Invited:
    """Invite somebody, for a week; an earlier invitation of that address is void. Raises ``WrongUsage``, ``Refused``."""
    code, at_ms = new_code(), now_ms(clock)
    invitation_id = InvitationId(new_id("invite"))
    row = InvitationRow(invitation_id, org, parse_email(email), parse_role(role), code_digest(code), by, at_ms, at_ms + _INVITATION_LIFE_MS)
    return Invited(store.transaction_now(_invite, org, row), code)


def some_invitations(store: Store, clock: Clock, org: OrgId, part: Part) -> tuple[list[InvitationRow], int]:
    """Invitations that nobody has answered, and how many there are."""
    return store.read_now(rows.list_invitations, org, part, at_ms=now_ms(clock))


def withdraw(store: Store, org: OrgId, invitation: str, *, by: str | None = None) -> None:
    """Take an invitation back. Raises ``NotThere``, ``Refused``."""
    store.transaction_now(_withdraw, org, invitation, by)


def withdraw_lost(tx: Tx, org: OrgId) -> None:
    """Take back the invitations to *org* whose inviters could not write them any more."""
    for invitation in rows.all_invitations(tx, org):
        if not rights.still_holds(tx, invitation):
            rows.remove_invitation(tx, org, invitation.invitation_id)


def accept_invitation(store: Store, clock: Clock, *, code: str, password: str, name: str) -> UserRow:
    """Become a member by a mailed code, which proves the address too. Raises ``WrongUsage``.

    Who has an account already gets one more membership with it, and shows its password by
    signing in: the password here is not looked at.
    """
    digest, at_ms = code_digest(code), now_ms(clock)
    invitation = store.read_now(_load_invitation, digest, at_ms=at_ms)
    known = store.read_now(users.find_user_by_email, invitation.email)
    # Made in any case: how long it takes says nothing about who has an account.
    newcomer = partial(new_user, clock, email=invitation.email, password=password, name=name, is_verified=True)
    if known is not None:
        with suppress(WrongUsage):
            newcomer()
    user = known or newcomer()
    store.transaction_now(_accept, invitation.org_id, invitation, user, is_new=known is None, at_ms=at_ms)
    return user


def parse_role(text: str) -> Role:
    """*text* as a role. Raises ``WrongUsage``."""
    found = next((role for role in ROLES if role == text), None)
    if found is None:
        raise WrongUsage(f"there is no such role: use one of {', '.join(ROLES)}", field="role")
    return found


def _change_role(tx: Tx, org: OrgId, user: UserId, role: Role, by: str | None) -> None:
    """Store another role, unless nobody would be owner then."""
    rows.hold_people(tx, org)
    check_may_give(role, rights.of_actor(tx, org, by))
    member = rows.find_member(tx, org, user)
    if member is None:
        raise NotThere("there is no such member")
    if member.role == "owner" and role != "owner":
        _keep_an_owner(tx, org)
    rows.set_role(tx, org, user, role)
    withdraw_lost(tx, org)


def _remove(tx: Tx, org: OrgId, user: UserId, by: str | None, *, at_ms: int) -> None:
    """Remove a member, unless nobody would be owner then. Nothing of theirs comes back to life when they do."""
    rows.hold_people(tx, org)
    member = rows.find_member(tx, org, user)
    if member is None:
        raise NotThere("there is no such member")
    check_may_take(member.role, rights.of_actor(tx, org, by))
    if member.role == "owner":
        _keep_an_owner(tx, org)
    rows.remove_member(tx, org, user)
    logins.end_logins_to(tx, org, user, at_ms=at_ms)
    api_keys.revoke_keys_of(tx, org, user, at_ms=at_ms)
    withdraw_lost(tx, org)


def _keep_an_owner(tx: Tx, org: OrgId) -> None:
    """Raise ``InTheWay`` when there is only one owner left."""
    if rows.count_owners(tx, org) <= 1:
        raise InTheWay("this is the last owner: make somebody else owner first", field="role")


def _invite(tx: Tx, org: OrgId, row: InvitationRow) -> InvitationRow:
    """Store the invitation, unless its person belongs to *org* already. That of a program holds no longer than its key."""
    rows.hold_people(tx, org)
    may = rights.of_actor(tx, org, row.invited_by)
    check_may_give(row.role, may)
    earlier = rows.find_invitation_of(tx, org, email=row.email)
    if earlier is not None and earlier.expires_at_ms > row.created_at_ms:
        check_may_take(earlier.role, may)
    user = users.find_user_by_email(tx, row.email)
    if user is not None and rows.find_member(tx, org, user.user_id) is not None:
        raise InTheWay(f"{row.email} is a member already", field="email")
    end = rights.end_of_actor(tx, org, row.invited_by)
    kept = row if end is None else replace(row, expires_at_ms=min(row.expires_at_ms, end))
    rows.put_invitation(tx, org, kept)
    return kept


def _withdraw(tx: Tx, org: OrgId, invitation: str, by: str | None) -> None:
    """Take the invitation back."""
    rows.hold_people(tx, org)
    found = rows.find_invitation_of(tx, org, invitation=invitation)
    if found is None:
        raise NotThere("there is no such invitation")
    check_may_take(found.role, rights.of_actor(tx, org, by))
    rows.remove_invitation(tx, org, invitation)


def _load_invitation(tx: Tx, digest: str, *, at_ms: int) -> InvitationRow:
    """The invitation with that code. Raises ``WrongUsage``."""
    found = rows.find_invitation(tx, digest, at_ms=at_ms)
    if found is None or not rights.still_holds(tx, found):
        raise WrongUsage("this invitation was answered already, taken back, or is too old: ask for another one", field="code")
    return found


def _accept(tx: Tx, org: OrgId, invitation: InvitationRow, user: UserRow, *, is_new: bool, at_ms: int) -> None:
    """Use the invitation up and store the membership."""
    rows.hold_people(tx, org)
    _load_invitation(tx, invitation.digest, at_ms=at_ms)
    rows.remove_invitation(tx, org, invitation.invitation_id)
    if is_new:
        users.add_user(tx, user)
    else:
        users.verify_email(tx, user.user_id, at_ms=at_ms)
    if rows.find_member(tx, org, user.user_id) is None:
        rows.add_member(tx, org, user.user_id, invitation.role, at_ms=at_ms)
