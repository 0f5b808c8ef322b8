"""How is a gateway started for measuring, and what do its visitors send?"""

import http.client
import json
import secrets
import sqlite3
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import HOST, BenchFailed, Server, free_port, run_python
from bench.programs import BUILD
from bench.proving import Key

_ORIGIN = "https://shop.example"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
_LOTS = "1000000000"
QUESTION = "Hello, where is my parcel? I ordered it last week."


@dataclass(frozen=True, slots=True)
class Site:
    """A database with a widget, and the settings of a gateway over it."""

    data_dir: Path
    widget_id: str
    environ: dict[str, str]

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "chatkeep.db"

    def count(self, query: str) -> tuple[int, ...]:
        """The one row of numbers that *query* gives."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            row: tuple[int, ...] = connection.execute(query).fetchone()
            return row


@dataclass(frozen=True, slots=True)
class Visitor:
    """A session of its own behind an address of its own."""

    address: str
    session: dict[str, str]
    key: Key | None = None

    def proven_message(self, port: int) -> bytes:
        """A whole ``POST /api/chat`` with a proof and an idempotency key of its own."""
        token = self.session["session_token"]
        body = {"message": QUESTION, "conversation_id": self.session["conversation_id"]}
        extra = [f"Idempotency-Key: {uuid.uuid4()}"]
        if self.key is not None:
            extra.append(f"DPoP: {self.key.prove('POST', f'http://{HOST}:{port}/api/chat', token)}")
        return chat_request(port, body, self.address, token, as_stream=False, extra=extra)

    def message(self, port: int, *, as_stream: bool) -> bytes:
        """A whole ``POST /api/chat``, as a browser behind a proxy sends it."""
        body = {"message": QUESTION, "conversation_id": self.session["conversation_id"]}
        return chat_request(port, body, self.address, self.session["session_token"], as_stream=as_stream)


@contextmanager
def site(provider: str, upstream: str = "", model: str = "", page: str = "shop.example") -> Iterator[Site]:
    """A site at *page* whose agent asks *provider*; its folder goes at the end. *upstream*: base address for ``openai``."""
    with tempfile.TemporaryDirectory(prefix="data-", dir=BUILD) as folder:
        environ = {
            "CHATKEEP_ENV": "development",  # the fake provider is refused in production
            "CHATKEEP_SECRET_KEY": secrets.token_urlsafe(48),
            "CHATKEEP_DATA_DIR": folder,
            "CHATKEEP_LOG_FORMAT": "json",
            "CHATKEEP_TRUSTED_PROXIES": HOST,
            "CHATKEEP_LIMIT_ADDRESS_PER_MINUTE": _LOTS,
            "CHATKEEP_LIMIT_ADDRESS_PER_HOUR": _LOTS,
            "CHATKEEP_LIMIT_SESSIONS_PER_ADDRESS_PER_HOUR": _LOTS,
        }
        if upstream:
            environ |= {"CHATKEEP_OPENAI_BASE_URL": upstream, "CHATKEEP_OPENAI_MODEL": model}
        widget_id = run_python("-m", "bench.prepare", provider, page, environ=environ).strip()
        yield Site(Path(folder), widget_id, environ)


def start_gateway(where: Site, *, program: str = "chatkeep", path: str = "/readyz") -> tuple[Server, float]:
    """``chatkeep serve``, and the seconds until it was ready."""
    port = free_port()
    command = [sys.executable, "-m", program, "serve", "--host", HOST, "--port", str(port)]
    server = Server(command, port, log=BUILD / "gateway.log", environ=where.environ)
    try:
        return server, server.wait_until(path)
    except BaseException:
        server.stop()
        raise


def start_bare(kind: str, upstream: str = "", model: str = "") -> tuple[Server, float]:
    """A baseline server, and the seconds until it was ready."""
    port = free_port()
    command = [sys.executable, "-m", "bench.baseline", kind, str(port)]
    server = Server(command, port, log=BUILD / "baseline.log", environ={"BENCH_UPSTREAM": upstream, "BENCH_MODEL": model})
    try:
        return server, server.wait_until("/readyz")
    except BaseException:
        server.stop()
        raise


def open_visitors(where: Site, port: int, count: int, *, is_bound: bool = False) -> list[Visitor]:
    """*count* new sessions; with *is_bound*, each with a key of its own."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    visitors = []
    for number in range(count):
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        headers = {"Origin": _ORIGIN, "Content-Type": "application/json", "User-Agent": _AGENT, "X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
        key = Key() if is_bound else None
        if key is not None:
            headers["DPoP"] = key.prove("POST", f"http://{HOST}:{port}/api/sessions")
        connection.request("POST", "/api/sessions", json.dumps({"widget_id": where.widget_id}), headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 201:
            raise BenchFailed(f"no session: {answer.status} {content[:300].decode()}")
        visitors.append(Visitor(address, json.loads(content), key))
    connection.close()
    return visitors


def bare_requests(port: int, count: int, *, as_stream: bool) -> Sequence[bytes]:
    """What the baseline gets: the same bytes, with a token and ids that nobody checks."""
    body = {"message": QUESTION, "conversation_id": "conv_" + "a" * 26}
    return [chat_request(port, body, "10.0.0.1", "e" * 300, as_stream=as_stream)] * count


def chat_request(port: int, body: dict[str, str], address: str, token: str, *, as_stream: bool, extra: Sequence[str] = ()) -> bytes:
    """The bytes of one ``POST /api/chat``; *extra*: more header lines."""
    content = json.dumps(body, separators=(",", ":")).encode()
    lines = [
        "POST /api/chat HTTP/1.1",
        f"Host: {HOST}:{port}",
        f"X-Forwarded-For: {address}",
        "X-Forwarded-Proto: https",
        f"User-Agent: {_AGENT}",
        f"Accept: {'text/event-stream' if as_stream else 'application/json'}",
        f"Origin: {_ORIGIN}",
        f"Authorization: Bearer {token}",
        *extra,
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + content
