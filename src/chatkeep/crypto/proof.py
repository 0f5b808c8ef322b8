"""Proof of possession: does the caller hold the key that the session was opened with?

DPoP proofs (RFC 9449), ES256 with a P-256 key only. Form and signature are checked
here; whether a proof fits its request, and was not used before, is asked in
``admit/proof.py`` and in the limits call.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Literal

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from msgspec import DecodeError, Meta, Struct, ValidationError
from msgspec import json as msgjson

_LONGEST = 2048


class _PublicKey(Struct, frozen=True):
    """The ``jwk`` of a proof's header. A private part is never sent by an honest client."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{43}$")]
    y: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{43}$")]
    d: Any = None


class _Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The header of a proof: nothing but this, so that no ``kid``, ``jku`` or ``crit`` means anything."""

    typ: Literal["dpop+jwt"]
    alg: Literal["ES256"]
    jwk: _PublicKey


class _Claims(Struct, frozen=True):
    """The claims of a proof (RFC 9449, section 4.2)."""

    jti: str
    htm: str
    htu: str
    iat: int
    ath: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A well-signed proof. *thumbprint* is the key's (RFC 7638), *iat* in seconds since 1970."""

    thumbprint: str
    jti: str
    method: str
    address: str
    iat: int
    token_hash: str | None


def find_proof(text: str) -> Proof | None:
    """*text* as a proof, or ``None`` unless its form and signature are right."""
    if len(text) > _LONGEST:
        return None
    try:
        header = msgjson.decode(urlsafe_b64decode(text.partition(".")[0].encode()), type=_Header)
        if header.jwk.d is not None:
            return None
        signed = jws.deserialize_compact(text, _import_key(header.jwk.x, header.jwk.y), algorithms=["ES256"])
        claims = msgjson.decode(signed.payload, type=_Claims)
    except (JoseError, DecodeError, ValidationError, ValueError, RecursionError):
        return None
    if not 1 <= len(claims.jti) <= 128:  # noqa: PLR2004 - a UUID has 36; longer ones only fill memory
        return None
    return Proof(_thumbprint(header.jwk.x, header.jwk.y), claims.jti, claims.htm, claims.htu, claims.iat, claims.ath)


def hash_token(token: str) -> str:
    """The ``ath`` of *token* (RFC 9449, section 4.2): SHA-256 in base64url."""
    return urlsafe_b64encode(sha256(token.encode("ascii", "replace")).digest()).decode("ascii")


@lru_cache(maxsize=4096)
def _import_key(x: str, y: str) -> ECKey:
    """The public key with those coordinates. Raises ``ValueError`` when they are not on the curve."""
    return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})


@lru_cache(maxsize=4096)
def _thumbprint(x: str, y: str) -> str:
    """RFC 7638: SHA-256 over the required members in lexicographic order."""
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return urlsafe_b64encode(sha256(canonical.encode()).digest()).decode("ascii")
