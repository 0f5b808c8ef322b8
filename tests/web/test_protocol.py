"""What the server understands, and what it does with broken HTTP."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from chatkeep.web.protocol import WireFault
from tests.web.wire import FOREVER, GET, HOST, PATIENCE, POST, STATUS, Gateway, gateway, is_closed, mallory, read_answer, refused, serving

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["gateway"]  # a fixture


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
