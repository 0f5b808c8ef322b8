"""Whatever a visitor sends, over real sockets: the envelope, never 500, no row but the event (drills R12 to R14)."""

import json
import re
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Reply, Visitor, alices_site_in
from tests.journeys import naughty
from tests.servers import PATIENCE, Gateway

# Ten seconds for a head and twenty for a body, made short. The sweep that looks at them runs once a second.
TUNED = {"chatkeep.cli.serving:WireLimits": {"header_seconds": 0.4, "body_seconds": 0.6, "request_seconds": 0.8, "sweep_seconds": 0.1}}
EVENTS = {"security_events", "usage"}
Pairs = list[tuple[str, bytes]]


@dataclass
class Scene:
    """A gateway, a visitor with a session, every visitor route, and the refusals so far."""

    gateway: Gateway
    victor: Visitor
    refused: list[str] = field(default_factory=list)

    @property
    def routes(self) -> dict[tuple[str, str], bool]:
        """Method and path of every visitor route, and whether it takes a body; from the gateway's own description."""
        paths = self.gateway.get("/api/openapi.json")[1]["paths"]
        found = {(method.upper(), path): "requestBody" in row for path, methods in paths.items() for method, row in methods.items() if path.startswith("/api/")}
        others = ("/api/admin/", "/api/openapi.json", "/api/reference")
        return {route: takes_body for route, takes_body in found.items() if not route[1].startswith(others)}

    def path(self, template: str) -> str:
        """A path with ids that are somebody's."""
        own = {"widget_id": self.victor.widget_id, "conversation_id": self.victor.session["conversation_id"], "message_id": "msg_aaaaaaaaaaaaaaaa"}
        return re.sub(r"\{(\w+)\}", lambda found: own[found[1]], template)

    def head(self, method: str, path: str, *, instead: Pairs | None = None) -> bytes:
        """A good head without framing and without its end; *instead* replaces headers of the same names (empty: leaves them out)."""
        instead = instead or []
        own: Pairs = [("Host", b"localhost"), ("Origin", SHOP.encode()), ("Authorization", f"Bearer {self.victor.session['session_token']}".encode())]
        own += [("Content-Type", b"application/json")] if method == "POST" else []
        pairs = [pair for pair in own if pair[0] not in {name for name, _ in instead}] + [pair for pair in instead if pair[1]]
        lines = [f"{method} {path} HTTP/1.1\r\n".encode(), *(b"%s: %s\r\n" % (name.encode(), value) for name, value in pairs)]
        return b"".join(lines)

    def ask(self, method: str, path: str, body: bytes = b"", *, instead: Pairs | None = None) -> Reply:
        """One request with a length, and its one answer."""
        framing = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        (reply,) = self.send(self.head(method, path, instead=instead) + framing + body)
        return reply

    def send(self, data: bytes) -> list[Reply]:
        """*data* on a connection of its own, and every answer until it is closed."""
        with closing(socket.create_connection(("127.0.0.1", self.gateway.port), timeout=PATIENCE)) as sock:
            with suppress(ConnectionError):  # it may answer and close before it has read all
                sock.sendall(data)
            return _parse(_read_to_end(sock))

    def check_refused(self, name: str, reply: Reply, *statuses: int) -> None:
        """*reply* is a refusal as it must be."""
        assert 400 <= reply.status < 500, (name, reply)
        assert not statuses or reply.status in statuses, (name, reply)
        told = reply.json
        assert (told["success"], isinstance(told["error"], str), isinstance(told["message"], str)) == (False, True, True), name
        assert told["request_id"] == reply.headers["x-request-id"], name
        assert reply.headers["content-type"] == "application/json", name
        assert reply.headers["cache-control"] == "no-store", name
        assert set(told) <= {"success", "error", "message", "request_id", "details", "retry_after", "limit_type", "usage", "action"}, name
        self.refused.append(name)


@pytest.fixture
def scene(data_dir: Path) -> Iterator[Scene]:
    """At the end: still alive, nothing in the log that should not be, one event a refusal, no other row."""
    widget_id = alices_site_in(_url(data_dir), settings=ROOMY, provider="fake").widget_id
    with Gateway.running(data_dir, tuned=TUNED, **ROOMY_GATEWAY) as gateway:
        scene = Scene(gateway, Visitor(gateway.port, widget_id, SHOP).open())
        before = _rows(data_dir)
        yield scene
        assert _rows(data_dir) == before
        assert Visitor(gateway.port, widget_id, SHOP).open().say("Hello").status == 200
        assert gateway.stop() == 0
    with closing(sqlite3.connect(data_dir / "chatkeep.db")) as connection:
        (events,) = connection.execute("SELECT coalesce(sum(count), 0) FROM security_events WHERE severity != 'info'").fetchone()
        kinds = dict(connection.execute("SELECT type, sum(count) FROM security_events GROUP BY type").fetchall())
    assert events == len(scene.refused), (kinds, Counter(scene.refused))
    log = gateway.log.read_text()
    assert "Traceback" not in log
    assert "internal_server_error" not in log


def test_bodies_of_a_message(scene: Scene) -> None:
    for name, body in {**naughty.NOT_OURS, **naughty.CHATS}.items():
        reply = scene.ask("POST", "/api/chat", body)
        expected = {"1 MB": 413, "somebody's conversation id": 404}.get(name, 400)
        scene.check_refused(name, reply, expected)
        assert reply.headers["access-control-allow-origin"] == SHOP
        # As a stream: the same plain answer, with its real status.
        streamed = scene.ask("POST", "/api/chat", body, instead=[("Accept", b"text/event-stream")])
        scene.check_refused(name, streamed, expected)
        assert streamed.json["error"] == reply.json["error"]


def test_bodies_of_a_session(scene: Scene) -> None:
    no_token: Pairs = [("Authorization", b"")]
    for name, body in {**naughty.NOT_OURS, **naughty.sessions(scene.victor.widget_id)}.items():
        expected = {"1 MB": 413, "a widget that nobody has": 404}.get(name, 400)
        scene.check_refused(name, scene.ask("POST", "/api/sessions", body, instead=no_token), expected)


def test_what_is_refused_is_never_repeated(scene: Scene) -> None:
    """An answer names fields of ours; it holds nothing of what was sent."""
    for body in (b'{"message": "Hello", "<script>canary</script>": 1}', b'{"message": ["canary"]}', b'{"message": "canary\\u0000"}', b"canary"):
        reply = scene.ask("POST", "/api/chat", body)
        scene.check_refused("canary", reply, 400)
        assert b"canary" not in reply.body
    reply = scene.ask("GET", "/api/canary/<script>")
    scene.check_refused("canary", reply)
    assert b"canary" not in reply.body


def test_headers_of_every_route(scene: Scene) -> None:
    for (method, path), takes_body in scene.routes.items():
        is_open = path in {"/api/sessions", "/api/widgets/{widget_id}/config"}
        cases = {**naughty.HEADERS, **({} if is_open else naughty.TOKENS), **(naughty.BODY_TYPES if takes_body else {})}
        body = _good_body(scene, path) if takes_body else b""
        for name, instead in cases.items():
            if (name, path) == ("two tokens", "/api/sessions") or (is_open and name in {"a widget that is none", "another widget"} and not takes_body):
                continue  # the path names the widget there
            statuses = (400,) if name.startswith("two ") else ()
            scene.check_refused(f"{method} {path}: {name}", scene.ask(method, scene.path(path), body, instead=instead), *statuses)


def test_bodies_where_none_is_wanted(scene: Scene) -> None:
    """They are read off the wire within its bounds and not looked at; over the bounds they are refused."""
    for (method, path), takes_body in scene.routes.items():
        if not takes_body and path != "/api/sessions/current":
            reply = scene.ask(method, scene.path(path), b"\xff" * 1000)
            if reply.status >= 400:
                scene.check_refused(f"{method} {path}", reply, 404)
            scene.check_refused(f"{method} {path}: 1 MB", scene.ask(method, scene.path(path), b"x" * 1_000_000), 413)


def test_ids_in_paths(scene: Scene) -> None:
    for method, path in scene.routes:
        if "{" not in path:
            continue
        for bad in ("x", "%00", "%ff", "..%2f..%2fetc", "widget_%0a", "conv_" + "a" * 200, "msg_" + "A" * 20, "%F0%9F%98%80", "'%20OR%201=1"):
            reply = scene.ask(method, re.sub(r"\{\w+\}", bad, path))
            scene.check_refused(f"{method} {path}: {bad}", reply, 400, 404)


def test_bad_queries_get_the_envelope(scene: Scene) -> None:
    path = scene.path("/api/conversations/{conversation_id}/messages")
    for query in (
        "limit=0",
        "limit=-1",
        "limit=201",
        "limit=x",
        "limit=1e2",
        "limit=%00",
        "limit=" + "9" * 5000,
        "limit=%D9%A1",
        "before=x",
        "before=%ff",
        "before=",
    ):
        scene.check_refused(query, scene.ask("GET", f"{path}?{query}"), 400)


def test_methods_and_paths_that_do_not_exist(scene: Scene) -> None:
    known = scene.routes
    for path in {path for _, path in known}:
        taken = {method for method, known_path in known if known_path == path}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - taken:
            reply = scene.ask(method, scene.path(path))
            scene.check_refused(f"{method} {path}", reply, 405)
            assert set(reply.headers["allow"].split(", ")) == taken
    for path in ("/api", "/api/", "/api/chat/", "/api//chat", "/api/admin", "/api/%2e%2e/chat", "/api/chat%00", "/api/CHAT"):
        scene.check_refused(path, scene.ask("GET", path), 404) if path != "/api" else None


def test_broken_http_on_every_route(scene: Scene) -> None:
    for method, path in scene.routes:
        for name, (template, status) in naughty.CONNECTIONS.items():
            data = template.replace(b"%(head)s", scene.head(method, scene.path(path)))
            replies = scene.send(data)
            assert len(replies) == 1, (name, replies)
            scene.check_refused(f"{method} {path}: {name}", replies[0], status)


def test_half_a_request_has_no_effect(scene: Scene, data_dir: Path) -> None:
    """Here the head is good and asks for something; what follows is broken, or never comes."""
    for rest in (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"Content-Length: 10\r\n\r\nhalf"):
        for method, path in (("DELETE", "/api/sessions/current"), ("POST", "/api/sessions/refresh")):
            (reply,) = scene.send(scene.head(method, path) + rest)
            scene.check_refused(f"{method} {path}", reply, 400, 408)
    assert scene.victor.history() == []
    with closing(sqlite3.connect(data_dir / "chatkeep.db", timeout=PATIENCE)) as connection:
        assert connection.execute("SELECT ended_at, generation FROM sessions").fetchall() == [(None, 0)]


def test_broken_http_gets_the_envelope(scene: Scene) -> None:
    for name, (data, status) in naughty.WITHOUT_A_ROUTE.items():
        replies = scene.send(data)
        assert len(replies) == 1, (name, replies)
        scene.check_refused(name, replies[0], status)


def test_an_address_of_32_kb_on_every_route(scene: Scene) -> None:
    for method, path in scene.routes:
        scene.check_refused(path, scene.ask(method, f"{scene.path(path)}?{'x' * 32768}"), 414)


def test_slow_heads_and_bodies_on_every_route(scene: Scene) -> None:
    """All at the same time: what is late is told so, and the others do not wait for it."""
    late: list[tuple[str, socket.socket]] = []
    try:
        for method, path in scene.routes:
            head = scene.head(method, scene.path(path))
            for name, data in (("head", head), ("body", head + b"Content-Length: 100\r\n\r\n{"), ("chunk", head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{")):
                sock = socket.create_connection(("127.0.0.1", scene.gateway.port), timeout=PATIENCE)
                sock.sendall(data)
                late.append((f"{method} {path}: {name}", sock))
        assert scene.victor.history() == []
        for name, sock in late:
            (reply,) = _parse(_read_to_end(sock))
            scene.check_refused(name, reply, 408)
    finally:
        for _, sock in late:
            sock.close()


def test_a_request_behind_a_broken_one_is_not_taken(scene: Scene) -> None:
    """Smuggling: whatever two servers would read differently ends the connection."""
    body = b'{"message": "smuggled"}'
    hidden = scene.head("POST", "/api/chat") + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for framing in (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    ):
        replies = scene.send(scene.head("POST", "/api/chat") + framing + hidden)
        assert [reply.status for reply in replies] == [400]
        scene.check_refused("smuggling", replies[0], 400)


def _good_body(scene: Scene, path: str) -> bytes:
    return json.dumps({"widget_id": scene.victor.widget_id} if path == "/api/sessions" else naughty.GOOD).encode()


def _read_to_end(sock: socket.socket) -> bytes:
    """Everything until the other side closes."""
    parts = []
    with suppress(ConnectionError):  # a reset after the answer: it had enough of what was sent
        while data := sock.recv(65536):
            parts.append(data)
    return b"".join(parts)


def _parse(data: bytes) -> list[Reply]:
    """HTTP answers with lengths, one after the other."""
    replies: list[Reply] = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        replies.append(Reply(int(first.split(" ")[1]), headers, data[:length]))
        data = data[length:]
    return replies


def _rows(data_dir: Path, without: Sequence[str] = tuple(EVENTS)) -> dict[str, int]:
    """How many rows each table has, those of events left out."""
    with closing(sqlite3.connect(data_dir / "chatkeep.db", timeout=PATIENCE)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names if name not in without}


def _url(data_dir: Path) -> str:
    return f"sqlite:///{data_dir / 'chatkeep.db'}"
