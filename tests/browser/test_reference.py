"""The served API reference, in a real browser: accessible, usable on a phone, in the dark, by keyboard and on paper, and no report."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.servers import Gateway

_AXE = Path(__file__).parents[2] / "widget" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desktop": (1280, 860), "phone": (320, 640)}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway.running(tmp_path_factory.mktemp("reference") / "data") as running:
        yield running


@pytest.fixture
def page(browser: Browser, gateway: Gateway) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    # The clipboard is for those whom a person allows: the browser asks nobody here.
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=gateway.url)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: complaints.append(request.url) if not request.url.startswith(gateway.url) else None)
    opened.goto(f"{gateway.url}/api/reference")
    yield opened
    context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(browser: Browser, gateway: Gateway, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    # Axe is not the page's own: the policy would keep it out. That the page runs under the policy is the other tests' part.
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]  # one of its words
    page = context.new_page()
    page.goto(f"{gateway.url}/api/reference")
    page.locator(".find").wait_for()
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("""async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map((one) => [one.id, one.nodes.length])""")
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert (found, wide) == ([], 0)


def test_a_command_is_copied_by_keyboard(page: Page) -> None:
    first = page.locator("pre.step").first
    button = page.get_by_role("button", name="Copy").first
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    # Windows would have other line ends, and not this browser.
    assert page.evaluate("() => navigator.clipboard.readText()") == first.text_content()


def test_what_is_looked_for_is_found_and_a_link_leads_there_also_while_it_is_hidden(page: Page) -> None:
    page.get_by_label("Find an operation or a field").fill("clone copy")
    page.get_by_role("status").filter(has_text="found").wait_for()
    assert page.locator("#clone_widget").is_visible()
    assert page.locator("#create_block").is_hidden()
    page.evaluate("() => { location.hash = '#create_block'; }")
    page.locator("#create_block").wait_for()
    assert page.get_by_label("Find an operation or a field").input_value() == ""
    page.get_by_label("Find an operation or a field").fill("zzzz")
    page.get_by_role("status").filter(has_text="another word").wait_for()


def test_the_keyboard_can_skip_to_the_content_and_every_link_leads_somewhere(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "content"
    dead = page.evaluate("() => [...document.querySelectorAll('a[href^=\"#\"]')].filter((a) => !document.getElementById(a.hash.slice(1))).map((a) => a.hash)")
    assert dead == []


def test_every_operation_has_its_fields_command_and_errors_and_enums_are_spelled_out(page: Page) -> None:
    section = page.locator("#create_widget")
    text = section.inner_text()
    for wanted in ("widget_name", "required", "text of 1 to 200 characters", "one of domain, identity, session", "widgets:write", "owner", "409"):
        assert wanted in text
    settings = page.locator("#type-SettingsChange").inner_text()
    for wanted in ("primaryColor", "maxMessagesPerHour", "a whole number from 1 to 10000000", "S3's name of limits.widget_per_hour"):
        assert wanted in settings
    assert page.locator("section.operation").count() == page.locator("pre.command").count()
    bare = page.evaluate("() => [...document.querySelectorAll('td[data-head=Meaning], td[data-head=\"What to do\"]')].filter((td) => !td.textContent).length")
    assert bare == 0


def test_on_paper_examples_are_open_and_what_is_only_for_screens_is_not_there(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator("details pre").first.evaluate("(node) => node.getBoundingClientRect().height") > 0


def test_without_javascript_all_of_it_is_there(browser: Browser, gateway: Gateway) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{gateway.url}/api/reference#create_widget")
    assert page.locator("#create_widget pre.command").is_visible()
    context.close()
