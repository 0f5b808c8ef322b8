"""Secrets at rest: how is one kept so that a stolen database does not give it away?

AES-256-GCM (NIST SP 800-38D) with a random nonce. The sealed text names the key that
sealed it, so that keys can be changed (``vault.py``), and is bound to its place: moved to
another row, it does not open.
"""

import hashlib
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from chatkeep.crypto import derive_key
from chatkeep.errors import Misconfigured

_VERSION = "s1"
_NONCE_BYTES = 12
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class SealingKey:
    """A key that seals; *key_id* may be shown."""

    key: bytes
    key_id: str

    @classmethod
    def from_secret(cls, secret: str) -> "SealingKey":
        """The sealing key of SECRET_KEY."""
        key = derive_key(secret, "sealed")
        return cls(key, hashlib.sha256(b"chatkeep/sealing-key-id" + key).hexdigest()[:8])

    @classmethod
    def random(cls) -> "SealingKey":
        """A new key, which nobody can derive."""
        return cls(secrets.token_bytes(_KEY_BYTES), secrets.token_hex(8))

    @classmethod
    def from_text(cls, text: str, key_id: str) -> "SealingKey":
        """The key whose *text* was sealed."""
        return cls(urlsafe_b64decode(text.encode()), key_id)

    @property
    def text(self) -> str:
        """The key itself, to be sealed with another one."""
        return _encode(self.key)


def seal(text: str, key: SealingKey, *, place: str) -> str:
    """*text*, to be opened only with *key* and for the same *place*: ``s1.key_id.nonce.ciphertext``."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(key.key).encrypt(nonce, text.encode(), _context(key, place))
    return ".".join((_VERSION, key.key_id, _encode(nonce), _encode(sealed)))


def unseal(sealed: str, key: SealingKey, *, place: str) -> str:
    """What was sealed for *place*. Raises ``Misconfigured`` when another SECRET_KEY sealed it, or somebody changed it."""
    version, _, rest = sealed.partition(".")
    parts = rest.split(".")
    if version == _VERSION and len(parts) == 3 and parts[0] == key.key_id:  # noqa: PLR2004 - key id, nonce, ciphertext
        try:
            nonce, content = urlsafe_b64decode(parts[1].encode()), urlsafe_b64decode(parts[2].encode())
            return AESGCM(key.key).decrypt(nonce, content, _context(key, place)).decode()
        except (InvalidTag, ValueError):
            pass
    msg = "a stored secret does not open: CHATKEEP_SECRET_KEY is not the one that it was sealed with; make the secret anew"
    raise Misconfigured(msg)


def key_id_of(sealed: str) -> str:
    """What *sealed* calls the key that sealed it."""
    return sealed.partition(".")[2].partition(".")[0]


def _context(key: SealingKey, place: str) -> bytes:
    """What the sealed text is bound to."""
    return f"{_VERSION}.{key.key_id}.{place}".encode()


def _encode(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).decode("ascii")
