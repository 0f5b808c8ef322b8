"""Is this connection speaking HTTP that we accept, in time and within bounds?

uvicorn waits for ever for headers and bodies, buffers headers of any size, gives trailers to the
application as if they were headers, answers broken HTTP in the middle of another answer, and does
not tell a running request of a lost connection while another request waits behind it.

Stops: slow, idle and slow-reading clients; oversized heads, targets and bodies; request smuggling
and splitting; floods of pipelined requests. Sources: RFC 9110, RFC 9112.
One sweep per server and second looks at all deadlines: a request only notes times, a streamed
chunk costs nothing.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING, ClassVar, NamedTuple
from weakref import WeakSet

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

_log = logging.getLogger(__name__)

# Bytes are counted by what is fed to the parser at once, so a bound may be overrun by two slices.
_SLICE_BYTES = 4096
# Connections over the limit that still get an answer; the rest are cut, for each holds a file.
_SPARE_CONNECTIONS = 32
_HOST = re.compile(rb"[A-Za-z0-9._~:\[\]-]{1,261}")
_FRAMING = frozenset({b"connection", b"content-length", b"date", b"server", b"transfer-encoding"})
# Servers whose sweep is armed; it stops when the last connection goes.
_swept: WeakSet[ServerState] = WeakSet()


class WireFault(Enum):
    """Why a request was refused."""

    MALFORMED = auto()
    HEADERS_TOO_LARGE = auto()
    URL_TOO_LONG = auto()
    BODY_TOO_LARGE = auto()
    LATE = auto()
    CROWDED = auto()


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Bounds of one connection, in bytes, seconds and counts.

    ``request_seconds`` holds for head and body together. ``connections`` is the most that one
    server keeps open (``None``: no bound); keep it well below the limit of open files.
    """

    header_seconds: float = 10.0
    body_seconds: float = 20.0
    request_seconds: float = 28.0
    idle_seconds: float = 10.0
    write_seconds: float = 45.0
    drain_seconds: float = 1.0
    sweep_seconds: float = 1.0
    header_bytes: int = 32 * 1024
    header_count: int = 128
    url_bytes: int = 8 * 1024
    body_bytes: int = 128 * 1024
    drain_bytes: int = 64 * 1024
    write_bytes: int = 64 * 1024
    kernel_write_bytes: int = 64 * 1024
    pipelined: int = 16
    connections: int | None = None


@dataclass(frozen=True, slots=True)
class WireProblem:
    """A refusal and what was read before it: enough to choose CORS headers and to record it.

    ``origins`` are the ``Origin`` values seen so far. ``target`` is the request target as far as
    it was read, empty if none was. ``peer`` is ``None`` on a Unix socket, or if the peer had gone.
    """

    fault: WireFault
    origins: tuple[bytes, ...]
    target: bytes
    peer: tuple[str, int] | None


class WireAnswer(NamedTuple):
    """What to send for a refusal. Framing headers and ``Date`` are the protocol's own."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class _Stage(Enum):
    """What the client is expected to send next."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()


class _RefusedError(Exception):
    """Leaves the parser's callbacks; ``_fault`` has the reason."""


class GuardedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with deadlines and bounds; :func:`bind_protocol` makes it usable."""

    limits: ClassVar[WireLimits]
    refuse: ClassVar[Callable[[WireProblem], WireAnswer]]

    _stage = _Stage.IDLE
    _fault: WireFault | None = None
    _answered = False
    _running: RequestResponseCycle | None = None
    # Bytes the client may still send in this stage; every change of stage grants anew.
    _room = 0
    _began_at = 0.0
    # Moments (loop time) when the client is late with sending, and late with reading.
    _receive_by = inf
    _read_by = inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP has no other kind
        """Start the clock, and bound what a slow reader can make us hold."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=self.limits.write_bytes)
        _bound_kernel_buffer(transport, self.limits)
        if self.server_state not in _swept:
            _arm_sweep(self.loop, self.server_state, self.limits.sweep_seconds)
        self._room = self.limits.header_bytes
        self._receive_by = self.loop.time() + self.limits.header_seconds
        most = self.limits.connections
        if most is not None and len(self.connections) > most:
            if len(self.connections) > most + _SPARE_CONNECTIONS:
                transport.abort()
            else:
                self._turn_away(WireFault.CROWDED)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the running request, which need not be the one that was parsed last."""
        self.pipeline.clear()
        if self._running is not None and not self._running.response_complete:
            _detach(self._running)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close now if nothing is being answered, else after the answer."""
        if self._answered:
            self.transport.close()
        else:
            super().shutdown()

    def pause_writing(self) -> None:
        """Note when the reader fell behind."""
        super().pause_writing()
        self._read_by = self.loop.time() + self.limits.write_seconds

    def resume_writing(self) -> None:
        """Forget that the reader was behind."""
        super().resume_writing()
        self._read_by = inf

    def data_received(self, data: bytes) -> None:
        """Parse *data*, or throw it away if the connection has been refused."""
        if self._fault is not None:
            self._discard(len(data))
        elif len(data) <= _SLICE_BYTES:
            self._feed(data)
        else:
            for start in range(0, len(data), _SLICE_BYTES):
                if self._fault is None:
                    self._feed(memoryview(data)[start : start + _SLICE_BYTES])

    def _feed(self, piece: bytes | memoryview) -> None:
        # Charged first: a piece that ends a stage is forgiven, one that does not is counted whole.
        self._room -= len(piece)
        try:
            self.parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._turn_away(self._fault or WireFault.MALFORMED)
            return
        if self._room < 0:
            in_body = self._stage is _Stage.BODY
            self._turn_away(WireFault.BODY_TOO_LARGE if in_body else WireFault.HEADERS_TOO_LARGE)

    def _discard(self, count: int) -> None:
        self._room -= count
        if self._room < 0:
            self.flow.pause_reading()  # the sweep closes; until then the peer can read the answer

    def on_message_begin(self) -> None:
        """First byte of a request."""
        super().on_message_begin()
        self._stage = _Stage.HEAD
        self._room = self.limits.header_bytes
        self._began_at = self.loop.time()
        if self.cycle is not None:  # the first request's time runs from the connection's start
            self._receive_by = self._began_at + self.limits.header_seconds

    def on_url(self, url: bytes) -> None:
        """Collect the request target."""
        self.url += url
        if len(self.url) > self.limits.url_bytes:
            self._fail(WireFault.URL_TOO_LONG)

    def on_headers_complete(self) -> None:
        """Check the head, then let uvicorn start the application."""
        self._check_head()
        if len(self.pipeline) >= self.limits.pipelined:
            self._fail(WireFault.MALFORMED)
        super().on_headers_complete()
        # uvicorn would append trailers to the headers that the application already has.
        self.headers = []
        self._stage = _Stage.BODY
        self._room = self.limits.body_bytes
        self._receive_by = min(
            self.loop.time() + self.limits.body_seconds,
            self._began_at + self.limits.request_seconds,
        )

    def on_message_complete(self) -> None:
        """Last byte of a request: from here the time is ours, not the client's."""
        super().on_message_complete()
        self._stage = _Stage.IDLE
        self._room = self.limits.header_bytes
        self._receive_by = inf
        if self.cycle.response_complete:
            self._receive_by = self.loop.time() + self.limits.idle_seconds

    def _check_head(self) -> None:
        # Contradictory lengths are llhttp's to refuse; these are the faults that it accepts.
        # Tunnels and upgrades turn what follows into raw bytes; an absolute target competes with
        # Host for the authority.
        version = self.parser.get_http_version()
        hosts = [value for name, value in self.headers if name == b"host"]
        if (
            version not in {"1.1", "1.0"}
            or self.parser.should_upgrade()
            or not self.url.startswith(b"/")
            or b"#" in self.url
            or (len(hosts) != 1 and (hosts or version == "1.1"))
            or (hosts and not _HOST.fullmatch(hosts[0]))
        ):
            self._fail(WireFault.MALFORMED)
        if len(self.headers) > self.limits.header_count:
            self._fail(WireFault.HEADERS_TOO_LARGE)
        for name, value in self.headers:
            if name == b"content-length" and int(value) > self.limits.body_bytes:
                self._fail(WireFault.BODY_TOO_LARGE)
            if name == b"transfer-encoding" and (version == "1.0" or value.lower() != b"chunked"):
                self._fail(WireFault.MALFORMED)

    def _fail(self, fault: WireFault) -> None:
        self._fault = fault
        raise _RefusedError

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one; uvicorn's would arm a timer each time."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._fault is not None:
            self._answer(self._fault)
        elif self._stage is _Stage.IDLE:
            self._receive_by = self.loop.time() + self.limits.idle_seconds

    def look_at_clock(self, now: float) -> None:
        """Close or refuse if a deadline has passed; called by the sweep."""
        if now >= self._read_by:
            self.transport.abort()
        elif self.transport.is_closing():
            # Closing waits until the rest is written, which a slow reader can put off for hours.
            self._read_by = min(self._read_by, now + self.limits.write_seconds)
        elif now >= self._receive_by:
            self._end_wait(now)

    def _end_wait(self, now: float) -> None:
        if self._answered or self._stage is _Stage.IDLE:
            self.transport.close()
        elif self._is_answering_earlier() or self.flow.read_paused:
            # We are not reading, or busy: the client cannot be blamed yet.
            self._receive_by = now + self.limits.header_seconds
        else:
            self._turn_away(WireFault.LATE)

    def _is_answering_earlier(self) -> bool:
        """Whether an answer is under way to a request before the one being received."""
        running = self._running
        is_busy = running is not None and not running.response_complete
        return is_busy and (self._stage is not _Stage.BODY or running is not self.cycle)

    def _turn_away(self, fault: WireFault) -> None:
        """Refuse the request being received, after the answers to those before it."""
        self._fault = fault
        self._room = self.limits.drain_bytes
        self._receive_by = inf
        if not self._is_answering_earlier():
            self._answer(fault)
        elif self._stage is _Stage.BODY:
            self.pipeline.popleft()  # its own cycle, which must not start any more

    def _answer(self, fault: WireFault) -> None:
        running = self._running
        may_answer = True
        if self._stage is _Stage.BODY and running is not None and running is self.cycle:
            # A second answer would be taken for part of the first.
            may_answer = not running.response_started
            if not running.response_complete:
                _detach(running)
        try:
            if may_answer:
                self.transport.write(self._render(fault))
        except Exception:  # noqa: BLE001  # an outermost edge: no one is left to tell the peer
            _log.exception("a refusal could not be answered")
            self.transport.abort()
            return
        # Read on for a moment: closing with unread bytes sends a reset, which eats the answer.
        self._answered = True
        self._receive_by = self.loop.time() + self.limits.drain_seconds
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _render(self, fault: WireFault) -> bytes:
        seen = self.scope["headers"] if self.scope else ()
        target = self.url[: self.limits.url_bytes] if self.scope else b""
        origins = tuple(value for name, value in seen if name == b"origin")
        answer = type(self).refuse(WireProblem(fault, origins, target, self.client))
        headers = [pair for pair in self.server_state.default_headers if pair[0] == b"date"]
        headers += [pair for pair in answer.headers if pair[0].lower() not in _FRAMING]
        headers += [(b"content-length", b"%d" % len(answer.body)), (b"connection", b"close")]
        lines = [STATUS_LINE[answer.status], *(b"%b: %b\r\n" % pair for pair in headers), b"\r\n"]
        if self.parser.get_method() != b"HEAD":
            lines.append(answer.body)
        return b"".join(lines)


def bind_protocol(limits: WireLimits, refuse: Callable[[WireProblem], WireAnswer]) -> type[GuardedHttpProtocol]:
    """Make the class for ``uvicorn.Config(http=...)``; *refuse* renders, and must not block."""
    members = {"limits": limits, "refuse": staticmethod(refuse)}
    return type("BoundHttpProtocol", (GuardedHttpProtocol,), members)


def _arm_sweep(loop: asyncio.AbstractEventLoop, server: ServerState, seconds: float) -> None:
    _swept.add(server)
    loop.call_later(seconds, _sweep, loop, server, seconds)


def _sweep(loop: asyncio.AbstractEventLoop, server: ServerState, seconds: float) -> None:
    _swept.discard(server)
    if server.connections:
        _arm_sweep(loop, server, seconds)
    for connection in tuple(server.connections):
        if isinstance(connection, GuardedHttpProtocol):
            connection.look_at_clock(loop.time())


def _detach(cycle: RequestResponseCycle) -> None:
    """Let the application see a disconnect, and keep what it still sends off the wire."""
    cycle.disconnected = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()


def _bound_kernel_buffer(transport: asyncio.Transport, limits: WireLimits) -> None:
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    # Linux would let it grow to megabytes, out of sight of the write limits. The peer may have
    # gone already, which the next read or write finds out.
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.kernel_write_bytes)
        if sock.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
            # The kernel's own deadline for a peer that no longer takes what is queued there.
            ms = int(limits.write_seconds * 1000)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, ms)
