"""A real HTTP server that speaks the OpenAI wire format, well or badly, as the model's name says.

``words-100-20`` sends 100 words, one every 20 ms (``runes-100-20`` beyond ASCII); ``cut`` breaks off; the others are in
``upstream_scripts.py``; three digits answer with that status. The model ``by-question``
takes the first word of the last user message as its script, and gives advice where there is none of that name. Written on bare sockets,
because most of what is tested is what no HTTP library would send.

``GET /seen`` tells what happened so far (no keys); ``GET /seen?aborted=1`` waits until
that many streams were left by the client. ``python -m tests.providers.upstream [PORT]``
prints its base address and runs until it is stopped.
"""

import asyncio
import contextlib
import http.client
import json
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.providers.upstream_scripts import Exchange, Request, run_script


class Server:
    """Connections, and the record of what they brought."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.requests: deque[dict[str, Any]] = deque(maxlen=1000)
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> str:
        """Listen on loopback; the base address to give to a client."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=4096)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        """End everything."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        await self._count(connections=1)
        try:
            # What a client does to its connection is recorded where it matters.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether another may follow."""
        request = await _read_request(reader)
        if request.target.startswith("/seen"):
            await self._tell(request, writer)
            return True
        self.requests.append(request.described())
        await self._count(requests=1, open=1)
        exchange = Exchange(request, writer)
        answering = asyncio.create_task(run_script(exchange))
        leaving = asyncio.create_task(reader.read(1))  # a client says no more until it is answered
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            has_left = not answering.done() or isinstance(answering.exception(), OSError)
        finally:
            for task in (answering, leaving):
                task.cancel()
            outcomes = await asyncio.gather(answering, leaving, return_exceptions=True)
            await self._count(open=-1)
        await self._count(**{"aborted" if has_left else "finished": 1})
        if isinstance(outcomes[0], Exception) and not has_left:
            raise outcomes[0]
        return exchange.keeps_alive and not has_left

    async def _count(self, **changes: int) -> None:
        async with self._changed:
            self.counts.update(changes)
            self._changed.notify_all()

    async def _tell(self, request: Request, writer: asyncio.StreamWriter) -> None:
        wanted = {name: int(value) for name, value in parse_qsl(urlsplit(request.target).query)}
        async with self._changed:
            await self._changed.wait_for(lambda: all(self.counts[name] >= value for name, value in wanted.items()))
        names = ("connections", "requests", "open", "finished", "aborted")
        body = json.dumps({name: self.counts[name] for name in names} | {"seen": list(self.requests)}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _version = first.split(" ")
    headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    fields: dict[str, Any] = json.loads(body) if body else {}
    return Request(method, target, headers, fields)


class Upstream:
    """The server in a thread of its own, for tests in this process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._server = Server()
        self._thread = threading.Thread(target=self._loop.run_forever, name="upstream")
        self._thread.start()
        self.base_url = asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result()

    def seen(self, *, within: float = 10, **at_least: int) -> dict[str, Any]:
        """Ask ``/seen``, waiting until each count is *at_least* so high."""
        return seen(self.base_url, within=within, **at_least)

    def stop(self) -> None:
        """End server, loop and thread."""
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def seen(base_url: str, *, within: float = 10, **at_least: int) -> dict[str, Any]:
    """What the server at *base_url* has seen, once each count is *at_least* so high. Raises ``TimeoutError`` after *within* seconds."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=within)
    with contextlib.closing(connection):
        connection.request("GET", "/seen?" + "&".join(f"{name}={value}" for name, value in at_least.items()))
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server of its own for each test."""
    server = Upstream()
    yield server
    server.stop()


async def _main(port: int) -> None:
    print(await Server().start(port), flush=True)  # noqa: T201 - this line is the interface
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
