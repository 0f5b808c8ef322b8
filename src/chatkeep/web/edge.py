"""How do bytes become an ``Arrival``, and a ``Reply`` bytes? The outermost edge.

One ASGI application a path: it reads the request, calls the handler of the method, and
turns whatever comes of it, a bug too, into an answer with the headers of its surface.
No policy: whether a request is welcome is the question of ``admit/``.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

import msgspec
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute
from starlette.types import Message, Receive, Scope, Send

from chatkeep.admit import Arrival, Desk, refuse
from chatkeep.admit.domains import find_origin
from chatkeep.admit.widget_settings import LARGEST_BODY
from chatkeep.audit.redact import show_path
from chatkeep.crypto import new_id
from chatkeep.errors import Reason, Refused, Unavailable
from chatkeep.ids import find_caller_request_id
from chatkeep.web import cors
from chatkeep.web.client_ip import Proxies, client_of, is_trusted
from chatkeep.web.headers import NO_STORE, STREAM_CACHE, Headers, Surface, policy
from chatkeep.web.problems import envelope, rate_headers, retry_after_of, status_of
from chatkeep.web.routes import Call, EventStream, Reply, Route

log = logging.getLogger("chatkeep.http")
_json = msgspec.json.Encoder()
# Where a request that no route takes is worth a record.
_RECORDED = frozenset({Surface.VISITOR_API, Surface.ADMIN_API})


@dataclass(frozen=True, slots=True)
class Edge:
    """What every path's application shares."""

    desk: Desk
    trusted: Proxies


class Gone(Exception):  # noqa: N818 - reads as the state it reports
    """The client left before its request was whole."""


def build_routes(routes: Sequence[Route], edge: Edge) -> list[BaseRoute]:
    """Starlette routes, one a path, from a face's table."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    return [StarletteRoute(path, PathApp(methods, edge), methods=None) for path, methods in by_path.items()]


class PathApp:
    """All methods of one path. No methods at all: whatever no other path takes (404)."""

    def __init__(self, methods: Mapping[str, Route], edge: Edge, surface: Surface | None = None) -> None:
        self._methods = methods
        self._path = next(iter(methods.values())).path if methods else None
        self._edge = edge
        self._surface = surface or next(iter(methods.values())).surface

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        begun = time.perf_counter()
        arrival = read_head(scope, self._edge)
        shown = show_path(self._path, scope.get("path_params", {}), arrival.route)
        out = _Out(send, arrival, self._surface)
        try:
            reply = await self._answer(arrival, scope, receive, out)
            if isinstance(reply, EventStream):
                await out.stream(reply, receive)
            elif reply is not None:
                await out.reply(reply)
        except (Refused, Unavailable) as error:
            await out.problem(error, self._allow())
        except Gone:
            return
        except Exception:
            # The outermost edge: a bug is one 500 with a reference id, its trace in the log.
            log.exception("internal_server_error", extra={"fields": {"request_id": arrival.request_id, "route": shown}})
            await out.problem(Unavailable(Reason.INTERNAL_SERVER_ERROR), "")
        finally:
            _log_request(arrival, shown, out.status, begun)

    async def _answer(self, arrival: Arrival, scope: Scope, receive: Receive, out: "_Out") -> Reply | EventStream | None:
        """What the handler of the method says; the CORS layer's own answer for a preflight."""
        desk = self._edge.desk
        if arrival.method == "OPTIONS" and self._surface is Surface.VISITOR_API:
            await out.preflight(desk)
            return None
        route = self._methods.get("GET" if arrival.method == "HEAD" else arrival.method)
        if route is None:
            if self._surface in _RECORDED:
                refuse(arrival, Reason.METHOD_NOT_ALLOWED if self._methods else Reason.NOT_FOUND, desk)
            raise Refused(Reason.METHOD_NOT_ALLOWED if self._methods else Reason.NOT_FOUND)
        # Also where none is looked at: a request that never becomes whole must have no effect.
        body = await read_body(receive)
        if body and route.request is not None:
            arrival = replace(arrival, body=body)
        call = Call(arrival, scope.get("path_params", {}), lambda told: out.watch(receive, told))
        return await route.handler(call)

    def _allow(self) -> str:
        """The ``Allow`` header of this path."""
        return ", ".join(sorted(self._methods))


def read_head(scope: Scope, edge: Edge) -> Arrival:
    """Everything of a request but its body."""
    headers: dict[str, str] = {}
    repeated: set[str] = set()
    forwarded_for: list[str] = []
    forwarded: list[str] = []
    proto = ""
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1").strip(" \t")
        if name == "x-forwarded-for":
            forwarded_for.append(value)
        elif name == "forwarded":
            forwarded.append(value)
        elif name == "x-forwarded-proto":
            # As with the others, the nearest proxy wrote the last one.
            proto = value
        if name in headers:
            repeated.add(name)
        else:
            headers[name] = value
    client = scope.get("client")
    peer = client[0] if client else "unknown"
    origin_text = headers.get("origin")
    is_https = scope["scheme"] == "https"
    if proto and is_trusted(peer, edge.trusted):
        is_https = proto.rpartition(",")[2].strip().lower() == "https"
    return Arrival(
        request_id=new_id("req"),
        caller_request_id=find_caller_request_id(headers.get("x-request-id")),
        method=scope["method"],
        route=scope["path"],
        address=client_of(peer, forwarded_for, forwarded, edge.trusted),
        is_https=is_https,
        host=headers.get("host", "").lower(),
        origin_text=origin_text,
        origin=find_origin(origin_text) if origin_text is not None and "origin" not in repeated else None,
        headers=headers,
        repeated=frozenset(repeated),
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        body=b"",
    )


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises ``Refused`` over the largest that any widget takes, ``Gone`` when the client left."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(body) <= LARGEST_BODY:
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False) and size <= LARGEST_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    # Over the cap the guard refuses by the length it sees; no more than one chunk is kept.
    return b"".join(parts)


class _Out:
    """Where one answer goes."""

    def __init__(self, send: Send, arrival: Arrival, surface: Surface) -> None:
        self._send = send
        self._arrival = arrival
        self._surface = surface
        self._watcher: asyncio.Task[None] | None = None
        self.status = 0

    async def reply(self, reply: Reply) -> None:
        """Send a whole answer."""
        content = reply.content if reply.content is not None else (b"" if reply.status in {204, 304} else _json.encode(reply.value))
        headers = [(name.encode(), value.encode()) for name, value in reply.headers]
        if reply.status not in {204, 304}:
            headers.append((b"content-type", reply.content_type.encode()))
        headers.append((b"cache-control", reply.cache.encode()))
        await self._whole(reply.status, headers, content, reply.ancestors)

    async def problem(self, error: Refused | Unavailable, allow: str) -> None:
        """Send an error's envelope; once a stream has begun it is too late for that."""
        if self.status:
            return
        headers: Headers = [(b"content-type", b"application/json"), (b"cache-control", NO_STORE.encode())]
        if isinstance(error, Refused) and error.limit is not None:
            headers += [(name.encode(), value.encode()) for name, value in rate_headers(error.limit)]
        elif retry_after_of(error) is not None:
            headers.append((b"retry-after", str(retry_after_of(error)).encode()))
        if error.reason is Reason.METHOD_NOT_ALLOWED:
            headers.append((b"allow", allow.encode()))
        await self._whole(status_of(error), headers, _json.encode(envelope(error, self._arrival.request_id)))

    async def preflight(self, desk: Desk) -> None:
        """Answer a preflight: 204 for a page that may ask, else 403 without any CORS header."""
        origin = self._arrival.origin
        if origin is not None and cors.allows_preflight(origin, desk):
            await self._start(204, [*cors.preflight_headers(origin), (b"cache-control", b"no-store")], has_cors=False)
            await self._send({"type": "http.response.body"})
            return
        body = _json.encode(envelope(Refused(Reason.DOMAIN_NOT_AUTHORIZED), self._arrival.request_id))
        headers: Headers = [(b"content-type", b"application/json"), (b"vary", b"Origin"), (b"cache-control", b"no-store")]
        await self._start(403, [*headers, (b"content-length", str(len(body)).encode())], has_cors=False)
        await self._send({"type": "http.response.body", "body": body})

    async def stream(self, reply: EventStream, receive: Receive) -> None:
        """Send an event stream to its end, or until the reader leaves."""
        headers: Headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", STREAM_CACHE.encode()),
            (b"x-accel-buffering", b"no"),
        ]
        task, is_gone = asyncio.current_task(), False

        def gone() -> None:
            nonlocal is_gone
            is_gone = task is not None and task.cancel()

        self.watch(receive, gone)
        try:
            await self._start(200, headers)
            async for event in reply.events:
                await self._send({"type": "http.response.body", "body": event, "more_body": True})
            await self._send({"type": "http.response.body", "body": b""})
        except asyncio.CancelledError:
            if not is_gone or task is None:
                raise
            # The cancellation has done its work: nobody waits for the next event any more.
            task.uncancel()
        finally:
            if self._watcher is not None:
                self._watcher.cancel()
            if isinstance(reply.events, AsyncGenerator):
                # The reader leaves before the answer is told that it has left.
                await reply.events.aclose()
            # Whoever was not there at the end has left; for a finished answer this does nothing.
            reply.left()

    def watch(self, receive: Receive, told: Callable[[], None]) -> None:
        """Call *told* when the client goes."""
        self._watcher = asyncio.ensure_future(_wait_until_gone(receive, told))

    async def _whole(self, status: int, headers: Headers, content: bytes, ancestors: Sequence[str] = ()) -> None:
        """Start and body in two messages."""
        if self._watcher is not None:
            self._watcher.cancel()
        if status not in {204, 304}:
            headers.append((b"content-length", str(len(content)).encode()))
        await self._start(status, headers, ancestors=ancestors)
        await self._send({"type": "http.response.body", "body": b"" if self._arrival.method == "HEAD" else content})

    async def _start(self, status: int, headers: Headers, *, has_cors: bool = True, ancestors: Sequence[str] = ()) -> None:
        """Send status and headers, with what the surface and CORS ask for."""
        self.status = status
        headers += policy(self._surface, is_https=self._arrival.is_https, ancestors=ancestors)
        headers.append((b"x-request-id", self._arrival.request_id.encode()))
        if has_cors and self._surface is Surface.VISITOR_API:
            headers += cors.answer_headers(self._arrival.origin)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


async def _wait_until_gone(receive: Receive, told: Callable[[], None]) -> None:
    """Read on until the client leaves."""
    message: Message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
    told()


def _log_request(arrival: Arrival, shown: str, status: int, begun: float) -> None:
    """One line a request: where to, what came of it, how long it took. No query, no body, no token."""
    if log.isEnabledFor(logging.INFO):
        fields = {
            "request_id": arrival.request_id,
            "caller_request_id": arrival.caller_request_id,
            "method": arrival.method,
            "path": shown,
            "status": status,
            "milliseconds": round((time.perf_counter() - begun) * 1000, 1),
        }
        log.info("request", extra={"fields": fields})
