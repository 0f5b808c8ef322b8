"""SIGTERM: what was made is kept, everybody is told, the process goes with 0 (spec: visitor-api, drill R02)."""

import http.client
import signal
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Reply, Visitor, alices_site_in
from tests.providers.upstream import Upstream
from tests.servers import PATIENCE, Gateway

# The spec's "process gone within 30 s" is the patience of ``Gateway.stop``.
assert PATIENCE <= 30
# Instead of 20 s for those who do not take their answer.
TUNED = {"chatkeep.cli.serving": {"_GRACEFUL_SECONDS": 1}}
TWENTY = 20
LONG = "words-5000-20"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_twenty_streams_are_told_and_kept(data_dir: Path, upstream: Upstream, how: signal.Signals) -> None:
    widget_id = alices_site_in(_url(data_dir), settings=ROOMY).widget_id
    with Gateway.running(data_dir, **_settings(upstream)) as gateway:
        victors = [Visitor(gateway.port, widget_id, SHOP).open() for _ in range(TWENTY)]
        streams = [victor.listen(f"{LONG} for {number}") for number, victor in enumerate(victors)]
        for stream in streams:
            stream.wait(lambda heard: heard.text)
        gateway.process.send_signal(how)
        for stream in streams:
            last = stream.finish().last
            assert (last.name, last.data["error"], last.data["success"]) == ("error", "service_unavailable", False)
            assert last.data["retry_after"] > 0
            assert last.data["request_id"]
            assert [event.name for event in stream.heard].count("error") == 1
        assert gateway.stop() == 0
        assert upstream.seen(aborted=TWENTY)["open"] == 0
    with Gateway.running(data_dir, **_settings(upstream)) as gateway:
        for victor, stream in zip(victors, streams, strict=True):
            victor.port = gateway.port
            question, answer = victor.history()
            assert (question["text"], answer["message_id"], answer["state"]) == (stream.question, stream.message_id, "interrupted")
            # Everything that was shown, to the last word: this was no crash.
            assert answer["text"] == stream.text
            assert victor.say("words-2-1 again").json["response"] == "word0 word1 "
        assert gateway.stop() == 0
    assert "Traceback" not in gateway.log.read_text()


def test_json_requests_are_told_and_kept(data_dir: Path, upstream: Upstream) -> None:
    widget_id = alices_site_in(_url(data_dir), settings=ROOMY).widget_id
    with Gateway.running(data_dir, **_settings(upstream)) as gateway:
        victors = [Visitor(gateway.port, widget_id, SHOP).open() for _ in range(TWENTY)]
        waiting = [victor.listen(LONG, "application/json") for victor in victors]
        upstream.seen(requests=TWENTY)
        assert gateway.stop() == 0
        for one in waiting:
            reply = one.finish().reply
            assert reply is not None
            assert (reply.status, reply.error, reply.json["success"]) == (503, "service_unavailable", False)
            assert int(reply.headers["retry-after"]) == reply.json["retry_after"] > 0
            assert reply.headers["access-control-allow-origin"] == SHOP
    with Gateway.running(data_dir, **_settings(upstream)) as gateway:
        for victor in victors:
            victor.port = gateway.port
            assert [message["state"] for message in victor.history()] == ["complete", "interrupted"]


def test_the_door_closes_at_once_and_the_process_goes_when_all_is_stored(data_dir: Path, upstream: Upstream) -> None:
    widget_id = alices_site_in(_url(data_dir), settings=ROOMY).widget_id
    with Gateway.running(data_dir, **_settings(upstream)) as gateway:
        victor = Visitor(gateway.port, widget_id, SHOP).open()
        stream = victor.listen(LONG).wait(lambda heard: heard.text)
        with _held_database(data_dir):
            gateway.process.terminate()
            _until_refused(gateway)
            assert gateway.process.poll() is None, "it has something to store yet, and waits for the database"
            assert not stream.is_over
        assert stream.finish().last.data["error"] == "service_unavailable"
        assert gateway.stop() == 0
    with closing(sqlite3.connect(data_dir / "chatkeep.db")) as connection:
        assert connection.execute("SELECT text, state FROM messages WHERE role = 'assistant'").fetchall() == [(stream.text, "interrupted")]


def test_idle_connections_do_not_hold_it(data_dir: Path) -> None:
    with Gateway.running(data_dir) as gateway:
        idle = [http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE) for _ in range(TWENTY)]
        try:
            for connection in idle:
                connection.request("GET", "/livez")
                assert connection.getresponse().read()
                assert connection.sock is not None, "kept alive"
            silent = socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE)
            half = socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE)
            half.sendall(b"GET /livez HTTP/1.1\r\nHo")
            assert gateway.get("/livez")[0] == 200, "both were accepted before this one"
            gateway.process.terminate()
            for sock in (silent, half, *(connection.sock for connection in idle)):
                with closing(sock):
                    assert sock.recv(1) == b""
            assert gateway.stop() == 0
        finally:
            for connection in idle:
                connection.close()


def test_neither_slow_senders_nor_slow_readers_hold_it(data_dir: Path, upstream: Upstream) -> None:
    widget_id = alices_site_in(_url(data_dir), settings=ROOMY).widget_id
    with Gateway.running(data_dir, tuned=TUNED, **_settings(upstream)) as gateway:
        victor = Visitor(gateway.port, widget_id, SHOP).open()
        # Nobody reads this answer: it fills the sockets' buffers, then waits.
        unread = victor.send("POST", "/api/chat", {"message": "long-answer", "conversation_id": victor.session["conversation_id"]}, Accept="text/event-stream")
        unfinished = socket.create_connection(("127.0.0.1", gateway.port))
        unfinished.sendall(_head(victor, b"Content-Length: 1000\r\n") + b'{"message"')
        with closing(unread), closing(unfinished):
            upstream.seen(requests=1)
            assert gateway.stop() == 0
    with closing(sqlite3.connect(data_dir / "chatkeep.db")) as connection:
        assert connection.execute("SELECT role, state != 'streaming' FROM messages ORDER BY seq").fetchall() == [("visitor", 1), ("assistant", 1)]


def test_what_was_answered_before_the_end_is_there(data_dir: Path) -> None:
    widget_id = alices_site_in(_url(data_dir), settings=ROOMY, provider="fake").widget_id
    with Gateway.running(data_dir, **ROOMY_GATEWAY) as gateway:
        victors = [Visitor(gateway.port, widget_id, SHOP).open() for _ in range(TWENTY)]
        with ThreadPoolExecutor(TWENTY) as pool:
            talking = [pool.submit(_talk_until_it_ends, victor) for victor in victors]
            _until_messages(data_dir, 100)
            assert gateway.stop() == 0
            replies = [reply for one in talking for reply in one.result()]
    assert all(reply.status in {200, 503} for reply in replies)
    assert all(reply.error == "service_unavailable" and reply.json["retry_after"] for reply in replies if reply.status == 503)
    answered = sorted(reply.json["message_id"] for reply in replies if reply.status == 200)
    with closing(sqlite3.connect(data_dir / "chatkeep.db")) as connection:
        stored = {row[0]: row[1] for row in connection.execute("SELECT id, state FROM messages WHERE role = 'assistant'")}
        assert connection.execute("SELECT sum(messages) FROM usage").fetchone() == (len(stored),)
    assert {stored[message_id] for message_id in answered} == {"complete"}
    assert "streaming" not in stored.values()
    assert "Traceback" not in gateway.log.read_text()


def _talk_until_it_ends(victor: Visitor) -> list[Reply]:
    """Whole replies, until there is nobody to talk to; a half one would be an error here."""
    replies = []
    for number in range(60):
        try:
            reply = victor.say(f"message {number}")
        except ConnectionError:
            break
        replies.append(reply)
        if reply.status != 200:
            break
    return replies


def _until_messages(data_dir: Path, count: int) -> None:
    with closing(sqlite3.connect(data_dir / "chatkeep.db", timeout=PATIENCE)) as connection:
        while connection.execute("SELECT count(*) FROM messages").fetchone()[0] < count:
            pass


def _until_refused(gateway: Gateway) -> None:
    """Until nobody listens there any more."""
    while True:
        # A reset is one that was still waiting to be accepted.
        with suppress(ConnectionResetError):
            try:
                socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                return


@contextmanager
def _held_database(data_dir: Path) -> Iterator[None]:
    """Nobody else can write."""
    with closing(sqlite3.connect(data_dir / "chatkeep.db", isolation_level=None, timeout=PATIENCE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _head(victor: Visitor, extra: bytes) -> bytes:
    """The head of a message of *victor*'s."""
    text = f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nOrigin: {SHOP}\r\nAuthorization: Bearer {victor.session['session_token']}\r\n"
    return text.encode() + b"Content-Type: application/json\r\n" + extra + b"\r\n"


def _settings(upstream: Upstream) -> dict[str, str]:
    return {**ROOMY_GATEWAY, "OPENAI_BASE_URL": upstream.base_url, "OPENAI_MODEL": "by-question"}


def _url(data_dir: Path) -> str:
    return f"sqlite:///{data_dir / 'chatkeep.db'}"
