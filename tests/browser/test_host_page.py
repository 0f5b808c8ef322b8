"""What the page around a widget does: it navigates, loads twice, moves the element, takes it away."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Demo, Watched
from tests.browser.test_a_strict_page import QUESTION
from tests.browser.test_entry_forms import script, show


def _talk(page: Page) -> None:
    page.get_by_role("textbox").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("costs £9.50")


def _tagged(demo: Demo) -> str:
    return script(demo, f'data-widget-id="{demo.widget_id}" data-open')


def test_a_widget_of_the_script_tag_survives_every_swap_of_the_page_s_content(demo: Demo, watched: Watched) -> None:
    page = show(watched, demo, f"{_tagged(demo)}<main>One</main>")
    _talk(page)
    swaps = [
        "document.documentElement.replaceChild(document.createElement('body'), document.body)",  # Turbo
        "document.body.replaceChildren(document.createElement('main'))",  # pjax, htmx, a root that renders again
        "document.body = document.createElement('body')",
        "history.pushState({}, '', '/elsewhere')",
    ]
    for swap in swaps:
        page.evaluate(f"() => {{ {swap} }}")
        expect(page.get_by_role("article", name="AI assistant")).to_contain_text("costs £9.50")
    page.get_by_role("textbox").fill("And to Finland?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="AI assistant")).to_have_count(2)


def test_an_element_that_is_moved_keeps_its_conversation_and_one_that_is_removed_ends_it(demo: Demo, watched: Watched) -> None:
    markup = f'{script(demo)}<main><chatkeep-widget open widget-id="{demo.widget_id}"></chatkeep-widget></main><aside></aside>'
    page = show(watched, demo, markup)
    _talk(page)
    page.evaluate("() => { const chat = document.querySelector('chatkeep-widget'); chat.remove(); document.querySelector('aside').append(chat); }")
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve))")
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("costs £9.50")
    with page.expect_request(lambda request: request.method == "DELETE" and request.url.endswith("/api/sessions/current")):
        page.evaluate("() => { window.chat = document.querySelector('chatkeep-widget'); chat.remove(); }")
    assert page.evaluate("() => chat.shadowRoot.textContent") == ""
    page.evaluate("() => document.body.append(chat)")
    page.get_by_role("button", name="Ask us").click()
    expect(page.get_by_role("textbox")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(0)


def test_the_focus_goes_back_to_what_the_page_had_opened_the_chat_with(demo: Demo, watched: Watched) -> None:
    page = show(watched, demo, f"{script(demo, f'data-widget-id={chr(34)}{demo.widget_id}{chr(34)}')}<button id=ask>Ask about shipping</button>")
    page.get_by_role("button", name="Ask us").wait_for()
    page.evaluate("() => ask.addEventListener('click', () => Chatkeep.open())")
    for button in ("Ask about shipping", "Ask us", "Ask about shipping"):
        page.get_by_role("button", name=button).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("textbox")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name=button)).to_be_focused()


def test_what_the_page_does_takes_no_focus_from_who_writes_elsewhere(demo: Demo, watched: Watched) -> None:
    page = show(watched, demo, f"{_tagged(demo)}<input type=search aria-label=Elsewhere>")
    _talk(page)
    field = page.get_by_role("searchbox", name="Elsewhere")
    for act in ("Chatkeep.clear()", "Chatkeep.setIdentity('somebody')", "Chatkeep.setIdentity(null)"):
        field.focus()
        page.keyboard.type("one ")
        page.evaluate(f"() => {act}")
        expect(page.get_by_role("article")).to_have_count(0)
        page.keyboard.type("two ")
        expect(field).to_be_focused()
    expect(field).to_have_value("one two " * 3)


def test_loading_the_script_twice_gives_one_launcher_and_a_note(demo: Demo, watched: Watched) -> None:
    notes: list[str] = []
    watched.page.on("console", lambda message: notes.append(message.text) if message.type == "info" else None)
    page = show(watched, demo, _tagged(demo) * 2)
    expect(page.get_by_role("textbox")).to_be_visible()
    assert page.locator("chatkeep-widget").count() == 1
    assert notes == ["Chatkeep: there is a widget on this page already; it stays until destroy()."]


def test_two_elements_are_two_conversations(demo: Demo, watched: Watched) -> None:
    element = f'<chatkeep-widget widget-id="{demo.widget_id}"></chatkeep-widget>'
    page = show(watched, demo, script(demo) + element + element.replace("<chatkeep-widget", '<chatkeep-widget position="bottom-left"'))
    first, second = page.locator("chatkeep-widget").all()
    first.get_by_role("button", name="Ask us").click()
    _talk(page)
    first.evaluate("(e) => e.close()")
    second.get_by_role("button", name="Ask us").click()
    expect(second.get_by_role("textbox")).to_be_visible()
    expect(second.get_by_role("article")).to_have_count(0)


# What a page can count: listeners on shared targets, timers, observers, style sheets, globals, nodes.
_COUNT = """
    window.left = { listeners: 0, timers: new Set() };
    for (const target of [window, document, document.documentElement]) {
        const { addEventListener: add, removeEventListener: remove } = target;
        const known = new Map();
        target.addEventListener = function (type, listener, options) {
            if (type.startsWith('securitypolicy')) return add.call(this, type, listener, options);
            const key = type + String(listener);
            if (!known.has(key)) { known.set(key, listener); left.listeners++; }
            options?.signal?.addEventListener('abort', () => { if (known.delete(key)) left.listeners--; });
            return add.call(this, type, listener, options);
        };
        target.removeEventListener = function (type, listener, options) {
            if (known.delete(type + String(listener))) left.listeners--;
            return remove.call(this, type, listener, options);
        };
    }
    const { setTimeout: start, clearTimeout: stop, setInterval: every } = window;
    window.setTimeout = (then, ms, ...rest) => {
        const id = start(() => { left.timers.delete(id); then(); }, ms, ...rest);
        left.timers.add(id);
        return id;
    };
    window.clearTimeout = (id) => { left.timers.delete(id); stop(id); };
    window.setInterval = (...given) => { left.timers.add('interval'); return every(...given); };
    for (const name of ['MutationObserver', 'ResizeObserver', 'IntersectionObserver'])
        window[name] = class extends window[name] { observe(...given) { left.timers.add(name); return super.observe(...given); } };
"""


def test_destroy_leaves_nothing_behind_and_the_next_init_starts_afresh(demo: Demo, watched: Watched) -> None:
    watched.page.add_init_script(_COUNT)
    page = show(watched, demo, script(demo))
    seen = "() => [Object.keys(window).sort().join(), document.documentElement.childElementCount, document.head.childElementCount, left.listeners]"
    before = page.evaluate(seen)
    heard = "() => { window.heard = window.heard ?? []; Chatkeep.on('close', () => heard.push('close')); }"
    page.evaluate(heard)
    page.evaluate("() => { delete window.heard; }")
    for _ in range(2):
        page.evaluate("(widgetId) => { Chatkeep.init({ widgetId, open: true }); }", demo.widget_id)
        _talk(page)
        page.evaluate("() => Chatkeep.destroy()")
        page.evaluate("() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
        assert page.evaluate("() => document.querySelector('chatkeep-widget')") is None
        assert page.evaluate(seen) == before
        assert page.evaluate("() => document.adoptedStyleSheets.length + document.styleSheets.length") == 0
    assert watched.stored() == {}


def test_events_of_the_host_api_come_in_order_with_ids_and_codes_only(demo: Demo, watched: Watched) -> None:
    page = show(watched, demo, script(demo))
    page.evaluate(
        """(widgetId) => {
            window.heard = [];
            for (const name of ['ready', 'open', 'close', 'message', 'answer', 'error', 'refused', 'feedback'])
                Chatkeep.on(name, (detail) => heard.push([name, Object.keys(detail).sort().join()]));
            Chatkeep.init({ widgetId });
        }""",
        demo.widget_id,
    )
    page.evaluate("(text) => Chatkeep.send(text)", QUESTION)
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("costs £9.50")
    # All of its text may be there before its end is.
    expect(page.get_by_role("button", name="Copy answer")).to_be_visible()
    page.evaluate("() => Chatkeep.toggle()")
    expect(page.get_by_role("textbox")).to_have_count(0)
    assert page.evaluate("() => heard") == [
        ["ready", "widget_id"],
        ["open", ""],
        ["message", "conversation_id"],
        ["answer", "conversation_id,finish_reason,message_id"],
        ["close", ""],
    ]
    page.evaluate("() => Chatkeep.clear()")
    page.evaluate("() => Chatkeep.open()")
    expect(page.get_by_role("article")).to_have_count(0)
