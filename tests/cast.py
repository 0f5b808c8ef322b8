"""The cast: Alice owns a site with a widget, Victor visits it, Mallory attacks.

Two stages: ``Stage`` is the whole application in this process under a clock that only
the test moves; ``Visitor`` talks HTTP to a gateway in a process of its own.
"""

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chatkeep.manage.organizations import choose_organization, choose_providers, default_agent
from chatkeep.manage.widgets import create_widget
from chatkeep.settings import Settings
from chatkeep.store import Store, schema
from chatkeep.store.events import EventRow, list_events
from chatkeep.store.widgets import WidgetRow
from chatkeep.wiring import Gateway, build_gateway
from tests.servers import PATIENCE, SECRET

SHOP = "https://shop.example"
EVIL = "https://evil.example"
# Limits wide enough for tests that are not about limits: of a widget, and of a gateway.
ROOMY = {
    "limits": {
        "per_minute": 60,
        "per_hour": 1000,
        "per_day": 10_000,
        "interval_ms": 0,
        "per_session": 10_000,
        "per_conversation": 500,
        "widget_per_hour": 1_000_000,
        "widget_per_day": 1_000_000,
        "streams_per_session": 100,
        "streams_per_widget": 1000,
    }
}
ROOMY_GATEWAY = {"LIMIT_ADDRESS_PER_MINUTE": "1000000", "LIMIT_ADDRESS_PER_HOUR": "1000000", "LIMIT_SESSIONS_PER_ADDRESS_PER_HOUR": "1000000"}
NOON = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)


class HeldClock:
    """Time that stands still until a test moves it."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = start
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def forward(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str | None:
        return self.json.get("error") if self.body.startswith(b"{") else None

    def events(self) -> list[tuple[str, Any]]:
        """The body as server-sent events: name and data."""
        found = []
        for block in self.body.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
            if "event" in lines:
                found.append((lines["event"], json.loads(lines["data"])))
        return found


def alices_site(store: Store, *, domains: tuple[str, ...] = ("shop.example",), settings: Mapping[str, Any] | None = None, provider: str = "fake") -> WidgetRow:
    """Alice's organization, agent and live widget on *domains*."""
    clock = HeldClock()
    org = choose_organization(store, clock).org_id
    agent = default_agent(store, org)
    choose_providers(store, org, agent.agent_id, (provider,) if provider else ())
    return create_widget(store, clock, org, agent.agent_id, name="Alice's shop", domains=domains, settings=settings, development=True)


def alices_site_in(database_url: str, **choices: Any) -> WidgetRow:
    """As ``alices_site``, in a database that a gateway of another process uses; asks whatever provider that offers."""
    if database_url.startswith("sqlite") and schema.find_revision(database_url) is None:
        schema.migrate(database_url)
    store = Store(database_url)
    try:
        return alices_site(store, **{"provider": "", **choices})
    finally:
        store.close()


def development(**settings: Any) -> Settings:
    """Settings for a stage."""
    return Settings(**{"env": "development", "secret_key": SECRET, **settings})


@dataclass
class Stage:
    """The application in this process. Calls are real ASGI calls; nothing is replaced but the clock."""

    store: Store
    clock: HeldClock
    gateway: Gateway
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def call(
        self, method: str, path: str, *, headers: Mapping[str, str] | list[tuple[str, str]] | None = None, body: Any = None, peer: str = "198.51.100.7"
    ) -> Reply:
        """One request. *body*: bytes as they are, anything else as JSON."""
        return self.loop.run_until_complete(self.acall(method, path, headers=headers, body=body, peer=peer))

    async def acall(
        self, method: str, path: str, *, headers: Mapping[str, str] | list[tuple[str, str]] | None = None, body: Any = None, peer: str = "198.51.100.7"
    ) -> Reply:
        """As ``call``, for tests that run several at once."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
        names = {name.lower() for name, _ in pairs}
        pairs += [("host", "localhost")] if "host" not in names else []
        pairs += [("content-type", "application/json")] if content and "content-type" not in names else []
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
            "client": (peer, 40000),
            "server": ("127.0.0.1", 8000),
        }
        inbox = [{"type": "http.request", "body": content, "more_body": False}]
        status, heads, parts = 0, {}, []
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def receive() -> Any:
            if inbox:
                return inbox.pop()
            return await never

        async def send(message: Any) -> None:
            nonlocal status, heads
            if message["type"] == "http.response.start":
                status = message["status"]
                heads = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                parts.append(message.get("body", b""))

        await self.gateway.app(scope, receive, send)
        return Reply(status, heads, b"".join(parts))

    def flush(self) -> None:
        """Write recorded events down now."""
        self.loop.run_until_complete(self.gateway.desk.recorder.flush())

    def events(self, *, quiet: bool = True) -> list[EventRow]:
        """Recorded events, oldest first; *quiet* leaves out the good news (info)."""
        self.flush()
        org = choose_organization(self.store, self.clock, "default").org_id
        rows = self.store.read_now(list_events, org, limit=1000, with_unknown=True)
        return [row for row in reversed(rows) if not quiet or row.severity != "info"]

    def victor(self, widget: WidgetRow, *, origin: str = SHOP, peer: str = "198.51.100.7") -> "StageVisitor":
        """A visitor with a fresh session."""
        reply = self.call("POST", "/api/sessions", headers={"origin": origin}, body={"widget_id": widget.widget_id}, peer=peer)
        assert reply.status == 201, reply.body
        return StageVisitor(self, widget, origin, peer, reply.json)


@dataclass
class StageVisitor:
    """A visitor on a stage."""

    stage: Stage
    widget: WidgetRow
    origin: str
    peer: str
    session: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        return {"origin": self.origin, "authorization": f"Bearer {self.session['session_token']}"}

    def say(self, text: str, **headers: str) -> Reply:
        body = {"message": text, "conversation_id": self.session["conversation_id"], "widget_id": self.widget.widget_id}
        return self.stage.call("POST", "/api/chat", headers={**self.headers, **headers}, body=body, peer=self.peer)

    def history(self) -> Any:
        reply = self.stage.call("GET", f"/api/conversations/{self.session['conversation_id']}/messages", headers=self.headers, peer=self.peer)
        assert reply.status == 200, reply.body
        return reply.json["messages"]


@contextmanager
def on_stage(store: Store, settings: Settings | None = None, clock: HeldClock | None = None) -> Iterator[Stage]:
    """The application over *store*, in an event loop that runs during calls."""
    loop = asyncio.new_event_loop()
    clock = clock or HeldClock()

    async def build() -> Gateway:
        return build_gateway(settings or development(), store, clock)

    try:
        stage = Stage(store, clock, loop.run_until_complete(build()), loop)
        yield stage
        loop.run_until_complete(stage.gateway.answers.close())
        loop.run_until_complete(stage.gateway.desk.egress.close())
    finally:
        loop.close()


@dataclass
class Visitor:
    """Somebody with an HTTP client and a session, talking to a real gateway."""

    port: int
    widget_id: str
    origin: str
    address: str | None = None
    session: dict[str, Any] = field(default_factory=dict)

    def open(self) -> "Visitor":
        """Open a session."""
        reply = self.request("POST", "/api/sessions", {"widget_id": self.widget_id})
        assert reply.status == 201, reply.body
        self.session = reply.json
        return self

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request on a connection of its own, read to its end."""
        connection = self.send(method, path, body, **headers)
        try:
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> http.client.HTTPConnection:
        """Send one request; the caller reads the answer and closes."""
        own = {"Origin": self.origin}
        if self.session:
            own["Authorization"] = f"Bearer {self.session['session_token']}"
        if self.address:
            own["X-Forwarded-For"] = self.address
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            own["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, content, {**own, **{name.replace("_", "-"): value for name, value in headers.items()}})
        except BaseException:
            connection.close()
            raise
        return connection

    def say(self, text: str, **headers: str) -> Reply:
        """One message, answered whole (or as a stream when *headers* ask for it)."""
        return self.request("POST", "/api/chat", {"message": text, "conversation_id": self.session["conversation_id"]}, **headers)

    def listen(self, text: str, accept: str = "text/event-stream") -> "Listening":
        """One message, whose answer a thread of its own reads as it comes."""
        return Listening(self, text, accept)

    def history(self, limit: int = 50) -> list[dict[str, Any]]:
        """What was said so far: the newest *limit* messages."""
        reply = self.request("GET", f"/api/conversations/{self.session['conversation_id']}/messages?limit={limit}")
        assert reply.status == 200, reply.body
        messages: list[dict[str, Any]] = reply.json["messages"]
        return messages

    def settled(self) -> list[dict[str, Any]]:
        """The history as soon as no answer in it is being made any more."""
        until = time.monotonic() + PATIENCE
        messages = self.history()
        while any(message["state"] == "streaming" for message in messages):
            assert time.monotonic() < until, "an answer is never finished"
            messages = self.history()
        return messages


@dataclass(frozen=True)
class Heard:
    """An event as a client got it; *at* is ``time.monotonic`` of its receipt."""

    name: str
    data: Any
    at: float


class Listening:
    """The answer to one message, read by a thread. *reply* is the whole of it; *heard* grows event by event."""

    def __init__(self, visitor: Visitor, text: str, accept: str) -> None:
        self.question = text
        self.status = 0
        self.heard: list[Heard] = []
        self.reply: Reply | None = None
        self.is_over = False
        self._changed = threading.Condition()
        body = {"message": text, "conversation_id": visitor.session["conversation_id"]}
        self._connection = visitor.send("POST", "/api/chat", body, Accept=accept)
        self._socket = self._connection.sock
        self._thread = threading.Thread(target=self._read, name="listening")
        self._thread.start()

    @property
    def text(self) -> str:
        """All that was shown."""
        return "".join(event.data["text"] for event in self.events("delta"))

    @property
    def message_id(self) -> str:
        """The answer's id, as the first event said it."""
        message_id: str = self.events("start")[0].data["message_id"]
        return message_id

    @property
    def last(self) -> Heard:
        """The event that ended the stream."""
        return self.heard[-1]

    def events(self, name: str) -> list[Heard]:
        """What came under that name."""
        return [event for event in list(self.heard) if event.name == name]

    def wait(self, condition: "Callable[[Listening], object]", within: float = PATIENCE) -> "Listening":
        """Until *condition* holds or the answer is over. *within* seconds without either is a failure."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self) or self.is_over, within), f"nothing more after {self.heard[-3:]}"
        return self

    def finish(self, within: float = PATIENCE) -> "Listening":
        """Until the answer is over, one way or another."""
        return self.wait(lambda _: False, within)

    def hang_up(self) -> None:
        """Drop the connection."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)

    def _read(self) -> None:
        """Runs in the thread. A connection that breaks is an end like others: what counts is what came before it."""
        try:
            with suppress(OSError, http.client.HTTPException):
                self._read_answer(self._connection.getresponse())
        finally:
            self._connection.close()
            with self._changed:
                self.is_over = True
                self._changed.notify_all()

    def _read_answer(self, answer: http.client.HTTPResponse) -> None:
        """Status, then the events, or a body that is none."""
        self.status = answer.status
        headers = {name.lower(): value for name, value in answer.getheaders()}
        if not headers.get("content-type", "").startswith("text/event-stream"):
            self.reply = Reply(answer.status, headers, answer.read())
            return
        whole = b""
        waiting = b""
        while data := answer.read1(65536):
            at = time.monotonic()
            whole += data
            *blocks, waiting = (waiting + data).split(b"\n\n")
            events = [Heard(name, value, at) for block in blocks for name, value in Reply(200, {}, block).events()]
            with self._changed:
                self.heard += events
                self._changed.notify_all()
        self.reply = Reply(answer.status, headers, whole)
