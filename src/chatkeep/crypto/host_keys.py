"""Keys of a host's server: what may check the signature of its visitors' identities?

Read once into a ``HostKey``, whose algorithm is pinned: RS256 with 2048 to 4096 bits,
ES256 with P-256, EdDSA with Ed25519, HS256 with a strong shared secret. A public key is
never taken as a secret, nor the other way round (RFC 8725, sections 2.1 and 3.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.util import int_to_base64, urlsafe_b64decode
from msgspec import DecodeError, Meta, Struct, ValidationError, convert
from msgspec import json as msgjson

from chatkeep.crypto.strength import find_weakness
from chatkeep.errors import WrongUsage

Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
_SMALLEST_RSA_BITS, _LARGEST_RSA_BITS = 2048, 4096
_SMALLEST_EXPONENT, _EXPONENT_BITS = 65537, 32
_MOST_KEYS = 32
_LONGEST_SECRET = 1024
_Part = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$", max_length=700)]
# Secrets do not look like these; whoever pastes one in has taken the wrong file.
_KEY_MARKS = ("-----BEGIN", '"kty"', "ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-")


class _Jwk(Struct, frozen=True):
    """What we read of a JSON Web Key (RFC 7517). Other members are ignored, as section 4 demands."""

    kty: str
    kid: Annotated[str, Meta(max_length=200)] | None = None
    alg: str | None = None
    use: str | None = None
    key_ops: list[str] | None = None
    crv: str | None = None
    x: _Part | None = None
    y: _Part | None = None
    n: _Part | None = None
    e: _Part | None = None
    d: Any = None
    k: Any = None


class _JwkSet(Struct, frozen=True):
    """A JWK set (RFC 7517, section 5)."""

    keys: list[Any]


@dataclass(frozen=True, slots=True)
class HostKey:
    """A key that can check signatures of one *algorithm*. *kid*: how tokens call it, if they do."""

    kid: str | None
    algorithm: Algorithm
    key: RSAKey | ECKey | OKPKey | OctKey = field(repr=False)

    @property
    def public_text(self) -> str:
        """The public key as a canonical JWK; of a shared secret nothing but its kind."""
        public = self.key.as_dict(private=False)
        return msgjson.encode({name: public[name] for name in sorted({"kty", "crv", "x", "y", "n", "e"} & set(public))}).decode()

    @property
    def thumbprint(self) -> str:
        """RFC 7638: tells keys apart when they are listed."""
        return str(self.key.thumbprint())


def parse_public_key(text: str, algorithm: Algorithm, kid: str | None = None) -> HostKey:
    """*text*, a PEM or JWK public key, for *algorithm*. Raises ``WrongUsage`` with what is wrong and never the key."""
    if algorithm == "HS256":
        raise WrongUsage("HS256 takes a shared secret (--secret-file), not a public key")
    if "PRIVATE KEY" in text:
        raise WrongUsage("this is a private key: keep it on your server, and give the public one")
    if text.lstrip().startswith("{"):
        try:
            found = msgjson.decode(text.encode(), type=_Jwk)
        except (DecodeError, ValidationError, UnicodeError, RecursionError):
            raise WrongUsage("this is not a public key in PEM or JWK form") from None
        return _import(found, algorithm, kid or found.kid)
    return _import(_jwk_of_pem(text), algorithm, kid)


def parse_shared_secret(text: str, kid: str | None = None) -> HostKey:
    """*text* as an HS256 secret: its UTF-8 bytes are the key. Raises ``WrongUsage`` unless it is a strong one."""
    if any(mark in text for mark in _KEY_MARKS):
        raise WrongUsage("this is a key file, not a shared secret: use --public-key")
    if not text.isprintable() or len(text) > _LONGEST_SECRET:
        raise WrongUsage(f"a shared secret is one line of printable text, at most {_LONGEST_SECRET} characters")
    weakness = find_weakness(text)
    if weakness is not None:
        raise WrongUsage(f"the shared secret is {weakness}: make one with `openssl rand -base64 48`")
    return HostKey(kid, "HS256", OctKey.import_key(text.encode()))


def parse_key_set(data: bytes, algorithm: Algorithm) -> tuple[HostKey, ...]:
    """The keys of a JWKS that can check *algorithm*; others are skipped. Raises ``ValueError`` when it is no JWKS."""
    try:
        listed = msgjson.decode(data, type=_JwkSet).keys
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(type(error).__name__) from None
    if len(listed) > _MOST_KEYS:
        raise ValueError("too many keys")
    found = []
    for value in listed:
        try:
            found.append(_from_set(value, algorithm))
        except (WrongUsage, ValidationError):
            continue
    return tuple(found)


def _from_set(value: object, algorithm: Algorithm) -> HostKey:
    """One key of a JWKS. Raises ``WrongUsage`` or ``ValidationError``."""
    found = convert(value, _Jwk)
    return _import(found, algorithm, found.kid)


def _import(jwk: _Jwk, algorithm: Algorithm, kid: str | None) -> HostKey:
    """*jwk* for *algorithm*. Raises ``WrongUsage``."""
    if jwk.d is not None or jwk.k is not None:
        raise WrongUsage("this JWK holds a secret: keep it on your server, and give the public key")
    if jwk.use not in (None, "sig") or (jwk.key_ops is not None and "verify" not in jwk.key_ops) or jwk.alg not in (None, algorithm):
        raise WrongUsage(f"this key says that it is not for checking {algorithm} signatures")
    try:
        return HostKey(kid, algorithm, _import_parts(jwk, algorithm))
    except (JoseError, ValueError, TypeError, UnsupportedAlgorithm):
        raise WrongUsage(f"this is not a sound {algorithm} key") from None


def _import_parts(jwk: _Jwk, algorithm: Algorithm) -> RSAKey | ECKey | OKPKey:
    """The key that *jwk* holds, if it is of the one kind that *algorithm* takes. Raises ``ValueError``."""
    if algorithm == "RS256" and jwk.kty == "RSA" and jwk.n and jwk.e:
        n, e = _number(jwk.n), _number(jwk.e)
        if not _SMALLEST_RSA_BITS <= n.bit_length() <= _LARGEST_RSA_BITS or e < _SMALLEST_EXPONENT or e.bit_length() > _EXPONENT_BITS:
            raise WrongUsage(f"an RSA key has {_SMALLEST_RSA_BITS} to {_LARGEST_RSA_BITS} bits and the exponent 65537")
        return RSAKey.import_key({"kty": "RSA", "n": jwk.n, "e": jwk.e})
    if algorithm == "ES256" and jwk.kty == "EC" and jwk.crv == "P-256" and jwk.x and jwk.y:
        found = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": jwk.x, "y": jwk.y})
        found.public_key  # noqa: B018 - made lazily; raises here when the point is not on the curve
        return found
    if algorithm == "EdDSA" and jwk.kty == "OKP" and jwk.crv == "Ed25519" and jwk.x:
        return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": jwk.x})
    raise WrongUsage(f"this key is of another kind than {algorithm} takes")


def _jwk_of_pem(text: str) -> _Jwk:
    """A PEM public key as JWK. Raises ``WrongUsage``."""
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise WrongUsage("this is not a public key in PEM or JWK form") from None
    # joserfc warns about short keys by itself: judged before it sees one.
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return _Jwk("RSA", n=_text(numbers.n), e=_text(numbers.e))
    found: Mapping[str, Any] = {}
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        found = ECKey.import_key(text).as_dict(private=False)
    elif isinstance(key, Ed25519PublicKey):
        found = OKPKey.import_key(text).as_dict(private=False)
    if not found:
        raise WrongUsage("this key is of a kind that no algorithm here takes")
    return _Jwk(found["kty"], crv=found["crv"], x=found["x"], y=found.get("y"))


def _number(text: str) -> int:
    """A base64url integer. Raises ``ValueError``."""
    return int.from_bytes(urlsafe_b64decode(text.encode()), "big")


def _text(number: int) -> str:
    """*number* in base64url."""
    return int_to_base64(number)
