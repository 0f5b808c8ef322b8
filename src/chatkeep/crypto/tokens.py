"""Tokens that we sign ourselves: of sessions, and the tickets of frames.

JWT (RFC 7519), HS256 only; the kind is in the header (``typ``), which is compared as
text before anything is parsed, so that none can stand for the other. A token is checked
here for form, signature and meaning; whether its session still lives, or the ticket was
used, is asked of the store. Spec: limits-and-sessions, "Session"; widget.md, "Frame mode".
"""

import base64
from dataclasses import dataclass
from functools import lru_cache

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from msgspec import DecodeError, Struct
from msgspec import json as msgjson

from chatkeep.errors import Reason, Refused
from chatkeep.ids import SessionId, WidgetId

TYPE = "ck-session"
FRAME_TYPE = "ck-frame"
_ALGORITHM = "HS256"
_LONGEST = 1536


def _head(kind: str) -> str:
    """The only header that we write for *kind*, as in a token."""
    return base64.urlsafe_b64encode(msgjson.encode({"alg": _ALGORITHM, "typ": kind})).decode("ascii").rstrip("=")


_HEAD = _head(TYPE)
_FRAME_HEAD = _head(FRAME_TYPE)


class Confirmation(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose token it is (RFC 7800): the thumbprint of the key that the session was opened with."""

    jkt: str


class SessionClaims(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a session token says. Times are whole seconds since 1970 (RFC 7519).

    *origin* is where its requests come from; *page* the page that embeds the frame, when that origin is our own.
    """

    sid: SessionId
    wid: WidgetId
    origin: str
    iat: int
    exp: int
    gen: int
    cnf: Confirmation | None = None
    page: str | None = None


class FrameClaims(Struct, frozen=True, forbid_unknown_fields=True):
    """What a frame ticket says: for which widget, a nonce, and until when (seconds since 1970)."""

    wid: WidgetId
    jti: str
    exp: int


@dataclass(frozen=True, slots=True, eq=False)
class TokenKey:
    """The key that signs session tokens of this instance; equal only to itself, so that it can be a cache key."""

    key: OctKey

    @classmethod
    def from_bytes(cls, secret: bytes) -> "TokenKey":
        """A signing key from at least 32 bytes."""
        return cls(OctKey.import_key(secret))


def sign_session_token(claims: SessionClaims, key: TokenKey) -> str:
    """The compact JWT for *claims*."""
    return jws.serialize_compact({"alg": _ALGORITHM, "typ": TYPE}, msgjson.encode(claims), key.key, algorithms=[_ALGORITHM])


@lru_cache(maxsize=8192)
def _verify(token: str, key: TokenKey) -> SessionClaims:
    """The claims of a well-signed token. Cached: a signature does not change while a session lasts. What raises is not kept."""
    signed = jws.deserialize_compact(token, key.key, algorithms=[_ALGORITHM])
    return msgjson.decode(signed.payload, type=SessionClaims)


def load_session_token(token: str, key: TokenKey) -> SessionClaims:
    """The claims of *token*, expired or not. Raises ``Refused`` (``invalid_session``) unless we signed it."""
    if len(token) > _LONGEST or token.partition(".")[0] != _HEAD:
        raise Refused(Reason.INVALID_SESSION)
    try:
        return _verify(token, key)
    except (JoseError, DecodeError, ValueError):
        raise Refused(Reason.INVALID_SESSION) from None


def sign_frame_ticket(claims: FrameClaims, key: TokenKey) -> str:
    """The compact JWT for *claims*."""
    return jws.serialize_compact({"alg": _ALGORITHM, "typ": FRAME_TYPE}, msgjson.encode(claims), key.key, algorithms=[_ALGORITHM])


def find_frame_ticket(text: str, key: TokenKey) -> FrameClaims | None:
    """The claims of a frame ticket, expired or not; ``None`` unless we signed it."""
    if len(text) > _LONGEST or text.partition(".")[0] != _FRAME_HEAD:
        return None
    try:
        return msgjson.decode(jws.deserialize_compact(text, key.key, algorithms=[_ALGORITHM]).payload, type=FrameClaims)
    except (JoseError, DecodeError, ValueError):
        return None
