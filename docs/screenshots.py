"""Take the documentation's pictures of the real demo: ``make screenshots``.

Needs Debian's Chromium. Each picture is one state that a visitor can meet.
"""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import get_args

import msgspec
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from chatkeep.accept.look import resolve_theme
from chatkeep.admit.widget_theme import Preset, Scheme, Theme

IMAGES = Path(__file__).parent / "images"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
_QUESTION = "Do you ship to Norway, and what does it cost?"


def main() -> None:
    """Start the demo, take every picture, stop it."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = subprocess.Popen([sys.executable, "-m", "chatkeep", "demo", "--json", "--data-dir", folder], stdout=subprocess.PIPE)  # noqa: S603 - our own command
        try:
            if demo.stdout is None:
                sys.exit("the demo says nothing")
            shop = json.loads(demo.stdout.readline())["shop"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
            _take_all(browser, shop)
            _take_looks(browser, shop)
            browser.close()
        finally:
            demo.terminate()
            demo.wait()


def _take_all(browser: Browser, shop: str) -> None:
    """Every picture."""
    desktop = browser.new_page(viewport={"width": 1280, "height": 800})
    desktop.goto(shop)
    expect(desktop.get_by_role("button", name="Ask us")).to_be_visible()
    _take(desktop, "closed")
    desktop.get_by_role("button", name="Ask us").click()
    expect(desktop.get_by_role("textbox")).to_be_visible()
    _take(desktop, "open")
    _ask(desktop)
    _take(desktop, "answered")
    dark = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    _open_and_ask(dark, shop)
    _take(dark, "dark")
    phone = browser.new_page(viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True)
    _open_and_ask(phone, shop)
    _take(phone, "phone")


def _take_looks(browser: Browser, shop: str) -> None:
    """One sheet of all presets, light above dark."""
    schemes: tuple[Scheme, ...] = ("light", "dark")
    presets: tuple[Preset, ...] = get_args(Preset)
    shots = {(scheme, preset): _shoot_look(browser, shop, preset, scheme) for scheme in schemes for preset in presets}
    figures = "".join(
        f'<figure><img src="data:image/png;base64,{base64.b64encode(shots[scheme, preset]).decode()}"><figcaption>{preset}, {scheme}</figcaption></figure>'
        for row in (presets[:4], presets[4:])
        for scheme in schemes
        for preset in row
    )
    sheet = browser.new_page(viewport={"width": 1240, "height": 800})
    style = "body{margin:8px;display:grid;grid-template-columns:repeat(4,1fr);gap:8px;font:14px sans-serif}figure{margin:0}img{width:100%}"
    sheet.set_content(f"<style>{style}</style>{figures}")
    sheet.screenshot(path=IMAGES / "looks.jpg", type="jpeg", quality=82, full_page=True)


def _shoot_look(browser: Browser, shop: str, preset: Preset, scheme: Scheme) -> bytes:
    """The open panel with an answer, and the launcher, in that look."""

    def config(route: Route) -> None:
        answered = route.fetch()
        route.fulfill(response=answered, json={**answered.json(), "theme": msgspec.to_builtins(resolve_theme(Theme(preset=preset, scheme=scheme), None))})

    page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme=scheme)
    page.route("**/config", config)
    _open_and_ask(page, shop)
    page.get_by_role("textbox").fill("Thank you")
    _rest(page)
    shot = page.screenshot(clip={"x": 860, "y": 0, "width": 420, "height": 720}, animations="disabled")
    page.close()
    return shot


def _open_and_ask(page: Page, shop: str) -> None:
    """From the shop's front page to an answer."""
    page.goto(shop)
    page.get_by_role("button", name="Ask us").click()
    _ask(page)


def _ask(page: Page) -> None:
    """One question, answered."""
    page.get_by_role("textbox").fill(_QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy answer")).to_be_visible()


def _take(page: Page, name: str) -> None:
    """One picture, when nothing moves any more."""
    _rest(page)
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")


def _rest(page: Page) -> None:
    """Wait until nothing moves."""
    page.evaluate("() => Promise.all(document.querySelector('chatkeep-widget').shadowRoot.getAnimations().map((one) => one.finished.catch(() => null)))")


if __name__ == "__main__":
    main()
