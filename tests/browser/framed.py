"""Frame mode on a site of its own: pages under the strictest policy, and the chat in their frame."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import run_demo
from tests.browser.test_a_strict_page import QUESTION
from tests.browser.test_panel import _answer
from tests.host import Signer, encode
from tests.servers import run_cli

ANSWER = "costs £9.50"
PLAIN = (
    "<!doctype html><title>Shop</title><h1>Shop</h1><a href='#x'>A link of the page</a>{head}"
    "<script async nonce=n src='{gateway}/widget/loader.js' data-widget-id='{widget}'></script>"
)


@dataclass
class Framed:
    """A gateway, a site of its own that one of its widgets lists, and that widget, in frame mode."""

    gateway: str
    site: str
    widget_id: str
    pages: dict[str, tuple[str, str]]
    data_dir: Path

    def run(self, *words: str) -> Any:
        """A sub-command of ``chatkeep widgets``, and what it said."""
        said = run_cli(self.data_dir, "widgets", *words, "--json")
        assert said.returncode == 0, said.stderr
        return json.loads(said.stdout)

    def make(self, *options: str) -> str:
        """Another widget of the site, in frame mode."""
        widget_id: str = self.run("create", "Framed", "--domain", self.site.removeprefix("http://"), *options)["widget_id"]
        self.run("frame", widget_id, "on")
        return widget_id


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Framed]:
    """The demo's gateway and help pages, with a site whose pages the tests write."""
    for demo in run_demo(tmp_path_factory.mktemp("framed") / "data"):
        with site_of_its_own() as (site, pages):
            made = Framed(demo.gateway, site, "", pages, demo.data_dir)
            made.widget_id = made.make()
            yield made


@contextmanager
def site_of_its_own() -> Iterator[tuple[str, dict[str, tuple[str, str]]]]:
    """A site on a free port of this machine, and its pages: policy and body by path."""
    pages: dict[str, tuple[str, str]] = {}

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            policy, body = pages.get(self.path, ("", ""))
            self.send_response(200 if body else 404)
            for name, value in (("Content-Type", "text/html"), ("Content-Security-Policy", policy), ("Cross-Origin-Embedder-Policy", "require-corp")):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}", pages
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def visit(page: Page, framed: Framed, head: str = "", *, styles: str = "'none'", frames: str = "", widget_id: str = "") -> None:
    """A page under the strictest policy, its one addition the frame's source."""
    policy = (
        f"default-src 'none'; script-src 'nonce-n' {framed.gateway}; connect-src {framed.gateway}; style-src {styles}; "
        f"frame-src {frames or framed.gateway}; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    path = f"/{len(framed.pages)}"
    framed.pages[path] = policy, PLAIN.format(head=head, gateway=framed.gateway, widget=widget_id or framed.widget_id)
    page.goto(framed.site + path)


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("chatkeep-widget iframe")


def open_chat(page: Page) -> FrameLocator:
    page.get_by_role("button", name="Open chat").click()
    expect(inside(page).get_by_role("textbox")).to_be_focused()
    return inside(page)


def ask(page: Page, question: str = QUESTION) -> FrameLocator:
    chat = open_chat(page)
    chat.get_by_role("textbox").fill(question)
    page.keyboard.press("Enter")
    return chat


def reply(page: Page, text: str) -> None:
    """Answer each message with *text*."""
    page.route("**/api/chat", lambda route: route.fulfill(content_type="text/event-stream", body=_answer(text)))


def signed(kind: str, claims: dict[str, Any], secret: str) -> str:
    """A token of that kind."""
    signed = f"{encode({'alg': 'HS256', 'typ': kind})}.{encode(claims)}"
    return f"{signed}.{encode(Signer('HS256', secret=secret).sign(signed.encode()))}"
