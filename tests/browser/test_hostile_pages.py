"""Pages that make it hard: foreign styles, foreign scripts, odd documents. The widget works there, and leaves the page as it was.

Or it says why not. The strictest policy of the spec has a file of its own (``test_a_strict_page.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect

from tests.browser.host_site import Stage, staged
from tests.browser.hostile.pages import BODY, BROKEN, PAGES, page
from tests.servers import PATIENCE

_PACKAGES = Path(__file__).parents[2] / "widget" / "node_modules"
# Everything that a page's own scripts cannot reach: this runs in a world of its own, with the same document.
_WATCH = "globalThis.reports = []; document.addEventListener('securitypolicyviolation', (e) => reports.push(e.violatedDirective + ' ' + e.blockedURI), true);"
_LOOK = """(() => {
    const own = [...document.querySelectorAll('*')].filter((node) => !node.matches('chatkeep-widget, [data-widget-id]'));
    const look = (node, pseudo) => { const s = getComputedStyle(node, pseudo); return [...s].map((name) => name + ':' + s.getPropertyValue(name)).join(';'); };
    return own.map((node) => [node.localName, [...node.attributes].map((a) => a.name + '=' + a.value).join(' '),
                              look(node), look(node, '::before'), look(node, '::after')]);
})()"""


@dataclass
class Guest:
    """A page with the widget, and what it asked for and complained about."""

    page: Page
    stage: Stage
    cdp: CDPSession
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def apart(self, expression: str) -> Any:
        """The value of *expression* in the world of its own."""
        frame = self.cdp.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = self.cdp.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "watch"})["executionContextId"]
        said = self.cdp.send("Runtime.evaluate", {"expression": expression, "contextId": world, "returnByValue": True, "awaitPromise": True})
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def visit(self, html: str, **headers: str) -> None:
        """Show *html* with the widget's tag at its end."""
        self.page.goto(self.stage.site.put("/", html + self.stage.tag, **headers))

    def corner(self) -> tuple[float, float]:
        """How far the launcher is from the right and the lower edge of the window, in px."""
        button = self.page.get_by_role("button", name="Open chat")
        expect(button).to_be_visible()
        box, window = button.bounding_box(), self.page.viewport_size
        assert box is not None
        assert window is not None
        return window["width"] - box["x"] - box["width"], window["height"] - box["y"] - box["height"]

    def chat(self) -> None:
        """Open, ask, be answered, close: what a visitor does."""
        button = self.page.get_by_role("button", name="Open chat")
        button.click()
        self.page.get_by_role("textbox", name="message").fill("Is anybody there?")
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("article", name="AI assistant").last).to_contain_text("Is anybody there?")
        expect(self.page.get_by_role("button", name="Stop")).to_have_count(0)
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_role("dialog", name="Chat")).to_have_count(0)

    def complaints(self) -> dict[str, Any]:
        """What must not be: policy reports, errors, requests to others."""
        foreign = [url for url in self.requests if urlsplit(url).netloc not in self.stage.hosts]
        seen = {"reports": self.apart("reports"), "errors": self.errors, "foreign": foreign}
        return {name: found for name, found in seen.items() if found}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A gateway whose model says the question again."""
    with staged(tmp_path_factory.mktemp("pages"), model="echo") as stage:
        for path in ("bootstrap/dist/css/bootstrap.css", "tailwindcss/preflight.css"):
            stage.site.put("/" + path, (_PACKAGES / path).read_bytes(), Content_Type="text/css")
        yield stage


@pytest.fixture
def guest(context: BrowserContext, stage: Stage) -> Guest:
    """A fresh page of it."""
    fresh = context.new_page()
    fresh.set_default_timeout(PATIENCE * 1000)
    fresh.emulate_media(reduced_motion="reduce")
    cdp = context.new_cdp_session(fresh)
    cdp.send("Page.enable")
    cdp.send("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH, "worldName": "watch"})
    guest = Guest(fresh, stage, cdp)
    fresh.on("request", lambda request: guest.requests.append(request.url))
    fresh.on("pageerror", lambda error: guest.errors.append(str(error)))
    fresh.on("console", lambda said: {"error": guest.errors, "warning": guest.warnings}.get(said.type, []).append(said.text))
    return guest


# Foreign styles alone: there the widget looks as it does anywhere.
_STYLED = list(PAGES)[:7]
_OWN_LOOK = """(() => {
    const look = (node) => { const s = getComputedStyle(node); return [...s].filter((name) => name.slice(0, 2) != '--')
        .map((name) => name + ':' + s.getPropertyValue(name)).join(';'); };
    const host = document.querySelector('chatkeep-widget');
    return [host, ...host.shadowRoot.querySelectorAll('*')].map((node) => [node.localName + '.' + node.className, look(node)]);
})()"""


@pytest.mark.parametrize("name", PAGES)
def test_a_visitor_is_answered_and_the_page_stays_as_it_was(guest: Guest, name: str) -> None:
    guest.page.goto(guest.stage.site.put("/bare", PAGES[name]))
    before = guest.apart(_LOOK)
    guest.visit(PAGES[name])
    assert guest.corner() == (20, 20)
    guest.chat()
    assert guest.apart(_LOOK) == before
    assert guest.complaints() == {}


def test_styles_of_the_page_change_nothing_in_the_widget(guest: Guest) -> None:
    looks = {}
    for name in ("plain", *_STYLED):
        guest.visit(PAGES.get(name, page("")))
        guest.page.get_by_role("button", name="Open chat").click()
        expect(guest.page.get_by_role("textbox", name="message")).to_be_focused()
        looks[name] = guest.apart(_OWN_LOOK)
    plain = looks.pop("plain")
    assert len(plain) > 20
    for name, look in looks.items():
        for own, other in zip(plain, look, strict=True):
            assert other == own, name


def test_ids_of_every_name_that_the_platform_has_are_no_hindrance(guest: Guest) -> None:
    names = """<script>
        const names = new Set();
        for (const one of [window, document, document.body, history, new AbortController(), customElements])
            for (let at = one; at; at = Object.getPrototypeOf(at)) for (const name of Object.getOwnPropertyNames(at)) names.add(name);
        for (const id of ['Chatkeep', 'chatkeep-widget', 'ck-title', ...names]) document.body.append(Object.assign(document.createElement('a'), { id }));
        document.title = `${names.size} names`;
    </script>"""
    guest.visit(page("", BODY + names))
    assert int(guest.page.title().split()[0]) > 1000
    assert guest.corner() == (20, 20)
    guest.page.evaluate("() => Chatkeep.open()")
    expect(guest.page.get_by_role("textbox", name="message")).to_be_visible()
    guest.page.keyboard.press("Escape")
    guest.chat()
    assert guest.complaints() == {}


def test_a_zoomed_page_zooms_the_widget(guest: Guest) -> None:
    guest.visit(page("<style>html { zoom: 1.5 }</style>"))
    assert guest.corner() == (30, 30)
    guest.chat()
    assert guest.complaints() == {}


@pytest.mark.parametrize("embedder", ["require-corp", "credentialless"])
def test_an_isolated_page_is_no_hindrance(guest: Guest, embedder: str) -> None:
    guest.visit(page(""), Cross_Origin_Embedder_Policy=embedder, Cross_Origin_Opener_Policy="same-origin")
    guest.chat()
    assert guest.page.evaluate("() => crossOriginIsolated")
    assert guest.complaints() == {}


def test_a_modal_dialog_of_the_page_goes_first_and_the_chat_after_it(guest: Guest) -> None:
    guest.visit(page("", BODY + "<script>document.querySelector('dialog').showModal()</script>"))
    expect(guest.page.locator(".launcher")).to_be_visible()
    guest.page.keyboard.press("Escape")
    guest.chat()
    assert guest.complaints() == {}


def test_an_element_in_the_page_is_as_good_as_the_tag(guest: Guest) -> None:
    loader = f'<script async src="{guest.stage.gateway}/widget/loader.js"></script>'
    element = f'<chatkeep-widget widget-id="{guest.stage.widget_id}"></chatkeep-widget>'
    guest.page.goto(guest.stage.site.put("/", page("", f"<main dir=rtl>{element}</main>{loader}")))
    assert guest.corner() == (20, 20)
    guest.chat()
    assert guest.complaints() == {}


def test_the_direction_of_the_widget_is_that_of_its_language(guest: Guest) -> None:
    guest.visit(page("<style>html, body { direction: rtl !important; unicode-bidi: bidi-override !important }</style>"))
    assert guest.corner() == (20, 20)
    guest.chat()
    expect(guest.page.locator(".ck")).to_have_attribute("dir", "ltr")
    assert guest.complaints() == {}


def test_a_document_that_is_written_anew_has_no_widget_until_it_names_one(guest: Guest) -> None:
    guest.visit(page(""))
    guest.chat()
    rewrite = "(html) => { document.open(); document.write(html); document.close(); }"
    guest.page.evaluate(rewrite, page("", "<h1>New</h1>"))
    expect(guest.page.get_by_role("heading", name="New")).to_be_visible()
    expect(guest.page.locator("chatkeep-widget")).to_have_count(0)
    guest.page.evaluate(rewrite, page("", "<h1>Newer</h1>") + guest.stage.tag)
    guest.chat()
    assert {name: found for name, found in guest.complaints().items() if name != "reports"} == {}


@pytest.mark.parametrize("name", BROKEN)
def test_on_a_page_that_breaks_the_platform_nothing_is_sent_and_the_page_goes_on(guest: Guest, name: str) -> None:
    guest.page.goto(guest.stage.site.put("/bare", page("", f"{BODY}<script>{BROKEN[name]}</script>")))
    before = guest.apart(_LOOK)
    guest.requests.clear()
    guest.visit(page("", f"{BODY}<script>{BROKEN[name]}</script>"))
    guest.page.wait_for_load_state("load")
    assert guest.apart(_LOOK) == before
    asked = {urlsplit(url).path for url in guest.requests if url.startswith(guest.stage.gateway)}
    assert asked <= {"/widget/loader.js", f"/api/widgets/{guest.stage.widget_id}/config"}
    assert {url for url in guest.requests if urlsplit(url).netloc not in guest.stage.hosts} == set()


@pytest.mark.parametrize("name", ["fetch fails", "fetch throws", "fetch answers nonsense"])
def test_without_a_working_fetch_the_launcher_says_why(guest: Guest, name: str) -> None:
    guest.visit(page(f"<script>{BROKEN[name]}</script>"))
    guest.page.get_by_role("button", name="Chat is unavailable").click()
    expect(guest.page.get_by_role("alert")).to_contain_text("The chat cannot be reached right now.")
    assert guest.warnings == ["Chatkeep: plain HTTP is accepted on this machine only.", "Chatkeep: unreachable "]


def test_an_element_that_is_named_like_the_running_script_is_not_the_gateway(guest: Guest) -> None:
    guest.page.route("https://evil.example/**", lambda route: route.abort())
    bait = "<img name=currentScript src='https://evil.example/widget/loader.js' alt=''>"
    guest.visit(page("", bait + BODY))
    guest.chat()
    asked = [url for url in guest.requests if "evil.example" in url]
    assert asked == ["https://evil.example/widget/loader.js"], "the picture itself"

    loader = f'<script async src="{guest.stage.gateway}/widget/loader.js"></script>'
    element = f'<chatkeep-widget widget-id="{guest.stage.widget_id}"></chatkeep-widget>'
    guest.requests.clear()
    guest.page.goto(guest.stage.site.put("/", page("", bait + element + loader)))
    expect(guest.page.get_by_role("alert")).to_be_visible()
    assert [url for url in guest.requests if "evil.example" in url or "/api/" in url] == ["https://evil.example/widget/loader.js"]


@pytest.mark.parametrize("policy", ["sandbox allow-scripts", "sandbox allow-scripts allow-forms allow-popups allow-modals"])
def test_a_page_without_an_origin_is_told_so_and_nothing_is_sent(guest: Guest, policy: str) -> None:
    guest.visit(page(""), Content_Security_Policy=policy)
    expect(guest.page.get_by_role("alert")).to_contain_text("This page has no origin of its own")
    expect(guest.page.get_by_role("alert")).to_contain_text("Nothing was sent.")
    assert guest.errors == ["Chatkeep: null_origin"]
    assert [url for url in guest.requests if "/api/" in url or "panel.js" in url] == []


def test_a_sandboxed_frame_is_told_so_and_nothing_is_sent(guest: Guest) -> None:
    guest.stage.site.put("/inner", page("") + guest.stage.tag)
    guest.page.goto(guest.stage.site.put("/", "<!doctype html><iframe sandbox='allow-scripts' src=/inner width=600 height=600></iframe>"))
    expect(guest.page.frame_locator("iframe").get_by_role("alert")).to_contain_text("This page has no origin of its own")
    assert [url for url in guest.requests if "/api/" in url or "panel.js" in url] == []


def test_a_page_over_plain_http_is_told_so_and_nothing_is_sent(guest: Guest) -> None:
    loader = guest.page.request.get(f"{guest.stage.gateway}/widget/loader.js").body()
    tag = f'<script async src="https://gateway.example/widget/loader.js" data-widget-id="{guest.stage.widget_id}"></script>'
    guest.page.route("http://shop.example/", lambda route: route.fulfill(content_type="text/html", body=page("") + tag))
    guest.page.route("https://gateway.example/**", lambda route: route.fulfill(content_type="text/javascript", body=loader))
    guest.page.goto("http://shop.example/")
    expect(guest.page.get_by_role("alert")).to_contain_text("This chat needs a secure (HTTPS) page. Nothing was sent.")
    assert guest.errors == ["Chatkeep: https_required"]
    assert guest.requests == ["http://shop.example/", "https://gateway.example/widget/loader.js"]
