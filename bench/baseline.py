"""What is the least that a Python server does? A bare JSON echo and a bare relay.

usage: python -m bench.baseline echo|relay|prose PORT

The same server, framework and client library as the gateway, and nothing else: no
sessions, limits, storing, deadlines or log lines. The relay decodes each delta and
encodes an event of its own for each network read, as any gateway must. ``prose`` is no
baseline but a provider whose long answer is real Markdown.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    import aiohttp

_json = msgspec.json.Encoder()


class Question(msgspec.Struct):
    """The part of a chat body that a bare server needs."""

    message: str


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta


class _Chunk(msgspec.Struct):
    choices: list[_Choice]


_question = msgspec.json.Decoder(Question)
_chunk = msgspec.json.Decoder(_Chunk)


async def ready(_request: Request) -> Response:
    return Response(b'{"status":"ok"}', media_type="application/json")


async def echo(request: Request) -> Response:
    question = _question.decode(await request.body())
    return Response(_json.encode({"success": True, "response": f"You said: {question.message}"}), media_type="application/json")


class Relay:
    """``POST /api/chat`` to an OpenAI-compatible server and back."""

    def __init__(self, upstream: str, model: str) -> None:
        self._url = upstream + "/chat/completions"
        self._model = model
        self._session: aiohttp.ClientSession | None = None

    async def chat(self, request: Request) -> Response:
        """One question, its answer as an event stream."""
        question = _question.decode(await request.body())
        return StreamingResponse(self._events(question.message), media_type="text/event-stream")

    async def _events(self, message: str) -> AsyncIterator[bytes]:
        import aiohttp  # noqa: PLC0415 - the echo does not pay for it

        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)
        body = _json.encode({"model": self._model, "stream": True, "messages": [{"role": "user", "content": message}]})
        rest = b""
        async with self._session.post(self._url, data=body, headers={"content-type": "application/json"}) as reply:
            async for data in reply.content.iter_any():
                *whole, rest = (rest + data).split(b"\n\n")
                text = "".join(_texts(whole))
                if text:
                    yield b"data: %b\n\n" % _json.encode({"text": text})


def _texts(events: list[bytes]) -> list[str]:
    """The deltas of whole events."""
    chunks = [_chunk.decode(event[6:]) for event in events if event.startswith(b"data: {")]
    return [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]


async def prose(_request: Request) -> Response:
    """An OpenAI-compatible answer of BENCH_DELTAS pieces of Markdown, about one a millisecond."""
    count = int(os.environ["BENCH_DELTAS"])

    async def events() -> AsyncIterator[bytes]:
        for number in range(count):
            text = f"The end of {count} pieces." if number == count - 1 else _PROSE[number % len(_PROSE)]
            yield b"data: %b\n\n" % _json.encode({"choices": [{"index": 0, "delta": {"content": text}}]})
            await asyncio.sleep(0.001)
        yield b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

    return StreamingResponse(events(), media_type="text/event-stream")


_PROSE = re.findall(
    r"\S+\s*|\s+",
    """### Where a parcel is

A **parcel** goes *by road* to the depot, see [the map](https://shop.example/map), and `track` says where it is.

1. Look at the label.
2. Scan its code:
   - with the app,
   - or at the counter.

```python
def track(parcel: str) -> str:
    return f"{parcel} is on its way"
```

| day | place | state |
|---|---|---|
| Monday | depot | sorted |
| Tuesday | van | out for delivery |

> Nobody at home? It waits at the counter for seven days.

Most parcels take two days. Some take three, because the road over the hills is closed in winter, and the ferry does not sail in a storm.

""",
)


def build(kind: str) -> Starlette:
    handler: Any = echo
    if kind == "relay":
        handler = Relay(os.environ["BENCH_UPSTREAM"], os.environ["BENCH_MODEL"]).chat
    return Starlette(routes=[Route("/readyz", ready), Route("/api/chat", handler, methods=["POST"]), Route("/v1/chat/completions", prose, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(build(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
