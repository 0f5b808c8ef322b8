"""Randomness, hashes and derived keys: the only door to them.

Nothing else in the code base imports hashlib, hmac, secrets, cryptography or a JOSE
library (held by a test).
"""

import base64
import hashlib
import hmac
import os
import secrets
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

IdPrefix = Literal[
    "org", "widget", "agent", "vis", "sess", "conv", "msg", "doc", "evt", "key", "req", "block", "exempt", "usr", "login", "invite", "prov"
]  # fmt: skip


# 64 tails of 26 characters of 5 bits.
_TAIL_CHARS = 26
_TAIL_BYTES = 64 * _TAIL_CHARS * 5 // 8
_tails: list[str] = []
# A child process must not hand out the same ones.
os.register_at_fork(after_in_child=_tails.clear)


def new_id(prefix: IdPrefix) -> str:
    """*prefix* and 130 random bits in base32: ``msg_k5…`` (26 characters of ``[a-z2-7]``)."""
    try:
        return f"{prefix}_{_tails.pop()}"
    except IndexError:
        # Many at a time: each call to the kernel lets go of the interpreter, and under load
        # waits 30 µs to get it back. Popping is atomic, so no tail is used twice.
        text = base64.b32encode(secrets.token_bytes(_TAIL_BYTES)).decode("ascii").lower()
        tails = [text[start : start + _TAIL_CHARS] for start in range(0, len(text), _TAIL_CHARS)]
        tail = tails.pop()
        _tails.extend(tails)
        return f"{prefix}_{tail}"


def new_secret() -> str:
    """A value fit for ``CHATKEEP_SECRET_KEY``: 48 random bytes in URL-safe base64."""
    return secrets.token_urlsafe(48)


def new_ticket_secret() -> str:
    """A secret that signs page tickets: 32 random bytes, with a beginning that secret scanners can find."""
    return f"ckt_{secrets.token_urlsafe(32)}"


def new_resume_handle() -> str:
    """A handle that resumes a session: 32 random bytes, with a beginning that secret scanners can find."""
    return f"ckr_{secrets.token_urlsafe(32)}"


def new_nonce() -> str:
    """A value for one ``nonce-…`` of a content security policy: 128 random bits."""
    return secrets.token_urlsafe(16)


def derive_key(secret: str, label: str) -> bytes:
    """32 bytes for one purpose, by HKDF-SHA256 (RFC 5869) with *label* as info."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"chatkeep/{label}".encode()).derive(secret.encode())


def keyed_hash(key: bytes, text: str) -> str:
    """HMAC-SHA256 of *text*, cut to 128 bits, in hex: equal texts can be matched, not read."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


def content_digest(data: bytes) -> str:
    """SHA-256 of *data* in hex, for ETags and for telling whether a document changed."""
    return hashlib.sha256(data).hexdigest()
