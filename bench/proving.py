"""A browser's key for measuring: signs a proof of possession (RFC 9449) for each request."""

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def _encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Key:
    """A P-256 key."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def prove(self, method: str, address: str, token: str | None = None) -> str:
        """A proof for one request, as the widget makes it."""
        point = self.private.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": _encode(point.x.to_bytes(32, "big")), "y": _encode(point.y.to_bytes(32, "big"))}
        claims: dict[str, object] = {"jti": str(uuid.uuid4()), "htm": method, "htu": address, "iat": int(time.time())}
        if token is not None:
            claims["ath"] = _encode(hashlib.sha256(token.encode()).digest())
        signed = ".".join(_encode(json.dumps(part).encode()) for part in ({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}, claims))
        r, s = decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
