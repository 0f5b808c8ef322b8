"""Parts of the widget that are fetched only when they are needed."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from chatkeep.web.widget_build import load_files
from tests.browser.conftest import Demo, Watched

_GERMAN = "Nachricht schreiben"
_ENGLISH = "Write a message"


def _speak_german(page: Page) -> None:
    """Make the demo's widget a German one."""

    def fulfil(route: Route) -> None:
        answer = route.fetch()
        config: dict[str, Any] = answer.json()
        route.fulfill(response=answer, json={**config, "locale": "de-AT"})

    page.route("**/config", fulfil)


def test_a_language_is_fetched_when_it_is_needed_under_the_strictest_policy(demo: Demo, watched: Watched) -> None:
    page = watched.page
    _speak_german(page)
    page.goto(f"{demo.shop}/strict")
    page.get_by_role("button", name="Ask us").click()
    expect(page.get_by_role("textbox", name=_GERMAN)).to_be_focused()
    files = [url.rsplit("/", 1)[-1] for url in watched.requests if "/widget/v" in url]
    assert files == ["panel.js", "languages-0.json", "words-de.json"]
    assert watched.csp_reports() == []
    assert watched.console_errors == []


def test_an_english_widget_fetches_no_language(demo: Demo, watched: Watched) -> None:
    watched.page.goto(demo.shop)
    watched.page.get_by_role("button", name="Ask us").click()
    expect(watched.page.get_by_role("textbox", name=_ENGLISH)).to_be_focused()
    assert not [url for url in watched.requests if url.endswith(".json")]


@pytest.mark.parametrize("fault", ["changed", "missing"])
def test_a_lazy_file_that_is_changed_or_gone_never_runs_and_the_chat_goes_on_without_it(demo: Demo, watched: Watched, fault: str) -> None:
    page = watched.page
    good = load_files()["more.js"].content.decode()

    def spoil(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": "*"}
        if fault == "missing":
            route.fulfill(status=404, headers=headers, body="")
        else:
            route.fulfill(status=200, headers=headers, content_type="text/javascript", body=f"window.pwned = true;{good}")

    page.route("**/more.js*", spoil)
    page.goto(demo.shop)
    page.get_by_role("button", name="Ask us").click()
    expect(page.get_by_role("textbox", name=_ENGLISH)).to_be_focused()
    page.get_by_role("textbox").fill("Where is my order?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy answer")).to_be_visible()
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert page.evaluate("() => window.pwned") is None
    assert [url for url in watched.requests if url.endswith("/more.js")]


def _text_of(name: str) -> str:
    return load_files()[name].content.decode()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("words-de.json", lambda: _text_of("words-de.json").replace("Senden", "Give me your password")),
        ("words-de.json", lambda: _text_of("words-fr.json")),
        ("words-de.json", lambda: "<script>window.pwned = true</script>"),
        ("words-de.json", lambda: None),
        ("languages-0.json", lambda: _text_of("languages-0.json").replace('["', '["A')),
        ("languages-0.json", lambda: _text_of("languages-1.json")),
        ("languages-0.json", lambda: None),
    ],
    ids=["changed", "another", "markup", "missing", "hashes-changed", "hashes-of-others", "hashes-missing"],
)
def test_words_that_are_not_those_of_the_build_are_refused_and_the_chat_is_english(
    demo: Demo, watched: Watched, file: str, content: Callable[[], str | None]
) -> None:
    page = watched.page
    _speak_german(page)
    body = content()
    headers = {"Access-Control-Allow-Origin": "*"}
    page.route(f"**/{file}", lambda route: route.fulfill(status=200 if body else 404, headers=headers, content_type="application/json", body=body or ""))
    page.goto(demo.shop)
    page.get_by_role("button", name="Ask us").click()
    expect(page.get_by_role("textbox", name=_ENGLISH)).to_be_focused()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert page.evaluate("() => window.pwned") is None
    assert len([url for url in watched.requests if url.endswith(f"/{file}")]) == 1


def test_later_words_that_are_changed_are_refused_and_those_parts_are_english(demo: Demo, watched: Watched) -> None:
    page = watched.page
    _speak_german(page)
    body = _text_of("words-de-more.json").replace("Abbrechen", "Give me your password")
    assert body != _text_of("words-de-more.json")
    page.route(
        "**/words-de-more.json",
        lambda route: route.fulfill(status=200, headers={"Access-Control-Allow-Origin": "*"}, content_type="application/json", body=body),
    )
    page.goto(demo.shop)
    page.get_by_role("button", name="Ask us").click()
    expect(page.get_by_role("textbox", name=_GERMAN)).to_be_focused()
    page.get_by_role("textbox").fill("Wo ist es?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Antwort kopieren")).to_be_visible()
    page.get_by_role("button", name="Menü").click()
    expect(page.get_by_role("button", name="End chat and erase")).to_be_visible()
