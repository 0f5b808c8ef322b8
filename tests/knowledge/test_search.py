"""Questions become sources, or honestly none."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatkeep.knowledge.question import parse
from chatkeep.knowledge.search import Found, excerpt, find_sources
from chatkeep.knowledge.words import are_close, fold, stem
from chatkeep.manage.knowledge import Document, add_documents
from chatkeep.store import Store
from tests.knowledge.cast import ALICE, ALICES_AGENT, MALLORY, MALLORYS_AGENT, settle
from tests.knowledge.test_documents import HOSTILE

LONG = "Words that fill the page and say nothing at all. " * 9


@pytest.fixture
def shop(store: Store) -> Store:
    """A few small pages in several languages."""
    documents = [
        Document("shipping.md", f"# Shipping\n\n## Europe\n\nDelivery takes 5 to 8 days. {LONG}\n\n## Customs\n\nCustoms may ask for tax. {LONG}"),
        Document("returns.md", f"# Returns\n\nSend it back within 30 days. {LONG}", url="https://a.example/returns"),
        Document("de.md", f"# Rücksendung\n\nDie Rücksendungen sind kostenlos. {LONG}"),
        Document("zh.md", "# 退货政策\n\n您可以在三十天内退货。运费由您承担。"),
        Document("ja.md", "# 返品について\n\n商品は30日以内に返品できます。"),
        Document("ko.md", "# 배송\n\n배송은 3일이 걸립니다."),
        Document("big.md", "# Zebras\n\n" + " ".join(f"Zebra {n} is striped. Zebra {n} eats grass on the plain." for n in range(120))),
    ]
    assert not add_documents(settle(store), ALICE, ALICES_AGENT, documents).skipped
    return store


def ask(store: Store, question: str) -> list[Found]:
    """The sources of Alice's agent."""
    return store.read_now(find_sources, ALICE, ALICES_AGENT, question)


def first(store: Store, question: str) -> str | None:
    """The title of the best source."""
    found = ask(store, question)
    return found[0].title if found else None


def test_the_section_that_was_asked_for_comes_first_with_its_address(shop: Store) -> None:
    assert first(shop, "How long does shipping to Europe take?") == "Shipping › Europe"
    assert ask(shop, "Can I return it?")[0].url == "https://a.example/returns"


def test_a_question_that_no_page_answers_finds_nothing(shop: Store) -> None:
    for question in ("Do you sell used cars?", "who won the world cup", "", "   ", "what is this", "?!", "the of and", "退款保证书"):
        assert ask(shop, question) == [], question


def test_one_organization_never_gets_sources_of_another(shop: Store) -> None:
    assert shop.read_now(find_sources, MALLORY, MALLORYS_AGENT, "shipping to Europe") == []
    assert shop.read_now(find_sources, MALLORY, ALICES_AGENT, "shipping to Europe") == []


def test_inflections_slips_and_other_languages_are_found(shop: Store) -> None:
    assert first(shop, "when was it shipped to europe") == "Shipping › Europe"
    assert first(shop, "customms tax") == "Shipping › Customs"
    assert first(shop, "Was kostet eine Rücksendung?") == "Rücksendung"
    assert first(shop, "ruecksendung RÜCKSENDUNGEN") == "Rücksendung"


def test_scripts_without_spaces_are_found_by_fragments(shop: Store) -> None:
    assert first(shop, "怎么退货?") == "退货政策"
    assert first(shop, "返品できますか") == "返品について"
    assert first(shop, "배송은 얼마나 걸립니까") == "배송"


def test_two_questions_in_one_message_each_get_a_source(shop: Store) -> None:
    titles = [found.title for found in ask(shop, "How long is shipping to Europe? And can I return it?")]
    assert titles[:2] == ["Shipping › Europe", "Returns"]


def test_at_most_four_sources_and_no_more_than_two_of_one_section_first(shop: Store) -> None:
    add_documents(shop, ALICE, ALICES_AGENT, [Document("grass.md", "# Zebras and grass\n\nZebras eat grass all day.")])
    found = ask(shop, "what grass do zebras eat")
    assert len(found) == 4
    assert [source.title for source in found[:3]].count("Zebras") == 2


def test_an_excerpt_is_short_whole_words_around_what_was_asked(shop: Store) -> None:
    del shop
    text = f"{LONG}Refunds take 5 days. {LONG}"
    shown = excerpt(text, parse("how long do refunds take"))
    assert len(shown) <= 240
    assert shown.startswith("… Refunds take 5 days. Words")
    assert shown.endswith(" …")
    assert set(shown.split()) <= {*text.split(), "…"}
    assert excerpt("Short.\n\nText.", parse("x")) == "Short. Text."


def test_hostile_questions_only_ever_find_or_find_nothing(shop: Store) -> None:
    for question in [*HOSTILE, " ".join(HOSTILE), "zebra " * 5000, "退货" * 3000]:
        assert all(len(found.excerpt) <= 240 for found in ask(shop, question))


def test_a_model_gets_what_only_touches_the_question_and_a_visitor_is_not_quoted_it(shop: Store) -> None:
    question = "cut wombat shipping"
    assert ask(shop, question) == []
    assert shop.read_now(find_sources, ALICE, ALICES_AGENT, question, for_model=True)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.lists(st.sampled_from(["shipping", "退货", "to", "AND", '"', "*", "and what", "?", "NEAR("]), max_size=12).map(" ".join))
def test_no_question_whatever_breaks_the_search(shop: Store, question: str) -> None:
    assert len(ask(shop, question)) <= 4


@given(st.text(max_size=300), st.text(max_size=600))
def test_parsing_and_excerpts_hold_for_any_text(question: str, text: str) -> None:
    asked = parse(question)
    assert len(asked.concepts) <= 24
    assert len(excerpt(text, asked)) <= 240
    assert stem(fold(question)) == stem(fold(question))


def test_words_are_the_same_whatever_their_ending_case_and_accents() -> None:
    assert {stem(fold(word)) for word in ("ship", "Ships", "SHIPPED", "shipping", "shipment")} == {"ship"}
    assert stem(fold("Café's")) == stem(fold("cafe"))
    assert stem("deliveries") == stem("delivery") == stem("deliver")
    assert stem("cancellation") == stem("cancelled") == stem("cancel")


def test_close_words_are_inflections_and_slips_but_not_neighbours_in_the_dictionary() -> None:
    assert are_close("subscription", "subscribtion")
    assert are_close("rucksendung", "rucksendungen")
    assert are_close("recieve", "receive")
    assert not are_close("australia", "austria")
    assert not are_close("tea", "team")
    assert not are_close("contact", "contract"[:7] + "s")
