"""Tokens that an attacker would try: anything but what we sign ourselves."""

import base64
import hashlib
import hmac
import json
from typing import Any

from chatkeep.crypto import derive_key
from tests.servers import SECRET

OTHER_KEY = b"another key of thirty-two bytes!"
OURS = {"alg": "HS256", "typ": "ck-session"}
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def own_key() -> bytes:
    """The key that the stage signs with."""
    return derive_key(SECRET, "session-token")


def pack(data: bytes) -> str:
    """URL-safe base64 without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpack(part: str) -> bytes:
    """The bytes of one part of a token."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims_of(token: str) -> dict[str, Any]:
    """What a token says."""
    claims: dict[str, Any] = json.loads(unpack(token.split(".")[1]))
    return claims


def signed(head: Any, claims: Any, *, key: bytes | None = None, digest: str = "HS256") -> str:
    """A token with a right signature over whatever it holds. *head* and *claims*: bytes as they are, else JSON."""
    parts = [pack(part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims)]
    whole = ".".join(parts)
    return f"{whole}.{pack(hmac.new(own_key() if key is None else key, whole.encode(), DIGESTS[digest]).digest())}"


def bad_heads() -> list[tuple[str, Any]]:
    """Heads that are not ours, signed with our key all the same."""
    return [
        ("alg none", {**OURS, "alg": "none"}),
        ("alg None", {**OURS, "alg": "None"}),
        ("alg in another case", {**OURS, "alg": "hs256"}),
        ("alg missing", {"typ": "ck-session"}),
        ("alg null", {**OURS, "alg": None}),
        ("alg a list", {**OURS, "alg": ["HS256"]}),
        ("alg RS256", {**OURS, "alg": "RS256"}),
        ("alg ES256", {**OURS, "alg": "ES256"}),
        ("alg dir", {**OURS, "alg": "dir", "enc": "A256GCM"}),
        ("typ missing", {"alg": "HS256"}),
        ("typ JWT", {**OURS, "typ": "JWT"}),
        ("typ dpop", {**OURS, "typ": "dpop+jwt"}),
        ("typ in another case", {**OURS, "typ": "CK-Session"}),
        ("jwk", {**OURS, "jwk": {"kty": "oct", "k": pack(OTHER_KEY)}}),
        ("jku", {**OURS, "jku": "https://evil.example/keys"}),
        ("kid", {**OURS, "kid": "../../dev/null"}),
        ("x5u", {**OURS, "x5u": "https://evil.example/cert"}),
        ("cty", {**OURS, "cty": "JWT"}),
        ("b64", {**OURS, "b64": False, "crit": ["b64"]}),
        ("crit", {**OURS, "crit": ["exp"]}),
        ("crit a number", {**OURS, "crit": 5}),
        ("crit null", {**OURS, "crit": None}),
        ("a head that is a list", [OURS]),
        ("a head that is a number", 5),
        ("a head that is nothing", b""),
        ("a head that is no JSON", b"{"),
        ("a head in other bytes", b'{"typ":"ck-session","alg":"HS256"}'),
        ("a head with a key twice", b'{"alg":"none","alg":"HS256","typ":"ck-session"}'),
        ("a deep head", b'{"alg":' + b"[" * 2000 + b"]" * 2000 + b"}"),
        ("a head in bad UTF-8", b"\xff\xfe"),
    ]


def bad_claims(claims: dict[str, Any]) -> list[tuple[str, Any]]:
    """Claims that we never make, signed with our key all the same."""
    return [
        ("an extra claim", {**claims, "admin": True}),
        ("aud", {**claims, "aud": "chatkeep"}),
        ("no gen", {name: value for name, value in claims.items() if name != "gen"}),
        ("exp text", {**claims, "exp": str(claims["exp"])}),
        ("exp null", {**claims, "exp": None}),
        ("exp a float", {**claims, "exp": 1.5}),
        ("sid a list", {**claims, "sid": [claims["sid"]]}),
        ("claims a list", [claims]),
        ("claims nothing", b""),
        ("claims in bad UTF-8", b'{"sid":"\xff"}'),
        ("another session", {**claims, "sid": "sess_" + "a" * 26}),
        ("another origin", {**claims, "origin": "https://www.shop.example"}),
        ("no origin", {**claims, "origin": ""}),
    ]


def bent(token: str, claims: dict[str, Any]) -> list[tuple[str, str]]:
    """*token* with other signatures, and in other forms."""
    head, body, signature = token.split(".")
    return [
        *((f"alg {digest}", signed({**OURS, "alg": digest}, claims, digest=digest)) for digest in ("HS384", "HS512")),
        ("alg none, unsigned", f"{pack(json.dumps({**OURS, 'alg': 'none'}).encode())}.{body}."),
        ("another key", signed(OURS, claims, key=OTHER_KEY)),
        ("an empty key", signed(OURS, claims, key=b"")),
        ("the secret itself as key", signed(OURS, claims, key=SECRET.encode())),
        ("signed by digest only", f"{head}.{body}.{pack(hashlib.sha256(f'{head}.{body}'.encode()).digest())}"),
        ("unsigned", f"{head}.{body}."),
        ("cut", token[:-4]),
        ("longer", token + "AAAA"),
        ("padded", token + "="),
        ("with a part more", token + ".x"),
        ("two parts", f"{head}.{body}"),
        ("one part", head),
        ("other claims, same signature", f"{head}.{pack(json.dumps({**claims, 'gen': 1}).encode())}.{signature}"),
        ("a dot", "."),
        ("dots", "..."),
        ("a word", "token"),
        ("bytes", "\xff\xfe.\xff.\xff"),
        ("a long word", "a" * 8000),
        ("doubled", f"{token} {token}"),
        ("quoted", f'"{token}"'),
    ]


def forgeries(token: str) -> list[tuple[str, str]]:
    """Every way to bend *token* that must not work, by name."""
    claims = claims_of(token)
    found = [(name, signed(head, claims)) for name, head in bad_heads()]
    found += [(name, signed(OURS, wrong)) for name, wrong in bad_claims(claims)]
    return found + bent(token, claims)
