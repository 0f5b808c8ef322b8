"""Who belongs to an organization? Members, their roles, and invitations.

The last owner stays. An admin lets analysts and viewers in and out; who is owner or
admin is said by owners alone. Spec: admin-api, roles.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from chatkeep.admit.permissions import ROLES, Permission
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.crypto.one_time import code_digest, new_code
from chatkeep.errors import InTheWay, NotThere, Reason, Refused, WrongUsage
from chatkeep.ids import InvitationId, OrgId, UserId
from chatkeep.manage.people import new_user, now_ms, parse_email
from chatkeep.store import Store, Tx, logins, users
from chatkeep.store import members as rows
from chatkeep.store.members import InvitationRow, MemberRow, Role
from chatkeep.store.paging import Part
from chatkeep.store.users import UserRow

_INVITATION_LIFE_MS = 7 * 86_400_000
# Whom an admin may let in and out.
_LOWER: tuple[Role, ...] = ("analyst", "viewer")


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


def change_role(store: Store, org: OrgId, user: str, role: str) -> MemberRow:
    """Give a member another role. Raises ``WrongUsage``."""
    store.transaction_now(_change_role, org, UserId(user), parse_role(role))
    return get_member(store, org, user)


def remove_member(store: Store, clock: Clock, org: OrgId, user: str, *, may: AbstractSet[Permission] = frozenset(Permission)) -> None:
    """Let a member go: their logins to *org* stop working at once. Raises ``WrongUsage``, ``Refused``."""
    store.transaction_now(_remove, org, UserId(user), may, at_ms=now_ms(clock))


def invite(
    store: Store, clock: Clock, org: OrgId, *, email: str, role: str, invited_by: str | None = None, may: AbstractSet[Permission] = frozenset(Permission)
) -> Invited:
    """Invite somebody, for a week; an earlier invitation of that address is void. Raises ``WrongUsage``, ``Refused``."""
    wanted = parse_role(role)
    _check_may_name(wanted, may)
    code, at_ms = new_code(), now_ms(clock)
    inviter = UserId(invited_by) if invited_by is not None else None
    invitation_id = InvitationId(new_id("invite"))
    row = InvitationRow(invitation_id, org, parse_email(email), wanted, code_digest(code), inviter, at_ms, at_ms + _INVITATION_LIFE_MS)
    store.transaction_now(_invite, org, row)
    return Invited(row, code)


def some_invitations(store: Store, clock: Clock, org: OrgId, part: Part) -> tuple[list[InvitationRow], int]:
    """Invitations that nobody has answered, and how many there are."""
    return store.read_now(rows.list_invitations, org, part, at_ms=now_ms(clock))


def withdraw(store: Store, org: OrgId, invitation: str) -> None:
    """Take an invitation back. Raises ``NotThere``."""
    if store.transaction_now(rows.remove_invitation, org, invitation) is None:
        raise NotThere("there is no such invitation")


def accept_invitation(store: Store, clock: Clock, *, code: str, password: str, name: str) -> UserRow:
    """Become a member by a mailed code, which proves the address too. Raises ``WrongUsage``.

    Who has an account already gets one more membership with it, and shows its password by
    signing in: the password here is not looked at.
    """
    digest, at_ms = code_digest(code), now_ms(clock)
    invitation = store.read_now(rows.find_invitation, digest, at_ms=at_ms)
    if invitation is None:
        raise WrongUsage("this invitation was answered already, taken back, or is too old: ask for another one", field="code")
    known = store.read_now(users.find_user_by_email, invitation.email)
    user = known or new_user(clock, email=invitation.email, password=password, name=name, is_verified=True)
    store.transaction_now(_accept, invitation.org_id, invitation, user, is_new=known is None, at_ms=at_ms)
    return user


def parse_role(text: str) -> Role:
    """*text* as a role. Raises ``WrongUsage``."""
    found = next((role for role in ROLES if role == text), None)
    if found is None:
        raise WrongUsage(f"there is no such role: use one of {', '.join(ROLES)}", field="role")
    return found


def _check_may_name(role: Role, may: AbstractSet[Permission]) -> None:
    """Raise ``Refused`` unless somebody with the permissions *may* may say who has *role*."""
    if role not in _LOWER and Permission.MEMBERS_ROLES not in may:
        raise Refused(Reason.FORBIDDEN, shown={"needs": Permission.MEMBERS_ROLES.value})


def _change_role(tx: Tx, org: OrgId, user: UserId, role: Role) -> None:
    """Store another role, unless nobody would be owner then."""
    member = rows.find_member(tx, org, user)
    if member is None:
        raise NotThere("there is no such member")
    if member.role == "owner" and role != "owner":
        _keep_an_owner(tx, org)
    rows.set_role(tx, org, user, role)


def _remove(tx: Tx, org: OrgId, user: UserId, may: AbstractSet[Permission], *, at_ms: int) -> None:
    """Remove a member, unless nobody would be owner then."""
    member = rows.find_member(tx, org, user)
    if member is None:
        raise NotThere("there is no such member")
    _check_may_name(member.role, may)
    if member.role == "owner":
        _keep_an_owner(tx, org)
    rows.remove_member(tx, org, user)
    if not rows.organizations_of(tx, user):
        logins.end_logins(tx, user, at_ms=at_ms)


def _keep_an_owner(tx: Tx, org: OrgId) -> None:
    """Raise ``InTheWay`` when there is only one owner left."""
    if rows.count_owners(tx, org) <= 1:
        raise InTheWay("this is the last owner: make somebody else owner first", field="role")


def _invite(tx: Tx, org: OrgId, row: InvitationRow) -> None:
    """Store the invitation, unless its person belongs to *org* already."""
    user = users.find_user_by_email(tx, row.email)
    if user is not None and rows.find_member(tx, org, user.user_id) is not None:
        raise InTheWay(f"{row.email} is a member already", field="email")
    rows.put_invitation(tx, org, row)


def _accept(tx: Tx, org: OrgId, invitation: InvitationRow, user: UserRow, *, is_new: bool, at_ms: int) -> None:
    """Use the invitation up and store the membership."""
    if rows.remove_invitation(tx, org, invitation.invitation_id) is None:
        raise WrongUsage("this invitation was answered already: sign in", field="code")
    if is_new:
        users.add_user(tx, user)
    else:
        users.verify_email(tx, user.user_id, at_ms=at_ms)
    if rows.find_member(tx, org, user.user_id) is None:
        rows.add_member(tx, org, user.user_id, invitation.role, at_ms=at_ms)
