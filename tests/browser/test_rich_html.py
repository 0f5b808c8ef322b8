"""HTML that others wrote: cleaned by DOMPurify where the widget's owner and the page allow it, plain text anywhere else."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.host_site import Stage, staged
from tests.browser.hostile.cases import hostile_cases
from tests.browser.hostile.victim import Victim, put_page, victim
from tests.cast import ROOMY

__all__ = ["victim"]  # a fixture

_ON = {"html_answers": True, "html_greeting": True, "image_hosts": ["pictures.example"]}
_BATCH = 50
_PIXEL = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A widget whose owner allows HTML everywhere, and pictures of one host."""
    settings = {**ROOMY, "content": _ON, "greeting": "<p>Hello <b>you</b>, <a href='https://shop.example/help'>read this</a><script>hit()</script></p>"}
    with staged(tmp_path_factory.mktemp("rich"), model="echo", settings=settings) as stage:
        yield stage


def _answer(victim: Victim, answers: Sequence[str], *, kind: str = "html") -> Callable[[Route], None]:
    """Answer the chat route with *answers* in turn, as a provider whose answers are HTML would."""
    texts = iter(answers)

    def fulfil(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.fallback()
            return
        text = next(texts)
        pieces = [text[: len(text) // 2], text[len(text) // 2 :]]
        start = {"message_id": "msg_1", "conversation_id": "conv_1", "format": kind}
        events: list[tuple[str, Any]] = [("start", start), *(("delta", {"text": piece}) for piece in pieces), ("done", {"finish_reason": "stop"})]
        body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
        headers = {"Access-Control-Allow-Origin": victim.stage.site.origin}
        route.fulfill(status=200, headers=headers, content_type="text/event-stream", body=body)

    return fulfil


def test_hostile_html_becomes_harmless_nodes(victim: Victim, stage: Stage) -> None:
    victim.is_rich = True
    texts = [case.text for case in hostile_cases()]
    put_page(stage, policies="chatkeep")
    victim.page.route("**/api/chat", _answer(victim, texts))
    victim.visit()
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        victim.ask(["What is that?"] * len(batch))
        assert victim.harm() == {}
        victim.page.evaluate("() => Chatkeep.clear()")


def test_hostile_greetings_become_harmless_nodes(victim: Victim, stage: Stage) -> None:
    victim.is_rich = True
    texts = [case.text for case in hostile_cases()][::3]
    put_page(stage, policies="chatkeep")
    victim.visit()
    greetings = iter(texts)

    def fulfil(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": stage.site.origin, "Cache-Control": "no-store"}
        route.fulfill(status=200, headers=headers, json={"greeting": next(greetings), "content": _ON})

    victim.page.route("**/config", fulfil)
    for _ in texts:
        victim.mount()
        assert victim.harm() == {}


def test_good_html_becomes_the_nodes_that_markdown_has(victim: Victim, stage: Stage) -> None:
    victim.is_rich = True
    html = (
        "<h1 id=x class=y>Costs</h1><p style='color:red'>Read <a href='https://shop.example/costs' target=_top rel=opener>the list</a>, "
        "<a href='javascript:hit()'>not this</a>.</p><table><tr><th colspan=9999>A</th></tr><tr><td>1</td></tr></table>"
        "<ol start=3><li>Three</ol><img src='https://evil.example/p.gif' alt='a cat'><form><input value=x><button>Send</button></form>"
    )
    put_page(stage, policies="chatkeep")
    victim.page.route("**/api/chat", _answer(victim, [html]))
    victim.visit()
    victim.ask(["What does it cost?"])
    text = victim.page.locator(".text")
    assert text.evaluate("(node) => node.innerHTML") == (
        '<h3 class="h1">Costs</h3><p>Read <a href="https://shop.example/costs" title="https://shop.example/costs" target="_blank" '
        'rel="noopener noreferrer nofollow ugc">the list<span class="host"> (shop.example)</span></a>, not this.</p>'
        '<div class="wide" tabindex="0" role="group" aria-label="Table"><table><tbody><tr><th colspan="50">A</th></tr><tr><td>1</td></tr></tbody></table></div>'
        '<ol start="3"><li>Three</li></ol><a href="https://evil.example/p.gif" title="https://evil.example/p.gif" target="_blank" '
        'rel="noopener noreferrer nofollow ugc">Image: a cat<span class="host"> (evil.example)</span></a>Send'
    )
    assert victim.harm() == {}


@pytest.mark.parametrize(("kind", "picture"), [("html", "<img src='{}' alt='p'>"), ("markdown", "![p]({}) ")])
def test_pictures_are_loaded_from_the_hosts_that_the_owner_named_and_over_https_only(victim: Victim, stage: Stage, kind: str, picture: str) -> None:
    addresses = ["https://pictures.example/a.gif", "http://pictures.example/b.gif", "https://pictures.example.evil.example/c.gif", "//pictures.example/d.gif"]
    put_page(stage, policies="chatkeep")
    asked: list[tuple[str, str | None]] = []

    def fulfil(route: Route) -> None:
        asked.append((route.request.url, route.request.headers.get("referer")))
        route.fulfill(content_type="image/gif", body=_PIXEL)

    victim.page.route("**/*.gif", fulfil)
    victim.page.route("**/api/chat", _answer(victim, ["".join(picture.format(address) for address in addresses)], kind=kind))
    victim.visit()
    victim.ask(["Show me"])
    expect(victim.page.locator(".text img")).to_have_count(1)
    expect(victim.page.locator(".text img")).to_have_js_property("naturalWidth", 1)
    assert asked == [("https://pictures.example/a.gif", None)]
    assert victim.page.evaluate("() => [...hits, ...cspReports]") == []


def test_an_owners_greeting_may_be_html(victim: Victim, stage: Stage) -> None:
    victim.is_rich = True
    put_page(stage, policies="chatkeep", is_enforced=True)
    victim.visit()
    victim.page.get_by_role("button", name="Open chat").click()
    expect(victim.page.locator(".greeting")).to_have_text("Hello you, read this (shop.example)")
    expect(victim.page.get_by_role("link", name="read this")).to_have_attribute("href", "https://shop.example/help")
    assert victim.harm() == {}


def test_a_page_that_forbids_the_policy_gets_plain_text_and_is_told_once(victim: Victim, stage: Stage) -> None:
    warnings: list[str] = []
    victim.page.on("console", lambda message: warnings.append(message.text) if "Trusted Types policy" in message.text and message.type == "warning" else None)
    put_page(stage, is_enforced=True)
    victim.page.route("**/api/chat", _answer(victim, ["<p>One <b>bold</b> &amp; <script>hit()</script></p><p>line</p>", "<i>Two</i>"]))
    victim.visit()
    victim.ask(["First?", "Second?"])
    expect(victim.page.locator(".text").first).to_have_text("One bold & hit()line")
    expect(victim.page.locator(".text").last).to_have_text("Two")
    expect(victim.page.locator(".text p")).to_have_count(3)
    assert warnings == ['Chatkeep: this page forbids the Trusted Types policy "chatkeep", so rich answers are plain text.']
    assert victim.page.evaluate("() => hits") == []
    assert {report.split()[0] for report in victim.page.evaluate("() => cspReports")} == {"trusted-types"}


def test_without_the_owners_word_html_is_shown_as_what_it_is(victim: Victim, stage: Stage) -> None:
    put_page(stage)
    victim.page.route("**/config", lambda route: route.fulfill(headers={"Access-Control-Allow-Origin": stage.site.origin}, json={"greeting": "<b>Hello</b>"}))
    victim.page.route("**/api/chat", _answer(victim, ["<b onclick=hit()>bold</b>"]))
    victim.visit()
    victim.page.get_by_role("button", name="Open chat").click()
    expect(victim.page.locator(".greeting")).to_have_text("<b>Hello</b>")
    victim.ask(["What?"])
    expect(victim.page.locator(".text")).to_have_text("<b onclick=hit()>bold</b>")
    assert victim.harm() == {}


def test_a_rich_file_that_cannot_be_had_leaves_the_plain_text(victim: Victim, stage: Stage) -> None:
    put_page(stage, policies="chatkeep")
    victim.page.route("**/rich.js*", lambda route: route.abort())
    victim.page.route("**/api/chat", _answer(victim, ["<p>One</p><p>Two</p>"]))
    victim.visit()
    victim.ask(["What?"])
    expect(victim.page.locator(".text p")).to_have_text(["One", "Two"])
