"""What can the test upstream do? Every behaviour, good and bad, under the name of a model.

Times are the script's own (a slow server has to be slow); no test waits for them.
"""

import asyncio
import http.client
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.browser.hostile.cases import hostile_cases

USAGE = {"prompt_tokens": 19, "completion_tokens": 7, "total_tokens": 26}
IMITATION = '\n\nevent: done\ndata: {}\n\nid: 9\r\nevent: error\r\ndata: {"error":"x"}\r\n\r\ndata: [DONE]\n\n'
UNICODE = "Grüße, 世界, 👩‍👩‍👧 und é"
EVENT_STREAM = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    json: dict[str, Any]

    def described(self) -> dict[str, Any]:
        """What ``/seen`` may show: everything but the key."""
        headers = {name: "(hidden)" if name == "authorization" else value for name, value in self.headers.items()}
        return {"method": self.method, "target": self.target, "headers": headers, "body": self.json}


class Exchange:
    """One request and the means to answer it, properly or not."""

    def __init__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self.writer = writer
        self.keeps_alive = True

    async def raw(self, data: bytes) -> None:
        """Send *data* as it is."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int = 200, headers: Mapping[str, str] = MappingProxyType({}), *, chunked: bool = True) -> None:
        """Send status line and headers; an event stream unless told otherwise."""
        fields = EVENT_STREAM | dict(headers)
        if chunked:
            fields["Transfer-Encoding"] = "chunked"
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Other')}", *(f"{name}: {value}" for name, value in fields.items())]
        await self.raw("\r\n".join((*lines, "", "")).encode())

    async def send(self, data: bytes) -> None:
        """Send *data* as one HTTP chunk."""
        await self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    async def end(self) -> None:
        """End the body as HTTP wants it."""
        await self.raw(b"0\r\n\r\n")

    async def close(self, *, reset: bool = False) -> None:
        """End the connection, here and now; with *reset* by RST."""
        self.keeps_alive = False
        if reset:
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()

    def chunk(self, content: str | None = None, *, finish: str | None = None, **delta: object) -> bytes:
        """An event with one ``chat.completion.chunk``."""
        fields = delta | ({} if content is None else {"content": content})
        return self._event([{"index": 0, "delta": fields, "logprobs": None, "finish_reason": finish}], None)

    async def ending(self, finish: str = "stop") -> None:
        """Send the reason, the usage if it was asked for, ``[DONE]``, the end."""
        await self.send(self.chunk(finish=finish))
        if self.request.json.get("stream_options", {}).get("include_usage"):
            await self.send(self._event([], USAGE))
        await self.send(b"data: [DONE]\n\n")
        await self.end()

    async def answer(self, *texts: str, pause_s: float = 0.0, finish: str = "stop") -> None:
        """A proper answer, one text per chunk. The first has the role alone, as OpenAI's has."""
        await self.head()
        await self.send(self.chunk("", role="assistant", refusal=None))
        for text in texts:
            if pause_s:
                await asyncio.sleep(pause_s)
            await self.send(self.chunk(text))
        await self.ending(finish)

    def _event(self, choices: list[object], usage: object) -> bytes:
        value = {
            "id": "chatcmpl-B1mockmockmockmockmockmockmock",
            "object": "chat.completion.chunk",
            "created": 1741569952,
            "model": self.request.json.get("model"),
            "service_tier": "default",
            "system_fingerprint": "fp_mock",
            "choices": choices,
            "usage": usage,
            "obfuscation": "Zq81",
        }
        return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


Script = Callable[[Exchange], Awaitable[None]]
SCRIPTS: dict[str, Script] = {}


def _chunk(content: str) -> bytes:
    return b'data: {"choices":[{"delta":{"content":%s}}]}\n\n' % json.dumps(content).encode()


_START = _chunk("Half an ")
_STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
_DONE = b"data: [DONE]\n\n"
# Sent after a proper head, one HTTP chunk each, and properly ended: only the events are odd.
BODIES: dict[str, tuple[bytes, ...]] = {
    "crlf": tuple(part.replace(b"\n", b"\r\n") for part in (_chunk("Line "), _chunk("ends."), _STOP, _DONE)),
    "cr": tuple(part.replace(b"\n", b"\r") for part in (_chunk("Line "), _chunk("ends."), _STOP, _DONE)),
    "crlf-cut-in-two": (_chunk("Line ")[:-2] + b"\r", b"\n\r", b"\n" + _chunk("ends."), _STOP + _DONE),
    "bom": (b"\xef\xbb\xbf" + _chunk("After a BOM."), _STOP, _DONE),
    "comments": (b": hello\n\n", b"event: message\nid: 7\nretry: 10\n" + _chunk("Text."), b":\n\n", b"data\n\ndata:\n\nnonsense\n\n", _STOP, _DONE),
    "no-space": (_chunk("Tight.").replace(b"data: ", b"data:"), _STOP.replace(b"data: ", b"data:"), b"data:[DONE]\n\n"),
    "two-data-lines": (b'data: {"choices":\ndata: [{"delta":{"content":"Joined."}}]}\n\n', _STOP, _DONE),
    "many-in-one": (_chunk("One ") + _chunk("two ") + _chunk("three.") + _STOP + _DONE,),
    "extra-fields": (b'data: {"x":[{}],"choices":[{"delta":{"content":"Text.","y":1},"z":{}}],"error":null,"usage":null}\n\n', _STOP, _DONE),
    "ignored-deltas": (
        b'data: {"choices":[{"delta":{"content":null,"reasoning_content":"hidden"}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]}}]}\n\n',
        b'data: {"choices":[{"index":0}]}\n\ndata: {"choices":null}\n\ndata: {"choices":[{"delta":null}]}\n\n' + _chunk("Shown."),
        b'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}\n\n',
        _DONE,
    ),
    "surrogates": (b'data: {"choices":[{"delta":{"content":"a\\ud800b\\udc00c\\ud83d\\ude00d\\\\ud800"}}]}\n\n', _STOP, _DONE),
    "nul": (_chunk("a\0b"), _STOP, _DONE),
    "huge-usage": (_chunk("Text."), _STOP, b'data: {"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":99999999999999999999}}\n\n', _DONE),
    "no-done": (_chunk("Text."), _STOP),
    "done-only": (_chunk("Text."), _DONE),
    "no-last-blank-line": (_chunk("Text."), _STOP, b"data: [DONE]"),
    "after-done": (_chunk("Text."), _STOP, _DONE, _chunk("Too late.")),
    "no-end": (_START,),
    "empty": (),
    "no-text": (_STOP, _DONE),
    "garbage-utf8": (_START, b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n', _STOP, _DONE),
    "garbage-json": (_START, b'data: {"choices":[{"delta"\n\n', _STOP, _DONE),
    "garbage-types": (_START, b'data: {"choices":[{"delta":{"content":[1]}}]}\n\n', _STOP, _DONE),
    "garbage-array": (_START, b"data: []\n\n", _STOP, _DONE),
    "garbage-depth": (_START, b'data: {"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n", _STOP, _DONE),
    "html-as-events": (b"<!doctype html>\n<title>502</title>\n\n<p>Bad gateway\n\n",),
    "error-first": (b'data: {"error":{"message":"sk-secret is wrong","code":500}}\n\n',),
    "error-mid": (_START, b'event: error\ndata: {"error":{"message":"sk-secret","code":500}}\n\n', _DONE),
    "error-text": (_START, b'data: {"error":"sk-secret"}\n\n', _DONE),
    "long-line": (_START, b"data: " + b"x" * (10 << 20) + b"\n\n", _STOP, _DONE),
    "long-event": (_START, b"data: x\n" * 100_000 + b"\n", _STOP, _DONE),
    "long-answer": (*(_chunk("x" * 65_536),) * 32, _STOP, _DONE),
}


def script(run: Script) -> Script:
    """Put *run* into the catalogue under its name, with hyphens."""
    SCRIPTS[run.__name__.strip("_").replace("_", "-")] = run
    return run


@script
async def echo(exchange: Exchange) -> None:
    """The question back, word by word."""
    question = exchange.request.json["messages"][-1]["content"]
    await exchange.answer(*(word + " " for word in question.split()))


@script
async def cite(exchange: Exchange) -> None:
    """An answer with a citation."""
    await exchange.answer("According to the help ", "pages, it is so [1].", pause_s=0.02)


ADVICE = """Yes, we ship to **Norway** [1]. Parcels leave Leeds on working days before 15:00.

| Method | Time | Price |
| --- | --- | --- |
| Tracked | 5 to 7 days | £9.50 |
| Express | 2 days | £18 |

To see the price for your basket in your own shop:

```python
price = shop.quote("NO", weight_g=750)
print(f"£{price:.2f}")
```

1. Choose *Norway* at the till.
2. Pay in pounds or kroner.
"""


@script
async def advise(exchange: Exchange) -> None:
    """What a good assistant would say."""
    await exchange.answer(*re.findall(r"\S+\s*", ADVICE))


@script
async def imitate(exchange: Exchange) -> None:
    """Text that looks like the gateway's own events."""
    await exchange.answer("Before", IMITATION, "after")


@script
async def html_text(exchange: Exchange) -> None:
    """Text that would run if a page took it for HTML."""
    await exchange.answer("<img src=x onerror=alert(1)>", "<script>alert(2)</script>", "[x](javascript:alert(3))")


@script
async def _unicode(exchange: Exchange) -> None:
    """Multi-byte text, each byte in a chunk of its own."""
    await exchange.head()
    for byte in exchange.chunk(UNICODE):
        await exchange.send(bytes((byte,)))
        await asyncio.sleep(0)
    await exchange.ending()


@script
async def length(exchange: Exchange) -> None:
    """Ends because the model reached its limit."""
    await exchange.answer("Cut by the mod", finish="length")


@script
async def content_filter(exchange: Exchange) -> None:
    """Ends because a filter of the server stepped in."""
    await exchange.answer("I can", finish="content_filter")


@script
async def slow_first(_exchange: Exchange) -> None:
    """Never a byte."""
    await asyncio.Event().wait()


@script
async def slow_body(exchange: Exchange) -> None:
    """A head and never a byte of body."""
    await exchange.head()
    await asyncio.Event().wait()


@script
async def stall(exchange: Exchange) -> None:
    """Some text, then silence."""
    await exchange.head()
    await exchange.send(_START)
    await asyncio.Event().wait()


@script
async def stall_after_stop(exchange: Exchange) -> None:
    """All of the answer and its reason, then silence."""
    await exchange.head()
    await exchange.send(_chunk("Text.") + _STOP)
    await asyncio.Event().wait()


@script
async def drip(exchange: Exchange) -> None:
    """One byte a second."""
    await exchange.head()
    for byte in exchange.chunk("never seen") * 1000:
        await exchange.send(bytes((byte,)))
        await asyncio.sleep(1)


@script
async def endless(exchange: Exchange) -> None:
    """Text as fast as it goes, for ever."""
    await exchange.head()
    piece = exchange.chunk("x" * 1000)
    while True:
        await exchange.send(piece)
        await asyncio.sleep(0)


@script
async def endless_comments(exchange: Exchange) -> None:
    """Signs of life without an answer, for ever."""
    await exchange.head()
    while True:
        await exchange.send(b": still here\n\n")
        await asyncio.sleep(0.01)


@script
async def cut(exchange: Exchange) -> None:
    """Closes in mid-answer, inside a chunked body."""
    await exchange.head()
    await exchange.send(_START)
    await asyncio.sleep(0.02)
    await exchange.close()


@script
async def cut_in_chunk(exchange: Exchange) -> None:
    """Closes inside an HTTP chunk."""
    await exchange.head()
    await exchange.raw(b"400\r\n" + _START)
    await exchange.close()


@script
async def cut_after_stop(exchange: Exchange) -> None:
    """Closes inside the body, but after saying that the answer is whole."""
    await exchange.head()
    await exchange.send(_chunk("Text.") + _STOP)
    await asyncio.sleep(0.02)
    await exchange.close()


@script
async def cut_first(exchange: Exchange) -> None:
    """Closes without a word."""
    await exchange.close()


@script
async def reset(exchange: Exchange) -> None:
    """RST in mid-answer."""
    await exchange.head()
    await exchange.send(_START)
    await asyncio.sleep(0.02)
    await exchange.close(reset=True)


@script
async def half_close(exchange: Exchange) -> None:
    """Closes its side only, and waits for the client to leave."""
    await exchange.head()
    await exchange.send(_START)
    exchange.writer.write_eof()
    await asyncio.Event().wait()


@script
async def until_close(exchange: Exchange) -> None:
    """A body without length that ends with the connection (HTTP/1.0 style); proper."""
    await exchange.head(headers={"Connection": "close"}, chunked=False)
    await exchange.raw(_chunk("Text.") + _STOP + _DONE)
    await exchange.close()


@script
async def length_lie(exchange: Exchange) -> None:
    """Promises more bytes than it sends."""
    await exchange.head(headers={"Content-Length": "9999"}, chunked=False)
    await exchange.raw(_START)
    await exchange.close()


@script
async def chunk_lie(exchange: Exchange) -> None:
    """A chunk that is longer than its size says."""
    await exchange.head()
    await exchange.send(_START)
    await asyncio.sleep(0.02)
    await exchange.raw(b"5\r\n" + _START + b"\r\n")
    await asyncio.Event().wait()


@script
async def chunk_garbage(exchange: Exchange) -> None:
    """A chunk whose size is no number, in one piece with the head."""
    await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + _START + b"\r\n")
    await asyncio.Event().wait()


@script
async def not_http(exchange: Exchange) -> None:
    """Another protocol."""
    await exchange.raw(b"SSH-2.0-OpenSSH_9.2\r\n")
    await asyncio.Event().wait()


@script
async def gzip_lie(exchange: Exchange) -> None:
    """Says gzip, sends text."""
    await exchange.head(headers={"Content-Encoding": "gzip"})
    await exchange.send(_chunk("Text.") + _STOP + _DONE)
    await exchange.end()


@script
async def cookie(exchange: Exchange) -> None:
    """A proper answer that sets a cookie."""
    await exchange.head(headers={"Set-Cookie": "track=1; Path=/"})
    await exchange.ending()


@script
async def huge_header(exchange: Exchange) -> None:
    """One header of 1 MB."""
    await exchange.head(headers={"X-Huge": "x" * 1_000_000})
    await exchange.end()


@script
async def many_headers(exchange: Exchange) -> None:
    """Ten thousand headers."""
    await exchange.head(headers={f"X-{number}": "x" for number in range(10_000)})
    await exchange.end()


@script
async def html(exchange: Exchange) -> None:
    """A page with status 200."""
    await exchange.head(headers={"Content-Type": "text/html"})
    await exchange.send(b"<!doctype html><title>Welcome</title>")
    await exchange.end()


@script
async def not_streamed(exchange: Exchange) -> None:
    """One JSON object, as without ``stream``."""
    await exchange.head(headers={"Content-Type": "application/json"})
    await exchange.send(json.dumps({"choices": [{"message": {"content": "Text."}}]}).encode())
    await exchange.end()


async def _fixed(exchange: Exchange, parts: tuple[bytes, ...]) -> None:
    await exchange.head()
    for part in parts:
        await exchange.send(part)
        await asyncio.sleep(0.001)  # so that most parts come as a network read of their own
    await exchange.end()


def words(name: str) -> list[str]:
    """What ``words-COUNT-MS[-FIRST_MS]`` says, piece by piece; ``runes-…`` says it in characters of two to four bytes and more code points."""
    kind, count, *_ = name.split("-")
    return [f"word{number} " if kind == "words" else f"wörd{number} 世é👩‍👩‍👧 " for number in range(int(count))]


async def _hostile(exchange: Exchange, name: str) -> None:
    """``hostile-N``: the hostile text of that number, every character in a chunk of its own."""
    await exchange.answer(*hostile_cases()[int(name.partition("-")[2])].text)


async def _words(exchange: Exchange, name: str) -> None:
    """The bulk case."""
    interval_ms, *first_ms = (int(part) for part in name.split("-")[2:])
    await asyncio.sleep(sum(first_ms) / 1000)
    await exchange.answer(*words(name), pause_s=interval_ms / 1000)


@script
async def refusal(exchange: Exchange) -> None:
    """400 with the last message as its body."""
    body = exchange.request.json["messages"][-1]["content"].encode()
    await exchange.head(400, {"Content-Type": "application/json", "Content-Length": str(len(body))}, chunked=False)
    await exchange.raw(body)


@script
async def refusal_stall(exchange: Exchange) -> None:
    """400 with a body that never comes."""
    await exchange.head(400, {"Content-Type": "application/json", "Content-Length": "100"}, chunked=False)
    await asyncio.Event().wait()


async def _status(exchange: Exchange, status: int) -> None:
    body = json.dumps({"error": {"message": "sk-secret is not allowed", "type": "some_error", "code": None}}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Location": "/v1/redirected/chat/completions", "Retry-After": "1"}
    await exchange.head(status, headers, chunked=False)
    await exchange.raw(body)


async def run_script(exchange: Exchange) -> None:
    """Do what the model's name says."""
    body = exchange.request.json
    name = str(body.get("model", ""))
    if name == "by-question":
        name = str(body["messages"][-1]["content"]).split()[0]
        is_known = name in SCRIPTS or name in BODIES or name.isdecimal() or name.startswith(("words-", "runes-"))
        name = name if is_known else "advise"
    if name in SCRIPTS:
        await SCRIPTS[name](exchange)
    elif name in BODIES:
        await _fixed(exchange, BODIES[name])
    elif name.startswith("hostile-"):
        await _hostile(exchange, name)
    elif name.startswith(("words-", "runes-")):
        await _words(exchange, name)
    else:
        await _status(exchange, int(name) if name.isdecimal() else 404)
