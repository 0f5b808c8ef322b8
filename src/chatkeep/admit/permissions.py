"""What may an operator do? Permissions, which of them each role has, and what can be handed on.

A permission is also a scope that an API key can have. Nobody hands on what they have not,
neither as a scope nor as a role. Spec: admin-api, "Sign-in".
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum

from chatkeep.errors import Reason, Refused
from chatkeep.store.members import Role


class Permission(StrEnum):
    """One kind of thing that can be done in an organization."""

    WIDGETS_READ = "widgets:read"
    WIDGETS_WRITE = "widgets:write"
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    PROVIDERS_READ = "providers:read"
    PROVIDERS_WRITE = "providers:write"
    API_KEYS_READ = "api_keys:read"
    API_KEYS_WRITE = "api_keys:write"
    MEMBERS_READ = "members:read"
    # To invite and to remove those who are neither owner nor admin; nobody to be more than oneself.
    MEMBERS_WRITE = "members:write"
    # To say who is owner or admin.
    MEMBERS_ROLES = "members:roles"
    BLOCKS_READ = "blocks:read"
    BLOCKS_WRITE = "blocks:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    # To read what visitors wrote as they wrote it; without it, what may name a person is masked.
    PERSONAL_DATA = "personal_data:read"


_READING = frozenset(each for each in Permission if each.value.endswith(":read"))
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    "viewer": _READING - {Permission.PERSONAL_DATA},
    "analyst": _READING,
    "admin": frozenset(Permission) - {Permission.MEMBERS_ROLES},
    "owner": frozenset(Permission),
}
ROLES = tuple(PERMISSIONS)
EVERYTHING = frozenset(Permission)
# Whom `members:write` alone lets in and out.
_LOWER: tuple[Role, ...] = ("analyst", "viewer")


def check_may_hand_on(wanted: Iterable[str], may: AbstractSet[Permission]) -> None:
    """Raise ``Refused`` unless whoever has the permissions *may* has all that are *wanted*."""
    missing = sorted(set(wanted) - {permission.value for permission in may})
    if missing:
        raise Refused(Reason.FORBIDDEN, shown={"needs": missing[0]})


def check_may_give(role: Role, may: AbstractSet[Permission]) -> None:
    """Raise ``Refused`` unless somebody with the permissions *may* may make others *role*."""
    check_may_take(role, may)
    check_may_hand_on((permission.value for permission in PERMISSIONS[role]), may)


def check_may_take(role: Role, may: AbstractSet[Permission]) -> None:
    """Raise ``Refused`` unless somebody with the permissions *may* may let go of a member who is *role*, or take back the offer to be."""
    if role not in _LOWER or Permission.MEMBERS_WRITE not in may:
        check_may_hand_on([Permission.MEMBERS_ROLES], may)
