"""``/api/admin/api-keys``: keys for programs."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from chatkeep.admit.permissions import Permission
from chatkeep.manage import api_keys
from chatkeep.manage.views import ApiKeyView, api_key_view
from chatkeep.rest.contract import CREATED, AskedByOperator, Done, Office, operator_route
from chatkeep.store.api_keys import ApiKeyRow
from chatkeep.web.routes import Route

_Name = Annotated[str, Meta(min_length=1, max_length=200, examples=["Nightly export"])]
_Scopes = Annotated[list[Permission], Meta(min_length=1, max_length=50, examples=[["widgets:read", "conversations:read"]])]
_Networks = Annotated[list[Annotated[str, Meta(max_length=50)]], Meta(max_length=50, examples=[["203.0.113.0/24"]])]
_End = Annotated[datetime, Meta(tz=True, examples=["2027-01-31T00:00:00Z"])]


class ApiKeyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make. It can do what its scopes say, from *networks* (none: from anywhere), until *expires_at* (none: until it is revoked)."""

    name: _Name
    scopes: _Scopes
    networks: _Networks = []
    expires_at: _End | None = None


class ApiKeyPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    name: _Name | None = None
    scopes: _Scopes | None = None
    networks: _Networks | None = None
    expires_at: _End | None = None


class ApiKeyMade(Struct):
    """A key that was just made. *api_key* is shown this once, and not when the request is repeated."""

    success: bool
    key: ApiKeyView
    api_key: str | None = None


class ApiKeyOne(Struct):
    """One key."""

    success: bool
    key: ApiKeyView


class ApiKeyList(Struct):
    """A part of the keys, oldest first."""

    success: bool
    api_keys: list[ApiKeyView]
    total: int
    page: int
    limit: int


def api_key_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    every, one = "/api/admin/api-keys", "/api/admin/api-keys/{key_id}"
    read, write = Permission.API_KEYS_READ, Permission.API_KEYS_WRITE
    return [
        operator_route(
            office,
            "POST",
            every,
            write,
            "Make an API key",
            create_api_key,
            ApiKeyMade,
            request=ApiKeyRequest,
            status=CREATED,
            secrets=("api_key",),
            is_for_people=True,
            notes="It can be given no scope that its maker has not, and does no more than they may at the time. It ends when they are no member any more.",
        ),
        operator_route(office, "GET", every, read, "List API keys", list_api_keys, ApiKeyList, is_paged=True),
        operator_route(office, "GET", one, read, "Read an API key", read_api_key, ApiKeyOne),
        operator_route(
            office,
            "PATCH",
            one,
            write,
            "Change an API key",
            change_api_key,
            ApiKeyOne,
            request=ApiKeyPatch,
            is_for_people=True,
            notes="Only whoever made it can give it more; others can narrow it: fewer scopes, narrower networks, an earlier end.",
        ),
        operator_route(office, "DELETE", one, write, "Revoke an API key", delete_api_key, Done, notes="Invitations that it wrote end too."),
    ]


def create_api_key(asked: AskedByOperator) -> ApiKeyMade:
    """Make a key."""
    request: ApiKeyRequest = asked.body
    made = api_keys.make_api_key(
        asked.store,
        asked.clock,
        asked.org,
        name=request.name,
        scopes=request.scopes,
        networks=request.networks,
        expires_at=request.expires_at,
        created_by=asked.operator.actor,
    )
    return ApiKeyMade(success=True, key=_view(asked, made.row), api_key=made.secret)


def list_api_keys(asked: AskedByOperator) -> ApiKeyList:
    """A part of the keys."""
    part = asked.part
    rows, total = api_keys.some_api_keys(asked.store, asked.org, part)
    return ApiKeyList(success=True, api_keys=[_view(asked, row) for row in rows], total=total, page=part.page, limit=part.limit)


def read_api_key(asked: AskedByOperator) -> ApiKeyOne:
    """One key."""
    return ApiKeyOne(success=True, key=_view(asked, api_keys.get_api_key(asked.store, asked.org, asked.params["key_id"])))


def change_api_key(asked: AskedByOperator) -> ApiKeyOne:
    """Change a key."""
    request: ApiKeyPatch = asked.body
    changed = api_keys.change_api_key(
        asked.store,
        asked.clock,
        asked.org,
        asked.params["key_id"],
        by=asked.operator.actor,
        name=request.name,
        scopes=request.scopes,
        networks=request.networks,
        expires_at=request.expires_at,
    )
    return ApiKeyOne(success=True, key=_view(asked, changed))


def delete_api_key(asked: AskedByOperator) -> Done:
    """Revoke a key."""
    api_keys.revoke_api_key(asked.store, asked.clock, asked.org, asked.params["key_id"])
    return Done(success=True, message="The API key is revoked.")


def _view(asked: AskedByOperator, row: ApiKeyRow) -> ApiKeyView:
    """A key as this operator may see it."""
    return api_key_view(row, is_masked=asked.operator.sees_masks)
