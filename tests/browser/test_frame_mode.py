"""Frame mode: the chat in a frame of the gateway's, on pages that would like to read it."""

import re
from pathlib import Path

from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Watched
from tests.browser.framed import ANSWER, Framed, ask, framed, inside, open_chat, reply, site_of_its_own, visit
from tests.browser.test_a_strict_page import QUESTION, serving
from tests.browser.test_panel import _answer
from tests.browser.test_reading import turn_the_wheel_over
from tests.servers import Gateway, free_port

__all__ = ["framed"]  # a fixture

# Everything that a script on the page can listen to or look into; what it got is in window.loot.
_SPY = """<script nonce=n>
window.loot = [];
const text = (one) => { try { return JSON.stringify(one) ?? String(one); } catch { return String(one); } };
const keep = (...things) => { for (const one of things) window.loot[window.loot.length] = text(one); };
addEventListener('message', (event) => keep(event.data, event.origin), true);
for (const [owner, name] of [[window, 'fetch'], [Element.prototype, 'attachShadow'], [Array.prototype, 'push'], [MessagePort.prototype, 'postMessage'],
    [Node.prototype, 'appendChild'], [Element.prototype, 'append'], [Element.prototype, 'setAttribute'], [EventTarget.prototype, 'dispatchEvent']]) {
  const own = owner[name];
  owner[name] = function (...given) { keep(...given); return own.apply(this, given); };
}
const ear = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage');
Object.defineProperty(MessagePort.prototype, 'onmessage', { ...ear, set(told) { ear.set.call(this, (event) => { keep(event.data); told(event); }); } });
new MutationObserver((changes) => changes.forEach((one) => keep(one.target.textContent)))
  .observe(document, { subtree: true, childList: true, characterData: true });
for (const name of ['message', 'answer', 'error', 'refused', 'open', 'close', 'ready'])
  document.addEventListener(`chatkeep:${name}`, (event) => keep(name, event.detail));
for (const name of ['keydown', 'keyup', 'input', 'click', 'copy']) addEventListener(name, (event) => keep(event.key, event.data, event.target.value), true);
</script>"""
_HOSTILE_CSS = (
    "<style nonce=n>* { all: unset !important; color: red !important; font: 40px cursive !important; zoom: 3 } iframe, :host { filter: blur(9px) }</style>"
)


def test_a_hostile_page_under_the_strictest_policy_hears_nothing_of_a_whole_conversation(framed: Framed, watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    visit(page, framed, _SPY)
    chat = ask(page)
    expect(chat.get_by_role("article", name="AI assistant").last).to_contain_text(ANSWER)
    expect(chat.get_by_role("link", name="Shipping to Europe")).to_have_attribute("href", re.compile("/help/shipping$"))
    expect(chat.get_by_role("button", name="Stop")).to_have_count(0)
    page.screenshot(path=tmp_path / "frame-mode-desktop.png")

    # As one text: whatever reads the list by steps makes it longer.
    loot = page.evaluate("() => window.loot.join('\\n')")
    # The spy works: it heard what it may hear.
    assert '"answer"' in loot
    for secret in ("conv_", "msg_", ANSWER, QUESTION, "Norway", "9.50", "session_token", "eyJ"):
        assert secret not in loot, secret
    assert page.evaluate(
        """() => {
            const frame = document.querySelector('chatkeep-widget').shadowRoot.querySelector('iframe');
            const tries = [() => frame.contentDocument && 'document', () => frame.contentWindow.document, () => frame.contentWindow.location.href,
                           () => frame.contentWindow.fetch, () => frame.contentWindow.localStorage];
            return tries.map((one) => { try { return one() } catch (error) { return error.name } });
        }"""
    ) == [None, *["SecurityError"] * 4]
    reports = [frame.evaluate("() => window.cspReports") for frame in page.frames]
    assert (len(reports), [each for report in reports for each in report]) == (2, [])
    assert watched.console_errors == []
    assert watched.stored() == {}
    assert {url.split("/")[2] for url in watched.requests} == {framed.site.split("/")[2], framed.gateway.split("/")[2]}


def test_the_styles_of_a_page_change_nothing_in_the_frame(framed: Framed, browser: Browser) -> None:
    seen = []
    for head in ("", _HOSTILE_CSS):
        context = browser.new_context(viewport={"width": 1280, "height": 860})
        page = context.new_page()
        visit(page, framed, head, styles="'nonce-n'")
        chat = open_chat(page)
        looks = "(node) => { const s = getComputedStyle(node); return [s.color, s.fontFamily, s.fontSize, s.display, s.filter] }"
        field, dialog = chat.get_by_role("textbox"), chat.get_by_role("dialog")
        seen.append((field.evaluate(looks), dialog.evaluate(looks), dialog.bounding_box(), page.locator("chatkeep-widget iframe").evaluate(looks)[3:]))
        context.close()
    assert seen[0] == seen[1]


def test_the_host_api_and_the_events_are_those_of_the_panel(framed: Framed, watched: Watched) -> None:
    page = watched.page
    visit(page, framed)
    reply(page, "Yes.")
    page.get_by_role("button", name="Open chat").wait_for()
    page.evaluate("() => { window.heard = []; for (const name of ['open', 'message', 'answer', 'close']) Chatkeep.on(name, (d) => heard.push([name, d])) }")
    page.evaluate("() => Chatkeep.send('From the page')")
    chat = inside(page)
    expect(chat.get_by_role("article", name="AI assistant")).to_contain_text("Yes.")
    expect(chat.get_by_text("From the page")).to_be_visible()
    page.evaluate("() => Chatkeep.toggle()")
    expect(page.locator("chatkeep-widget iframe")).to_be_hidden()
    heard = page.evaluate("() => window.heard")
    assert [name for name, _ in heard] == ["open", "message", "answer", "close"]
    assert set(heard[2][1]) == {"finish_reason"}
    page.evaluate("() => { Chatkeep.clear(); Chatkeep.open() }")
    expect(chat.get_by_role("article")).to_have_count(0)
    page.evaluate("() => Chatkeep.destroy()")
    expect(page.locator("iframe")).to_have_count(0)
    assert watched.csp_reports() == []


def test_a_frame_that_is_moved_begins_anew_and_works(framed: Framed, watched: Watched) -> None:
    page = watched.page
    visit(page, framed)
    chat = ask(page)
    expect(chat.get_by_role("article", name="AI assistant").last).to_contain_text(ANSWER)
    page.evaluate("() => document.body.prepend(document.querySelector('chatkeep-widget'))")
    expect(chat.get_by_role("textbox")).to_be_visible()
    expect(chat.get_by_role("article")).to_have_count(0)
    chat.get_by_role("textbox").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(chat.get_by_role("article", name="AI assistant").last).to_contain_text(ANSWER)
    assert watched.console_errors == []


def test_a_frame_with_a_host_of_its_own_talks_to_that_host_alone(watched: Watched, tmp_path: Path) -> None:
    page, port = watched.page, str(free_port())
    own, apart = f"http://localhost:{port}", f"http://127.0.0.1:{port}"
    with Gateway.running(tmp_path / "data", PORT=port, PUBLIC_URL=own, WIDGET_URL=apart), site_of_its_own() as (site, pages):
        framed = Framed(own, site, "", pages, tmp_path / "data")
        framed.widget_id = framed.make()
        visit(page, framed, frames=apart)
        chat = ask(page)
        expect(chat.get_by_role("article", name="AI assistant")).not_to_be_empty()
        expect(chat.get_by_role("button", name="Stop")).to_have_count(0)
        asked = [url.removeprefix(apart) for url in watched.requests if url.startswith(apart)]
        assert [path for path in asked if path.startswith("/api/")] == ["/api/sessions", "/api/chat"]
        assert [url.removeprefix(own) for url in watched.requests if url.startswith(own) and "/api/" in url] == [f"/api/widgets/{framed.widget_id}/config"]
        assert watched.console_errors == []


def test_escape_closes_the_frame_and_gives_the_focus_back_and_an_answer_after_that_is_told(framed: Framed, watched: Watched) -> None:
    page = watched.page
    visit(page, framed)
    held: list[Route] = []
    page.route("**/api/chat", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers, and a built-in method takes no mark
    chat = ask(page, "A question")
    expect(chat.get_by_role("button", name="Stop")).to_be_visible()
    page.keyboard.press("Escape")
    launcher = page.get_by_role("button", name="Open chat")
    expect(launcher).to_be_focused()
    expect(page.locator("chatkeep-widget iframe")).to_be_hidden()
    expect(launcher).to_have_attribute("aria-expanded", "false")
    # Playwright's own waiting runs the handler.
    while not held:
        page.evaluate("() => new Promise(requestAnimationFrame)")
    held[0].fulfill(content_type="text/event-stream", body=_answer("Yes."))
    expect(launcher).to_have_attribute("data-unread", "1")
    expect(launcher).to_have_accessible_name(re.compile("new", re.IGNORECASE))
    page.keyboard.press("Enter")
    expect(chat.get_by_role("article", name="AI assistant")).to_contain_text("Yes.")
    expect(page.locator(".launcher[data-unread]")).to_have_count(0)
    # The close button of the panel does the same.
    chat.get_by_role("button", name="Close chat").click()
    expect(launcher).to_be_focused()


def test_on_a_phone_the_frame_fills_the_screen_and_keeps_the_focus(framed: Framed, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page = context.new_page()
    visit(page, framed)
    chat = open_chat(page)
    assert page.locator("chatkeep-widget iframe").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert chat.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(chat.get_by_role("dialog")).to_have_attribute("aria-modal", "true")
    for key in ("Tab", "Shift+Tab"):
        for _ in range(8):
            page.keyboard.press(key)
            assert page.evaluate("() => document.activeElement.tagName") == "CHATKEEP-WIDGET"
            assert chat.locator("body").evaluate("(body) => !!body.shadowRoot.activeElement")
    page.screenshot(path=tmp_path / "frame-mode-phone.png")
    context.close()


def test_beside_a_page_the_keyboard_leaves_the_frame_as_it_leaves_a_panel(framed: Framed, watched: Watched) -> None:
    page = watched.page
    visit(page, framed)
    chat = open_chat(page)
    expect(chat.get_by_role("dialog")).to_have_attribute("aria-modal", "false")
    visited = []
    for _ in range(8):
        page.keyboard.press("Shift+Tab")
        visited.append(page.evaluate("() => document.activeElement.tagName"))
    assert "A" in visited


def test_the_wheel_over_the_frame_leaves_the_page_where_it_is(framed: Framed, watched: Watched) -> None:
    visit(watched.page, framed)
    open_chat(watched.page)
    assert turn_the_wheel_over(watched.page, watched.page.locator("chatkeep-widget iframe")) == 100


def test_light_and_dark_follow_the_system_and_the_page_into_the_frame(framed: Framed, watched: Watched) -> None:
    page = watched.page
    page.emulate_media(color_scheme="dark")
    visit(page, framed)
    chat = open_chat(page).locator(".ck")
    expect(chat).to_have_css("color-scheme", "dark")
    page.emulate_media(color_scheme="light")
    expect(chat).to_have_css("color-scheme", "light")
    page.evaluate("() => document.querySelector('chatkeep-widget').setAttribute('scheme', 'dark')")
    expect(chat).to_have_css("color-scheme", "dark")
    page.evaluate("() => document.querySelector('chatkeep-widget').setAttribute('locale', 'de')")
    expect(inside(page).get_by_role("textbox", name="Nachricht schreiben")).to_be_visible()
    expect(chat).to_have_attribute("lang", "de")


def test_a_page_that_is_not_listed_gets_no_frame(framed: Framed, watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    address = f"{framed.gateway}/widget/frame/{framed.widget_id}"
    (tmp_path / "index.html").write_text(
        f"""<!doctype html><title>Mallory</title><iframe src="{address}"></iframe><script>
        window.got = []; addEventListener('message', (event) => got.push(event.data));
        document.querySelector('iframe').onload = ({{ target }}) => {{
          const {{ port1, port2 }} = new MessageChannel(); port1.onmessage = (event) => got.push(event.data);
          target.contentWindow.postMessage({{ around: {{}} }}, '{framed.gateway}', [port2]); window.greeted = true;
        }};</script>"""
    )
    with serving(tmp_path) as mallory:
        page.goto(mallory)
        page.wait_for_function("() => window.greeted")
        assert any("frame-ancestors" in error for error in watched.console_errors)
        # What cannot be embedded cannot be read either.
        assert page.evaluate(f"() => fetch('{address}').then(() => 'read', (error) => error.name)") == "TypeError"
        assert page.evaluate("() => window.got") == []
    assert not [url for url in watched.requests if url.endswith("/api/sessions")]


def test_a_frame_that_is_a_page_of_its_own_starts_nothing(framed: Framed, watched: Watched) -> None:
    page = watched.page
    page.goto(f"{framed.gateway}/widget/frame/{framed.widget_id}")
    page.evaluate("() => { const { port2 } = new MessageChannel(); postMessage({ around: {} }, location.origin, [port2]) }")
    assert page.evaluate("() => new Promise((done) => setTimeout(() => done(document.body.shadowRoot), 50))") is None
    assert [url.rsplit("/", 1)[-1] for url in watched.requests if "/widget/v" in url] == ["frame.js"]


def test_a_page_whose_policy_forbids_the_frame_says_so_at_once(framed: Framed, watched: Watched) -> None:
    page = watched.page
    visit(page, framed, frames="'none'")
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_role("alert")).to_contain_text("panel_failed")
    expect(page.locator("iframe")).to_have_count(0)


def test_after_its_minute_the_page_is_asked_for_another_ticket(framed: Framed, watched: Watched) -> None:
    page = watched.page
    page.clock.install()
    visit(page, framed)
    chat = open_chat(page)
    page.clock.fast_forward("05:00")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    chat.get_by_role("textbox").fill(QUESTION)
    page.keyboard.press("Enter")
    page.clock.run_for(2000)
    expect(chat.get_by_role("article", name="AI assistant").last).to_contain_text(ANSWER)
    assert [url.removeprefix(framed.gateway).split("/")[1:3] for url in asked][:2] == [["widget", "frame"], ["api", "sessions"]]
