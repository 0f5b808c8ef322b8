"""What do visitors and owners see of a widget that cannot start? And do the pages that call it work as they are written down?"""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatkeep.web.widget_build import load_files
from tests.browser.conftest import Demo, Watched

_ROOT = Path(__file__).parents[2]
_GATEWAY = "https://gateway.example"
_LAUNCHER = "() => document.querySelector('chatkeep-widget').shadowRoot.querySelectorAll('button, .card').length"
_OWNERS = [(404, "widget_not_found_or_inactive"), (403, "domain_not_authorized"), (400, "invalid_widget_id")]


def refuse(status: int, code: str, **more: Any) -> Any:
    """What the gateway answers instead of settings."""
    envelope = {"success": False, "error": code, "message": "", "request_id": "req_1", **more}
    return lambda route: route.fulfill(status=status, headers={"Access-Control-Allow-Origin": "*"}, json=envelope)


def visit(watched: Watched, page_url: str, gateway: str, markup: str = "") -> list[str]:
    """A page with the tag; returns what the console warns of, and waits until the widget has said why it does not start."""
    page, warnings = watched.page, list[str]()
    page.on("console", lambda message: warnings.append(message.text) if message.type == "warning" else None)
    page.add_init_script("window.heard = []; document.addEventListener('chatkeep:error', (event) => heard.push(event.detail))")
    tag = f'<script src="{gateway}/widget/loader.js" data-widget-id="widget_1"></script>'
    page.route(page_url, lambda route: route.fulfill(content_type="text/html", body=f"<!doctype html><title>Shop</title><h1>Shop</h1>{markup or tag}"))
    page.goto(page_url)
    return warnings


def heard(page: Page) -> Any:
    """The details of errors, as soon as there is one."""
    return page.wait_for_function("heard.length && heard").json_value()


@pytest.fixture
def production(watched: Watched) -> Watched:
    """A gateway behind HTTPS that serves the loader."""
    loader = load_files()["loader.js"].content
    watched.page.route(f"{_GATEWAY}/widget/loader.js", lambda route: route.fulfill(content_type="text/javascript", body=loader))
    return watched


@pytest.mark.parametrize(("status", "code"), _OWNERS)
def test_in_production_what_its_owner_has_to_mend_puts_nothing_on_the_page(production: Watched, status: int, code: str) -> None:
    page = production.page
    page.route(f"{_GATEWAY}/api/**", refuse(status, code))
    warnings = visit(production, "https://shop.example/page", _GATEWAY)
    assert heard(page) == [{"code": code, "request_id": "req_1"}]
    assert page.evaluate(_LAUNCHER) == 0
    assert warnings == [f"Chatkeep: {code} req_1 See: chatkeep widgets list"]
    page.evaluate("() => { Chatkeep.open(); Chatkeep.send('Hello'); }")
    assert page.evaluate(_LAUNCHER) == 0


@pytest.mark.parametrize(("status", "code"), _OWNERS)
def test_while_developing_the_launcher_says_what_is_wrong_but_a_paused_widget_is_not_there(demo: Demo, watched: Watched, status: int, code: str) -> None:
    page = watched.page
    page.route(f"{demo.gateway}/api/**", refuse(status, code))
    visit(watched, f"{demo.shop}/page", demo.gateway)
    heard(page)
    if code == "widget_not_found_or_inactive":
        assert page.evaluate(_LAUNCHER) == 0
        return
    page.get_by_role("button", name="Chat is unavailable").click()
    expect(page.get_by_role("alert")).to_contain_text(f"{code} req_1")
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)


@pytest.mark.parametrize(("seconds", "says"), [(125, r"Please try again after \d+/\d+/\d{4}, \d+:\d\d:\d\d\s[AP]M\."), (None, r"Please try again later\.")])
def test_a_gateway_that_refuses_for_a_while_says_when_to_come_back(production: Watched, seconds: int | None, says: str) -> None:
    page = production.page
    page.route(f"{_GATEWAY}/api/**", refuse(429, "rate_limit_exceeded", **({} if seconds is None else {"retry_after": seconds})))
    visit(production, "https://shop.example/page", _GATEWAY)
    page.get_by_role("button", name="Chat is unavailable").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(says))
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


@pytest.mark.parametrize(("scheme", "colours"), [("light", ("rgb(255, 255, 255)", "rgb(20, 23, 31)")), ("dark", ("rgb(20, 23, 31)", "rgb(255, 255, 255)"))])
def test_the_card_is_light_or_dark_like_the_visitor_s_system(production: Watched, scheme: Any, colours: tuple[str, str]) -> None:
    page = production.page
    page.emulate_media(color_scheme=scheme)
    page.route(f"{_GATEWAY}/api/**", refuse(503, "service_unavailable"))
    visit(production, "https://shop.example/page", _GATEWAY)
    page.get_by_role("button", name="Chat is unavailable").click()
    found = page.get_by_role("alert").evaluate("(card) => [getComputedStyle(card).backgroundColor, getComputedStyle(card).color]")
    assert tuple(found) == colours
