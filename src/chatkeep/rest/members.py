"""``/api/admin/members`` and ``/api/admin/invitations``: who belongs to the organization."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatkeep.admit import letters
from chatkeep.admit.permissions import Permission
from chatkeep.errors import WrongUsage
from chatkeep.manage import mails, members
from chatkeep.manage.views import InvitationView, MemberView, invitation_view, member_view
from chatkeep.rest.contract import CREATED, AskedByOperator, Done, Office, operator_route
from chatkeep.store.members import InvitationRow, MemberRow
from chatkeep.store.organizations import find_organization
from chatkeep.web.routes import Route

_Role = Literal["owner", "admin", "analyst", "viewer"]


class RolePatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What a member is to be."""

    role: _Role


class InvitationRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to invite, and as what."""

    email: Annotated[str, Meta(max_length=254, examples=["bob@shop.example"])]
    role: _Role


class MemberOne(Struct):
    """One member."""

    success: bool
    member: MemberView


class MemberList(Struct):
    """A part of the members, the first ones first."""

    success: bool
    members: list[MemberView]
    total: int
    page: int
    limit: int


class InvitationOne(Struct):
    """One invitation, and what became of its mail."""

    success: bool
    invitation: InvitationView
    message: str


class InvitationList(Struct):
    """A part of the invitations that nobody has answered, oldest first."""

    success: bool
    invitations: list[InvitationView]
    total: int
    page: int
    limit: int


def member_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    every, one = "/api/admin/members", "/api/admin/members/{user_id}"
    invited = "/api/admin/invitations"
    read, write, roles = Permission.MEMBERS_READ, Permission.MEMBERS_WRITE, Permission.MEMBERS_ROLES
    given = "The last owner stays owner. Nobody can make others more than they are themselves; invitations that the member may no longer write are void."
    return [
        operator_route(office, "GET", every, read, "List members", list_members, MemberList, is_paged=True),
        operator_route(office, "GET", one, read, "Read a member", read_member, MemberOne),
        operator_route(office, "PATCH", one, roles, "Change a member's role", change_role, MemberOne, request=RolePatch, notes=given),
        operator_route(
            office,
            "DELETE",
            one,
            write,
            "Remove a member",
            delete_member,
            Done,
            notes="Owners and admins are removed by owners. Their logins, API keys and invitations end at once, and for good.",
        ),
        operator_route(
            office,
            "POST",
            invited,
            write,
            "Invite somebody by mail",
            invite,
            InvitationOne,
            request=InvitationRequest,
            status=CREATED,
            notes="Owners and admins are invited by owners, and nobody to be more than their inviter. "
            "A link in the mail works once, for a week, and while whoever sent it could send it still.",
        ),
        operator_route(office, "GET", invited, read, "List invitations", list_invitations, InvitationList, is_paged=True),
        operator_route(
            office,
            "DELETE",
            f"{invited}/{{invitation_id}}",
            write,
            "Take an invitation back",
            withdraw,
            Done,
            notes="One for an owner or admin is taken back by owners.",
        ),
    ]


def list_members(asked: AskedByOperator) -> MemberList:
    """A part of the members."""
    part = asked.part
    rows, total = members.some_members(asked.store, asked.org, part)
    return MemberList(success=True, members=[_member(asked, row) for row in rows], total=total, page=part.page, limit=part.limit)


def read_member(asked: AskedByOperator) -> MemberOne:
    """One member."""
    return MemberOne(success=True, member=_member(asked, members.get_member(asked.store, asked.org, asked.params["user_id"])))


def change_role(asked: AskedByOperator) -> MemberOne:
    """Change a role."""
    changed = members.change_role(asked.store, asked.org, asked.params["user_id"], asked.body.role, by=asked.operator.actor)
    return MemberOne(success=True, member=_member(asked, changed))


def delete_member(asked: AskedByOperator) -> Done:
    """Remove a member."""
    members.remove_member(asked.store, asked.clock, asked.org, asked.params["user_id"], by=asked.operator.actor)
    return Done(success=True, message="The member is removed.")


async def invite(asked: AskedByOperator) -> InvitationOne:
    """Invite somebody."""
    request: InvitationRequest = asked.body
    if not asked.office.postman.is_there:
        raise WrongUsage("this instance sends no mail: its operator can use `chatkeep users invite`, or set CHATKEEP_SMTP_HOST", field="email")
    letters.spend_letter("invitation", request.email.strip().lower(), asked.org, asked.seen, asked.office.desk)
    made = await asked.run(members.invite, asked.store, asked.clock, asked.org, email=request.email, role=request.role, by=asked.operator.actor)
    org = await asked.run(asked.store.read_now, find_organization, asked.org)
    mail = mails.invitation(made.row.email, gateway=asked.office.gateway, code=made.code, organization=org.name if org else "", role=made.row.role)
    asked.office.postman.take(mail)
    message = f"A mail is on its way.{asked.office.postman.hint}"
    return InvitationOne(success=True, invitation=_invitation(asked, made.row), message=message)


def list_invitations(asked: AskedByOperator) -> InvitationList:
    """A part of the invitations."""
    part = asked.part
    rows, total = members.some_invitations(asked.store, asked.clock, asked.org, part)
    return InvitationList(success=True, invitations=[_invitation(asked, row) for row in rows], total=total, page=part.page, limit=part.limit)


def withdraw(asked: AskedByOperator) -> Done:
    """Take an invitation back."""
    members.withdraw(asked.store, asked.org, asked.params["invitation_id"], by=asked.operator.actor)
    return Done(success=True, message="The invitation is taken back.")


def _member(asked: AskedByOperator, row: MemberRow) -> MemberView:
    """A member as this operator may see them."""
    return member_view(row, is_masked=asked.operator.sees_masks)


def _invitation(asked: AskedByOperator, row: InvitationRow) -> InvitationView:
    """An invitation as this operator may see it."""
    return invitation_view(row, is_masked=asked.operator.sees_masks)
