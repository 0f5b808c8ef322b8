"""``chatkeep demo`` as somebody meets it: one command, two origins, an answer with its source."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cast import Visitor
from tests.servers import PATIENCE, end, first_line, free_port, gateway_environment

QUESTION = "Do you ship to Norway, and what does it cost?"


@dataclass
class Demo:
    """A running demo and what it said."""

    process: subprocess.Popen[bytes]
    said: dict[str, str]

    def port(self, name: str) -> int:
        """The port of ``gateway`` or ``shop``."""
        port = urlsplit(self.said[name]).port
        assert port is not None
        return port

    def get(self, name: str, path: str) -> tuple[int, bytes]:
        """Status and body of a page of ``gateway`` or ``shop``."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port(name), timeout=PATIENCE)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, bytes]:
        """Exit code, and whatever was said after the one line."""
        self.process.send_signal(how)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        return self.process.wait(PATIENCE), rest


@contextmanager
def demo(data_dir: Path, *options: str) -> Iterator[Demo]:
    """``chatkeep demo --json`` until the end of the block."""
    # No secret, no settings: a machine that has never heard of us.
    environ = {name: value for name, value in gateway_environment(data_dir).items() if not name.startswith("CHATKEEP_")}
    command = [sys.executable, "-m", "chatkeep", "demo", "--json", "--data-dir", str(data_dir), *options]
    with data_dir.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environ)
    try:
        line = first_line(process)
        assert line, data_dir.with_suffix(".log").read_text()
        yield Demo(process, json.loads(line))
    finally:
        end(process)


@contextmanager
def taken(port: int) -> Iterator[int]:
    """Somebody else listens there."""
    with closing(socket.create_server(("127.0.0.1", port))) as sock:
        yield sock.getsockname()[1]


def test_one_line_two_origins_and_a_cited_answer(tmp_path: Path) -> None:
    port, site_port = free_port(), free_port()
    with demo(tmp_path / "new", "--port", str(port), "--site-port", str(site_port)) as first:
        assert set(first.said) == {"gateway", "shop", "widget_id", "data_dir"}
        assert (first.said["gateway"], first.said["shop"]) == (f"http://localhost:{port}", f"http://localhost:{site_port}")
        assert first.get("gateway", "/readyz")[0] == 200
        for path in ("/", "/strict"):
            status, page = first.get("shop", path)
            assert (status, first.said["gateway"].encode() in page, first.said["widget_id"].encode() in page) == (200, True, True)
        status, loader = first.get("gateway", "/widget/loader.js")
        assert (status, b"chatkeep-widget" in loader) == (200, True)
        victor = Visitor(port, first.said["widget_id"], first.said["shop"]).open()
        answer = victor.say(QUESTION).json
        assert "Norway" in answer["response"]
        assert "[1]" in answer["response"]
        source = answer["citations"][0]
        assert source["index"] == 1
        # The source is a page of the shop, and it is there.
        assert source["url"].startswith(f"{first.said['shop']}/help/")
        assert first.get("shop", urlsplit(source["url"]).path)[0] == 200
        assert victor.history()[-1]["citations"] == answer["citations"]
        elsewhere = Visitor(port, first.said["widget_id"], "http://localhost:1")
        assert elsewhere.request("POST", "/api/sessions", {"widget_id": first.said["widget_id"]}).status == 403
        assert first.stop() == (0, b"")


def test_a_second_start_uses_what_the_first_left(tmp_path: Path) -> None:
    ports = ("--port", str(free_port()), "--site-port", str(free_port()))
    with demo(tmp_path / "kept", *ports) as first:
        victor = Visitor(first.port("gateway"), first.said["widget_id"], first.said["shop"]).open()
        assert victor.say(QUESTION).status == 200
        assert first.stop(signal.SIGINT)[0] == 0
    before = victor.session
    with demo(tmp_path / "kept", "--port", str(free_port()), "--site-port", ports[3]) as second:
        assert second.said["widget_id"] == first.said["widget_id"]
        # The same secret: a page that was left open goes on.
        victor.port = second.port("gateway")
        assert [message["role"] for message in victor.history()] == ["visitor", "assistant"]
        assert victor.session == before
        assert second.stop()[0] == 0


def test_taken_ports_are_left_to_others(tmp_path: Path) -> None:
    with taken(0) as port, demo(tmp_path / "moved", "--port", str(port)) as moved:
        gateway, shop = moved.port("gateway"), moved.port("shop")
        assert len({port, gateway, shop}) == 3
        assert gateway > port
        assert moved.get("gateway", "/livez")[0] == 200
        assert moved.get("shop", "/")[0] == 200
        # The widget knows the shop by the port that it really has.
        victor = Visitor(gateway, moved.said["widget_id"], moved.said["shop"]).open()
        assert victor.say(QUESTION).json["citations"]
        assert moved.stop()[0] == 0


def test_two_demos_at_the_same_time(tmp_path: Path) -> None:
    port = str(free_port())
    with demo(tmp_path / "one", "--port", port) as one, demo(tmp_path / "two", "--port", port) as two:
        assert len({one.port("gateway"), one.port("shop"), two.port("gateway"), two.port("shop")}) == 4
        for running in (one, two):
            victor = Visitor(running.port("gateway"), running.said["widget_id"], running.said["shop"]).open()
            assert victor.say(QUESTION).status == 200
            assert running.stop()[0] == 0


@pytest.fixture(autouse=True)
def _built_widget() -> None:
    """The demo serves the built widget; ``make widget`` builds it."""
    from chatkeep.web.widget_build import load_files  # noqa: PLC0415 - raises what a person would read

    load_files()
