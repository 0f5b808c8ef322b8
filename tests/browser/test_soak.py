"""Does a page that stays open for hours keep what the widget should have let go? One minute here, thirty by `make soak`."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched
from tests.browser.host_site import Stage, staged

MINUTES = float(os.environ.get("SOAK_MINUTES", "1"))
# What a loop may leave behind in all, however long it runs.
_GROWTH_MB = 5.0
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>App</title><link rel="icon" href="data:,"></head>
<body><main><h1>Home</h1></main>%s<script>
window.visit = (name) => { history.pushState({}, '', '/' + name); document.querySelector('main').innerHTML = '<h1>' + name + '</h1>'; };
</script></body></html>"""


class Kept(NamedTuple):
    """What the page holds after a collection."""

    heap_mb: float
    nodes: int
    listeners: int


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, model="words-40-5") as made:
        yield made


def test_hours_of_opening_asking_closing_and_navigating_leave_nothing_behind(stage: Stage, watched: Watched) -> None:
    page = watched.page
    page.goto(stage.site.put("/", _PAGE % stage.tag))
    ends = time.monotonic() + MINUTES * 60
    # What is loaded and compiled once is there after a few rounds.
    rounds = _rounds(page, stage, count=6)
    early = _kept(page)
    while time.monotonic() < ends:
        rounds += _rounds(page, stage, count=6, since=rounds)
        late = _kept(page)
        # Seen with `-s`: half an hour wants to be watched.
        sys.stderr.write(f"{rounds} rounds: {late}\n")
    assert late.heap_mb - early.heap_mb < _GROWTH_MB, (rounds, early, late)
    assert late.nodes <= early.nodes * 1.1, (rounds, early, late)
    assert late.listeners <= early.listeners * 1.1, (rounds, early, late)
    assert watched.console_errors == []


def _rounds(page: Page, stage: Stage, *, count: int, since: int = 0) -> int:
    """*count* rounds of what a visitor does; every third one also takes the widget away and puts it back."""
    for number in range(since, since + count):
        page.evaluate("(name) => visit(name)", f"page-{number % 5}")
        page.evaluate("() => Chatkeep.open()")
        page.get_by_role("textbox").fill(f"Question {number}")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        expect(page.get_by_role("article").last).to_contain_text("word39")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        if number % 3 == 2:
            page.evaluate("() => Chatkeep.clear()")
            page.evaluate("() => Chatkeep.destroy()")
            page.evaluate(f"() => void Chatkeep.init({{ widgetId: '{stage.widget_id}' }})")
    return count


def _kept(page: Page) -> Kept:
    """Measured after the browser has collected what nobody holds."""
    session = page.context.new_cdp_session(page)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    counters = session.send("Memory.getDOMCounters")
    session.detach()
    return Kept(used, counters["nodes"], counters["jsEventListeners"])
