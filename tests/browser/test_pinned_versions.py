"""A page that pins a version with SRI, after the gateway was upgraded."""

import base64
import hashlib

from playwright.sync_api import expect

from chatkeep import __version__
from chatkeep.store import Store
from chatkeep.store.widget_builds import BuiltFile, keep_build
from chatkeep.web.widget_build import load_files
from tests.browser.conftest import Demo, Watched
from tests.browser.test_entry_forms import show

_OLDER = "0.0.9"


def _older_build() -> dict[str, BuiltFile]:
    """Today's widget as it would have been built under another version."""
    files = {name: BuiltFile(file.content, file.integrity) for name, file in load_files().items()}
    content = files["loader.js"].content.replace(__version__.encode(), _OLDER.encode())
    files["loader.js"] = BuiltFile(content, "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode())
    return files


def test_a_pinned_page_is_served_by_the_build_that_it_pins(demo: Demo, watched: Watched) -> None:
    older = _older_build()
    store = Store(f"sqlite:///{demo.data_dir / 'chatkeep.db'}")
    store.transaction_now(keep_build, _OLDER, older, at_ms=1, replaces=False)
    store.close()
    source = f'src="{demo.gateway}/widget/v{_OLDER}/loader.js" integrity="{older["loader.js"].integrity}" crossorigin="anonymous"'
    page = show(watched, demo, f'<script {source} data-widget-id="{demo.widget_id}" data-locale="de" data-open></script>')
    expect(page.get_by_role("textbox", name="Nachricht schreiben")).to_be_focused()
    assert page.evaluate("() => Chatkeep.version") == _OLDER
    files = [url.removeprefix(demo.gateway) for url in watched.requests if "/widget/v" in url]
    assert files == [f"/widget/v{_OLDER}/{name}" for name in ("loader.js", "panel.js", "languages-0.json", "words-de.json")]
    assert watched.console_errors == []
