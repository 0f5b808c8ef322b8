"""A script on the page that wants what is said in the chat, markup that wants to be the chat, and promises about consent and erasing."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, Route, expect

from chatkeep import __version__
from chatkeep.web.widget_build import load_files
from tests.browser.conftest import Watched, run_demo
from tests.browser.framed import Framed, inside, signed, site_of_its_own
from tests.browser.test_a_strict_page import QUESTION, serving
from tests.host import STRONG

_AXE = Path(__file__).parents[2] / "widget" / "node_modules" / "axe-core" / "axe.min.js"
_NOTICE = {"text": "We store what you write.", "link": "", "required": True}
_TAG = "<script async src='{gateway}/widget/loader.js' data-widget-id='{widget}' {more}></script>"
_EVIL = "http://localhost:9"


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Framed]:
    """The demo's gateway, with a site whose pages the tests write."""
    with site_of_its_own() as (site, pages):
        for demo in run_demo(tmp_path_factory.mktemp("distrusted") / "data", LIMIT_SESSIONS_PER_ADDRESS_PER_HOUR="1000", LIMIT_ADDRESS_PER_MINUTE="1000"):
            yield Framed(demo.gateway, site, "", pages, demo.data_dir)


def _make(framed: Framed, *options: str) -> str:
    """A widget of the site, on the page itself."""
    widget_id: str = framed.run("create", "Plain", "--domain", framed.site.removeprefix("http://"), *options)["widget_id"]
    return widget_id


def _go(page: Page, framed: Framed, widget_id: str, head: str = "", more: str = "") -> None:
    path = f"/{len(framed.pages)}"
    framed.pages[path] = "", f"<!doctype html><title>Shop</title><h1>Shop</h1>{head}" + _TAG.format(gateway=framed.gateway, widget=widget_id, more=more)
    page.goto(framed.site + path)


def patch_features(page: Page, **features: Any) -> None:
    """The settings that the page gets, with other *features*."""

    def fulfil(route: Route) -> None:
        answer = route.fetch()
        config = answer.json()
        config["features"] |= features
        route.fulfill(response=answer, json=config)

    page.route("**/config", fulfil)


def _open(page: Page) -> None:
    page.get_by_role("button", name="Open chat").click()


def _ask(page: Page, chat: Page | FrameLocator, text: str = QUESTION) -> None:
    chat.get_by_role("textbox").fill(text)
    page.keyboard.press("Enter")
    expect(chat.get_by_role("button", name="Copy answer").last).to_be_visible()
    expect(chat.get_by_role("button", name="Stop")).to_have_count(0)


def _api(watched: Watched) -> list[str]:
    """What was asked of the gateway but the public settings."""
    return [url.partition("/api/")[2] for url in watched.requests if "/api/" in url and not url.endswith("/config")]


def _trusting(framed: Framed, widget_id: str, folder: Path) -> Any:
    """How the site's server signs identities for that widget."""
    (folder / "secret").write_text(STRONG)
    framed.run("keys", "add", widget_id, "--secret-file", str(folder / "secret"))
    return lambda who: signed("JWT", {"sub": who, "aud": widget_id, "exp": int(time.time()) + 300}, STRONG)


def _stored(framed: Framed) -> set[str]:
    """Every text that the gateway keeps."""
    with closing(sqlite3.connect(framed.data_dir / "chatkeep.db")) as database:
        return {text for (text,) in database.execute("SELECT text FROM messages")}


def test_a_script_that_has_the_visitors_identity_gets_no_session_and_no_id_in_frame_mode(framed: Framed, watched: Watched, tmp_path: Path) -> None:
    page, widget_id = watched.page, _make(framed, "--access", "identity")
    sign = _trusting(framed, widget_id, tmp_path)
    framed.run("frame", widget_id, "on")
    _go(page, framed, widget_id, "<script>window.heard = []; addEventListener('chatkeep:answer', (e) => heard.push(e.detail), true)</script>")
    _open(page)
    page.evaluate("(token) => Chatkeep.setIdentity(token)", sign("victor"))
    _ask(page, inside(page))
    page.wait_for_function("() => heard.length")
    assert page.evaluate("() => Object.keys(heard[0])") == ["finish_reason"]
    said = page.evaluate(
        "async ([url, body]) => (await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })).json()",
        [f"{framed.gateway}/api/sessions", json.dumps({"widget_id": widget_id, "identity": sign("victor")})],
    )
    assert said["error"] == "domain_not_authorized"


def test_a_page_that_hides_frame_mode_from_the_loader_has_no_chat_instead_of_one_that_it_can_read(framed: Framed, watched: Watched) -> None:
    page = watched.page
    head = """<script>const own = fetch; window.fetch = async (url, options) => {
      const answer = await own(url, options); if (!/config$/.test(url)) return answer;
      return new Response(JSON.stringify({ ...await answer.json(), frame_url: null })) }</script>"""
    _go(page, framed, framed.make(), head)
    _open(page)
    page.get_by_role("textbox").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_text("This website is not allowed to use this chat.").first).to_be_visible()
    assert _api(watched).count("chat") == 0
    expect(page.get_by_role("article", name="AI assistant")).not_to_contain_text("9.50")


def test_axe_finds_nothing_in_the_document_of_the_frame(framed: Framed, watched: Watched) -> None:
    page = watched.page
    _go(page, framed, framed.make())
    _open(page)
    expect(inside(page).get_by_role("textbox")).to_be_visible()
    found = page.frames[1].evaluate(
        _AXE.read_text() + "\n;(async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map((one) => one.id))()"
    )
    assert found == []
    assert re.fullmatch(r"[a-z]{2}(-\w+)?", page.frames[1].evaluate("() => document.documentElement.lang"))


def test_what_somebody_has_put_into_all_objects_is_no_option(framed: Framed, watched: Watched) -> None:
    page = watched.page
    names = ("gateway", "identity", "ticket", "locale", "open", "position")
    head = "<script>" + "".join(f"Object.prototype.{name} = '{_EVIL}';" for name in names) + "</script>"
    _go(page, framed, _make(framed), head)
    _open(page)
    _ask(page, page)
    assert page.evaluate("() => document.querySelector('chatkeep-widget').getAttributeNames()") == ["widget-id", "open"]
    assert not [url for url in watched.requests if url.startswith(_EVIL)]


@pytest.mark.parametrize("has_script_first", [False, True])
def test_markup_that_got_into_the_page_talks_to_nobody_else_and_is_not_what_the_page_means(framed: Framed, watched: Watched, has_script_first: bool) -> None:
    page, widget_id = watched.page, _make(framed)
    markup = f"<chatkeep-widget id=evil widget-id={widget_id} gateway={_EVIL} locale=de></chatkeep-widget>"
    _go(page, framed, widget_id, "" if has_script_first else markup)
    page.locator("html > chatkeep-widget:not(#evil)").wait_for(state="attached")
    if has_script_first:
        page.evaluate("(markup) => document.body.insertAdjacentHTML('afterbegin', markup)", markup)
    page.evaluate("() => { Chatkeep.setIdentity('SECRET'); Chatkeep.send('Hello') }")
    expect(page.get_by_role("button", name="Copy answer")).to_be_visible()
    assert page.evaluate("() => [...document.querySelectorAll('chatkeep-widget[open]')].map((e) => e.id)") == [""]
    assert not [url for url in watched.requests if url.startswith(_EVIL)]


@pytest.mark.parametrize("name", ["panel.js", "report.js"])
def test_a_changed_file_that_the_page_has_preloaded_unchecked_does_not_run(framed: Framed, watched: Watched, name: str) -> None:
    page = watched.page

    def spoil(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=f"{answer.text()}\n;globalThis.pwned = 1")

    page.route(f"**/{name}*", spoil)
    _go(page, framed, _make(framed), f"<link rel=modulepreload href='{framed.gateway}/widget/v{__version__}/{name}' crossorigin>")
    _open(page)
    if name == "panel.js":
        expect(page.get_by_role("alert")).to_contain_text("panel_failed")
    else:
        _ask(page, page)
    assert page.evaluate("() => globalThis.pwned") is None


def test_before_consent_is_given_a_ticket_opens_nothing(framed: Framed, watched: Watched) -> None:
    page, widget_id = watched.page, _make(framed)
    patch_features(page, consent=_NOTICE, tickets=True)
    _go(page, framed, widget_id, more="data-ticket=abc data-open")
    agree = page.get_by_role("button", name="I agree")
    agree.wait_for()
    assert _api(watched) == []
    with page.expect_request("**/api/sessions"):
        agree.click()


def test_a_remembered_conversation_goes_on_under_the_consent_that_it_was_given(framed: Framed, watched: Watched) -> None:
    page, widget_id = watched.page, _make(framed)
    framed.run("remember", widget_id, "on")
    patch_features(page, consent=_NOTICE)
    _go(page, framed, widget_id, more="data-open")
    page.get_by_role("button", name="I agree").click()
    _ask(page, page)
    page.reload()
    expect(page.get_by_role("button", name="Copy answer")).to_be_visible()
    expect(page.get_by_role("button", name="I agree")).to_have_count(0)
    _ask(page, page, "And to Ireland?")
    # Another notice is another question, and before its answer nothing is sent.
    page.unroute_all()
    patch_features(page, consent={**_NOTICE, "text": "We sell what you write."})
    watched.requests.clear()
    page.reload()
    expect(page.get_by_text("We sell what you write.")).to_be_visible()
    assert _api(watched) == []


def test_erasing_takes_what_was_said_before_the_session_ended_too(framed: Framed, watched: Watched) -> None:
    page, widget_id = watched.page, _make(framed)
    _go(page, framed, widget_id, more="data-open")
    _ask(page, page, "FIRSTSECRET about shipping")
    with closing(sqlite3.connect(framed.data_dir / "chatkeep.db", isolation_level=None)) as database:
        database.execute("UPDATE sessions SET ended_at = 1, end_reason = 'idle' WHERE widget_id = ?", (widget_id,))
    # As the gateway says it as soon as it has read that.
    page.route("**/api/chat", lambda route: route.fulfill(status=410, headers={"Access-Control-Allow-Origin": "*"}, json={"error": "session_expired"}), times=1)
    page.get_by_role("textbox").fill("SECONDSECRET about returns")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="AI assistant")).to_have_count(2)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert {"FIRSTSECRET about shipping", "SECONDSECRET about returns"} <= _stored(framed)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="End chat and erase").click()
    page.get_by_role("button", name="End chat and erase").click()
    expect(page.get_by_text("The chat has ended and was erased.").first).to_be_visible()
    assert not {text for text in _stored(framed) if "SECRET" in text}


@pytest.mark.parametrize("is_framed", [False, True])
def test_an_identity_from_the_same_function_that_names_another_person_now_finds_an_empty_chat(
    framed: Framed, watched: Watched, tmp_path: Path, is_framed: bool
) -> None:
    page, widget_id = watched.page, _make(framed, "--access", "identity")
    sign = _trusting(framed, widget_id, tmp_path)
    if is_framed:
        framed.run("frame", widget_id, "on")
    _go(page, framed, widget_id)
    _open(page)
    chat: Page | FrameLocator = inside(page) if is_framed else page
    page.evaluate(
        "(token) => { window.token = token; window.who = async () => token; Chatkeep.setIdentity(() => who()); window.same = () => who() }", sign("alice")
    )
    page.evaluate("() => Chatkeep.setIdentity(same)")
    _ask(page, chat)
    # The same person goes on.
    page.evaluate("(token) => { who = async () => { window.asked = true; return token }; Chatkeep.setIdentity(same) }", sign("alice"))
    page.wait_for_function("() => window.asked")
    _ask(page, chat, "And to Ireland?")
    expect(chat.get_by_role("article", name="AI assistant")).to_have_count(2)
    page.evaluate("(token) => { who = async () => token; Chatkeep.setIdentity(same); Chatkeep.send('I am Bob') }", sign("bob"))
    expect(chat.get_by_text("I am Bob")).to_be_visible()
    expect(chat.get_by_role("article", name="AI assistant")).to_have_count(1)


def test_two_versions_of_the_loader_make_one_chat(framed: Framed, watched: Watched) -> None:
    page, widget_id = watched.page, _make(framed)
    older = load_files()["loader.js"].content.decode().replace(__version__, "0.0.9")
    page.route("**/widget/v0.0.9/*", lambda route: route.fulfill(response=route.fetch(url=route.request.url.replace("0.0.9", __version__))))
    page.route(
        "**/widget/v0.0.9/loader.js",
        lambda route: route.fulfill(content_type="text/javascript", headers={"Cross-Origin-Resource-Policy": "cross-origin"}, body=older),
    )
    tag = f"<script src='{framed.gateway}/widget/v0.0.9/loader.js' data-widget-id='{widget_id}'></script>"
    _go(page, framed, widget_id, tag)
    _open(page)
    expect(page.get_by_role("textbox")).to_be_focused()
    assert page.evaluate("() => [document.querySelectorAll('chatkeep-widget').length, Chatkeep.version]") == [1, "0.0.9"]
    _ask(page, page)
    assert watched.console_errors == []


def test_a_service_worker_of_the_page_that_answers_for_the_gateway_runs_nothing_of_its_own_as_the_panel(
    framed: Framed, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    (tmp_path / "worker.js").write_text(
        """onactivate = (event) => event.waitUntil(clients.claim());
        onfetch = (event) => { if (/panel[.]js/.test(event.request.url)) event.respondWith(new Response('globalThis.pwned = 1; export const mount = 1',
          { headers: { 'Content-Type': 'text/javascript', 'Access-Control-Allow-Origin': '*' } })) }"""
    )
    with serving(tmp_path) as site:
        widget_id = framed.run("create", "Plain", "--domain", site.removeprefix("http://"))["widget_id"]
        (tmp_path / "index.html").write_text("<!doctype html><title>Shop</title>" + _TAG.format(gateway=framed.gateway, widget=widget_id, more=""))
        page.goto(site)
        page.evaluate("async () => { await navigator.serviceWorker.register('/worker.js'); await navigator.serviceWorker.ready }")
        page.goto(site)
        assert page.evaluate("() => !!navigator.serviceWorker.controller")
        _open(page)
        expect(page.get_by_role("alert")).to_contain_text("panel_failed")
        assert page.evaluate("() => globalThis.pwned") is None


@pytest.mark.parametrize("is_framed", [False, True])
def test_a_page_that_the_browser_brings_back_goes_on_with_its_chat(framed: Framed, watched: Watched, is_framed: bool) -> None:
    page, widget_id = watched.page, framed.make() if is_framed else _make(framed)
    _go(page, framed, widget_id)
    _open(page)
    chat: Page | FrameLocator = inside(page) if is_framed else page
    _ask(page, chat)
    framed.pages["/plain"] = "", "<!doctype html><title>Shop</title>"
    page.goto(f"{framed.site}/plain")
    page.go_back()
    page.locator(".launcher").wait_for()
    if not page.locator("chatkeep-widget[open]").count():
        _open(page)
    _ask(page, chat, "And to Ireland?")
    assert watched.console_errors == []


def test_html_in_a_frame_is_text_and_its_links(framed: Framed, watched: Watched) -> None:
    page, widget_id = watched.page, framed.make()
    framed.run("content", widget_id, "--html-answers", "on")
    html = """<p>Hello <b>bold</b>, see <a class=x href="https://a.example/x?a=1&amp;b=2">the list</a> now.</p><p>
        <a href='javascript:alert(1)'>no</a><img src=x onerror=alert(1)><a href=https://b.example>never closed"""
    told = [("start", {"message_id": "msg_1", "conversation_id": "conv_1", "format": "html"}), ("delta", {"text": html})]
    body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in (*told, ("done", {"usage": {}, "finish_reason": "stop"})))
    page.route("**/api/chat", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    _go(page, framed, widget_id)
    _open(page)
    chat = inside(page)
    _ask(page, chat)
    answer = chat.get_by_role("article", name="AI assistant")
    expect(answer).to_contain_text("Hello bold, see the list (a.example) now.")
    links = answer.get_by_role("link")
    assert [link.get_attribute("href") for link in links.all()] == ["https://a.example/x?a=1&b=2", "https://b.example/"]
    expect(answer).to_contain_text("no (javascript:alert(1))")
    expect(answer.locator("img")).to_have_count(0)
