"""Tokens that a host's server signs: identities of visitors, and page tickets.

Compact JWS (RFC 7515) with the narrowest header that works: ``alg``, ``typ``, ``kid``.
Nothing in a header can bring or fetch a key, switch a signature off, or nest a token;
which key checks is our choice alone (RFC 8725). What the claims mean is asked in
``admit/identity.py`` and ``admit/ticket.py``.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode
from msgspec import DecodeError, Meta, Struct, ValidationError
from msgspec import json as msgjson

from chatkeep.crypto.host_keys import Algorithm, HostKey

LONGEST = 8 * 1024
_LONGEST_HEADER = 512
_PARTS = 3

S = TypeVar("S", bound=Struct)


class _Header(Struct, frozen=True, forbid_unknown_fields=True):
    """All that a header may say: no ``jwk``, ``jku``, ``x5u``, ``x5c``, ``crit``, ``b64``, ``zip``, ``cty`` …"""

    alg: Algorithm
    typ: Annotated[str, Meta(max_length=20)] | None = None
    kid: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


@dataclass(frozen=True, slots=True)
class HostToken:
    """A token with a proper header, whose signature nobody has looked at yet."""

    algorithm: Algorithm
    kind: str | None
    kid: str | None
    signed: bytes
    payload: bytes
    signature: bytes


def find_host_token(text: str) -> HostToken | None:
    """*text* as a token, or ``None`` unless its form is right."""
    parts = text.split(".") if len(text) <= LONGEST and text.isascii() else []
    if len(parts) != _PARTS or not all(parts):
        return None
    try:
        head, payload, signature = (urlsafe_b64decode(part.encode()) for part in parts)
        header = _decode(head[:_LONGEST_HEADER], _Header)
    except (ValueError, RecursionError):
        return None
    return HostToken(header.alg, header.typ, header.kid, f"{parts[0]}.{parts[1]}".encode(), payload, signature)


def is_signed_by(token: HostToken, key: HostKey) -> bool:
    """Whether *key* signed *token*, by the algorithm that is pinned to the key."""
    if token.algorithm != key.algorithm:
        return False
    # Not through joserfc's registry: it would parse the header once more, and warns of EdDSA's name.
    algorithm = JWSRegistry.algorithms[key.algorithm]
    try:
        algorithm.check_key(key.key)
        return algorithm.verify(token.signed, token.signature, key.key)
    except (JoseError, ValueError):
        return False


def find_claims(token: HostToken, wanted: type[S]) -> S | None:
    """The claims of a token whose signature was checked, or ``None`` when they are not *wanted*."""
    try:
        return _decode(token.payload, wanted)
    except (ValueError, RecursionError):
        return None


def _decode(data: bytes, wanted: type[S]) -> S:
    """*data* as *wanted*, each name once. Raises ``ValueError``."""
    try:
        found = msgjson.decode(data, type=wanted)
    except (DecodeError, ValidationError) as error:
        raise ValueError(type(error).__name__) from None
    # msgspec takes the last of two equal names without a word: look again.
    json.loads(data, object_pairs_hook=_once)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different. Raises ``ValueError``."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found
