"""Tokens of signed-in operators: access for 15 minutes, and what the next ones are asked for with.

JWT (RFC 7519), HS256 only, each kind with its own ``typ`` (RFC 8725, section 3.11), so
that none can stand for another or for a visitor's. Refresh tokens are numbered: the
database knows the newest number and no token. Spec: admin-api.
"""

import base64
from dataclasses import dataclass
from typing import TypeVar

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from msgspec import DecodeError, Struct
from msgspec import json as msgjson

from chatkeep.ids import LoginId, OrgId, UserId

ACCESS_SECONDS = 15 * 60
REFRESH_SECONDS = 30 * 24 * 3600
_ALGORITHM = "HS256"
_LONGEST = 1024


class AccessClaims(Struct, frozen=True, forbid_unknown_fields=True):
    """What an access token says. Roles are not in it: they are looked up, so that a change holds at once."""

    sub: UserId
    org: OrgId
    lid: LoginId
    iat: int
    exp: int


class RefreshClaims(Struct, frozen=True, forbid_unknown_fields=True):
    """What a refresh token says: whose login, and the token's number."""

    lid: LoginId
    gen: int
    exp: int


C = TypeVar("C", AccessClaims, RefreshClaims)
_TYPES: dict[type[Struct], str] = {AccessClaims: "ck-admin", RefreshClaims: "ck-admin-refresh"}


@dataclass(frozen=True, slots=True, repr=False)
class OfficeKey:
    """The key that signs operators' tokens of this instance."""

    key: OctKey

    @classmethod
    def from_bytes(cls, secret: bytes) -> "OfficeKey":
        """A signing key from at least 32 bytes."""
        return cls(OctKey.import_key(secret))


def sign(claims: AccessClaims | RefreshClaims, key: OfficeKey) -> str:
    """The compact JWT for *claims*."""
    return jws.serialize_compact(_header(type(claims)), msgjson.encode(claims), key.key, algorithms=[_ALGORITHM])


def find_claims(token: str, wanted: type[C], key: OfficeKey) -> C | None:
    """The claims of *token*, expired or not; ``None`` unless we signed it, as a token of this kind."""
    # The only header that we write. Compared as text, so that no header of anybody else's is ever parsed.
    head = base64.urlsafe_b64encode(msgjson.encode(_header(wanted))).decode("ascii").rstrip("=")
    if len(token) > _LONGEST or token.partition(".")[0] != head:
        return None
    try:
        signed = jws.deserialize_compact(token, key.key, algorithms=[_ALGORITHM])
        return msgjson.decode(signed.payload, type=wanted)
    except (JoseError, DecodeError, ValueError):
        return None


def _header(kind: type[Struct]) -> dict[str, str]:
    """The header of tokens of that kind."""
    return {"alg": _ALGORITHM, "typ": _TYPES[kind]}
