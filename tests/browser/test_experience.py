"""What a visitor can do besides asking: by keyboard, on small screens, without a network, and without being counted."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.places import Site, Visit, open_site
from tests.browser.states import STATES
from tests.browser.test_states import violations, visit_with
from tests.providers.upstream import Upstream

_DESKTOP: dict[str, Any] = {"viewport": {"width": 1000, "height": 760}}


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


def _requests(visit: Visit, path: str) -> list[Any]:
    seen: list[Any] = []
    visit.page.on("request", lambda request: seen.append(request) if path in request.url and request.method != "OPTIONS" else None)
    return seen


def test_everything_can_be_done_by_keyboard_and_the_focus_comes_back(visit: Visit) -> None:
    page, keys = visit.page, visit.page.keyboard
    visit.arrive()
    launcher = page.locator("button.launcher")
    launcher.focus()
    keys.press("Enter")
    expect(visit.field).to_be_focused()
    keys.type("Do you ship to Norway?")
    keys.press("Enter")
    expect(visit.answer.get_by_role("button", name="Copy answer")).to_be_visible()
    expect(visit.field).to_be_focused()

    page.get_by_role("button", name="Menu").focus()
    keys.press("Enter")
    expect(page.get_by_role("button", name="New conversation")).to_be_focused()
    keys.press("ArrowDown")
    expect(page.get_by_role("button", name="Plain text")).to_be_focused()
    keys.press("Escape")
    expect(page.get_by_role("button", name="Menu")).to_be_focused()
    expect(visit.dialog).to_be_visible()

    page.get_by_role("button", name="Change the message").focus()
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="Change the message")).to_be_focused()
    keys.press("Escape")
    expect(page.get_by_role("button", name="Change the message")).to_be_focused()

    page.get_by_role("button", name="Bad answer").focus()
    keys.press("Space")
    expect(page.get_by_role("textbox", name="What could be better?")).to_be_focused()
    keys.type("The price was missing.")
    keys.press("Enter")
    expect(visit.answer.get_by_text("Thank you for your feedback.")).to_be_visible()

    keys.press("Escape")
    expect(launcher).to_be_focused()
    assert visit.watched.csp_reports() == []


def test_a_thumb_is_kept_by_the_gateway_told_to_the_page_and_can_be_changed(visit: Visit) -> None:
    posts = _requests(visit, "/feedback")
    visit.arrive()
    visit.page.evaluate("() => { window.heard = []; document.addEventListener('chatkeep:feedback', (e) => heard.push(e.detail.rating)); }")
    visit.open()
    visit.answered()
    good, bad = (visit.page.get_by_role("button", name=name) for name in ("Good answer", "Bad answer"))
    good.click()
    expect(good).to_have_attribute("aria-current", "true")
    bad.click()
    expect(bad).to_have_attribute("aria-current", "true")
    expect(good).to_have_attribute("aria-current", "false")
    visit.page.get_by_role("textbox", name="What could be better?").fill("Too short.")
    visit.page.get_by_role("button", name="Send feedback").click()
    expect(visit.answer.get_by_text("Thank you for your feedback.")).to_be_visible()
    assert [request.post_data_json for request in posts] == [{"rating": "up"}, {"rating": "down"}, {"rating": "down", "comment": "Too short."}]
    assert visit.page.evaluate("() => heard") == ["up", "down", "down"]


@pytest.mark.parametrize(
    ("form", "ending", "sign"), [("Plain text", "txt", "Visitor,"), ("Markdown", "md", "**Visitor**"), ("JSON", "json", '"role":"visitor"')]
)
def test_a_transcript_is_saved_in_each_form(visit: Visit, form: str, ending: str, sign: str) -> None:
    STATES["menu"](visit)
    with visit.page.expect_download() as saved:
        visit.page.get_by_role("button", name=form).click()
    assert saved.value.suggested_filename.endswith(f".{ending}")
    assert sign in saved.value.path().read_text(encoding="utf-8")
    expect(visit.page.get_by_role("button", name="Menu")).to_be_focused()


def test_erasing_asks_first_erases_at_the_gateway_and_offers_a_new_conversation(visit: Visit) -> None:
    gone = _requests(visit, "/api/")
    STATES["ended"](visit)
    assert [(one.method, one.url.split("/api/")[1].split("/")[0]) for one in gone if one.method == "DELETE"] == [
        ("DELETE", "conversations"),
        ("DELETE", "sessions"),
    ]
    visit.page.get_by_role("button", name="New conversation").click()
    expect(visit.page.get_by_role("list", name="Suggested questions")).to_be_visible()
    expect(visit.field).to_be_focused()
    visit.answered()


def test_nothing_is_erased_from_the_screen_while_the_gateway_cannot_be_reached(visit: Visit) -> None:
    STATES["erase-asked"](visit)
    visit.page.context.set_offline(True)
    visit.page.get_by_role("button", name="End chat and erase").click()
    expect(visit.page.get_by_role("alert")).to_have_text("The chat cannot be reached right now.")
    expect(visit.page.get_by_role("article")).to_have_count(2)


def test_without_consent_nothing_is_sent_and_with_it_everything_works(visit: Visit) -> None:
    asked = _requests(visit, "/api/")
    STATES["consent-declined"](visit)
    visit.field.fill("Hello?")
    visit.field.press("Enter")
    visit.page.evaluate("() => Chatkeep.send('From the page')")
    # A page does not write over what the visitor has written.
    expect(visit.field).to_have_value("Hello?")
    assert [one.url for one in asked if "/config" not in one.url] == []
    visit.page.get_by_role("button", name="I agree").click()
    expect(visit.field).to_be_focused()
    # What waited for it is sent.
    expect(visit.answer).to_contain_text("Norway")
    expect(visit.page.get_by_text("Hello?", exact=True)).to_be_visible()
    expect(visit.field).to_have_value("")


def test_a_lost_connection_heals_by_itself_and_the_draft_is_kept(visit: Visit) -> None:
    STATES["connection-lost"](visit)
    visit.field.fill("And to Iceland?")
    visit.page.unroute_all()
    visit.page.context.set_offline(False)
    expect(visit.answer).to_contain_text("Norway")
    expect(visit.field).to_have_value("And to Iceland?")


def test_a_draft_outlives_closing_and_the_badge_goes_when_the_answer_is_seen(visit: Visit) -> None:
    STATES["unread"](visit)
    launcher = visit.page.locator("button.launcher")
    expect(launcher).to_have_attribute("data-unread", "1")
    visit.open()
    visit.field.fill("Half a thought")
    visit.page.keyboard.press("Escape")
    expect(launcher).not_to_have_attribute("data-unread", "1")
    visit.open()
    expect(visit.field).to_have_value("Half a thought")


def test_a_changed_question_folds_the_old_exchange_away_and_only_the_newest_can_be_changed(visit: Visit) -> None:
    STATES["changed"](visit)
    folded = visit.page.locator("details.folded")
    expect(folded).to_contain_text("Do you ship to Norway")
    expect(folded.get_by_role("article")).to_have_count(0)
    folded.locator("summary").press("Enter")
    expect(folded.get_by_role("article")).to_have_count(2)
    expect(visit.page.get_by_role("button", name="Change the message")).to_have_count(1)


def test_what_is_hidden_is_copied_as_dots_and_shown_on_demand(visit: Visit) -> None:
    STATES["masked"](visit)
    mine = visit.page.get_by_role("article", name="You")
    select = "(node) => { const range = document.createRange(); range.selectNodeContents(node); return range.cloneContents().textContent; }"
    assert "4111" not in mine.evaluate(select)
    mine.get_by_role("button", name="Show").click()
    expect(mine).to_contain_text("4111 1111 1111 1111")
    mine.get_by_role("button", name="Hide").click()
    expect(mine).not_to_contain_text("4111 1111")


def test_days_are_told_apart_and_times_say_their_day_without_being_a_tab_stop(visit: Visit) -> None:
    visit.page.clock.install(time="2026-03-01T22:24:00")
    visit.arrive()
    visit.open()
    visit.answered("echo one")
    visit.page.clock.set_system_time("2026-03-02T09:00:00")
    visit.answered("echo two")
    expect(visit.page.locator(".divider")).to_have_text("Monday, March 2")
    time = visit.page.get_by_role("time").first
    assert "March 1, 2026" in (time.get_attribute("title") or "")
    assert time.evaluate("(node) => node.tabIndex") == -1


def test_what_happens_is_counted_without_text_in_few_requests(visit: Visit) -> None:
    sent = _requests(visit, "/api/events")
    visit.arrive()
    visit.open()
    with visit.page.expect_response("**/api/events") as answered:
        visit.page.get_by_role("button", name="Do you ship to Norway?").click()
        expect(visit.answer.get_by_role("button", name="Copy answer")).to_be_visible()
    assert answered.value.status == 204
    names = [event["name"] for request in sent for event in json.loads(request.post_data)["events"]]
    assert set(names) <= {"widget_opened", "suggestion_used", "message_sent", "answer_received"}
    assert names[0] == "widget_opened"
    assert all("Norway" not in (request.post_data or "") for request in sent)


@pytest.mark.parametrize(
    "wish", ["Object.defineProperty(navigator, 'doNotTrack', {value: '1'})", "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"]
)
def test_who_does_not_want_to_be_counted_is_not(visit: Visit, wish: str) -> None:
    sent = _requests(visit, "/api/events")
    visit.page.add_init_script(wish)
    visit.arrive()
    visit.open()
    visit.answered()
    # What is waiting goes out when the page does.
    visit.page.goto("about:blank")
    assert sent == []


@pytest.mark.parametrize("name", ["greeting", "done", "menu", "consent", "commenting", "failed", "changing"])
@pytest.mark.parametrize("size", [(320, 256), (320, 568)])
def test_on_the_smallest_screens_and_at_400_percent_nothing_is_cut_off(browser: Browser, site: Site, name: str, size: tuple[int, int]) -> None:
    screen = {"viewport": {"width": size[0], "height": size[1]}, "reduced_motion": "reduce"}
    for visit in visit_with(browser, site, screen):
        STATES[name](visit)
        visit.rest()
        too_wide = """(dialog) => [dialog, ...dialog.querySelectorAll('.log, .empty, .menu, .bottom, .consent')]
            .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.className)"""
        assert visit.dialog.evaluate(too_wide) == []
        assert violations(visit) == []
        expect(visit.page.get_by_role("button", name="Close chat").first).to_be_in_viewport()


def test_at_400_percent_all_that_is_said_before_the_consent_is_reached_by_scrolling(browser: Browser, site: Site) -> None:
    for visit in visit_with(browser, site, {"viewport": {"width": 320, "height": 256}}):
        STATES["consent"](visit)
        visit.rest()
        expect(visit.page.get_by_text("Hello! Ask me anything")).to_be_in_viewport(ratio=1)
        visit.page.mouse.move(160, 180)
        visit.page.mouse.wheel(0, 1000)
        for seen in (visit.page.get_by_role("button", name="I agree"), visit.field, visit.page.get_by_text("Answers come from an AI")):
            expect(seen).to_be_in_viewport(ratio=1)
        visit.page.get_by_role("button", name="I agree").click()
        expect(visit.page.get_by_role("button", name="Close chat")).to_be_in_viewport(ratio=1)
        visit.answered()


def test_a_long_notice_of_consent_makes_nothing_scroll_but_itself(visit: Visit) -> None:
    visit.arrive(features={"consent": {"text": "We process what you write here. " * 18, "link": "https://pellwick.example/privacy"}})
    visit.open()
    expect(visit.page.get_by_role("button", name="I agree")).to_be_attached()
    spare = "(node) => node.scrollHeight - node.clientHeight"
    assert visit.dialog.evaluate(spare) == 0
    assert visit.page.locator(".consent").evaluate(spare) > 0


@pytest.mark.parametrize(("wish", "moving"), [("reduce", []), ("no-preference", ["::after"])])
def test_nothing_moves_for_who_wants_less_motion_not_even_what_is_no_element(visit: Visit, wish: Any, moving: list[str]) -> None:
    visit.page.emulate_media(reduced_motion=wish)
    STATES["streaming"](visit)
    visit.rest()
    repeated = """(host) => host.shadowRoot.getAnimations().filter((one) => one.timeline === document.timeline && one.playState === 'running')
        .map((one) => one.effect.pseudoElement)"""
    assert visit.page.locator("chatkeep-widget").evaluate(repeated) == moving


@pytest.mark.parametrize("name", ["greeting", "done", "menu", "rate-limited", "consent", "masked"])
def test_targets_are_44_pixels_high(visit: Visit, name: str) -> None:
    STATES[name](visit)
    visit.rest()
    small = """(dialog) => [...dialog.querySelectorAll('button')].filter((one) => one.getClientRects().length)
        .filter((one) => !one.closest('sup, .secret') && (one.offsetHeight < (one.matches('.latest, .main') ? 34 : 44) || one.offsetWidth < 44))
        .map((one) => one.outerHTML.slice(0, 80))"""
    assert visit.dialog.evaluate(small) == []


def test_what_is_pressed_within_a_text_can_be_hit_around_it(visit: Visit) -> None:
    STATES["masked"](visit)
    visit.rest()
    reach = """(node) => { const { x, y, width, height } = node.getBoundingClientRect();
        return [-21, 21].map((by) => node.getRootNode().elementFromPoint(x + width / 2, y + height / 2 + by) === node); }"""
    assert visit.page.get_by_role("button", name="Show").evaluate(reach) == [True, True]


def test_a_hidden_value_stays_hidden_in_the_line_that_a_changed_question_folds_into(visit: Visit) -> None:
    STATES["masked"](visit)
    visit.page.get_by_role("button", name="Change the message").click()
    visit.page.get_by_role("textbox", name="Change the message").fill("echo And without a card?")
    visit.page.get_by_role("button", name="Send again").click()
    line = visit.page.locator("details.folded summary")
    expect(line).to_contain_text("1111")
    assert "4111" not in (line.text_content() or "")
    expect(line.get_by_role("button")).to_have_count(0)


def test_the_menu_closes_when_the_focus_leaves_it_and_is_walked_with_home_and_end(visit: Visit) -> None:
    STATES["menu"](visit)
    keys = visit.page.keyboard
    keys.press("End")
    expect(visit.page.get_by_role("button", name="End chat and erase")).to_be_focused()
    keys.press("Home")
    expect(visit.page.get_by_role("button", name="New conversation")).to_be_focused()
    keys.press("End")
    keys.press("Tab")
    expect(visit.page.get_by_role("dialog", name="Menu")).to_have_count(0)
    expect(visit.page.get_by_role("log")).to_be_focused()


def test_enter_leads_to_the_consent_that_is_missing(visit: Visit) -> None:
    STATES["consent"](visit)
    expect(visit.field).to_have_accessible_description(re.compile("An AI answers here"))
    visit.ask("Hello?")
    expect(visit.page.get_by_role("button", name="I agree")).to_be_focused()
    expect(visit.field).to_have_value("Hello?")


def test_a_stopped_answer_can_be_asked_for_again(visit: Visit) -> None:
    STATES["stopped"](visit)
    visit.answer.get_by_role("button", name="Try again").click()
    expect(visit.page.get_by_role("button", name="Stop")).to_be_visible()
    expect(visit.answer).to_contain_text("word3")
    expect(visit.page.get_by_role("article")).to_have_count(2)


def test_thanks_are_brought_into_view(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 500})
    STATES["rated"](visit)
    expect(visit.page.get_by_text("Thank you for your feedback.").first).to_be_in_viewport(ratio=1)


def test_forced_colours_keep_the_focus_and_the_drawings(visit: Visit) -> None:
    visit.page.emulate_media(forced_colors="active")
    STATES["commenting"](visit)
    ring = "(node) => getComputedStyle(node).outlineStyle"
    assert visit.page.get_by_role("textbox", name="What could be better?").evaluate(ring) == "solid"
    visit.field.focus()
    assert visit.page.locator(".composer").evaluate(ring) == "solid"
    colours = "(node) => getComputedStyle(node).color === getComputedStyle(node.parentElement).color"
    assert all(one.evaluate(colours) for one in visit.page.locator(".panel .icon").all())
