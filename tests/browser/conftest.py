"""Debian's Chromium, driven by Playwright, and a real demo to look at."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conftest import missing
from tests.servers import PATIENCE, free_port, gateway_environment

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A page that a test writes itself comes from no address, and would count as a public one.
    "--disable-features=LocalNetworkAccessChecks",
]
# Collected in the page itself: a report must not depend on what the console shows.
_WATCH = (
    "window.cspReports = []; document.addEventListener('securitypolicyviolation', (e) => window.cspReports.push(e.violatedDirective + ' ' + e.blockedURI));"
)


@dataclass
class Demo:
    """A running ``chatkeep demo``."""

    gateway: str
    shop: str
    widget_id: str
    data_dir: Path


@dataclass
class Watched:
    """A page, with everything that it complained about or asked for."""

    page: Page
    console_errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def csp_reports(self) -> list[str]:
        """Violations of the page's content security policy."""
        reports: list[str] = self.page.evaluate("() => window.cspReports")
        return reports

    def stored(self) -> dict[str, Any]:
        """Everything that is in the browser's storages for this page."""
        found: dict[str, Any] = self.page.evaluate(
            """async () => ({
                cookies: document.cookie,
                local: Object.keys(localStorage),
                session: Object.keys(sessionStorage),
                databases: (await indexedDB.databases()).map((one) => one.name),
                caches: await caches.keys(),
            })"""
        )
        return {name: value for name, value in found.items() if value} | ({"jar": jar} if (jar := self.page.context.cookies()) else {})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module's tests, as Playwright's event loop must not outlive them; each test has a context of its own."""
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile."""
    fresh = browser.new_context(viewport={"width": 1280, "height": 860})
    fresh.add_init_script(_WATCH)
    yield fresh
    fresh.close()


@pytest.fixture
def watched(context: BrowserContext) -> Watched:
    """A page of that profile."""
    seen = Watched(context.new_page())
    seen.page.set_default_timeout(PATIENCE * 1000)
    seen.page.on("console", lambda message: seen.console_errors.append(message.text) if message.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.console_errors.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    return seen


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo as a user starts it: no AI key, SQLite, two origins."""
    yield from run_demo(tmp_path_factory.mktemp("demo") / "data")


def run_demo(data_dir: Path, **settings: str) -> Iterator[Demo]:
    """Start ``chatkeep demo``, wait until it says where it is, stop it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chatkeep", "demo", "--json", "--port", str(free_port()), "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        env=gateway_environment(data_dir, **settings),
    )
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        yield Demo(said["gateway"], said["shop"], said["widget_id"], data_dir)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()
