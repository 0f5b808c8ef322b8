"""A browser's key: signs proofs of possession (RFC 9449) for the cast."""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey

from tests.cast import Reply, Stage

GATEWAY = "http://localhost:8000"


def _encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Key:
    """A P-256 key that stays where it is."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    @property
    def jwk(self) -> dict[str, Any]:
        public = self.key.as_dict(private=False)
        return {name: public[name] for name in ("kty", "crv", "x", "y")}

    def prove(self, stage: Stage, method: str, path: str, token: str | None = None, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A proof for one request; *header* and *claims* override, ``None`` leaves a claim out."""
        says: dict[str, Any] = {"jti": str(uuid.uuid4()), "htm": method, "htu": GATEWAY + path, "iat": int(stage.clock.now().timestamp())}
        if token is not None:
            says["ath"] = _encode(hashlib.sha256(token.encode()).digest())
        says = {name: value for name, value in {**says, **claims}.items() if value is not None}
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk, **(header or {})}
        # By hand: no signing library would make what an attacker sends.
        signed = f"{_encode(json.dumps(head).encode())}.{_encode(json.dumps(says).encode())}"
        r, s = decode_dss_signature(self.key.private_key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@dataclass
class BoundVisitor:
    """A visitor whose session is bound to a key."""

    stage: Stage
    widget_id: str
    origin: str
    key: Key = field(default_factory=Key)
    peer: str = "198.51.100.7"
    session: dict[str, Any] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return str(self.session["session_token"])

    def open(self) -> "BoundVisitor":
        proof = self.key.prove(self.stage, "POST", "/api/sessions")
        reply = self.stage.call("POST", "/api/sessions", headers={"origin": self.origin, "dpop": proof}, body={"widget_id": self.widget_id}, peer=self.peer)
        assert reply.status == 201, reply.body
        self.session = reply.json
        return self

    def request(self, method: str, path: str, body: Any = None, *, proof: str | None = "", token: str | None = None, **headers: str) -> Reply:
        """One request with a fresh proof; *proof* ``None`` leaves it out, a string sends that one."""
        token = token or self.token
        sent = {"origin": self.origin, "authorization": f"Bearer {token}", **headers}
        if proof is not None:
            sent["dpop"] = proof or self.key.prove(self.stage, method, path.partition("?")[0], token)
        return self.stage.call(method, path, headers=sent, body=body, peer=self.peer)

    def say(self, text: str, **options: Any) -> Reply:
        return self.request("POST", "/api/chat", {"message": text}, **options)

    def refresh(self, **options: Any) -> Reply:
        return self.request("POST", "/api/sessions/refresh", **options)
