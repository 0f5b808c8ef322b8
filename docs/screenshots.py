"""Take the documentation's pictures of the real demo: ``make screenshots``.

Needs Debian's Chromium. Each picture is one state that a visitor can meet.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

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
    page.evaluate("() => Promise.all(document.getAnimations({subtree: true}).map((one) => one.finished.catch(() => null)))")
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
