"""The document queries, on every database."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatkeep.ids import DocumentId
from chatkeep.store import Store
from chatkeep.store.documents import (
    MAX_TERMS,
    NewDocument,
    Passage,
    count_passages,
    list_documents,
    put_document,
    remove_document,
    search_fragments,
    search_passages,
)
from chatkeep.store.organizations import find_agent
from tests.knowledge.cast import ALICE, ALICES_AGENT, MALLORY, MALLORYS_AGENT, settle

SHIPPING = Passage("Shipping › Europe", "Delivery takes 5 to 8 days.")
RETURNS = Passage("Returns", "Send it back within 30 days. Shipping is yours to pay.")

HOSTILE = [
    '"',
    '"' * 2000,
    "'" * 2000,
    "'); DROP TABLE passages; --",
    "shipping AND",
    "NOT shipping",
    "NEAR(shipping delivery, 2)",
    "heading : shipping",
    "{heading text} : x",
    "^shipping",
    "ship*",
    "((((",
    "-shipping",
    "a + b",
    "\x00shipping\x00",
    "shipping\x00' | 'delivery",
    "'a' <-> 'b'",
    "!shipping",
    "shipping & !delivery",
    ":*",
    "shipping:A",
    "\\'",
    "\\",
    "%",
    "_",
    "%%%___",
    "\ud800",
    "\U0010ffff",
    "\u200b",
    "²³½",
    "ʼ’‘",
    "ﬁ",
    "",
    " ",
    "ship" * 10_000,
]


@pytest.fixture
def shop(store: Store) -> Store:
    """Alice's two pages, one page of Mallory's."""
    settle(store)
    put(store, "shipping.md", SHIPPING)
    put(store, "returns.md", RETURNS)
    document = NewDocument(DocumentId("doc_m"), "shipping.md", "Shipping", None, "m", [Passage("Shipping", "Mallory's shipping is a secret.")])
    store.transaction_now(put_document, MALLORY, MALLORYS_AGENT, document, at_ms=1)
    return store


def put(store: Store, path: str, *passages: Passage, digest: str = "1") -> str:
    """Store a document of Alice's."""
    document = NewDocument(DocumentId(f"doc_{path}_{digest}"), path, passages[0].heading, "https://a.example/x", digest, passages)
    return store.transaction_now(put_document, ALICE, ALICES_AGENT, document, at_ms=7)


def found(store: Store, *terms: str, prefixes: tuple[str, ...] = ()) -> list[str]:
    """The headings that a search of Alice's finds."""
    return [row.heading for row in store.read_now(search_passages, ALICE, ALICES_AGENT, terms, 10, prefixes=prefixes)]


def test_a_document_is_listed_with_its_passages_counted(shop: Store) -> None:
    rows = shop.read_now(list_documents, ALICE, ALICES_AGENT)
    assert [(row.path, row.passages, row.url, row.created_at_ms) for row in rows] == [
        ("returns.md", 1, "https://a.example/x", 7),
        ("shipping.md", 1, "https://a.example/x", 7),
    ]


def test_an_agent_knows_that_it_has_knowledge(shop: Store) -> None:
    agent = shop.read_now(find_agent, ALICE, ALICES_AGENT)
    assert agent is not None
    assert agent.has_knowledge


def test_a_document_with_the_same_digest_is_left_alone(shop: Store) -> None:
    assert put(shop, "shipping.md", Passage("Other", "Other words.")) == "unchanged"
    assert found(shop, "shipping") == ["Shipping › Europe", "Returns"]


def test_a_changed_document_replaces_its_passages_and_keeps_its_id(shop: Store) -> None:
    before = {row.path: row.document_id for row in shop.read_now(list_documents, ALICE, ALICES_AGENT)}
    assert put(shop, "shipping.md", Passage("Postage", "Two parcels."), Passage("Postage", "Three."), digest="2") == "updated"
    after = shop.read_now(list_documents, ALICE, ALICES_AGENT)
    assert {row.path: row.document_id for row in after} == before
    assert [row.passages for row in after] == [1, 2]
    assert found(shop, "delivery") == []
    assert found(shop, "parcel") == ["Postage"]


def test_a_removed_document_is_not_found_any_more(shop: Store) -> None:
    assert shop.transaction_now(remove_document, ALICE, ALICES_AGENT, "shipping.md")
    assert not shop.transaction_now(remove_document, ALICE, ALICES_AGENT, "shipping.md")
    assert found(shop, "shipping") == ["Returns"]


def test_another_organization_can_neither_find_nor_remove_a_document(shop: Store) -> None:
    assert [row.text for row in shop.read_now(search_passages, MALLORY, MALLORYS_AGENT, ["shipping", "delivery"], 10)] == ["Mallory's shipping is a secret."]
    assert shop.read_now(search_passages, MALLORY, ALICES_AGENT, ["shipping"], 10) == []
    assert shop.read_now(search_fragments, MALLORY, ALICES_AGENT, ["hipp"], 10) == []
    assert shop.read_now(count_passages, MALLORY, ALICES_AGENT, ["shipping"]) == (0, [0])
    assert not shop.transaction_now(remove_document, MALLORY, ALICES_AGENT, "shipping.md")
    assert shop.read_now(list_documents, MALLORY, ALICES_AGENT) == []


def test_a_hit_in_a_heading_comes_first_and_endings_do_not_matter(shop: Store) -> None:
    assert found(shop, "shipped") == ["Shipping › Europe", "Returns"]
    rows = shop.read_now(search_passages, ALICE, ALICES_AGENT, ["ship"], 10)
    assert rows[0].score > rows[1].score > 0


def test_any_of_the_terms_is_enough_and_a_prefix_finds_longer_words(shop: Store) -> None:
    assert set(found(shop, "europe", "back")) == {"Shipping › Europe", "Returns"}
    assert found(shop, prefixes=("deliv",)) == ["Shipping › Europe"]
    assert found(shop, "deliv") == []


def test_passages_are_counted_for_each_term(shop: Store) -> None:
    assert shop.read_now(count_passages, ALICE, ALICES_AGENT, ["shipping", "europe", "zebra", '"', ""]) == (2, [2, 1, 0, 0, 0])


def test_fragments_are_found_anywhere_and_most_fragments_come_first(shop: Store) -> None:
    put(shop, "zh.md", Passage("退货政策", "您可以在三十天内退货。"), Passage("运费", "运费由您承担。退款不含运费。"))
    rows = shop.read_now(search_fragments, ALICE, ALICES_AGENT, ["退货", "三十"], 10)
    assert [(row.heading, row.score) for row in rows] == [("退货政策", 2.0)]


@pytest.mark.parametrize("search", [search_passages, search_fragments])
def test_hostile_terms_neither_raise_nor_find_what_they_do_not_say(shop: Store, search: Callable[..., list[object]]) -> None:
    for term in HOSTILE:
        for row in shop.read_now(search, ALICE, ALICES_AGENT, [term, term], 10):
            assert "hip" in term, (term, row)
    shop.read_now(search_passages, ALICE, ALICES_AGENT, HOSTILE, 10, prefixes=HOSTILE)
    shop.read_now(count_passages, ALICE, ALICES_AGENT, HOSTILE)


def test_an_operator_is_only_a_word(shop: Store) -> None:
    assert found(shop, "NOT zebra", "NEAR", "shipping AND zebra", "OR") == []
    assert found(shop, "heading") == []
    assert found(shop, "shi*") == []
    assert found(shop, "Shipping -Europe") == ["Shipping › Europe"]


def test_terms_beyond_the_most_are_not_looked_for(shop: Store) -> None:
    assert found(shop, *(["zebra"] * MAX_TERMS), "shipping") == []
    assert found(shop, *(["zebra"] * (MAX_TERMS - 1)), "shipping") != []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(terms=st.lists(st.text(max_size=40) | st.sampled_from(HOSTILE), max_size=5), prefixes=st.lists(st.text(max_size=8), max_size=3))
def test_no_text_whatever_is_query_syntax(shop: Store, terms: list[str], prefixes: list[str]) -> None:
    shop.read_now(search_passages, ALICE, ALICES_AGENT, terms, 10, prefixes=prefixes)
    shop.read_now(search_fragments, ALICE, ALICES_AGENT, terms, 10)
    shop.read_now(count_passages, ALICE, ALICES_AGENT, terms)
