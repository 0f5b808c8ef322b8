"""A page with the strictest policy there is, on another origin than the gateway."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Demo, Watched
from tests.servers import run_cli

QUESTION = "Do you ship to Norway, and what does it cost?"


def ask(watched: Watched, question: str) -> None:
    """Open the panel, type, send."""
    watched.page.get_by_role("button", name="Ask us").click()
    watched.page.get_by_role("textbox").fill(question)
    watched.page.keyboard.press("Enter")


def test_a_visitor_of_a_strict_page_is_answered_with_a_citation_and_leaves_no_trace(demo: Demo, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{demo.shop}/strict")
    ask(watched, QUESTION)
    answer = page.get_by_role("article", name="AI assistant").last
    expect(answer).to_contain_text("costs £9.50")
    expect(page.get_by_role("link", name="Shipping to Europe")).to_have_attribute("href", f"{demo.shop}/help/shipping")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)

    assert watched.csp_reports() == []
    assert watched.console_errors == []
    assert watched.stored() == {}
    assert {url.split("/")[2] for url in watched.requests} == {demo.shop.split("/")[2], demo.gateway.split("/")[2]}

    page.reload()
    page.get_by_role("button", name="Ask us").click()
    expect(page.get_by_role("textbox")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(0)
    assert watched.csp_reports() == []
    assert watched.stored() == {}


def test_nothing_but_loader_and_config_is_asked_for_before_the_visitor_shows_interest(demo: Demo, watched: Watched) -> None:
    watched.page.goto(demo.shop)
    expect(watched.page.get_by_role("button", name="Ask us")).to_be_visible()
    asked = [url.removeprefix(demo.gateway) for url in watched.requests if url.startswith(demo.gateway)]
    assert asked == ["/widget/loader.js", f"/api/widgets/{demo.widget_id}/config"]


def test_a_page_on_a_third_origin_is_refused_and_recorded(demo: Demo, watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        f'<!doctype html><title>Mallory</title><script async src="{demo.gateway}/widget/loader.js" data-widget-id="{demo.widget_id}"></script>'
    )
    with serving(tmp_path) as mallory:
        with watched.page.expect_response(lambda response: response.url.endswith("/config")) as answered:
            watched.page.goto(mallory)
        assert answered.value.status == 403
        assert answered.value.json()["error"] == "domain_not_authorized"
        assert watched.page.locator("chatkeep-widget").get_by_role("textbox").count() == 0
    events = wait_for_event(demo.data_dir, "domain_not_allowed")
    assert [event["domain"] for event in events] == [mallory]


def wait_for_event(data_dir: Path, event_type: str) -> list[dict[str, object]]:
    """Events are written twice a second: ask until there is one."""
    for _ in range(50):
        said = run_cli(data_dir, "events", "list", "--type", event_type, "--json")
        found: list[dict[str, object]] = json.loads(said.stdout)
        if found:
            return found
    raise AssertionError(f"no event {event_type}")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A site of its own on a free port of this machine."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Files, without a line for each."""

    def log_message(self, *_words: object) -> None:
        """Say nothing."""
