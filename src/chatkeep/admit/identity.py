"""Who is the visitor, by the word of the host's server?

Stops: visitors who say that they are somebody else. The identity is a JWT (RFC 7519),
signed with a key of the widget whose algorithm is pinned, meant for this widget, short
lived, and used once when it has a ``jti``. Only what is signed is believed, and of that
only what is listed here is kept. Spec: limits-and-sessions, "Access modes".
Store down: keys read at most 2 s ago are used, otherwise ``Unavailable``: closed. The
same holds for a JWKS without any usable copy.
"""

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from chatkeep.admit._key_sets import Later
from chatkeep.admit._types import Desk, Widget
from chatkeep.crypto import keyed_hash
from chatkeep.crypto.host_tokens import LONGEST, HostToken, find_claims, find_host_token
from chatkeep.errors import Problem, Reason, Refused, invalid
from chatkeep.store.openings import KnownVisitor, SingleUse

LEEWAY_SECONDS = 60
LONGEST_LIFE_SECONDS = 3600
_LONGEST_ID = 255
_MOST_ATTRIBUTES = 20
_LONGEST_VALUE = 200
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}\Z", re.ASCII)
# Kept a little longer than the token lives: clocks of processes differ.
_REMEMBERED_AFTER_MS = 120_000


class Cause(StrEnum):
    """Why a token was refused: the code of its event, and what the caller is told."""

    MISSING = "missing"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    SIGNATURE = "signature"
    UNKNOWN_KEY = "unknown_key"
    CLAIMS = "claims"
    AUDIENCE = "audience"
    ORIGIN = "origin"
    EXPIRED = "expired"
    LIFETIME = "lifetime"
    NOT_YET = "not_yet"
    USED = "used"


_TOLD = {
    Cause.MISSING: "is missing",
    Cause.TOO_LARGE: "is too large",
    Cause.MALFORMED: "is not a signed token of the form that is taken here",
    Cause.SIGNATURE: "is not signed by a key of this widget",
    Cause.UNKNOWN_KEY: "names a key that is not known yet: try again, or publish keys a while before you sign with them",
    Cause.CLAIMS: "lacks a claim, or has one of the wrong form",
    Cause.AUDIENCE: "is not meant for this widget",
    Cause.ORIGIN: "is not meant for this page",
    Cause.EXPIRED: "has expired",
    Cause.LIFETIME: "lives too long",
    Cause.NOT_YET: "is not valid yet",
    Cause.USED: "was used before",
}
# What an honest visitor can run into: it never leads to a block.
_HONEST = frozenset({Cause.MISSING, Cause.UNKNOWN_KEY, Cause.EXPIRED, Cause.LIFETIME, Cause.NOT_YET, Cause.USED, Cause.CLAIMS, Cause.AUDIENCE, Cause.ORIGIN})


class _Claims(Struct, frozen=True):
    """What we read of an identity; whatever else is signed is not kept."""

    sub: str
    aud: str | list[str]
    exp: int | float
    iat: int | float | None = None
    nbf: int | float | None = None
    jti: str | None = None
    email: str | None = None
    name: str | None = None
    attributes: dict[str, str | int | float | bool | None] | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A visitor that the host's server vouches for. *once*: its ``jti``, to be used up when the session opens."""

    visitor: KnownVisitor
    once: SingleUse | None


async def load(text: str | None, widget: Widget, desk: Desk) -> Identity | None:
    """The identity that *text* proves; ``None`` where the widget's access mode has none. Raises ``Refused`` (``invalid_identity``)."""
    if widget.access_mode != "identity":
        if text is not None:
            raise invalid("identity", "this widget's access mode takes no identity")
        return None
    token = parse_token(text, field="identity")
    if token.kind is not None and token.kind.upper() != "JWT":
        raise refusal("identity", Cause.MALFORMED)
    signer = await desk.keys.find_signer(token, widget.org_id, widget.widget_id)
    if isinstance(signer, Later):
        # Perhaps the host's new key, perhaps a guess: only the next look at its key set can tell.
        raise refusal("identity", Cause.UNKNOWN_KEY, retry_after=signer.seconds)
    if signer is None:
        raise refusal("identity", Cause.SIGNATURE)
    claims = find_claims(token, _Claims)
    if claims is None or not _is_sound(claims):
        raise refusal("identity", Cause.CLAIMS)
    check_audience(claims.aud, widget, field="identity")
    _check_times(claims, desk.clock.now().timestamp())
    visitor = KnownVisitor(claims.sub, claims.email, claims.name, claims.attributes or {})
    return Identity(visitor, single_use("identity", claims.jti, claims.exp, widget, desk) if claims.jti is not None else None)


def parse_token(text: str | None, *, field: str) -> HostToken:
    """*text* as a signed token whose signature is still to be checked. Raises ``Refused``."""
    if text is None:
        raise refusal(field, Cause.MISSING)
    if len(text) > LONGEST:
        raise refusal(field, Cause.TOO_LARGE)
    token = find_host_token(text)
    if token is None:
        raise refusal(field, Cause.MALFORMED)
    return token


def check_audience(audience: str | list[str], widget: Widget, *, field: str) -> None:
    """Raise ``Refused`` unless the token is meant for *widget*."""
    if widget.widget_id not in ([audience] if isinstance(audience, str) else audience):
        raise refusal(field, Cause.AUDIENCE)


def single_use(kind: str, value: str, expires_at: float, widget: Widget, desk: Desk) -> SingleUse:
    """*value*, a nonce of *kind* for *widget*, as what must not come twice before *expires_at* (seconds since 1970)."""
    digest = keyed_hash(desk.hash_key, f"{kind} {widget.widget_id} {value}")
    return SingleUse(digest, math.ceil(expires_at) * 1000 + _REMEMBERED_AFTER_MS)


def refusal(field: str, cause: Cause, *, retry_after: int | None = None) -> Refused:
    """The refusal of an identity or a ticket; *retry_after* seconds it may be another."""
    note = {"cause": f"{field}_{cause}", "is_honest": cause in _HONEST}
    return Refused(Reason.INVALID_IDENTITY, details=(Problem(field, _TOLD[cause]),), retry_after=retry_after, note=note)


def is_id(text: str) -> bool:
    """Whether *text* can name somebody or something: 1 to 255 printable characters."""
    return 1 <= len(text) <= _LONGEST_ID and text.isprintable()


def _is_sound(claims: _Claims) -> bool:
    """Whether everything that will be kept can be kept."""
    texts = [claims.email or "", claims.name or ""]
    attributes = claims.attributes or {}
    return (
        is_id(claims.sub)
        and (claims.jti is None or is_id(claims.jti))
        and all(len(text) <= _LONGEST_VALUE and text.isprintable() for text in texts)
        and len(attributes) <= _MOST_ATTRIBUTES
        and all(_ATTRIBUTE.match(name) and _is_small(value) for name, value in attributes.items())
        and all(math.isfinite(time) and abs(time) < 1e12 for time in (claims.exp, claims.iat, claims.nbf) if time is not None)  # noqa: PLR2004 - year 33658
    )


def _is_small(value: str | float | None) -> bool:
    """Whether an attribute's value is short text or an ordinary number."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_VALUE and value.isprintable()
    return value is None or (math.isfinite(value) and abs(value) < 2**53)


def _check_times(claims: _Claims, now: float) -> None:
    """Raise ``Refused`` unless the token lives now, and not for longer than an hour."""
    if claims.exp <= now:
        raise refusal("identity", Cause.EXPIRED)
    began = now if claims.iat is None else min(claims.iat, now)
    if claims.exp - began > LONGEST_LIFE_SECONDS:
        raise refusal("identity", Cause.LIFETIME)
    if max(claims.iat or 0, claims.nbf or 0) > now + LEEWAY_SECONDS:
        raise refusal("identity", Cause.NOT_YET)
