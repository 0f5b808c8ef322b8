"""How is an application put on a port, and taken off it without losing anything?

uvicorn with our protocol. On SIGTERM or SIGINT it stops listening, ends open streams
with a word to come back, stores what was made, then goes.
"""

import asyncio
import gc
import logging
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from chatkeep.admit.widget_settings import LARGEST_BODY
from chatkeep.errors import Misconfigured
from chatkeep.web.protocol import WireAnswer, WireLimits, WireProblem, bind_protocol
from chatkeep.web.wire import refuse_on_wire

log = logging.getLogger("chatkeep.serve")

_BACKLOG = 2048
_GRACEFUL_SECONDS = 20
# From the signal on, for everything: streams, what is stored at the end, slow readers. A thread that a hung
# database holds has three seconds more (store/deadline.py); orchestrators kill after 30 s.
_END_SECONDS = 22
# The wire counts the framing of chunked bodies too.
_CHUNK_FRAMING_BYTES = 16 * 1024
# Databases, logs, listeners and calls to providers need files of their own.
_OTHER_FILES = 128
_MOST_FILES = 65_536
# New objects between two looks of the garbage collector. Measured: with Python's own 700, a message costs a seventh more.
_YOUNG_OBJECTS = 10_000


@dataclass(frozen=True, slots=True)
class Listener:
    """An application on a socket; *stopping* is awaited as soon as the process is told to end."""

    app: ASGIApp
    socket: socket.socket
    stopping: Callable[[], Awaitable[None]] | None = None
    refuse: Callable[[WireProblem], WireAnswer] = refuse_on_wire


class _Server(uvicorn.Server):
    """A server whose streams are told to end, and whose signals are handled by us."""

    def __init__(self, listener: Listener, ready: Callable[[], None]) -> None:
        protocol = bind_protocol(WireLimits(body_bytes=LARGEST_BODY + _CHUNK_FRAMING_BYTES, connections=_most_connections()), listener.refuse)
        config = uvicorn.Config(
            listener.app,
            interface="asgi3",
            http=protocol,
            ws="none",
            loop="none",
            lifespan="auto",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        )
        super().__init__(config)
        self._listener = listener
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """``run_listeners`` handles signals, for all servers of the process."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening and end streams at the same time: uvicorn alone would wait for them. Late is late: then it goes all the same."""
        stopping = self._listener.stopping
        ending = asyncio.ensure_future(stopping()) if stopping is not None else None
        try:
            async with asyncio.timeout(_END_SECONDS):
                await super().shutdown(sockets=sockets)
                if ending is not None:
                    await ending
        except TimeoutError:
            log.warning("end_was_late", extra={"fields": {"seconds": _END_SECONDS}})


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ``Misconfigured`` when the port is taken or not allowed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        msg = f"cannot listen on {host} port {port} ({getattr(error, 'strerror', None) or error}): choose another with --port or CHATKEEP_PORT"
        raise Misconfigured(msg) from None


def open_free_socket(host: str, port: int, tries: int = 100) -> socket.socket:
    """A listening socket on *port* or the next free one after it."""
    for candidate in range(port, port + tries):
        with suppress(Misconfigured):
            return open_socket(host, candidate)
    return open_socket(host, 0)


def _most_connections() -> int:
    """How many visitors may be connected before the process runs out of files; half are for calls to providers.

    The limit that shells hand out (1,024) is raised as far as the system allows.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(_MOST_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(16, (max(soft, wanted) - _OTHER_FILES) // 2)


def run_listeners(listeners: Sequence[Listener], ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. *ready* is called once, when all listen."""
    import uvloop  # noqa: PLC0415 - only a serving process needs it

    _calm_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve_all(listeners, ready))


def _calm_collector() -> None:
    """Let the garbage collector look less often, and never at what was there before the first request."""
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)


async def _serve_all(listeners: Sequence[Listener], ready: Callable[[], None]) -> None:
    """All servers until told to stop; one that fails to start ends the others."""
    waiting = len(listeners)

    def one_is_ready() -> None:
        nonlocal waiting
        waiting -= 1
        if waiting == 0:
            ready()

    servers = [_Server(listener, one_is_ready) for listener in listeners]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop)

    async def serve(server: _Server, listener: Listener) -> None:
        try:
            await server.serve(sockets=[listener.socket])
        finally:
            stop()

    await asyncio.gather(*(serve(server, listener) for server, listener in zip(servers, listeners, strict=True)))
    if waiting:
        msg = "the gateway could not start: see the log line before this one"
        raise Misconfigured(msg)
