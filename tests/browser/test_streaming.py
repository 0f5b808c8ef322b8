"""An answer that grows while the visitor watches, and stops when told to."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Demo, Watched, run_demo
from tests.browser.test_a_strict_page import ask
from tests.providers.upstream import Upstream, upstream

__all__ = ["upstream"]  # a fixture


@pytest.fixture
def slow_model(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Demo]:
    """The demo with a model that needs a minute for its answer."""
    data_dir = tmp_path_factory.mktemp("slow") / "data"
    yield from run_demo(data_dir, OPENAI_BASE_URL=upstream.base_url, OPENAI_MODEL="words-2000-30")


def test_an_answer_grows_before_the_eyes_and_stop_ends_it(slow_model: Demo, watched: Watched, upstream: Upstream) -> None:
    watched.page.goto(f"{slow_model.shop}/strict")
    ask(watched, "Tell me a long story")
    answer = watched.page.get_by_role("article", name="AI assistant").last
    expect(answer).to_contain_text("word3")
    early = len(answer.inner_text())
    expect(answer).to_contain_text("word30")
    assert len(answer.inner_text()) > early
    watched.page.get_by_role("button", name="Stop").click()
    expect(watched.page.get_by_role("button", name="Stop")).to_have_count(0)
    upstream.seen(aborted=1)
    assert watched.console_errors == []
    assert watched.csp_reports() == []
