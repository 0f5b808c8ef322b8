"""Reading undisturbed: nothing jumps, nobody is pulled away, nothing is cut off without a sign."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Demo, Watched
from tests.browser.places import Site, Visit, open_site
from tests.browser.test_a_strict_page import ask
from tests.browser.test_panel import _reply as reply
from tests.browser.test_states import visit_with
from tests.providers.upstream import Upstream

_PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
_DESKTOP: dict[str, Any] = {"viewport": {"width": 1000, "height": 760}}
_SHIFTS = """window.shifts = []; new PerformanceObserver((list) => list.getEntries().forEach((one) => {
    if (!one.hadRecentInput) shifts.push(`${one.value}: ${one.sources.map(({ node }) => node && (node.className || node.nodeName))}`);
})).observe({ type: 'layout-shift', buffered: true });"""
# Its place, when it has been the same for ten frames: browsers scroll smoothly.
_STILL = """async (log) => {
    for (let same = 0, last = -1; same < 10; same = log.scrollTop === last ? same + 1 : 0) {
        last = log.scrollTop;
        await new Promise(requestAnimationFrame);
    }
    return log.scrollTop;
}"""
_WIDE = "| Roast | Grind | Water | Time | Price |\n|---|---|---|---|---|\n| Longberry | Medium | 94 degrees | 3 minutes | 12 pounds |"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One gateway for all."""
    upstream = Upstream()
    with open_site(tmp_path_factory.mktemp("site"), upstream) as opened:
        yield opened
    upstream.stop()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """A visitor at a desk."""
    yield from visit_with(browser, site, _DESKTOP)


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Visit]:
    """A visitor with a phone."""
    yield from visit_with(browser, site, _PHONE)


def _rest_below(visit: Visit) -> float:
    """How far the end of the conversation is below what is seen, px."""
    rest: float = visit.page.get_by_role("log").evaluate("(log) => log.scrollHeight - log.scrollTop - log.clientHeight")
    return rest


def _grown(visit: Visit, by: int) -> None:
    """Until the answer has so many characters more."""
    before = len(visit.answer.inner_text())
    visit.page.get_by_role("log").evaluate(
        "(log, length) => new Promise((done) => { const look = () => (log.innerText.length > length ? done() : requestAnimationFrame(look)); look(); })",
        before + by,
    )


def turn_the_wheel_over(page: Page, chat: Locator) -> float:
    """Header, middle, field and the line below; then by 100 px over the page itself. How far that has moved, px."""
    page.evaluate("""() => { document.body.style.height = '4000px';
        window.rested = new Promise((done) => addEventListener('scrollend', () => done(scrollY), { once: true })); }""")
    box = chat.bounding_box()
    assert box is not None
    for y in (30, box["height"] / 2, box["height"] - 60, box["height"] - 12):
        page.mouse.move(box["x"] + 100, box["y"] + y)
        page.mouse.wheel(0, 300)
    page.mouse.move(100, 300)
    page.mouse.wheel(0, 100)
    moved: float = page.evaluate("() => rested")
    return moved


def _long_answer(visit: Visit) -> None:
    """An answer that has filled the screen, and goes on."""
    visit.arrive()
    visit.open()
    visit.ask("words-3000-10")
    expect(visit.answer).to_contain_text("word250")
    assert _rest_below(visit) < 8


def _reads_on(visit: Visit, scroll: Callable[[], None]) -> None:
    """After *scroll* the answer grows below what is read, until the visitor asks for its end."""
    scroll()
    expect(visit.page.get_by_role("button", name="Jump to latest")).to_be_visible()
    place = visit.page.get_by_role("log").evaluate(_STILL)
    _grown(visit, 300)
    assert visit.page.get_by_role("log").evaluate("(log) => log.scrollTop") == pytest.approx(place, abs=1)
    visit.page.get_by_role("button", name="Jump to latest").click()
    _grown(visit, 300)
    assert _rest_below(visit) < 8
    expect(visit.page.get_by_role("button", name="Jump to latest")).to_have_count(0)


@pytest.mark.parametrize("step", [3, 40])
def test_who_turns_the_wheel_while_an_answer_grows_reads_on_where_they_are(visit: Visit, step: int) -> None:
    _long_answer(visit)
    box = visit.page.get_by_role("log").bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + 100, box["y"] + 100)

    def wheel() -> None:
        for _ in range(4):
            visit.page.mouse.wheel(0, -step)
            _grown(visit, 20)

    _reads_on(visit, wheel)


@pytest.mark.parametrize("talks", [False, True])
def test_the_wheel_over_the_chat_leaves_the_page_where_it_is(visit: Visit, talks: bool) -> None:
    visit.arrive()
    visit.open()
    if talks:
        visit.answered("echo Yes.")
    visit.rest()
    assert turn_the_wheel_over(visit.page, visit.dialog) == 100


def test_who_moves_a_finger_while_an_answer_grows_reads_on_where_they_are(phone: Visit) -> None:
    _long_answer(phone)
    devtools = phone.page.context.new_cdp_session(phone.page)

    def touch(kind: str, *points: dict[str, int]) -> None:
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    def drag() -> None:
        touch("touchStart", {"x": 200, "y": 300})
        for y in range(303, 360, 3):
            touch("touchMove", {"x": 200, "y": y})
        touch("touchEnd")

    _reads_on(phone, drag)


def test_who_presses_keys_while_an_answer_grows_reads_on_where_they_are(visit: Visit) -> None:
    _long_answer(visit)
    visit.page.get_by_role("log").focus()
    _reads_on(visit, lambda: visit.page.keyboard.press("ArrowUp"))


def test_nothing_jumps_in_a_conversation_of_three_answers(phone: Visit) -> None:
    phone.page.add_init_script(_SHIFTS)
    phone.arrive()
    phone.open()
    for question in ("words-80-20", "Do you ship to Norway?", "words-150-10"):
        # What moves within half a second of a key does not count, so the answers take longer.
        phone.answered(question)
        phone.rest()
    assert phone.page.evaluate("() => shifts") == []


def test_what_is_cut_off_at_a_side_fades_there(demo: Demo, watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 320, "height": 568})
    reply(page, demo.shop, _WIDE, "| A | B |\n|---|---|\n| 1 | 2 |")
    page.goto(demo.shop)
    ask(watched, "Which roast?")
    table = page.get_by_role("group", name="Table")
    expect(table).to_be_visible()
    fade = "(node) => [getComputedStyle(node).maskImage.slice(0, 6), Math.round(parseFloat(getComputedStyle(node).maskPosition))]"
    assert table.evaluate("(node) => node.scrollWidth > node.clientWidth")
    assert table.evaluate(fade) == ["linear", -36]
    table.evaluate("async (node) => { node.scrollLeft = 10000; for (let i = 0; i < 3; i += 1) await new Promise(requestAnimationFrame); }")
    assert table.evaluate(fade) == ["linear", 0]
    page.get_by_role("textbox").fill("And short?")
    page.keyboard.press("Enter")
    expect(table).to_have_count(2)
    assert table.last.evaluate(fade)[0] == "none"


def test_on_the_lowest_screens_it_is_still_said_that_this_is_an_ai_and_how_long_a_message_may_be(browser: Browser, site: Site) -> None:
    for visit in visit_with(browser, site, {"viewport": {"width": 320, "height": 256}}):
        visit.arrive(limits={"message_length": 60, "interval_ms": 0})
        visit.open()
        expect(visit.page.get_by_text("Answers come from an AI and can be wrong.")).to_be_in_viewport(ratio=1)
        expect(visit.page.get_by_text("AI assistant", exact=True)).to_be_in_viewport(ratio=1)
        visit.field.fill("This message is a little longer than what the owner of the shop allows.")
        expect(visit.page.get_by_text("characters too many")).to_be_in_viewport(ratio=1)
