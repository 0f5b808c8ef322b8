"""Who the visitor is, in a frame: identities, tickets, and a conversation that outlives its page."""

import json
import time
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.browser.conftest import Watched
from tests.browser.framed import ANSWER, Framed, ask, framed, inside, open_chat, signed, visit
from tests.browser.test_a_strict_page import QUESTION
from tests.host import STRONG

__all__ = ["framed"]  # a fixture


def test_a_page_ticket_reaches_the_gateway_through_the_frame(framed: Framed, watched: Watched) -> None:
    page = watched.page
    widget_id = framed.make("--access", "session")
    secret = framed.run("tickets", widget_id)["secret"]
    framed.run("tickets", widget_id, "--require", "on")
    now = int(time.time())
    claims = {"aud": widget_id, "origin": framed.site, "jti": "one", "iat": now, "exp": now + 60}
    visit(page, framed, widget_id=widget_id)
    page.get_by_role("button", name="Open chat").wait_for()
    page.evaluate("(ticket) => { document.querySelector('chatkeep-widget').ticket = () => ticket }", signed("ck-ticket", claims, secret))
    chat = ask(page)
    expect(chat.get_by_role("article", name="AI assistant").last).to_contain_text(ANSWER)


def test_an_identity_reaches_the_gateway_through_the_frame_and_another_person_finds_it_empty(framed: Framed, watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    widget_id = framed.make("--access", "identity")
    (tmp_path / "secret").write_text(STRONG)
    framed.run("keys", "add", widget_id, "--secret-file", str(tmp_path / "secret"))
    claims = {"sub": "victor", "aud": widget_id, "exp": int(time.time()) + 300}
    visit(page, framed, widget_id=widget_id)
    page.get_by_role("button", name="Open chat").wait_for()
    page.evaluate("(token) => Chatkeep.setIdentity(token)", signed("JWT", claims, STRONG))
    chat = ask(page)
    expect(chat.get_by_role("article", name="AI assistant").last).to_contain_text(ANSWER)
    # The same person with a newer token goes on; after a logout nothing is left.
    page.evaluate("(token) => Chatkeep.setIdentity(token)", signed("JWT", {**claims, "exp": claims["exp"] + 1}, STRONG))
    expect(chat.get_by_role("article")).not_to_have_count(0)
    page.evaluate("() => Chatkeep.setIdentity(null)")
    expect(chat.get_by_role("article")).to_have_count(0)


def test_what_is_asked_in_a_frame_while_the_page_finds_out_who_is_there_is_asked_in_their_name_alone(framed: Framed, watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    widget_id = framed.make("--access", "identity")
    (tmp_path / "secret").write_text(STRONG)
    framed.run("keys", "add", widget_id, "--secret-file", str(tmp_path / "secret"))
    alice, bob = (signed("JWT", {"sub": who, "aud": widget_id, "exp": int(time.time()) + 300}, STRONG) for who in ("alice", "bob"))
    sessions: list[str] = []
    page.on("request", lambda request: sessions.append(json.loads(request.post_data or "{}")["identity"]) if request.url.endswith("/api/sessions") else None)
    visit(page, framed, widget_id=widget_id)
    page.get_by_role("button", name="Open chat").wait_for()
    # A question that waits for the first name is not cleared by it.
    page.evaluate("() => Chatkeep.setIdentity(() => new Promise((resolve) => { window.named = resolve }))")
    chat = ask(page)
    expect(chat.get_by_role("button", name="Stop")).to_be_visible()
    page.evaluate("(identity) => { window.named(identity); Chatkeep.setIdentity(identity) }", alice)
    expect(chat.get_by_role("article", name="AI assistant").last).to_contain_text(ANSWER)
    expect(chat.get_by_role("button", name="Stop")).to_have_count(0)
    assert sessions == [alice]

    page.evaluate("() => Chatkeep.setIdentity(() => new Promise((resolve) => { window.named = resolve }))")
    chat.get_by_role("textbox").fill("Hello")
    page.keyboard.press("Enter")
    expect(chat.get_by_role("button", name="Stop")).to_be_visible()
    assert sessions == [alice]
    page.evaluate("(identity) => { window.named(identity); Chatkeep.setIdentity(identity) }", bob)
    expect(chat.get_by_text("Hello", exact=True)).to_be_visible()
    expect(chat.get_by_role("article", name="AI assistant")).to_have_attribute("data-phase", "done")
    expect(chat.get_by_text(QUESTION)).to_have_count(0)
    assert sessions == [alice, bob]


def test_a_conversation_in_a_frame_outlives_its_page_where_the_owner_wants_that(framed: Framed, watched: Watched) -> None:
    page = watched.page
    widget_id = framed.make()
    framed.run("remember", widget_id, "on")
    visit(page, framed, widget_id=widget_id)
    chat = ask(page)
    expect(chat.get_by_role("article", name="AI assistant")).to_have_attribute("data-phase", "done")
    page.reload()
    # Nothing of it is in the page's own storage.
    assert page.evaluate("() => [sessionStorage.length, localStorage.length]") == [0, 0]
    chat = open_chat(page)
    expect(chat.get_by_role("article", name="AI assistant")).to_contain_text(ANSWER)
    expect(chat.get_by_text(QUESTION)).to_have_count(1)
    # Not what the page has cleared before it was opened.
    page.reload()
    page.get_by_role("button", name="Open chat").wait_for()
    page.evaluate("() => Chatkeep.clear()")
    open_chat(page)
    expect(chat.get_by_role("textbox")).to_be_visible()
    expect(chat.get_by_role("article")).to_have_count(0)


def test_html_in_a_frame_is_text_with_its_links_and_nothing_else(framed: Framed, watched: Watched) -> None:
    page = watched.page
    widget_id = framed.make()
    framed.run("content", widget_id, "--html-answers", "on")
    html = "<p>It is <b>bold</b>.<img src=x onerror=fetch('/hit')></p><p>See <a href='https://shop.example/help'>the help</a>.</p>"

    def answer(route: Route) -> None:
        told = [
            ("start", {"message_id": "msg_1", "conversation_id": "conv_1", "format": "html"}),
            ("delta", {"text": html}),
            ("done", {"finish_reason": "stop"}),
        ]
        route.fulfill(content_type="text/event-stream", body="".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in told))

    page.route("**/api/chat", answer)
    visit(page, framed, widget_id=widget_id)
    chat = ask(page).get_by_role("article", name="AI assistant")
    expect(chat.get_by_role("link", name="the help")).to_have_attribute("href", "https://shop.example/help")
    expect(chat).to_contain_text("It is bold.")
    expect(chat.locator("strong, b, img")).to_have_count(0)
    assert not [url for url in watched.requests if url.endswith(("/hit", "/x"))]
    # Its page allows no policy of Trusted Types, and none is tried.
    assert inside(page).locator("body").evaluate("() => window.cspReports") == []
