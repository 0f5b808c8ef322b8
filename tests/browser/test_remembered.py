"""A conversation that outlives its page: reload, navigation, several tabs, and what is left in the browser."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Demo, Watched, run_demo
from tests.browser.test_a_strict_page import QUESTION
from tests.browser.test_entry_forms import script, show
from tests.servers import free_port, run_cli

_SECOND = "Do you ship to Ireland?"


def _widget(demo: Demo, *, remembers: bool = True) -> str:
    made = run_cli(demo.data_dir, "widgets", "create", "Remembers", "--domain", demo.shop.partition("://")[2], "--json")
    widget_id: str = json.loads(made.stdout)["widget_id"]
    if remembers:
        assert run_cli(demo.data_dir, "widgets", "remember", widget_id, "on").returncode == 0
    return widget_id


def _tag(demo: Demo, widget_id: str) -> str:
    return script(demo, f'data-widget-id="{widget_id}" data-open')


def _ask(page: Page, text: str) -> None:
    page.get_by_role("textbox").fill(text)
    page.keyboard.press("Enter")
    _answered(page)


def _answered(page: Page, count: int | None = None) -> None:
    """Until all answers are there, and nothing is written any more."""
    answers = page.get_by_role("article", name="AI assistant")
    if count is None:
        expect(answers.last).to_be_visible()
    else:
        expect(answers).to_have_count(count)
    expect(page.locator(".reply[aria-busy=true]")).to_have_count(0)


def _handle(page: Page, widget_id: str) -> str | None:
    found: str | None = page.evaluate("(name) => sessionStorage.getItem(name)", f"chatkeep:{widget_id}")
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One address opens more sessions here than one visitor may."""
    yield from run_demo(tmp_path_factory.mktemp("demo") / "data", LIMIT_SESSIONS_PER_ADDRESS_PER_HOUR="1000", LIMIT_ADDRESS_PER_MINUTE="1000")


@pytest.fixture(scope="module")
def widget_id(demo: Demo) -> str:
    return _widget(demo)


def test_what_the_page_clears_before_the_chat_is_opened_does_not_come_back(demo: Demo, watched: Watched, widget_id: str) -> None:
    page = show(watched, demo, _tag(demo, widget_id).replace(" data-open", ""))
    page.get_by_role("button", name="Open chat").click()
    _ask(page, QUESTION)
    page.reload()
    page.get_by_role("button", name="Open chat").wait_for()
    assert _handle(page, widget_id) is not None
    page.evaluate("() => Chatkeep.clear()")
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_role("textbox")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(0)
    _ask(page, _SECOND)
    expect(page.get_by_text(QUESTION)).to_have_count(0)


def test_a_reload_keeps_the_conversation_and_it_goes_on(demo: Demo, watched: Watched, widget_id: str) -> None:
    page = show(watched, demo, _tag(demo, widget_id))
    _ask(page, QUESTION)
    before = _handle(page, widget_id)
    assert before is not None
    assert watched.stored() == {"session": [f"chatkeep:{widget_id}"]}
    page.reload()
    _answered(page, 1)
    expect(page.get_by_text(QUESTION)).to_have_count(1)
    expect(page.get_by_role("article", name="AI assistant")).to_contain_text("£9.50")
    assert _handle(page, widget_id) not in {None, before}
    _ask(page, _SECOND)
    page.reload()
    _answered(page, 2)
    expect(page.locator(".said")).to_have_text([QUESTION, _SECOND])
    assert watched.stored() == {"session": [f"chatkeep:{widget_id}"]}
    assert watched.csp_reports() == []
    # The browser's own words: the page has no icon (404), and the visitor wrote twice within two seconds (429), which the widget waits for.
    assert [text for text in watched.console_errors if not text.startswith("Failed to load resource")] == []


def test_without_the_feature_a_reload_starts_empty_and_nothing_is_kept(demo: Demo, watched: Watched) -> None:
    page = show(watched, demo, _tag(demo, _widget(demo, remembers=False)))
    _ask(page, QUESTION)
    assert watched.stored() == {}
    page.reload()
    expect(page.get_by_role("textbox")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(0)
    assert not [url for url in watched.requests if url.endswith("/resume.js")]


def test_another_tab_and_a_tab_that_was_closed_know_nothing(demo: Demo, watched: Watched, context: BrowserContext, widget_id: str) -> None:
    page = show(watched, demo, _tag(demo, widget_id))
    _ask(page, QUESTION)
    page.close()
    other = Watched(context.new_page())
    beside = show(other, demo, _tag(demo, widget_id))
    expect(beside.get_by_role("textbox")).to_be_visible()
    expect(beside.get_by_role("article")).to_have_count(0)
    assert other.stored() == {}


def test_of_a_tab_and_its_copy_one_keeps_the_conversation_and_both_can_talk(demo: Demo, watched: Watched, context: BrowserContext, widget_id: str) -> None:
    page = show(watched, demo, _tag(demo, widget_id))
    _ask(page, QUESTION)
    handle = _handle(page, widget_id)
    copy = Watched(context.new_page())
    copy.page.add_init_script(f"sessionStorage['chatkeep:{widget_id}'] ??= '{handle}'")
    beside = show(copy, demo, _tag(demo, widget_id))
    _answered(beside, 1)
    _ask(page, _SECOND)
    expect(page.get_by_text("New conversation · The earlier one has ended")).to_be_visible()
    _ask(beside, _SECOND)
    _answered(beside, 2)


def test_a_page_of_another_origin_gets_nothing_out_of_a_handle(demo: Demo, watched: Watched, widget_id: str) -> None:
    page = show(watched, demo, _tag(demo, widget_id))
    _ask(page, QUESTION)
    handle = _handle(page, widget_id)
    answer = page.context.request.post(
        f"{demo.gateway}/api/sessions",
        headers={"Origin": f"http://localhost:{free_port()}", "Content-Type": "application/json"},
        data=json.dumps({"widget_id": widget_id, "resume": handle}),
    )
    assert answer.status == 403
    page.reload()
    _answered(page, 1)


@pytest.mark.parametrize(
    "act", ["() => Chatkeep.clear()", "() => Chatkeep.setIdentity('somebody')", "() => document.querySelector('chatkeep-widget').destroy()"]
)
def test_whatever_ends_the_conversation_takes_the_handle_away(demo: Demo, watched: Watched, widget_id: str, act: str) -> None:
    page = show(watched, demo, _tag(demo, widget_id))
    _ask(page, QUESTION)
    page.evaluate(act)
    expect(page.get_by_role("article")).to_have_count(0)
    assert watched.stored() == {}
    page.reload()
    expect(page.get_by_role("textbox")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(0)


def test_going_to_another_page_and_back_is_one_conversation(demo: Demo, watched: Watched, widget_id: str) -> None:
    page = show(watched, demo, _tag(demo, widget_id))
    _ask(page, QUESTION)
    show(watched, demo, _tag(demo, widget_id), "other")
    _answered(page, 1)
    _ask(page, _SECOND)
    page.go_back()
    expect(page.get_by_text(QUESTION)).to_have_count(1)
    _ask(page, "And thank you")
    expect(page.locator(".said")).to_have_text([QUESTION, _SECOND, "And thank you"])
