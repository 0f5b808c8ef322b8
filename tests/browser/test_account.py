"""The page that a link from a mail leads to, in a real browser."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.servers import PATIENCE, Gateway

PASSWORD = "plum-Zebra9-kettle"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway.running(tmp_path / "data") as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def said(page: Page, wanted: str) -> None:
    """Wait for what the page says."""
    page.get_by_role("status").filter(has_text=wanted).wait_for()


def next_steps(page: Page, password: str) -> list[object]:
    """What comes of the commands that the page shows, pasted one after the other: the role, and whether there is a tag."""
    page.get_by_role("heading", name="What to do next").wait_for()
    assert page.get_by_role("link", name="first steps").get_attribute("href") == "/api/reference#first-steps"
    commands = "\n".join(page.locator("#next pre").all_text_contents())
    own = {"PATH": os.environ["PATH"]}
    ran = subprocess.run(["bash", "-c", commands], input=f"{password}\n", env=own, check=True, capture_output=True, encoding="utf-8", timeout=PATIENCE)
    me, tag = ran.stdout.removeprefix("Password: ").replace("}{", "}\n{").splitlines()
    return [json.loads(me)["role"], "data-widget-id" in json.loads(tag)["snippet"]]


def test_the_link_of_serve_makes_the_first_user_by_a_click_and_works_once(gateway: Gateway, page: Page) -> None:
    assert gateway.setup_url is not None
    reports: list[str] = []
    page.on("console", lambda message: reports.append(message.text) if message.type == "error" else None)
    page.goto(gateway.setup_url)
    said(page, "Make the first user")
    # The code is out of the address bar.
    assert "#" not in page.url
    page.get_by_label("Organization").fill("Shop")
    page.get_by_label("Email address").fill("alice@shop.example")
    page.locator("form:visible").get_by_label("Password").fill("password1234")
    page.get_by_role("button", name="Make the first user").click()
    said(page, "easily guessed")
    page.locator("form:visible").get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the first user").click()
    said(page, "The first user is made")
    assert next_steps(page, PASSWORD) == ["owner", True]
    token = page.evaluate(
        """async (password) => (await fetch("/api/admin/auth/token", {method: "POST", headers: {"Content-Type": "application/json"},
            body: JSON.stringify({email: "alice@shop.example", password})})).json()""",
        PASSWORD,
    )
    assert token["user"]["role"] == "owner"
    page.goto("about:blank")
    page.goto(gateway.setup_url)
    page.get_by_label("Email address").fill("mallory@evil.example")
    page.locator("form:visible").get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the first user").click()
    said(page, "used already")
    # A refused form is an error line of the network, and no report of the content security policy.
    assert not [report for report in reports if "Content Security Policy" in report or "Trusted" in report]
    kept = page.evaluate("() => JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")
    assert json.loads(kept) == ["", {}, {}]


@pytest.mark.parametrize("fragment", ["", "#", "#setup", "#nothing=x", "#reset=", "#%E0%A4%A=x", "#<img src=x onerror=alert(1)>=x"])
def test_a_link_that_is_none_says_so(gateway: Gateway, page: Page, fragment: str) -> None:
    opened: list[str] = []
    page.on("dialog", lambda dialog: opened.append(dialog.message))
    page.goto(f"{gateway.url}/account{fragment}")
    said(page, "This page needs a link")
    assert page.locator("form:visible").count() == 0
    with suppress(IndexError):
        raise AssertionError(opened[0])
