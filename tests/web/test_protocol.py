"""What the server does with connections that are slow, broken, too big or in the way."""

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
    from pathlib import Path

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


# Ordinary traffic


def test_a_request_reaches_the_application_unchanged(gateway: Gateway) -> None:
    with mallory(gateway, POST + b"X-A: 1\r\nContent-Length: 2\r\n\r\nhi") as sock:
        seen = read_answer(sock).echoed
    assert seen["body"] == "hi"
    assert seen["headers"] == [["host", "chat.example"], ["x-a", "1"], ["content-length", "2"]]
    assert set(seen["scope"]) == {
        "type", "asgi", "http_version", "server", "client", "scheme", "root_path", "state",
        "method", "path", "raw_path", "query_string",
    }  # fmt: skip
    assert seen["scope"]["client"].startswith("('127.0.0.1', ")


def test_a_unix_socket_has_no_client(tmp_path: Path) -> None:
    with serving(uds=str(tmp_path / "s")) as gateway:
        with mallory(gateway, GET + b"\r\n") as sock:
            assert read_answer(sock).echoed["scope"]["client"] == "None"
        assert refused(gateway, b"junk\r\n\r\n").status == 400
        assert gateway.problems[-1].peer is None


def test_a_hundred_requests_share_a_connection(gateway: Gateway) -> None:
    with mallory(gateway) as sock:
        for count in range(100):
            body = b"%d" % count
            sock.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert read_answer(sock).echoed["body"] == str(count)


def test_a_request_may_come_byte_by_byte(gateway: Gateway) -> None:
    request = POST + b"Content-Length: 2\r\n\r\nhi"
    with mallory(gateway, *(request[i : i + 1] for i in range(len(request)))) as sock:
        assert read_answer(sock).echoed["body"] == "hi"


def test_pipelined_requests_are_answered_in_order(gateway: Gateway) -> None:
    many = b"".join(POST + b"Content-Length: 1\r\n\r\n%d" % count for count in range(9))
    with mallory(gateway, many) as sock:
        assert [read_answer(sock).echoed["body"] for _ in range(9)] == list("012345678")


def test_a_head_request_has_no_body(gateway: Gateway) -> None:
    with mallory(gateway, b"HEAD /echo HTTP/1.1\r\n" + HOST + b"\r\n") as sock:
        answer = read_answer(sock, "HEAD")
        assert answer.status == 200
        assert answer.body == b""
        sock.sendall(GET + b"\r\n")
        assert read_answer(sock).status == 200


def test_a_client_that_expects_100_continue_gets_it(gateway: Gateway) -> None:
    head = POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with mallory(gateway, head) as sock:
        expected = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert sock.recv(len(expected), socket.MSG_WAITALL) == expected
        sock.sendall(b"hi")
        assert read_answer(sock).echoed["body"] == "hi"


def test_an_http_1_0_request_needs_no_host_and_is_closed(gateway: Gateway) -> None:
    with mallory(gateway, b"GET /echo HTTP/1.0\r\n\r\n") as sock:
        assert read_answer(sock).status == 200
        assert is_closed(sock)


def test_a_chunked_body_arrives(gateway: Gateway) -> None:
    body = b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\n\r\n"
    with mallory(gateway, POST + body) as sock:
        assert read_answer(sock).echoed["body"] == "hi!"


def test_trailers_do_not_become_headers(gateway: Gateway) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    with mallory(gateway, head + b"0\r\nOrigin: https://evil.example\r\n\r\n") as sock:
        assert "origin" not in dict(read_answer(sock).echoed["headers"])


def test_an_early_answer_leaves_the_connection_usable(gateway: Gateway) -> None:
    head = b"POST /early HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n"
    with mallory(gateway, head) as sock:
        assert read_answer(sock).body == b"early"
        sock.sendall(b"x" * 100_000 + GET + b"\r\n")
        assert read_answer(sock).status == 200


def test_a_stream_outlives_every_receive_deadline() -> None:
    short = dict.fromkeys(("header_seconds", "body_seconds", "request_seconds"), 0.1)
    with serving(None, **short, idle_seconds=0.1) as gateway:
        with mallory(gateway, b"GET /hold HTTP/1.1\r\n" + HOST + b"\r\n") as sock:
            assert gateway.holding.wait(PATIENCE)
            # Bystanders that come later and run into their deadlines show that time has passed.
            for _ in range(3):
                with mallory(gateway) as bystander:
                    assert is_closed(bystander)
            with mallory(gateway, b"GET /release HTTP/1.1\r\n" + HOST + b"\r\n") as other:
                read_answer(other)
            assert read_answer(sock).body == b"first last"


def test_half_a_request_behind_a_stream_is_not_late_until_the_stream_ends() -> None:
    with serving(header_seconds=0.1) as gateway:
        request = b"GET /hold HTTP/1.1\r\n" + HOST + b"\r\n"
        with mallory(gateway, request + b"GET /ec") as sock:
            assert gateway.holding.wait(PATIENCE)
            for _ in range(3):
                with mallory(gateway) as bystander:
                    assert is_closed(bystander)
            sock.sendall(b"ho HTTP/1.1\r\n" + HOST + b"\r\n")
            with mallory(gateway, b"GET /release HTTP/1.1\r\n" + HOST + b"\r\n") as other:
                read_answer(other)
            assert read_answer(sock).body == b"first last"
            assert read_answer(sock).status == 200


# Broken HTTP

BROKEN = {
    "junk": b"junk\r\n\r\n",
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/0.9 without a version": b"GET /\r\n\r\n",
    "HTTP/0.9": b"GET / HTTP/0.9\r\n" + HOST + b"\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown method": b"FROB /echo HTTP/1.1\r\n" + HOST + b"\r\n",
    "a bare LF": b"GET /echo HTTP/1.1\n" + HOST + b"\r\n",
    "a bare CR in a value": GET + b"X: a\rb\r\n\r\n",
    "a NUL in a value": GET + b"X: a\0b\r\n\r\n",
    "a control character in a value": GET + b"X: a\x01b\r\n\r\n",
    "a NUL in a name": GET + b"X\0: a\r\n\r\n",
    "an empty name": GET + b": a\r\n\r\n",
    "white space before the colon": GET + b"X : a\r\n\r\n",
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "white space before the first header": b"GET /echo HTTP/1.1\r\n " + HOST + b"\r\n",
    "a NUL in the target": b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a raw byte in the target": b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment in the target": b"GET /echo#x HTTP/1.1\r\n" + HOST + b"\r\n",
    "an absolute target": b"GET http://other.example/echo HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT other.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT to a path": b"CONNECT /echo HTTP/1.1\r\n" + HOST + b"\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "no Host": b"GET /echo HTTP/1.1\r\n\r\n",
    "an empty Host": b"GET /echo HTTP/1.1\r\nHost:\r\n\r\n",
    "two Hosts": GET + HOST + b"\r\n",
    "two Hosts on 1.0": b"GET /echo HTTP/1.0\r\n" + HOST + HOST + b"\r\n",
    "a Host with a path": b"GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a Host with a user": b"GET /echo HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "a WebSocket": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an upgrade to h2c": GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "both lengths": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both lengths, turned": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "the same length twice": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "an empty length": POST + b"Content-Length:\r\n\r\nabc",
    "an endless length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "a length of 5,000 digits": POST + b"Content-Length: " + b"0" * 5000 + b"3\r\n\r\nabc",
    "another coding": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "a coding that hides chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked on 1.0": b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bad chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "an endless chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    "a bare LF after a chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
}


@pytest.mark.parametrize("request_bytes", BROKEN.values(), ids=BROKEN)
def test_broken_http_is_refused(gateway: Gateway, request_bytes: bytes) -> None:
    answer = refused(gateway, request_bytes)
    assert (answer.status, answer.error) == (400, "MALFORMED")


@pytest.mark.parametrize("request_bytes", BROKEN.values(), ids=BROKEN)
def test_broken_http_is_refused_in_small_pieces(gateway: Gateway, request_bytes: bytes) -> None:
    pieces = [request_bytes[i : i + 3] for i in range(0, len(request_bytes), 3)]
    with mallory(gateway) as sock:
        with contextlib.suppress(ConnectionError):  # it may be refused before the last piece
            for piece in pieces:
                sock.sendall(piece)
        assert read_answer(sock).error == "MALFORMED"


def test_a_refusal_has_our_headers_and_closes(gateway: Gateway) -> None:
    answer = refused(gateway, b"junk\r\n\r\n")
    assert answer.headers.pop("date")
    assert answer.headers == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "content-length": str(len(answer.body)),
        "connection": "close",
    }


def test_a_refused_head_request_has_no_body(gateway: Gateway) -> None:
    assert refused(gateway, b"HEAD * HTTP/1.1\r\n\r\n", method="HEAD").status == 400


def test_a_refusal_knows_origin_target_and_peer(gateway: Gateway) -> None:
    refused(gateway, b"GET /echo HTTP/1.1\r\nOrigin: https://a.example\r\nX: y\r\nZ : z\r\n\r\n")
    problem = gateway.problems[-1]
    assert problem.origins == (b"https://a.example",)
    assert problem.target == b"/echo"
    assert problem.peer is not None
    assert problem.peer[0] == "127.0.0.1"


def test_a_refused_client_sees_the_end_without_waiting_for_the_drain() -> None:
    with serving(drain_seconds=FOREVER) as gateway:
        assert refused(gateway, b"junk\r\n\r\n").status == 400


def test_a_refusal_that_cannot_be_rendered_closes_and_is_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STATUS, WireFault.MALFORMED, "not a status")
    with serving() as gateway, mallory(gateway, b"junk\r\n\r\n") as sock:
        assert is_closed(sock)
    assert "a refusal could not be answered" in caplog.text


def test_a_broken_request_is_refused_after_the_answers_before_it() -> None:
    with serving() as gateway:
        hold = b"GET /hold HTTP/1.1\r\n" + HOST + b"\r\n"
        with mallory(gateway, hold + GET + b"\r\n" + b"junk\r\n\r\n") as sock:
            assert gateway.holding.wait(PATIENCE)
            with mallory(gateway, b"GET /release HTTP/1.1\r\n" + HOST + b"\r\n") as other:
                read_answer(other)
            assert read_answer(sock).body == b"first last"
            assert read_answer(sock).echoed["body"] == ""
            assert read_answer(sock).error == "MALFORMED"
            assert is_closed(sock)


def test_a_broken_body_behind_a_stream_never_reaches_the_application() -> None:
    with serving() as gateway:
        hold = b"GET /hold HTTP/1.1\r\n" + HOST + b"\r\n"
        broken = POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
        with mallory(gateway, hold + broken) as sock:
            assert gateway.holding.wait(PATIENCE)
            with mallory(gateway, b"GET /release HTTP/1.1\r\n" + HOST + b"\r\n") as other:
                read_answer(other)
            assert read_answer(sock).body == b"first last"
            assert read_answer(sock).error == "MALFORMED"
        assert "/echo" not in gateway.started


def test_a_flood_of_pipelined_requests_is_refused() -> None:
    with serving(pipelined=3) as gateway:
        hold = b"GET /hold HTTP/1.1\r\n" + HOST + b"\r\n"
        with mallory(gateway, hold + (GET + b"\r\n") * 50) as sock:
            assert gateway.holding.wait(PATIENCE)
            with mallory(gateway, b"GET /release HTTP/1.1\r\n" + HOST + b"\r\n") as other:
                read_answer(other)
            statuses = [read_answer(sock).status for _ in range(5)]
            assert statuses == [200, 200, 200, 200, 400]
            assert is_closed(sock)


# Too big


def test_a_large_header_is_refused(gateway: Gateway) -> None:
    answer = refused(gateway, GET + b"X: " + b"a" * 65536 + b"\r\n\r\n")
    assert (answer.status, answer.error) == (431, "HEADERS_TOO_LARGE")


def test_a_header_without_end_is_refused(gateway: Gateway) -> None:
    answer = refused(gateway, GET + b"X: ", *[b"a" * 1000] * 50)
    assert answer.error == "HEADERS_TOO_LARGE"


def test_many_small_headers_are_refused(gateway: Gateway) -> None:
    assert refused(gateway, GET + b"a:\r\n" * 200 + b"\r\n").error == "HEADERS_TOO_LARGE"


def test_empty_lines_without_end_are_refused(gateway: Gateway) -> None:
    assert refused(gateway, b"\r\n" * 32768).error == "HEADERS_TOO_LARGE"


def test_a_header_within_the_limit_is_accepted(gateway: Gateway) -> None:
    with mallory(gateway, GET + b"X: " + b"a" * 32000 + b"\r\n\r\n") as sock:
        assert read_answer(sock).status == 200


def test_a_long_url_is_refused(gateway: Gateway) -> None:
    answer = refused(gateway, b"GET /" + b"a" * 32768 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (answer.status, answer.error) == (414, "URL_TOO_LONG")
    assert len(gateway.problems[-1].target) == gateway.limits.url_bytes


def test_a_url_within_the_limit_is_accepted(gateway: Gateway) -> None:
    with mallory(gateway, b"GET /echo?" + b"a" * 8000 + b" HTTP/1.1\r\n" + HOST + b"\r\n") as sock:
        assert read_answer(sock).status == 200


def test_a_body_announced_too_large_is_refused_unread(gateway: Gateway) -> None:
    before = len(gateway.started)
    head = POST + b"Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n"
    assert refused(gateway, head).status == 413
    assert len(gateway.started) == before


def test_a_client_that_keeps_sending_still_sees_the_refusal(gateway: Gateway) -> None:
    with mallory(gateway, POST + b"Content-Length: 1000000000\r\n\r\n") as sock:
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                sock.sendall(b"x" * 65536)
        assert read_answer(sock).error == "BODY_TOO_LARGE"


def test_a_body_of_exactly_the_limit_is_accepted(gateway: Gateway) -> None:
    size = gateway.limits.body_bytes
    with mallory(gateway, POST + b"Content-Length: %d\r\n\r\n" % size, b"x" * size) as sock:
        assert len(read_answer(sock).echoed["body"]) == size


# What opens the body, and what is then repeated for ever.
CHUNKED = {
    "large chunks": (b"", b"2710\r\n" + b"x" * 10_000 + b"\r\n"),
    "small chunks": (b"", b"1\r\nx\r\n" * 1000),
    "one chunk": (b"ffffff\r\n", b"x" * 10_000),
    "a chunk extension without end": (b"1;", b"x" * 10_000),
    "a trailer without end": (b"0\r\nX: ", b"x" * 10_000),
}


@pytest.mark.parametrize(("opening", "part"), CHUNKED.values(), ids=CHUNKED)
def test_a_chunked_body_over_the_limit_is_cut(opening: bytes, part: bytes) -> None:
    with serving() as gateway:
        with mallory(gateway, POST + b"Transfer-Encoding: chunked\r\n\r\n" + opening) as sock:
            with contextlib.suppress(ConnectionError):
                for _ in range(100):
                    sock.sendall(part)
            assert read_answer(sock).error == "BODY_TOO_LARGE"
        assert gateway.disconnected.wait(PATIENCE)


def test_a_body_too_large_for_an_early_answer_closes_without_a_second_one(
    gateway: Gateway,
) -> None:
    head = b"POST /early HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    with mallory(gateway, head) as sock:
        assert read_answer(sock).body == b"early"
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                sock.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        assert is_closed(sock)


def test_a_connection_too_many_is_refused_and_room_is_made_again() -> None:
    with serving(connections=2) as gateway:
        with mallory(gateway, GET + b"\r\n") as first, mallory(gateway, GET + b"\r\n") as second:
            assert read_answer(first).status == read_answer(second).status == 200
            answer = refused(gateway, GET + b"\r\n")
            assert (answer.status, answer.error) == (503, "CROWDED")
        # The server may need a moment to learn that both have left.
        statuses = (_status_of_a_new_connection(gateway) for _ in range(1000))
        assert 200 in statuses


def _status_of_a_new_connection(gateway: Gateway) -> int:
    with mallory(gateway, GET + b"\r\n") as sock:
        return read_answer(sock).status


# Too slow


def test_a_connection_that_says_nothing_is_closed_without_an_answer() -> None:
    with serving(header_seconds=0.2) as gateway:
        with mallory(gateway) as sock:
            assert is_closed(sock)
        assert gateway.problems == []


def test_a_slow_header_is_closed() -> None:
    with serving(header_seconds=0.2) as gateway:
        answer = refused(gateway, b"GET /echo HTTP/1.1\r\nX: ")
        assert (answer.status, answer.error) == (408, "LATE")
        assert gateway.started == []


def test_a_trickled_header_is_closed() -> None:
    with serving(header_seconds=0.2) as gateway, mallory(gateway, GET + b"X: ") as sock:
        sock.settimeout(0.02)  # a byte every 20 ms, until the server has had enough
        answer = b""
        for _ in range(1500):
            try:
                answer = sock.recv(1000)
                break
            except TimeoutError:
                sock.sendall(b"a")
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_slow_second_header_is_closed() -> None:
    with serving(header_seconds=0.2) as gateway, mallory(gateway, GET + b"\r\n" + GET) as sock:
        assert read_answer(sock).status == 200
        assert read_answer(sock).error == "LATE"
        assert is_closed(sock)


def test_a_slow_body_is_closed_and_the_application_told() -> None:
    with serving(body_seconds=0.2) as gateway:
        answer = refused(gateway, POST + b"Content-Length: 9\r\n\r\nabc")
        assert (answer.status, answer.error) == (408, "LATE")
        assert gateway.disconnected.wait(PATIENCE)


def test_a_whole_request_has_a_deadline_of_its_own() -> None:
    with serving(request_seconds=0.2) as gateway:
        assert refused(gateway, POST + b"Content-Length: 9\r\n\r\nabc").error == "LATE"


def test_a_slow_body_after_an_early_answer_is_closed() -> None:
    with serving(body_seconds=0.2) as gateway:
        head = b"POST /early HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n"
        with mallory(gateway, head) as sock:
            assert read_answer(sock).body == b"early"
            assert is_closed(sock)


def test_an_idle_connection_is_closed() -> None:
    with serving(idle_seconds=0.2) as gateway, mallory(gateway, GET + b"\r\n") as sock:
        assert read_answer(sock).status == 200
        assert is_closed(sock)
        assert gateway.problems == []


def test_a_connection_is_idle_again_after_the_rest_of_a_body() -> None:
    with serving(idle_seconds=0.2) as gateway:
        head = b"POST /early HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\n"
        with mallory(gateway, head) as sock:
            assert read_answer(sock).body == b"early"
            sock.sendall(b"abc")
            assert is_closed(sock)


def test_empty_lines_do_not_keep_a_connection_open() -> None:
    with serving(header_seconds=0.2) as gateway, mallory(gateway) as sock:
        sock.settimeout(0.02)
        for _ in range(1500):
            try:
                assert sock.recv(1) == b""
                break
            except TimeoutError:
                sock.sendall(b"\r\n")
            except ConnectionError:
                break
        else:
            pytest.fail("still open")


def test_a_slow_reader_is_bounded_and_dropped() -> None:
    with serving(write_seconds=0.3) as gateway:
        request = b"GET /flood HTTP/1.1\r\n" + HOST + b"\r\n"
        with mallory(gateway, request, receive_buffer=4096):
            assert gateway.disconnected.wait(PATIENCE)
        assert gateway.sent_bytes <= 256 * 1024


def test_a_slow_reader_on_a_unix_socket_is_dropped_too(tmp_path: Path) -> None:
    # There the kernel has no deadline of its own.
    with serving(uds=str(tmp_path / "s"), write_seconds=0.3) as gateway:
        with mallory(gateway, b"GET /flood HTTP/1.1\r\n" + HOST + b"\r\n"):
            assert gateway.disconnected.wait(PATIENCE)


def test_a_reader_who_catches_up_is_kept() -> None:
    with serving(write_seconds=0.5) as gateway:
        request = b"GET /flood HTTP/1.1\r\n" + HOST + b"\r\n"
        with mallory(gateway, request) as sock:
            wanted = 8 * 1024 * 1024
            while wanted > 0:
                wanted -= len(sock.recv(65536)) or pytest.fail("dropped")
        assert gateway.disconnected.wait(PATIENCE)


# Leaving


def test_a_lost_connection_is_noticed_with_a_request_waiting_behind() -> None:
    with serving() as gateway:
        hold = b"GET /hold HTTP/1.1\r\n" + HOST + b"\r\n"
        with mallory(gateway, hold + GET + b"\r\n"):
            assert gateway.holding.wait(PATIENCE)
        assert gateway.disconnected.wait(PATIENCE)
        assert "/echo" not in gateway.started


def test_shutdown_closes_idle_connections_at_once() -> None:
    with serving() as gateway, mallory(gateway) as silent, mallory(gateway, GET + b"\r\n") as sock:
        assert read_answer(sock).status == 200
        gateway.server.should_exit = True
        assert is_closed(sock)
        assert is_closed(silent)


def test_shutdown_does_not_wait_for_refused_connections() -> None:
    broken = POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
    with serving(drain_seconds=FOREVER) as gateway, mallory(gateway, broken) as sock:
        assert read_answer(sock).status == 400
        gateway.stop()


def test_shutdown_waits_for_a_slow_reader_only_so_long(tmp_path: Path) -> None:
    # So much room that writing is never paused: only the close has to wait for the reader.
    room = {"write_bytes": 8 * 1024 * 1024, "write_seconds": 0.3}
    with serving(uds=str(tmp_path / "s"), **room) as gateway:
        request = b"GET /large HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
        with mallory(gateway, request) as sock:
            assert sock.recv(1)
            gateway.stop()


def test_shutdown_lets_a_stream_finish_and_then_closes() -> None:
    with serving() as gateway:
        with mallory(gateway, b"GET /hold HTTP/1.1\r\n" + HOST + b"\r\n") as sock:
            with mallory(gateway, GET + b"\r\n") as other:
                assert gateway.holding.wait(PATIENCE)
                read_answer(other)
                gateway.server.should_exit = True
                assert is_closed(other)
            gateway.server.servers[0].get_loop().call_soon_threadsafe(gateway.released.set)
            assert read_answer(sock).body == b"first last"
            assert is_closed(sock)
