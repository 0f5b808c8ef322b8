"""Every state by name: reached as a visitor would, looked at by axe on a desktop and on a phone, and kept as pictures (test-artifacts/)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import _WATCH, Watched
from tests.browser.places import Site, Visit, open_site
from tests.browser.states import STATES
from tests.providers.upstream import Upstream
from tests.servers import PATIENCE

_ROOT = Path(__file__).parents[2]
_AXE = _ROOT / "widget" / "node_modules" / "axe-core" / "axe.min.js"
_PICTURES = _ROOT / "test-artifacts" / "states"
_SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1000, "height": 760}, "color_scheme": "light", "timezone_id": "UTC"},
    "phone": {"viewport": {"width": 360, "height": 640}, "color_scheme": "dark", "has_touch": True, "is_mobile": True, "timezone_id": "UTC"},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One gateway for all."""
    upstream = Upstream()
    with open_site(tmp_path_factory.mktemp("site"), upstream) as opened:
        yield opened
    upstream.stop()


def visit_with(browser: Browser, site: Site, screen: dict[str, Any]) -> Iterator[Visit]:
    """A visitor with such a screen."""
    context = browser.new_context(**screen)
    context.add_init_script(_WATCH)
    watched = Watched(context.new_page())
    watched.page.set_default_timeout(PATIENCE * 1000)
    yield Visit(site, watched)
    context.close()


@pytest.fixture(params=list(_SCREENS))
def visit(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Visit]:
    """A visitor, on each screen."""
    yield from visit_with(browser, site, _SCREENS[request.param])


def violations(visit: Visit) -> list[str]:
    """What axe finds in the widget, WCAG 2.2 AA and best practices."""
    visit.page.evaluate(_AXE.read_text(encoding="utf-8") + ";0")
    found: list[str] = visit.page.evaluate(
        """async () => (await axe.run('chatkeep-widget')).violations
            .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.failureSummary}`))"""
    )
    return found


@pytest.mark.parametrize("name", list(STATES))
def test_a_visitor_gets_there_and_axe_finds_nothing(visit: Visit, name: str, request: pytest.FixtureRequest) -> None:
    STATES[name](visit)
    visit.rest()
    _PICTURES.mkdir(parents=True, exist_ok=True)
    screen = request.node.callspec.params["visit"]
    visit.page.screenshot(path=_PICTURES / f"{name}-{screen}.png")
    assert violations(visit) == []
    assert visit.watched.csp_reports() == []
