"""What the server does with requests that are too big, too slow, or in the way."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.web.wire import FOREVER, GET, HOST, PATIENCE, POST, Gateway, gateway, is_closed, mallory, read_answer, refused, serving

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["gateway"]  # a fixture


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
