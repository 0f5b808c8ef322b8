"""Does the Docusaurus recipe work? A real build of a site of two pages (`make recipes`)."""

import mimetypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.browser.host_site import HostSite, Stage, staged
from tests.browser.recipes import NODE, installed, recipe
from tests.browser.test_recipes import ask, launcher

pytestmark = pytest.mark.heavy

_SITE = NODE / "docusaurus"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, model="echo") as ready:
        yield ready


def publish(built: Path, site: HostSite, policy: str) -> None:
    """Every file of *built*, each page at its own address."""
    for file in (path for path in built.rglob("*") if path.is_file()):
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        path = f"/{file.relative_to(built)}".removesuffix("/index.html") or "/"
        site.put(path, file.read_bytes(), Content_Type=kind, Content_Security_Policy=policy)
    site.put("/favicon.ico", "-")


def test_the_chat_stays_while_a_docusaurus_site_navigates(stage: Stage, watched: Watched, tmp_path: Path) -> None:
    installed(_SITE)
    (_SITE / "recipe.mjs").write_text(recipe("Docusaurus", "js", gateway=stage.gateway, widget_id=stage.widget_id), encoding="utf-8")
    command = ["npx", "--no-install", "docusaurus", "build", "--out-dir", tmp_path / "site"]
    built = subprocess.run(command, cwd=_SITE, capture_output=True, text=True, check=False, env={**os.environ, "NO_UPDATE_NOTIFIER": "1"})
    assert built.returncode == 0, built.stdout + built.stderr
    # Docusaurus puts one script of its own into each page.
    policy = f"default-src 'none'; script-src 'self' 'unsafe-inline' {stage.gateway}; connect-src 'self' {stage.gateway}; style-src 'self'; img-src 'self'"
    publish(tmp_path / "site", stage.site, policy)

    page = watched.page
    page.goto(f"{stage.site.origin}/")
    launcher(page).click()
    ask(page, "first question")
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("heading", name="Two")).to_be_visible()
    ask(page, "second question")
    expect(page.get_by_role("article", name="AI assistant")).to_have_count(2)
    assert [url for url in watched.requests if url.endswith("/two")] == []
    assert (watched.csp_reports(), watched.console_errors) == ([], [])
