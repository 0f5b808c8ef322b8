"""What do hostile texts achieve in a page? Nothing, if ``harm()`` finds nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.host_site import Stage
from tests.servers import PATIENCE

_WATCH = Path(__file__).with_name("watch.js")
PAGE = "<!doctype html><title>Host</title><h1 id=host>Host</h1>"
# Asks every question in turn, each when the answer before it is whole.
_ASK = """async (questions) => {
    const answered = () => new Promise((resolve, reject) => {
        const ends = [Chatkeep.on('answer', done), Chatkeep.on('error', failed), Chatkeep.on('refused', failed)];
        function done(detail) { ends.forEach((end) => end()); resolve(detail); }
        function failed(detail) { ends.forEach((end) => end()); reject(new Error(JSON.stringify(detail))); }
    });
    for (const question of questions) {
        const whole = answered();
        Chatkeep.send(question);
        await whole;
    }
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
}"""
_MOUNT = """async (widgetId) => {
    document.querySelector('chatkeep-widget')?.remove();
    const element = document.createElement('chatkeep-widget');
    element.setAttribute('widget-id', widgetId);
    const opened = new Promise((resolve) => element.addEventListener('chatkeep:open', resolve));
    const ready = new Promise((resolve) => element.addEventListener('chatkeep:ready', resolve));
    document.body.append(element);
    await ready;
    element.open();
    await opened;
}"""


# Chromium reports these while HTML is parsed in a document that runs nothing, before DOMPurify has it.
_PARSED = (
    "script-src-attr inline",
    "style-src-attr inline",
    "style-src-elem inline",
    # A script that has no end tag.
    "require-trusted-types-for trusted-types-sink HTMLScriptElement text",
)
_STRANGERS = (
    "() => document.querySelectorAll('html > :not(head, body, chatkeep-widget), body > :not(#host, chatkeep-widget, [data-widget-id]), #host *').length"
)


def put_page(stage: Stage, *, policies: str = "'none'", is_enforced: bool = False) -> None:
    """The host page at ``/``: what would run or load is reported, and forbidden only if *is_enforced*. *policies*: of Trusted Types."""
    policy = (
        f"default-src 'none'; script-src {stage.gateway}; connect-src {stage.gateway}; style-src 'none'; img-src {stage.site.origin} https://pictures.example; "
        f"require-trusted-types-for 'script'; trusted-types {policies}"
    )
    name = "Content_Security_Policy" if is_enforced else "Content_Security_Policy_Report_Only"
    stage.site.put("/", PAGE + stage.tag, **{name: policy})


@dataclass
class Victim:
    """A page that writes down what hostile texts achieve."""

    page: Page
    stage: Stage
    foreign: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    is_rich: bool = False

    def visit(self) -> None:
        """Show the page and wait for the launcher."""
        self.page.goto(self.stage.site.origin)
        expect(self.page.get_by_role("button", name="Open chat")).to_be_visible()

    def mount(self) -> None:
        """A new widget in the place of the one that is there, opened."""
        self.page.evaluate(_MOUNT, self.stage.widget_id)

    def harm(self) -> dict[str, Any]:
        """Whatever happened that must not."""
        seen = {
            "foreign requests": self.foreign,
            "console, dialogs, errors": self.said,
            "frames, workers, windows": self.children + [frame.url for frame in self.page.frames[1:]],
            "nodes": self.page.evaluate("(isRich) => strayNodes(isRich)", self.is_rich),
            "hits": self.page.evaluate("() => hits"),
            "reports": [report for report in self.page.evaluate("() => cspReports") if not (self.is_rich and report.startswith(_PARSED))],
            "prototypes": self.page.evaluate("() => { const found = []; for (const key in {}) found.push(key); return found; }"),
            "host page": self.page.evaluate(_STRANGERS),
        }
        return {name: found for name, found in seen.items() if found}

    def ask(self, questions: Sequence[str]) -> None:
        """Send them one after the other and wait for each answer."""
        self.page.evaluate(_ASK, list(questions))


@pytest.fixture
def victim(browser: Browser, stage: Stage) -> Iterator[Victim]:
    """The page, closely watched; whatever it asks of another host is written down and goes nowhere."""
    context = browser.new_context()
    context.add_init_script(path=_WATCH)
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    victim = Victim(page, stage)

    def stop(route: Route) -> None:
        victim.foreign.append(route.request.url)
        route.abort()

    context.route(lambda url: urlsplit(url).netloc not in stage.hosts, stop)
    page.on("console", lambda message: victim.said.append(message.text) if message.type in {"error", "log"} else None)
    page.on("pageerror", lambda error: victim.said.append(str(error)))
    page.on("dialog", lambda dialog: (victim.said.append(dialog.message), dialog.dismiss()))
    page.on("worker", lambda worker: victim.children.append(worker.url))
    context.on("page", lambda other: victim.children.append(other.url))
    yield victim
    context.close()
