"""How good is the search, in numbers? Gated at the level that was measured.

The numbers are printed (``pytest -s``). A change that lowers them must say why.
"""

from collections.abc import Iterable

import pytest

from chatkeep.knowledge.search import find_sources
from chatkeep.manage.knowledge import add_paths
from chatkeep.store import Store
from tests.knowledge.cast import ALICE, ALICES_AGENT, HELP_PAGES, settle
from tests.knowledge.questions import FRESH, FRESH_OFF_TOPIC, HELD_OUT, OFF_TOPIC, TUNED


@pytest.fixture
def shop(store: Store) -> Store:
    """The demo shop's help pages."""
    report = add_paths(settle(store), ALICE, ALICES_AGENT, [HELP_PAGES], url_base="https://shop.example/help")
    assert not report.skipped
    return store


def page(store: Store, question: str) -> str | None:
    """The help page that is found first."""
    found = store.read_now(find_sources, ALICE, ALICES_AGENT, question)
    return found[0].url.rsplit("/", 1)[-1] if found and found[0].url else None


def hit_rate(store: Store, name: str, pairs: Iterable[tuple[str, str]]) -> float:
    """The share of *pairs* whose page is found first; prints it with the misses."""
    got = [(question, page(store, question), pages.split(",")) for question, pages in pairs]
    misses = [f"{question!r}: {first}, not {' or '.join(pages)}" for question, first, pages in got if first not in pages]
    rate = 1 - len(misses) / len(got)
    print(f"\n{store.dialect}, {name}: right page first for {len(got) - len(misses)} of {len(got)} ({rate:.0%})", *misses, sep="\n  ")  # noqa: T201 - the numbers are what one runs it for
    return rate


def test_the_right_page_comes_first(shop: Store) -> None:
    assert hit_rate(shop, "tuned", TUNED) >= 0.95
    assert hit_rate(shop, "held out", HELD_OUT) >= 0.80
    assert hit_rate(shop, "fresh", FRESH) >= 0.75


def test_off_topic_questions_find_nothing(shop: Store) -> None:
    for name, questions, most in (("tuned", OFF_TOPIC, 4), ("fresh", FRESH_OFF_TOPIC, 1)):
        wrong = [f"{question!r}: {first}" for question in questions if (first := page(shop, question)) is not None]
        print(f"\n{shop.dialect}, {name}: {len(wrong)} of {len(questions)} off-topic questions found something", *wrong, sep="\n  ")  # noqa: T201 - as above
        assert len(wrong) <= most
