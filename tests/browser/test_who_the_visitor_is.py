"""Identities and page tickets: what the page hands to the widget, and what becomes of the conversation."""

import json
import time
import uuid
from pathlib import Path

from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import Demo, Watched
from tests.browser.test_a_strict_page import QUESTION
from tests.browser.test_distrusted_pages import patch_features
from tests.browser.test_entry_forms import script, show
from tests.host import Signer
from tests.servers import run_cli

_SECRET = "xW8-3qLz7Rn0vKc5TdY2hBf9UjGm4sPa6Ee1"


def _widget(demo: Demo, *options: str) -> str:
    made = run_cli(demo.data_dir, "widgets", "create", "Members", "--domain", demo.shop.partition("://")[2], *options, "--json")
    widget_id: str = json.loads(made.stdout)["widget_id"]
    return widget_id


def _members(demo: Demo, tmp_path: Path) -> str:
    """A widget for people who are logged in on the page."""
    widget_id = _widget(demo, "--access", "identity")
    (tmp_path / "secret").write_text(_SECRET)
    done = run_cli(demo.data_dir, "widgets", "keys", "add", widget_id, "--secret-file", str(tmp_path / "secret"))
    assert done.returncode == 0, done.stderr
    return widget_id


def _identity(widget_id: str, person: str) -> str:
    now = int(time.time())
    return Signer("HS256", secret=_SECRET).token({"sub": person, "aud": widget_id, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}, {"typ": "JWT"})


def _ticketed(demo: Demo) -> tuple[str, str]:
    """A widget that requires page tickets, and the secret that signs them."""
    widget_id = _widget(demo)
    secret: str = json.loads(run_cli(demo.data_dir, "widgets", "tickets", widget_id, "--json").stdout)["secret"]
    assert run_cli(demo.data_dir, "widgets", "tickets", widget_id, "--require", "on").returncode == 0
    return widget_id, secret


def _ticket(demo: Demo, widget_id: str, secret: str) -> str:
    now = int(time.time())
    claims = {"aud": widget_id, "origin": demo.shop, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60}
    return Signer("HS256", secret=secret).token(claims, {"typ": "ck-ticket"})


def _sessions(page: Page) -> list[tuple[str, str | None]]:
    """Method and identity of each request that opens or ends a session, as they come."""
    seen: list[tuple[str, str | None]] = []

    def note(request: Request) -> None:
        if request.url.endswith(("/api/sessions", "/api/sessions/current")) and request.method != "OPTIONS":
            body = json.loads(request.post_data) if request.post_data else {}
            seen.append((request.method, body.get("identity")))

    page.on("request", note)
    return seen


def _ask(page: Page, text: str = QUESTION) -> None:
    page.get_by_role("textbox").fill(text)
    page.keyboard.press("Enter")


def test_another_person_finds_an_empty_chat_and_a_new_token_of_the_same_person_changes_nothing(demo: Demo, watched: Watched, tmp_path: Path) -> None:
    widget_id = _members(demo, tmp_path)
    alice, again, bob = (_identity(widget_id, person) for person in ("alice", "alice", "bob"))
    page = show(watched, demo, script(demo))
    sessions = _sessions(page)
    page.evaluate("([widgetId, identity]) => { Chatkeep.init({ widgetId, identity, open: true }); }", [widget_id, alice])
    _ask(page)
    expect(page.get_by_role("article", name="AI assistant")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    page.get_by_role("textbox").fill("A draft of Alice's")

    page.evaluate("(identity) => Chatkeep.setIdentity(identity)", again)
    expect(page.get_by_role("article", name="AI assistant")).to_be_visible()
    assert sessions == [("POST", alice)]

    page.evaluate("() => Chatkeep.setIdentity(null)")
    expect(page.get_by_role("article")).to_have_count(0)
    expect(page.get_by_role("textbox")).to_have_value("")
    # Nor is anything left to be heard.
    expect(page.locator(".unseen")).to_have_text("")
    page.evaluate("(identity) => Chatkeep.setIdentity(identity)", bob)
    _ask(page, "Hello")
    expect(page.get_by_role("article", name="AI assistant")).to_be_visible()
    expect(page.get_by_text(QUESTION)).to_have_count(0)
    assert sessions == [("POST", alice), ("DELETE", None), ("POST", bob)]
    assert watched.stored() == {}


def test_what_is_asked_while_the_page_finds_out_who_is_there_is_asked_in_their_name_alone(demo: Demo, watched: Watched, tmp_path: Path) -> None:
    widget_id = _members(demo, tmp_path)
    alice, bob = (_identity(widget_id, person) for person in ("alice", "bob"))
    page = show(watched, demo, script(demo))
    sessions = _sessions(page)
    page.evaluate("([widgetId, identity]) => { Chatkeep.init({ widgetId, identity, open: true }); }", [widget_id, alice])
    _ask(page)
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("£9.50")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)

    page.evaluate("() => Chatkeep.setIdentity(() => new Promise((resolve) => { window.named = resolve }))")
    _ask(page, "Hello")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert sessions == [("POST", alice)]
    asked = [url for url in watched.requests if url.endswith("/api/chat")]
    page.evaluate("(identity) => { window.named(identity); Chatkeep.setIdentity(identity) }", bob)
    expect(page.get_by_role("article", name="AI assistant")).to_have_attribute("data-phase", "done")
    expect(page.get_by_text(QUESTION)).to_have_count(0)
    expect(page.get_by_text("Hello", exact=True)).to_be_visible()
    assert sessions[0] == ("POST", alice)
    # The end of the one does not wait for the beginning of the other.
    assert set(sessions[1:]) == {("DELETE", None), ("POST", bob)}
    assert len([url for url in watched.requests if url.endswith("/api/chat")]) == len(asked) + 1


def test_the_consent_of_one_person_is_not_that_of_the_next(demo: Demo, watched: Watched, tmp_path: Path) -> None:
    widget_id = _members(demo, tmp_path)
    alice, bob = (_identity(widget_id, person) for person in ("alice", "bob"))
    page = show(watched, demo, script(demo))
    patch_features(page, consent={"text": "We store what you write.", "link": None, "required": True})
    sessions = _sessions(page)
    page.evaluate("([widgetId, identity]) => { Chatkeep.init({ widgetId, identity, open: true }); }", [widget_id, alice])
    page.get_by_role("button", name="I agree").click()
    _ask(page)
    expect(page.get_by_role("article", name="AI assistant")).to_have_attribute("data-phase", "done")

    page.evaluate("() => { const named = new Promise((resolve) => { window.named = resolve }); Chatkeep.setIdentity(() => named) }")
    _ask(page, "Hello")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.evaluate("(identity) => window.named(identity)", bob)
    # It waits in the field until they have agreed, and is sent then.
    expect(page.get_by_role("textbox")).to_have_value("Hello")
    expect(page.get_by_text(QUESTION)).to_have_count(0)
    assert ("POST", bob) not in sessions
    page.get_by_role("button", name="I agree").click()
    expect(page.get_by_role("article", name="AI assistant")).to_have_attribute("data-phase", "done")
    expect(page.get_by_role("textbox")).to_have_value("")
    assert sessions[-1] == ("POST", bob)


def test_without_an_identity_a_members_chat_says_what_to_do(demo: Demo, watched: Watched, tmp_path: Path) -> None:
    widget_id = _members(demo, tmp_path)
    page = show(watched, demo, script(demo, f'data-widget-id="{widget_id}" data-open'))
    _ask(page)
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("Your sign-in could not be confirmed.")


def test_a_ticket_that_is_in_the_page_opens_its_session_at_once(demo: Demo, watched: Watched) -> None:
    widget_id, secret = _ticketed(demo)
    with watched.page.expect_response(lambda response: response.url.endswith("/api/sessions") and response.request.method == "POST") as opened:
        page = show(watched, demo, script(demo, f'data-widget-id="{widget_id}" data-ticket="{_ticket(demo, widget_id, secret)}"'))
    assert opened.value.status == 201
    sessions = _sessions(page)
    page.get_by_role("button", name="Open chat").click()
    _ask(page)
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("£9.50")
    assert sessions == []


def test_a_function_fetches_a_ticket_whenever_a_session_opens(demo: Demo, watched: Watched) -> None:
    widget_id, secret = _ticketed(demo)
    watched.page.route(f"{demo.shop}/my-ticket", lambda route: route.fulfill(body=_ticket(demo, widget_id, secret) + "\n"))
    page = show(watched, demo, script(demo))
    ticket = "fetch('/my-ticket').then((answer) => answer.text())"
    page.evaluate(f"(widgetId) => {{ Chatkeep.init({{ widgetId, ticket: () => {ticket} }}); }}", widget_id)
    expect(page.get_by_role("button", name="Open chat")).to_be_visible()
    assert not [url for url in watched.requests if url.endswith("/my-ticket")]
    page.get_by_role("button", name="Open chat").click()
    _ask(page)
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("£9.50")
    page.evaluate("() => Chatkeep.clear()")
    expect(page.get_by_role("article")).to_have_count(0)
    _ask(page)
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("£9.50")
    assert len([url for url in watched.requests if url.endswith("/my-ticket")]) == 2


def test_a_host_that_gives_no_ticket_at_first_is_asked_again(demo: Demo, watched: Watched) -> None:
    widget_id, secret = _ticketed(demo)
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) < 3:
            route.abort()
        else:
            route.fulfill(body=_ticket(demo, widget_id, secret))

    watched.page.route(f"{demo.shop}/my-ticket", answer)
    page = show(watched, demo, script(demo))
    page.evaluate("(widgetId) => { Chatkeep.init({ widgetId, open: true, ticket: () => fetch('/my-ticket').then((a) => a.text()) }); }", widget_id)
    _ask(page)
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("£9.50")
    assert len(asked) == 3
