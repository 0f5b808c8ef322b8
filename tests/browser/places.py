"""A site of its own: a real gateway, a model that does what the question says, a page for each widget."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.sync_api import Locator, Page, expect

from chatkeep.clock import SystemClock
from chatkeep.ids import OrgId, SessionId
from chatkeep.manage.blocks import block
from chatkeep.manage.organizations import choose_organization, default_agent
from chatkeep.manage.widgets import create_widget, get_widget
from chatkeep.store import Store
from chatkeep.store.sessions import end_session
from chatkeep.store.widgets import replace_widget
from chatkeep.wiring import prepare_store, read_settings
from tests.browser.conftest import Demo, Watched, run_demo
from tests.browser.test_a_strict_page import serving
from tests.providers.upstream import Upstream
from tests.servers import PATIENCE

SETTINGS: Mapping[str, Any] = {
    "title": "Pellwick help",
    "greeting": "Hello! Ask me anything about our coffee, shipping or subscriptions.",
    "suggestions": ["Do you ship to Norway?", "Which grind for a moka pot?", "I do not like my coffee. What now?"],
    "theme": {"accent": "#c23d12"},
    "limits": {"interval_ms": 0, "per_minute": 60},
}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pellwick coffee</title><main><h1>Pellwick coffee</h1><p>Roasted in Leeds.</p><button id="before">Basket</button></main>
<script async src="{gateway}/widget/loader.js" data-widget-id="{widget_id}"></script>"""


@dataclass
class Site:
    """The gateway and its database, and the folder of the pages."""

    demo: Demo
    store: Store
    folder: Path
    url: str

    @property
    def org(self) -> OrgId:
        return choose_organization(self.store, SystemClock()).org_id

    def add_page(self, **settings: Any) -> tuple[str, str]:
        """A new widget on a page of its own; the page's address and the widget's id."""
        domain = self.url.partition("://")[2]
        agent = default_agent(self.store, self.org).agent_id
        together = {**SETTINGS, **settings}
        made = create_widget(self.store, SystemClock(), self.org, agent, name=uuid4().hex, domains=[domain], settings=together, development=True)
        page = self.folder / f"{made.widget_id}.html"
        page.write_text(_PAGE.format(gateway=self.demo.gateway, widget_id=made.widget_id))
        return f"{self.url}/{page.name}", made.widget_id

    def pause(self, widget_id: str) -> None:
        """The owner switches the widget off."""
        widget = get_widget(self.store, self.org, widget_id)
        self.store.transaction_now(replace_widget, self.org, replace(widget, is_active=False))

    def block_session(self, session_id: str, minutes: float | None) -> None:
        """An operator blocks somebody; without *minutes* for good."""
        block(self.store, SystemClock(), self.org, kind="session", value=session_id, reason="test", minutes=minutes)

    def end_session(self, session_id: str) -> None:
        """The session is over, as after a long pause."""
        at_ms = int(SystemClock().now().timestamp() * 1000)
        assert self.store.transaction_now(end_session, self.org, SessionId(session_id), at_ms=at_ms, reason="idle")


@contextmanager
def open_site(folder: Path, upstream: Upstream) -> Iterator[Site]:
    """A site until the end of the block."""
    (folder / "pages").mkdir()
    demos = run_demo(folder / "data", OPENAI_BASE_URL=upstream.base_url, OPENAI_MODEL="by-question")
    demo = next(demos)
    loaded = read_settings(data_dir=str(demo.data_dir), env="development", database_url="")
    store = prepare_store(loaded.settings)
    try:
        with serving(folder / "pages") as url:
            yield Site(demo, store, folder / "pages", url)
    finally:
        store.close()
        demos.close()


@dataclass
class Visit:
    """A visitor on one page of the site."""

    site: Site
    watched: Watched
    widget_id: str = ""
    session_id: str = ""

    @property
    def page(self) -> Page:
        return self.watched.page

    @property
    def dialog(self) -> Locator:
        """The panel; the menu in it is another."""
        return self.page.get_by_role("dialog").first

    @property
    def field(self) -> Locator:
        return self.page.locator(".composer textarea")

    @property
    def answer(self) -> Locator:
        return self.page.get_by_role("article", name="AI assistant").last

    def arrive(self, **settings: Any) -> None:
        """Load a page whose widget has these settings."""
        url, self.widget_id = self.site.add_page(**settings)
        self.page.on("response", self._note_session)
        self.page.goto(url)
        expect(self.page.locator("button.launcher")).to_be_visible()

    def open(self) -> None:
        """Open the chat."""
        self.page.locator("button.launcher").click()
        expect(self.dialog).to_be_visible()

    def ask(self, question: str) -> None:
        """Type and send."""
        self.field.fill(question)
        self.field.press("Enter")

    def ask_until(self, sign: Locator) -> None:
        """Ask, as often as it takes the gateway to hear of what an operator did."""
        end = time.monotonic() + PATIENCE
        while not sign.count():
            assert time.monotonic() < end, sign
            self.ask("echo ok")
            expect(self.page.get_by_role("button", name="Stop")).to_have_count(0)

    def answered(self, question: str = "Do you ship to Norway, and what does it cost?") -> None:
        """Ask, and have the whole answer."""
        self.ask(question)
        expect(self.answer.get_by_role("button", name="Copy answer")).to_be_visible()

    def rest(self) -> None:
        """Nothing moves any more (what repeats for ever, or moves with scrolling, does not count)."""
        self.page.evaluate(
            """() => Promise.all(document.querySelector('chatkeep-widget').shadowRoot.querySelector('.ck').getAnimations({subtree: true})
                .filter((one) => one.timeline === document.timeline)
                .filter((one) => one.effect.getComputedTiming().iterations !== Infinity && one.effect.target.checkVisibility())
                .map((one) => one.finished.catch(() => {})))"""
        )

    def _note_session(self, response: Any) -> None:
        if response.url.endswith("/api/sessions") and response.status == 201:
            self.session_id = response.json()["session_id"]
