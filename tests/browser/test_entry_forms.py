"""How a page brings a widget: script tag, pinned script, ``Chatkeep.init``, element, npm package."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from chatkeep import __version__
from chatkeep.web.widget_build import load_files
from tests.browser.conftest import Demo, Watched

_ROOT = Path(__file__).parents[2]
_SURFACE = "(name) => document.querySelector(name).shadowRoot.querySelector('.ck').style.getPropertyValue('--bg')"


def show(watched: Watched, demo: Demo, markup: str, path: str = "page") -> Page:
    """A page of the shop's origin with this *markup*."""
    page = watched.page
    page.route(f"{demo.shop}/{path}", lambda route: route.fulfill(content_type="text/html", body=f"<!doctype html><title>Shop</title>{markup}"))
    page.goto(f"{demo.shop}/{path}")
    return page


def script(demo: Demo, more: str = "") -> str:
    """The script tag, with *more* attributes."""
    return f'<script src="{demo.gateway}/widget/loader.js" {more}></script>'


def test_the_script_tag_takes_attributes_and_can_open_the_chat(demo: Demo, watched: Watched) -> None:
    page = show(watched, demo, script(demo, f'data-widget-id="{demo.widget_id}" data-locale="de" data-position="bottom-left" data-open'))
    expect(page.get_by_role("textbox", name="Nachricht schreiben")).to_be_visible()
    assert page.locator("chatkeep-widget").evaluate("(e) => e.parentNode === document.documentElement && e.shadowRoot.querySelector('.ck.left') !== null")
    assert watched.console_errors == []


@pytest.mark.parametrize("fault", ["", "changed"])
def test_the_pinned_script_runs_only_as_the_owner_saw_it(demo: Demo, watched: Watched, fault: str) -> None:
    page = watched.page

    def spoil(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=fault + answer.text())

    page.route("**/loader.js", spoil)
    integrity = load_files()["loader.js"].integrity
    path = f"/widget/v{__version__}/loader.js"
    tag = f'<script src="{demo.gateway}{path}" integrity="{integrity}" crossorigin="anonymous" data-widget-id="{demo.widget_id}"></script>'
    show(watched, demo, tag)
    if fault:
        assert page.evaluate("() => [typeof Chatkeep, document.querySelector('chatkeep-widget')]") == ["undefined", None]
    else:
        expect(page.get_by_role("button", name="Ask us")).to_be_visible()


def test_init_places_a_widget_whose_element_is_the_host_api(demo: Demo, watched: Watched) -> None:
    page = show(watched, demo, script(demo))
    assert page.evaluate("() => document.querySelector('chatkeep-widget')") is None
    page.evaluate("(widgetId) => { window.chat = Chatkeep.init({ widgetId, scheme: 'dark', open: true }); }", demo.widget_id)
    expect(page.get_by_role("textbox")).to_be_focused()
    assert page.evaluate("() => chat.matches('chatkeep-widget[open]')")
    assert page.evaluate(_SURFACE, "chatkeep-widget") != "#ffffff"
    page.evaluate("() => chat.close()")
    expect(page.get_by_role("textbox")).to_have_count(0)
    assert not page.evaluate("() => chat.hasAttribute('open')")


def test_the_element_s_attributes_are_live(demo: Demo, watched: Watched) -> None:
    markup = f'{script(demo)}<main><chatkeep-widget widget-id="{demo.widget_id}"></chatkeep-widget></main>'
    page = show(watched, demo, markup)
    chat = page.locator("chatkeep-widget")
    expect(page.get_by_role("button", name="Ask us")).to_be_visible()
    chat.evaluate("(e) => { e.setAttribute('open', ''); e.setAttribute('position', 'bottom-left'); e.setAttribute('scheme', 'dark'); }")
    field = page.get_by_role("textbox", name="Write a message")
    expect(field).to_be_visible()
    assert chat.evaluate("(e) => e.shadowRoot.querySelector('.ck.left') !== null")
    assert page.evaluate(_SURFACE, "chatkeep-widget") != "#ffffff"
    field.fill("A draft")
    chat.evaluate("(e) => e.setAttribute('locale', 'de')")
    expect(page.get_by_role("textbox", name="Nachricht schreiben")).to_have_value("A draft")
    chat.evaluate("(e) => e.removeAttribute('open')")
    expect(page.get_by_role("textbox")).to_have_count(0)
    chat.evaluate("(e) => e.setAttribute('widget-id', 'nobody')")
    page.get_by_role("button", name="Chat is unavailable").click()
    expect(page.get_by_role("alert")).to_contain_text("The id of this chat is not valid.")


def test_the_npm_package_loads_everything_else_from_the_gateway_that_it_is_given(demo: Demo, watched: Watched) -> None:
    subprocess.run(["npm", "run", "--silent", "package"], cwd=_ROOT / "widget", check=True, capture_output=True)
    package = (_ROOT / "widget" / "dist" / "index.js").read_text()
    watched.page.route(f"{demo.shop}/chatkeep-widget.js", lambda route: route.fulfill(content_type="text/javascript", body=package))
    code = f"import {{ init }} from './chatkeep-widget.js'; init({{ gateway: '{demo.gateway}', widgetId: '{demo.widget_id}', open: true }});"
    page = show(watched, demo, f'<script type="module">{code}</script>')
    expect(page.get_by_role("textbox")).to_be_focused()
    assert page.evaluate("() => typeof Chatkeep") == "undefined"
    asked = [url for url in watched.requests if not url.startswith(demo.shop)]
    assert [url.removeprefix(demo.gateway) for url in asked] == [
        f"/api/widgets/{demo.widget_id}/config",
        f"/widget/v{__version__}/panel.js",
    ]
