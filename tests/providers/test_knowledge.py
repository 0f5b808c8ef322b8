"""The provider that answers without a model."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.knowledge.question import parse
from chatkeep.knowledge.quote import quote
from chatkeep.providers import Finish, Prompt, Source
from chatkeep.providers.knowledge import KnowledgeProvider, compose

EUROPE = "Delivery to the European Union costs £9.50 and takes 5 to 8 working days. It is free for orders of £80 or more."
LIST = "You can pay with:\n\n- Visa\n- PayPal\n- *cash* in the shop\n\nWe take no cheques. " + "Nothing else is said about it here. " * 12


def source(index: int, title: str, text: str) -> Source:
    """A source without an address."""
    return Source(index, title, None, text[:240], text)


def answer(question: str, *sources: Source) -> list[str | Finish]:
    """All that the provider yields."""

    async def collect() -> list[str | Finish]:
        return [piece async for piece in KnowledgeProvider().stream(Prompt("", question, (), sources))]

    return asyncio.run(collect())


def test_an_answer_quotes_the_page_names_it_and_cites_it() -> None:
    assert compose("How long does shipping to Germany take?", [source(1, "Shipping › Europe", EUROPE)]) == (
        f"I found this on the page “Shipping”:\n\n{EUROPE} [1]"
    )


def test_an_answer_comes_in_small_pieces_and_ends_with_finish() -> None:
    pieces = answer("shipping to Germany", source(1, "Shipping", EUROPE))
    assert pieces[-1] == Finish("stop")
    texts = [piece for piece in pieces if isinstance(piece, str)]
    assert len(texts) == len(pieces) - 1 > 20
    assert "".join(texts) == compose("shipping to Germany", [source(1, "Shipping", EUROPE)])


def test_without_sources_it_says_plainly_that_it_found_nothing() -> None:
    text = compose("Do you sell used cars?", [])
    assert text.startswith("I found nothing about that in the pages of this site.")
    assert "other words" in text
    assert "contact" in text
    assert "[" not in text


@pytest.mark.parametrize("greeting", ["hi", "Hello!", "hey there", "Good morning", "hallo", "Bonjour !", "hi 👋"])
def test_a_greeting_is_greeted(greeting: str) -> None:
    assert compose(greeting, []).startswith("Hello!")


@pytest.mark.parametrize(
    ("said", "reply"),
    [("thanks", "You are welcome"), ("Thank you so much!", "You are welcome"), ("ok great thanks", "You are welcome"), ("bye", "Goodbye")],
)
def test_thanks_and_goodbyes_get_a_reply(said: str, reply: str) -> None:
    assert compose(said, []).startswith(reply)


@pytest.mark.parametrize(
    "question", ["who are you?", "Are you a robot?", "are you a real person", "what can you do", "Hi, can you help me?", "am I talking to a human?"]
)
def test_it_says_that_it_is_no_person(question: str) -> None:
    assert "not a person" in compose(question, [])


def test_a_greeting_with_a_question_is_answered_as_a_question() -> None:
    assert "[1]" in compose("hi, how long is shipping to Germany?", [source(1, "Shipping", EUROPE)])
    assert compose("thanks, do you sell cars?", []).startswith("I found nothing")


def test_a_list_stays_a_list_and_text_is_not_taken_for_markup() -> None:
    assert compose("can I pay with paypal?", [source(1, "Payment", LIST)]) == (
        "I found this on the page “Payment”:\n\nYou can pay with:\n\n- Visa\n- PayPal\n- \\*cash\\* in the shop\n\nWe take no cheques. [1]"
    )
    text = compose("markup", [source(1, "X", "The markup [1](javascript:x) <b> `y` _z_ a_b is text.")])
    assert text.endswith("The markup \\[1\\](javascript:x) \\<b> \\`y\\` \\_z\\_ a_b is text. [1]")


def test_a_second_source_is_quoted_only_when_it_adds_something() -> None:
    returns = source(2, "Returns", "You can return unopened bags within 30 days.")
    both = compose("what does delivery to Germany cost and can I return bags?", [source(1, "Shipping", EUROPE), returns])
    assert both.startswith("I found this in the pages of this site:")
    assert "[1]" in both
    assert both.endswith("You can return unopened bags within 30 days. [2]")
    assert "[2]" not in compose("what does delivery to Germany cost?", [source(1, "Shipping", EUROPE), returns])


def test_a_quote_does_not_begin_with_a_sentence_that_leans_on_another() -> None:
    text = (
        "Gift cards are sent by email. "
        + "We say a few more things that do not matter. " * 9
        + "A printed card is possible. It costs £2.00 more and goes by post."
    )
    assert quote(text, "how much is a printed card by post", parse("how much is a printed card by post").concepts, longest=200).startswith("A printed card")


def test_a_sentence_longer_than_any_quote_is_cut_at_a_word() -> None:
    text = compose("shipping", [source(1, "Shipping", "shipping word " * 200)])
    assert text.endswith("… [1]")
    assert len(text) < 500


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=1200), max_size=4))
def test_any_question_and_any_sources_give_a_short_answer(question: str, texts: list[str]) -> None:
    text = compose(question, [source(number, f"Page {number}", text) for number, text in enumerate(texts, 1)])
    # Twice the length, when every character had to be escaped.
    assert 0 < len(text) <= 1500
