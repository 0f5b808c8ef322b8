"""Is a visitor with Firefox answered too? Debian's Firefox ESR, on the strictest page, by keyboard."""

import json
import shutil
import subprocess

from tests.browser.conftest import Demo
from tests.browser.recipes import NODE, installed
from tests.browser.test_a_strict_page import QUESTION
from tests.conftest import missing


def test_a_visitor_with_firefox_is_answered_on_a_strict_page_by_keyboard_alone(demo: Demo) -> None:
    if shutil.which("firefox-esr") is None:
        missing("Firefox ESR")
    installed()
    visit = subprocess.run(["node", NODE / "firefox.mjs", f"{demo.shop}/strict", "Ask us", QUESTION], capture_output=True, text=True, check=False, timeout=120)
    assert visit.returncode == 0, visit.stderr
    seen = json.loads(visit.stdout)
    assert "costs £9.50" in seen["answer"]
    assert f"{demo.shop}/help/shipping" in seen["sources"]
    assert "Ask us" in seen["focused"]
    assert (seen["reports"], seen["complaints"], seen["stored"]) == ([], [], "")
    assert [url for url in seen["before"] if url.startswith(demo.gateway)] == [
        f"{demo.gateway}/widget/loader.js",
        f"{demo.gateway}/api/widgets/{demo.widget_id}/config",
    ]
    assert {url.split("/")[2] for url in seen["requests"]} == {demo.shop.split("/")[2], demo.gateway.split("/")[2]}
