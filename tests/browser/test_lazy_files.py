"""Parts of the widget that are fetched only when they are needed."""

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
    assert files == ["panel.js", "languages.js", "words-de.js", "report.js"]
    assert watched.csp_reports() == []
    assert watched.console_errors == []


def test_an_english_widget_fetches_no_language(demo: Demo, watched: Watched) -> None:
    watched.page.goto(demo.shop)
    watched.page.get_by_role("button", name="Ask us").click()
    expect(watched.page.get_by_role("textbox", name=_ENGLISH)).to_be_focused()
    assert not [url for url in watched.requests if "words-" in url]


@pytest.mark.parametrize("fault", ["changed", "missing"])
def test_a_lazy_file_that_is_changed_or_gone_never_runs_and_the_chat_goes_on_without_it(demo: Demo, watched: Watched, fault: str) -> None:
    page = watched.page
    _speak_german(page)
    good = load_files()["words-de.js"].content.decode()

    def spoil(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": "*"}
        if fault == "missing":
            route.fulfill(status=404, headers=headers, body="")
        else:
            route.fulfill(status=200, headers=headers, content_type="text/javascript", body=f"window.pwned = true;{good}")

    page.route("**/words-de.js*", spoil)
    page.goto(demo.shop)
    page.get_by_role("button", name="Ask us").click()
    expect(page.get_by_role("textbox", name=_ENGLISH)).to_be_focused()
    assert page.evaluate("() => window.pwned") is None
    assert len([url for url in watched.requests if "words-de" in url]) == 1
