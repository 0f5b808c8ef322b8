"""What may an operator do? Permissions, and which of them each role has.

A permission is also a scope that an API key can have. Spec: admin-api, "Sign-in".
"""

from collections.abc import Mapping
from enum import StrEnum

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
    # To invite and to remove those who are neither owner nor admin.
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
