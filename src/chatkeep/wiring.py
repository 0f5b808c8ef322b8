"""Where do the parts meet? Settings in, one ASGI application out. The only such place.

The environment is read here, once; the command line gets settings and store from here.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import structs
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from chatkeep.accept import visitor_routes
from chatkeep.admit import Desk, blocks
from chatkeep.admit._ban_list import BanList
from chatkeep.admit._cache import Cache
from chatkeep.admit._in_flight import InFlight
from chatkeep.admit._key_ring import KeyRing
from chatkeep.admit._key_sets import KeySets
from chatkeep.admit.domains import AllowedDomains, DomainEntry, find_origin
from chatkeep.admit.sweep import follow_endings, sweep_sessions
from chatkeep.answer import Answers, Tools
from chatkeep.audit import Context, Recorder
from chatkeep.audit.catalogue import ConfigUnsafe
from chatkeep.checks import Finding, refuse_errors, run_checks
from chatkeep.clock import Clock, SystemClock
from chatkeep.crypto import derive_key, new_secret
from chatkeep.crypto.office_tokens import OfficeKey
from chatkeep.crypto.strength import find_weakness
from chatkeep.crypto.tokens import TokenKey
from chatkeep.egress import Egress
from chatkeep.errors import Misconfigured
from chatkeep.limits.in_process import InProcessLimits
from chatkeep.mail import Postman, find_post
from chatkeep.providers import Roster
from chatkeep.rest import Office, admin_routes
from chatkeep.settings import Loaded, Settings, load_settings, split_list
from chatkeep.store import Store, schema
from chatkeep.store.engine import parse_database_url
from chatkeep.store.messages import mark_interrupted
from chatkeep.vault import Vault
from chatkeep.web.client_ip import parse_networks, parse_proxies
from chatkeep.web.edge import Edge, PathApp, build_routes
from chatkeep.web.headers import Surface
from chatkeep.web.health import health_routes
from chatkeep.web.openapi import build_document, document_routes
from chatkeep.web.pages import page_routes
from chatkeep.web.routes import Route
from chatkeep.web.widget_build import WidgetBuilds

# IPv4 inside IPv6 counts as IPv4 (web/client_ip.py).
_LOOPBACK = ("127.0.0.0/8", "::1/128")

log = logging.getLogger("chatkeep.start")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The application, and what has to be told when the process ends."""

    app: ASGIApp
    desk: Desk
    answers: Answers
    office: Office
    builds: WidgetBuilds
    routes: Sequence[Route]


def read_settings(**overrides: object) -> Loaded:
    """The settings of this process. Raises ``Misconfigured``."""
    return load_settings(os.environ, **overrides)


def check_settings(loaded: Loaded) -> list[Finding]:
    """The warnings. Raises ``Misconfigured`` on the first error."""
    findings = run_checks(loaded)
    refuse_errors(findings)
    return findings


def prepare_store(settings: Settings) -> Store:
    """The store, its schema in order: SQLite is brought to head, elsewhere an old one is refused."""
    url = settings.effective_database_url
    if parse_database_url(url).get_backend_name() == "sqlite":
        if schema.find_revision(url) != schema.HEAD:
            schema.migrate(url)
    else:
        schema.check(url)
    return Store(url)


def has_database(settings: Settings) -> bool:
    """Whether something that can hold our data is there. A server's database is somebody's work already; a file may be a typing error in a path."""
    url = parse_database_url(settings.effective_database_url)
    if url.get_backend_name() != "sqlite":
        return True
    try:
        place = Path(url.database or "")
        is_there = place.is_file() and place.stat().st_size > 0
    except OSError as error:
        msg = f"the database cannot be looked for ({error.strerror}): check CHATKEEP_DATA_DIR and CHATKEEP_DATABASE_URL"
        raise Misconfigured(msg) from None
    return is_there and schema.find_revision(settings.effective_database_url) is not None


def with_secret(settings: Settings) -> Settings:
    """*settings* with a secret key: in development one is made once and kept in the data folder."""
    if settings.secret_key:
        return settings
    if settings.is_production:
        msg = "CHATKEEP_SECRET_KEY is not set: make one with `openssl rand -base64 48`"
        raise Misconfigured(msg)
    path = settings.data_path / "secret-key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _write_once(path, new_secret())
    secret = path.read_text(encoding="ascii").strip()
    weakness = find_weakness(secret)
    if weakness is not None:
        msg = f"the file {path} holds a key that is {weakness}: delete it, and a new one is made (sessions end)"
        raise Misconfigured(msg)
    return structs.replace(settings, secret_key=secret)


def _write_once(path: Path, text: str) -> None:
    """Make *path* with *text*, whole or not at all, for its owner alone; whoever was faster wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()


def build_gateway(settings: Settings, store: Store, clock: Clock | None = None, warnings: tuple[Finding, ...] = ()) -> Gateway:
    """One ASGI application over *store*. *warnings* are recorded as events when it starts."""
    settings = with_secret(settings)
    clock = clock or SystemClock()
    egress = Egress(tenant_networks=parse_networks(split_list(settings.egress_private), "CHATKEEP_EGRESS_PRIVATE"))
    vault = build_vault(settings, clock)
    desk = _build_desk(settings, store, clock, egress, vault)
    roster = Roster(settings, egress, store, vault, clock)
    answers = Answers(Tools(store, clock, desk.recorder, desk.limits, roster, desk.in_flight, desk.sessions))
    builds = WidgetBuilds(store, clock, is_production=settings.is_production)
    office = Office(desk, answers, roster, vault, Postman(find_post(settings, clock)))
    routes = [*visitor_routes(desk, answers, builds), *admin_routes(office), *page_routes(), *health_routes(store)]
    routes += document_routes(routes, settings.public_urls[0])
    edge = Edge(desk, parse_proxies(split_list(settings.trusted_proxies)))

    @asynccontextmanager
    async def lifespan(_app: ASGIApp) -> AsyncIterator[None]:
        left = await store.transaction(mark_interrupted)
        if left:
            log.warning("answers_interrupted", extra={"fields": {"count": left}})
        await builds.keep_own()
        for finding in warnings:
            desk.recorder.record(ConfigUnsafe(finding.setting), Context())
        desk.recorder.start()
        answers.start()
        await blocks.read_all(desk, with_warnings=True)
        background = [asyncio.create_task(work(desk), name=f"chatkeep-{work.__name__}") for work in (sweep_sessions, follow_endings, blocks.keep_current)]
        yield
        for task in background:
            task.cancel()
        try:
            await answers.close()
            await office.postman.rest()
            await egress.close()
            await desk.recorder.stop()
        finally:
            # Also when all this takes too long, and is cancelled.
            office.close()
            store.close()

    router = Router(build_routes(routes, edge), lifespan=lifespan, redirect_slashes=False, default=_fallback(edge))
    return Gateway(router, desk, answers, office, builds, routes)


def describe_api(folder: Path) -> dict[str, Any]:
    """The OpenAPI document as a gateway serves it. No settings are read; *folder* is empty and may be thrown away."""
    settings = Settings(env="development", data_dir=str(folder), secret_key=new_secret())
    store = Store(settings.effective_database_url)
    gateway = build_gateway(settings, store)
    try:
        return build_document(gateway.routes)
    finally:
        gateway.office.close()
        store.close()


def _fallback(edge: Edge) -> ASGIApp:
    """What answers a path that no route has: under ``/api/`` as the visitor API does."""
    visitor = PathApp({}, edge, Surface.VISITOR_API)
    admin = PathApp({}, edge, Surface.ADMIN_API)
    other = PathApp({}, edge, Surface.HEALTH)

    async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        app = admin if path.startswith("/api/admin/") else visitor if path.startswith("/api/") else other
        await app(scope, receive, send)

    return not_found


def build_vault(settings: Settings, clock: Clock, *, gone: Sequence[str] = ()) -> Vault:
    """What seals this instance's secrets. *gone*: a SECRET_KEY that no process has any more."""
    return Vault([with_secret(settings).secret_key, *split_list(settings.secret_key_previous)], clock, gone=gone)


def build_hash_keys(settings: Settings) -> list[bytes]:
    """What values are hashed with that the database is to recognize but not to hold; behind it, what gateways with an earlier SECRET_KEY hash with."""
    return [derive_key(secret, "idempotency") for secret in (with_secret(settings).secret_key, *split_list(settings.secret_key_previous))]


def _build_desk(settings: Settings, store: Store, clock: Clock, egress: Egress, vault: Vault) -> Desk:
    """What guards may use."""
    token_secret = settings.widget_token_secret or settings.secret_key
    recorder = Recorder(store, clock, derive_key(settings.secret_key, "event-hash"))
    sets = KeySets(egress, clock, recorder, development=not settings.is_production)
    return Desk(
        settings=settings,
        clock=clock,
        store=store,
        limits=InProcessLimits(),
        recorder=recorder,
        token_key=TokenKey.from_bytes(derive_key(token_secret, "session-token")),
        office_key=OfficeKey.from_bytes(derive_key(settings.admin_jwt_secret or settings.secret_key, "office-token")),
        ceiling=_ceiling(settings),
        own_urls=frozenset(settings.own_urls),
        own_hosts=_hosts(settings.own_urls),
        frame_hosts=_hosts(settings.frame_urls),
        started_at=int(clock.now().timestamp()),
        hash_key=build_hash_keys(settings)[0],
        in_flight=InFlight(),
        # Whoever develops reloads more often than any visitor (docs/decisions/0003).
        bans=BanList(() if settings.is_production else _LOOPBACK),
        egress=egress,
        keys=KeyRing(store, clock, vault, sets),
        widgets=Cache(clock),
        sessions=Cache(clock),
    )


def _ceiling(settings: Settings) -> AllowedDomains | None:
    """The setting ``ALLOWED_ORIGINS``: exactly these origins, or no ceiling."""
    origins = [origin for text in split_list(settings.allowed_origins) if (origin := find_origin(text)) is not None]
    if not origins:
        return None
    entries = tuple(DomainEntry(origin.text, origin.host, origin.port, "exact") for origin in origins)
    return AllowedDomains(entries, allows_loopback_http=not settings.is_production)


def _hosts(urls: Iterable[str]) -> frozenset[str]:
    """What the ``Host`` header says for *urls*, their default port written or not."""
    hosts = set()
    for url in urls:
        origin = find_origin(url)
        if origin is not None:
            hosts |= {url.partition("://")[2], f"{origin.host}:{origin.port}"}
    return frozenset(hosts)
