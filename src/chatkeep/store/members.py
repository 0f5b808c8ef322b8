"""Members of an organization, and invitations to become one: rows in, frozen rows out."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, delete, func, insert, select, update

from chatkeep.ids import InvitationId, OrgId, UserId
from chatkeep.store.engine import Tx
from chatkeep.store.organizations import Organization
from chatkeep.store.paging import Part, part_of
from chatkeep.store.tables import invitations, members, organizations, users

Role = Literal["owner", "admin", "analyst", "viewer"]


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member with what their user says. Times in ms."""

    org_id: OrgId
    user_id: UserId
    email: str
    name: str
    role: Role
    has_totp: bool
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation that waits for an answer. *digest*: of the code in its mail; *invited_by*: a user or an API key, ``None``: the command line."""

    invitation_id: InvitationId
    org_id: OrgId
    email: str
    role: Role
    digest: str
    invited_by: str | None
    created_at_ms: int
    expires_at_ms: int


def hold_people(tx: Tx, org: OrgId) -> None:
    """Let nobody else change who belongs to *org*, or what they hand out, until the transaction ends. Its first statement: what is read later stays so."""
    # Rows that refer to the organization are written meanwhile. SQLite has one writer, and needs no lock.
    tx.execute(select(organizations.c.id).where(organizations.c.id == org).with_for_update(key_share=True))


_columns = (members, users.c.email, users.c.name, users.c.totp_confirmed_at)
_joined = members.join(users, users.c.id == members.c.user_id)


def add_member(tx: Tx, org: OrgId, user: UserId, role: Role, *, at_ms: int) -> None:
    """Make *user* a member of *org*."""
    tx.execute(insert(members).values(org_id=org, user_id=user, role=role, created_at=at_ms))


def find_member(tx: Tx, org: OrgId, user: UserId) -> MemberRow | None:
    """The member of that id in *org*."""
    row = tx.execute(select(*_columns).select_from(_joined).where(members.c.org_id == org, members.c.user_id == user)).one_or_none()
    return _member(row) if row is not None else None


def list_members(tx: Tx, org: OrgId, part: Part) -> tuple[list[MemberRow], int]:
    """Members of *org*, the first ones first, and how many there are."""
    query = select(*_columns).select_from(_joined).where(members.c.org_id == org).order_by(members.c.created_at, members.c.user_id)
    rows, total = part_of(tx, query, part)
    return [_member(row) for row in rows], total


def organizations_of(tx: Tx, user: UserId) -> list[Organization]:
    """Where *user* is a member, the oldest membership first. Instance-wide: this is how a tenant is chosen."""
    query = (
        select(organizations.c.id, organizations.c.name)
        .select_from(members.join(organizations, organizations.c.id == members.c.org_id))
        .where(members.c.user_id == user)
        .order_by(members.c.created_at, organizations.c.id)
    )
    return [Organization(OrgId(row.id), row.name) for row in tx.execute(query)]


def find_home(tx: Tx, email: str, wanted: str | None) -> OrgId | None:
    """Where whoever has that address belongs: to *wanted* (id or name), else to their first organization. Instance-wide; nobody's address costs the same."""
    query = (
        select(organizations.c.id, organizations.c.name)
        .select_from(_joined.join(organizations, organizations.c.id == members.c.org_id))
        .where(users.c.email == email)
        .order_by(members.c.created_at, organizations.c.id)
    )
    found = tx.execute(query).all()
    chosen = next((row for row in found if wanted in (row.id, row.name)), found[0] if found else None)
    return OrgId(chosen.id) if chosen is not None else None


def set_role(tx: Tx, org: OrgId, user: UserId, role: Role) -> bool:
    """Give a member another role; ``False`` when there is none."""
    return tx.execute(update(members).where(members.c.org_id == org, members.c.user_id == user).values(role=role)).rowcount == 1


def remove_member(tx: Tx, org: OrgId, user: UserId) -> bool:
    """Let a member go; ``False`` when there is none. The user stays: it may be a member elsewhere."""
    return tx.execute(delete(members).where(members.c.org_id == org, members.c.user_id == user)).rowcount == 1


def count_owners(tx: Tx, org: OrgId) -> int:
    """How many owners *org* has."""
    return tx.execute(select(func.count()).select_from(members).where(members.c.org_id == org, members.c.role == "owner")).scalar_one()


def put_invitation(tx: Tx, org: OrgId, invitation: InvitationRow) -> None:
    """Invite somebody to *org*; an earlier invitation of the same address is void."""
    tx.execute(delete(invitations).where(invitations.c.org_id == org, invitations.c.email == invitation.email))
    tx.execute(
        insert(invitations).values(
            id=invitation.invitation_id,
            org_id=org,
            email=invitation.email,
            role=invitation.role,
            digest=invitation.digest,
            invited_by=invitation.invited_by,
            created_at=invitation.created_at_ms,
            expires_at=invitation.expires_at_ms,
        )
    )


def find_invitation(tx: Tx, digest: str, *, at_ms: int) -> InvitationRow | None:
    """The invitation with that code, while it holds. Instance-wide: the code learns the tenant."""
    row = tx.execute(select(invitations).where(invitations.c.digest == digest, invitations.c.expires_at > at_ms)).one_or_none()
    return _invitation(row) if row is not None else None


def list_invitations(tx: Tx, org: OrgId, part: Part, *, at_ms: int) -> tuple[list[InvitationRow], int]:
    """Invitations of *org* that still hold, oldest first, and how many there are."""
    query = select(invitations).where(invitations.c.org_id == org, invitations.c.expires_at > at_ms).order_by(invitations.c.created_at, invitations.c.id)
    rows, total = part_of(tx, query, part)
    return [_invitation(row) for row in rows], total


def all_invitations(tx: Tx, org: OrgId) -> list[InvitationRow]:
    """Every invitation of *org*, also those that are too old."""
    return [_invitation(row) for row in tx.execute(select(invitations).where(invitations.c.org_id == org))]


def find_invitation_of(tx: Tx, org: OrgId, *, email: str | None = None, invitation: str | None = None) -> InvitationRow | None:
    """The invitation to *org* of that address, or of that id."""
    which = invitations.c.email == email if email is not None else invitations.c.id == invitation
    row = tx.execute(select(invitations).where(invitations.c.org_id == org, which)).one_or_none()
    return _invitation(row) if row is not None else None


def remove_invitation(tx: Tx, org: OrgId, invitation: str) -> InvitationRow | None:
    """Take an invitation back, or use it up; what it was, or ``None`` when there is none."""
    one = (invitations.c.org_id == org, invitations.c.id == invitation)
    row = tx.execute(select(invitations).where(*one)).one_or_none()
    if row is None or tx.execute(delete(invitations).where(*one)).rowcount != 1:
        return None
    return _invitation(row)


def _member(row: Row[Any]) -> MemberRow:
    """A joined row as ``MemberRow``."""
    return MemberRow(OrgId(row.org_id), UserId(row.user_id), row.email, row.name, row.role, row.totp_confirmed_at is not None, row.created_at)


def _invitation(row: Row[Any]) -> InvitationRow:
    """A row of the table as ``InvitationRow``."""
    return InvitationRow(InvitationId(row.id), OrgId(row.org_id), row.email, row.role, row.digest, row.invited_by, row.created_at, row.expires_at)
