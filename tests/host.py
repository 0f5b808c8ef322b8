"""A host's server: signs identities and page tickets for the cast, and publishes its keys.

Tokens are made by hand: no signing library would make what an attacker sends.
"""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

from chatkeep.clock import SystemClock
from chatkeep.crypto import new_id
from chatkeep.ids import AgentId, OrgId
from chatkeep.manage import widget_keys
from chatkeep.manage.organizations import choose_organization, choose_providers, default_agent
from chatkeep.manage.widgets import create_widget
from chatkeep.store import Tx
from chatkeep.store.organizations import Agent, add_agent, add_organization, list_organizations
from chatkeep.store.widget_keys import WidgetKeyRow
from chatkeep.store.widgets import WidgetRow
from chatkeep.vault import Vault
from tests.cast import SHOP, Reply, Stage, StageVisitor
from tests.servers import SECRET

STRONG = "xW8-3qLz7Rn0vKc5TdY2hBf9UjGm4sPa6Ee1"
VAULT = Vault([SECRET], SystemClock())


def encode(data: bytes | dict[str, Any]) -> str:
    """base64url without padding; an object as JSON."""
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Signer:
    """One private key, or a shared secret."""

    algorithm: str = "ES256"
    kid: str | None = None
    secret: str = STRONG
    private: Any = None

    def __post_init__(self) -> None:
        make = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "HS256": lambda: None,
        }
        self.private = self.private or make[self.algorithm]()

    @property
    def pem(self) -> str:
        return str(self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())

    @property
    def jwk(self) -> dict[str, Any]:
        kind = {"ES256": ECKey, "RS256": RSAKey, "EdDSA": OKPKey}[self.algorithm]
        return {**kind.import_key(self.pem).as_dict(private=False), **({"kid": self.kid} if self.kid else {})}

    def sign(self, data: bytes) -> bytes:
        if self.algorithm == "HS256":
            return hmac.new(self.secret.encode(), data, hashlib.sha256).digest()
        if self.algorithm == "RS256":
            return bytes(self.private.sign(data, padding.PKCS1v15(), hashes.SHA256()))
        if self.algorithm == "EdDSA":
            return bytes(self.private.sign(data))
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def token(self, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
        """*claims* signed; ``None`` leaves a claim or a part of the header out."""
        head = {"typ": "JWT", "alg": self.algorithm, "kid": self.kid, **(header or {})}
        head, claims = ({name: value for name, value in part.items() if value is not None} for part in (head, claims))
        signed = f"{encode(head)}.{encode(claims)}"
        return f"{signed}.{encode(self.sign(signed.encode()))}"


@dataclass
class Host:
    """The server of Alice's shop, which knows who is logged in."""

    stage: Stage
    widget: WidgetRow
    signer: Signer = field(default_factory=Signer)

    @property
    def now(self) -> int:
        return int(self.stage.clock.now().timestamp())

    def trust(self, signer: Signer | None = None) -> WidgetKeyRow:
        """Give the widget a key of the host."""
        signer = signer or self.signer
        where = (self.stage.store, self.stage.clock)
        whose = (self.widget.org_id, self.widget.widget_id)
        if signer.algorithm == "HS256":
            return widget_keys.add_shared_secret(*where, VAULT, *whose, text=signer.secret, kid=signer.kid)
        return widget_keys.add_public_key(*where, *whose, algorithm=signer.algorithm, text=signer.pem, kid=signer.kid)

    def publish(self, url: str, algorithm: str = "ES256") -> WidgetKeyRow:
        """Give the widget the address of the host's JWKS."""
        store, clock, widget = self.stage.store, self.stage.clock, self.widget
        return widget_keys.add_key_set(store, clock, widget.org_id, widget.widget_id, algorithm=algorithm, url=url, development=True)

    def claims(self, **claims: Any) -> dict[str, Any]:
        return {"sub": "customer-1", "aud": self.widget.widget_id, "iat": self.now, "exp": self.now + 300, **claims}

    def identity(self, header: dict[str, Any] | None = None, signer: Signer | None = None, **claims: Any) -> str:
        return (signer or self.signer).token(self.claims(**claims), header)

    def open(self, identity: Any = "", *, origin: str = SHOP, peer: str = "198.51.100.7", headers: dict[str, str] | None = None, **body: Any) -> Reply:
        """Ask for a session with *identity*: a fresh one when it is empty, none when it is ``None``."""
        own = {"identity": identity or self.identity()} if identity is not None else {}
        content = {"widget_id": self.widget.widget_id, **own, **body}
        return self.stage.call("POST", "/api/sessions", headers={"origin": origin, **(headers or {})}, body=content, peer=peer)

    def login(self, subject: str, *, peer: str = "198.51.100.7", **claims: Any) -> StageVisitor:
        """A session of a logged-in visitor."""
        reply = self.open(self.identity(sub=subject, **claims), peer=peer)
        assert reply.status == 201, reply.body
        return StageVisitor(self.stage, self.widget, SHOP, peer, reply.json)

    def ticket(self, secret: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
        says = {"aud": self.widget.widget_id, "origin": SHOP, "jti": str(uuid.uuid4()), "iat": self.now, "exp": self.now + 60, **claims}
        return Signer("HS256", secret=secret).token(says, {"typ": "ck-ticket", **(header or {})})

    def ticket_secret(self, **options: Any) -> str:
        """A new secret for page tickets."""
        return widget_keys.make_ticket_secret(self.stage.store, self.stage.clock, VAULT, self.widget.org_id, self.widget.widget_id, **options)[1]


def alices_login(stage: Stage, **choices: Any) -> Host:
    """Alice's shop with a widget in access mode identity, whose key is trusted."""
    signer = choices.pop("signer", None) or Signer()
    host = Host(stage, alices_widget(stage, access_mode="identity", **choices), signer)
    host.trust()
    return host


def alices_widget(stage: Stage, *, org: str = "default", **choices: Any) -> WidgetRow:
    """A widget of Alice's (or of organization *org*) in any access mode."""

    owner = organization(stage, org)
    agent = default_agent(stage.store, owner)
    choose_providers(stage.store, owner, agent.agent_id, ("fake",))
    return create_widget(stage.store, stage.clock, owner, agent.agent_id, **{"name": "Shop", "domains": ("shop.example",), "development": True, **choices})


def organization(stage: Stage, name: str) -> OrgId:
    """The organization of that name with its agent, made at first use."""
    found = {one.name: one.org_id for one in stage.store.read_now(list_organizations)}
    if name in found or name == "default":
        return found.get(name) or choose_organization(stage.store, stage.clock, name).org_id
    org = OrgId(new_id("org"))

    def add(tx: Tx) -> None:
        add_organization(tx, org, name, at_ms=0)
        add_agent(tx, org, Agent(AgentId(new_id("agent")), org, "default", "Be brief.", (), has_knowledge=False), at_ms=0)

    stage.store.transaction_now(add)
    return org


@dataclass
class Jwks:
    """A real HTTP server that publishes keys, or behaves badly. *answer*: status, headers, body."""

    url: str
    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
    asked: int = 0
    # While set, requests wait for it before they are answered.
    gate: threading.Event | None = None
    arrived: threading.Event = field(default_factory=threading.Event)

    def show(self, *signers: Signer, **more: Any) -> None:
        """Publish those keys; *more* goes into each of them."""
        self.answer = (200, {}, json.dumps({"keys": [{**signer.jwk, **more} for signer in signers]}).encode())


@contextmanager
def jwks_server() -> Iterator[Jwks]:
    """The server, on a free port of this machine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            jwks.asked += 1
            jwks.arrived.set()
            if jwks.gate is not None:
                jwks.gate.wait(30)
            status, headers, body = jwks.answer
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # the gateway had seen enough

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    jwks = Jwks(f"http://127.0.0.1:{server.server_port}/keys")
    thread = threading.Thread(target=server.serve_forever, name="jwks")
    thread.start()
    try:
        yield jwks
    finally:
        if jwks.gate is not None:
            jwks.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
