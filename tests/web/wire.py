"""A bare server behind our protocol, and raw sockets to talk to it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from chatkeep.web.protocol import (
    WireAnswer,
    WireFault,
    WireLimits,
    WireProblem,
    bind_protocol,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long a test waits for what must happen anyway; reaching it is a failure.
PATIENCE = 10.0
FOREVER = 1000.0
# No deadline of these comes during a test, unless the test says so.
UNHURRIED = {
    "header_seconds": FOREVER,
    "body_seconds": FOREVER,
    "request_seconds": FOREVER,
    "idle_seconds": FOREVER,
    "write_seconds": FOREVER,
    "drain_seconds": 0.3,
    "sweep_seconds": 0.02,
}
STATUS = {
    WireFault.MALFORMED: 400,
    WireFault.LATE: 408,
    WireFault.BODY_TOO_LARGE: 413,
    WireFault.URL_TOO_LONG: 414,
    WireFault.HEADERS_TOO_LARGE: 431,
    WireFault.CROWDED: 503,
}
HOST = b"Host: chat.example\r\n"
GET = b"GET /echo HTTP/1.1\r\n" + HOST
POST = b"POST /echo HTTP/1.1\r\n" + HOST


@dataclass
class Gateway:
    """A running server, its application, and what both saw."""

    limits: WireLimits
    uds: str | None = None
    port: int = 0
    problems: list[WireProblem] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    sent_bytes: int = 0
    server: _Server = field(init=False)
    thread: threading.Thread = field(init=False)
    released: asyncio.Event = field(init=False)
    disconnected: threading.Event = field(default_factory=threading.Event)
    holding: threading.Event = field(default_factory=threading.Event)

    def refuse(self, problem: WireProblem) -> WireAnswer:
        self.problems.append(problem)
        body = json.dumps({"success": False, "error": problem.fault.name}).encode()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        return WireAnswer(STATUS[problem.fault], headers, body)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.started.append(scope["path"])
        await getattr(self, scope["path"].strip("/"))(scope, receive, send)

    async def echo(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected.set()
                return
            body, more = body + message["body"], message["more_body"]
        seen = {
            "scope": {k: str(v) for k, v in scope.items() if k != "headers"},
            "headers": [[n.decode(), v.decode("latin-1")] for n, v in scope["headers"]],
            "body": body.decode(),
        }
        await _respond(send, json.dumps(seen).encode())

    async def early(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers without reading the body."""
        await _respond(send, b"early")

    async def large(self, scope: Any, receive: Any, send: Any) -> None:
        await _respond(send, b"x" * 4 * 1024 * 1024)

    async def hold(self, scope: Any, receive: Any, send: Any) -> None:
        """Streams one chunk, then one more when released, or notes that the client left."""
        await receive()
        self.released = asyncio.Event()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        self.holding.set()
        left = asyncio.ensure_future(receive())
        release = asyncio.ensure_future(self.released.wait())
        await asyncio.wait({left, release}, return_when=asyncio.FIRST_COMPLETED)
        release.cancel()
        if left.done():
            self.disconnected.set()
            return
        left.cancel()
        await send({"type": "http.response.body", "body": b"last", "more_body": False})

    async def release(self, scope: Any, receive: Any, send: Any) -> None:
        self.released.set()
        await _respond(send, b"released")

    async def flood(self, scope: Any, receive: Any, send: Any) -> None:
        """Writes as much as the client, or the server's patience, takes."""
        await receive()
        left = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not left.done():
            await send({"type": "http.response.body", "body": b"x" * 8192, "more_body": True})
            self.sent_bytes += 0 if left.done() else 8192
            await asyncio.sleep(0)
        self.disconnected.set()


async def _respond(send: Any, body: bytes) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextlib.contextmanager
def serving(uds: str | None = None, **limits: Any) -> Iterator[Gateway]:
    gateway = Gateway(WireLimits(**{**UNHURRIED, **limits}), uds)
    config = uvicorn.Config(
        gateway.app,
        port=0,
        uds=uds,
        http=bind_protocol(gateway.limits, gateway.refuse),
        interface="asgi3",
        proxy_headers=False,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = gateway.server = _Server(config)
    gateway.thread = threading.Thread(target=server.run)
    gateway.thread.start()
    try:
        assert server.ready.wait(PATIENCE)
        if uds is None:
            gateway.port = server.servers[0].sockets[0].getsockname()[1]
        yield gateway
    finally:
        gateway.stop()


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """A server whose deadlines do not come; shared, for tests that look at answers only."""
    with serving() as running:
        yield running


@contextlib.contextmanager
def mallory(gateway: Gateway, *sends: bytes, receive_buffer: int = 0) -> Iterator[socket.socket]:
    """A raw connection over which *sends* have gone out, one packet each."""
    unix = gateway.uds is not None
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as sock:
        sock.settimeout(PATIENCE)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.connect(gateway.uds or ("127.0.0.1", gateway.port))
        if not unix:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for data in sends:
            sock.sendall(data)
        yield sock


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["error"])

    @property
    def echoed(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


def read_answer(sock: socket.socket, method: str = "GET") -> Answer:
    """One answer; nothing after it may be read before the next call."""
    with http.client.HTTPResponse(_File.of(sock), method=method) as response:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


class _File(socket.SocketIO):
    """Reads what it is asked for, no less and (unlike a buffered file) no more."""

    @classmethod
    def of(cls, sock: socket.socket) -> Any:
        class Connection:
            def makefile(self, _mode: str) -> _File:
                return cls(sock, "r")

        sock._io_refs += 1  # type: ignore[attr-defined]  # as socket.makefile does
        return Connection()

    def read(self, size: int | None = -1) -> bytes:
        parts = []
        while size and (part := super().read(size)):
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)


def is_closed(sock: socket.socket) -> bool:
    """Wait until the server says no more; whether it said nothing else before."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True


def refused(gateway: Gateway, *sends: bytes, method: str = "GET") -> Answer:
    """The answer to a request that is refused, after which the connection must be closed."""
    with mallory(gateway, *sends) as sock:
        answer = read_answer(sock, method)
        assert is_closed(sock)
    return answer
