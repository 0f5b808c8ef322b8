"""Documents become passages."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.errors import WrongUsage
from chatkeep.knowledge.read import MAX_BYTES
from chatkeep.knowledge.sentences import sentences
from chatkeep.knowledge.split import split

LONGEST = 1200


def passages(text: str, name: str = "page.md") -> list[tuple[str, str]]:
    """The passages of *text* as pairs."""
    return [(passage.heading, passage.text) for passage in split(name, text.encode()).passages]


def words(text: str) -> list[str]:
    """The words of *text*, sorted."""
    return sorted(re.findall(r"\w+", text))


def test_a_passage_is_a_section_under_its_heading_path() -> None:
    long = "Some words about it. " * 8
    assert passages(f"# Shop\n\n{long}\n\n## Shipping\n\n{long}\n\n### Europe\n\n{long}\n\n## Returns\n\n{long}") == [
        ("Shop", long.strip()),
        ("Shop › Shipping", long.strip()),
        ("Shop › Shipping › Europe", long.strip()),
        ("Shop › Returns", long.strip()),
    ]


def test_setext_headings_count_and_headings_in_code_do_not() -> None:
    long = "Some words about it. " * 20
    assert passages(f"Shop\n====\n\n```\n# no heading\n```\n\nPart\n----\n\n{long}") == [("Shop", "# no heading"), ("Shop › Part", long.strip())]


def test_markup_becomes_plain_text_and_lists_stay_lists() -> None:
    text = "# T\n\n**Bold** and [a link](https://x.example) and `code` ![a cup](c.png).\n\n* one\n* two\n   1. deep\n\n3. three\n4. four"
    assert passages(text) == [("T", "Bold and a link and code a cup.\n\n- one\n- two\n  1. deep\n\n3. three\n4. four")]


def test_each_row_of_a_table_can_be_read_alone() -> None:
    assert passages("| Country | Price |\n|---|---|\n| Norway | £9.50 |\n| Japan | £16.50 |") == [
        ("Page", "- Country: Norway; Price: £9.50\n- Country: Japan; Price: £16.50")
    ]


def test_html_gives_its_words_and_no_script() -> None:
    assert passages("<details><summary>Why?</summary>A &amp; B</details>\n<script>evil()</script>\n\nx<br>y <b>z</b>") == [("Page", "Why? A & B\n\nx\ny z")]


@pytest.mark.parametrize("hostile", ["<a ", "<a b='", "<!--", "<a <", "<script>", "</", "<", "<!", "&#"])
def test_a_hostile_block_of_html_is_read_in_one_pass(hostile: str) -> None:
    # A megabyte: were every tag looked for again from each "<", this would not end today.
    block = "<div>\n" + hostile * (1_000_000 // len(hostile)) + "\n</div>\n\nLast words."
    assert passages(block)[-1][1].endswith("Last words.")


def test_front_matter_names_title_and_url() -> None:
    document = split("a.md", b'\xef\xbb\xbf---\r\ntitle: "Our shop"\r\nurl: https://a.example/shop\r\ntags: [x]\r\n---\r\n# Other\r\n\r\nText.\r\n')
    assert (document.title, document.url) == ("Our shop", "https://a.example/shop")
    assert [(passage.heading, passage.text) for passage in document.passages] == [("Our shop › Other", "Text.")]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "/help",
        "data:text/html,x",
        "https://",
        "https://a.example/ b",
        "https://[",
        "ftp://a.example",
        "https://good.example@evil.example/",
        "https:\\\\evil.example",
        "https://a.example\\@evil.example",
    ],
)
def test_a_url_that_is_no_web_address_is_refused_by_name(url: str) -> None:
    with pytest.raises(WrongUsage, match=r"help/a\.md.*web address"):
        split("help/a.md", f"---\nurl: {url}\n---\nText.".encode())


def test_plain_text_is_not_read_as_markdown() -> None:
    assert passages("Opening hours\n=====\n\n* Mon *to* Fri\n    9 to 5\n\n# 3 is closed", "hours.txt") == [
        ("Opening hours", "* Mon *to* Fri\n    9 to 5\n\n# 3 is closed")
    ]
    assert passages("Just one line.", "opening-hours.txt") == [("Opening hours", "Just one line.")]


def test_control_characters_and_foreign_line_ends_are_cleaned() -> None:
    assert passages("one\x00 two\x1b\x07\r\rthree\u2029four\ufeff") == [("Page", "one two\n\nthree four")]


def test_tiny_neighbours_of_one_parent_share_a_passage_and_others_do_not() -> None:
    assert passages("# FAQ\n\n## Norway?\n\nYes.\n\n## Japan?\n\nYes, too.\n\n# Other\n\n## Mars?\n\nNo.") == [
        ("FAQ", "Norway?\nYes.\n\nJapan?\nYes, too."),
        ("FAQ › Other › Mars?", "No."),
    ]


def test_a_long_section_is_cut_at_paragraph_then_sentence_ends() -> None:
    paragraph = "This is a sentence of forty characters. " * 12
    pieces = passages(f"# T\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}")
    assert [text.count("\n\n") for _, text in pieces] == [1, 0]
    pieces = passages("# T\n\n" + "This is a sentence of forty characters. " * 100)
    assert len(pieces) == 4
    assert all(text.endswith(".") and 300 <= len(text) <= LONGEST for _, text in pieces)


def test_bad_utf_8_is_an_error_that_names_file_and_line() -> None:
    with pytest.raises(WrongUsage, match=r"notes\.md is not UTF-8 text \(line 2, byte 4\)"):
        split("notes.md", b"one\n\xff")


def test_a_file_that_is_too_large_is_an_error_that_names_it() -> None:
    with pytest.raises(WrongUsage, match=r"big\.md is 5\.0 MB, the limit is 5 MB"):
        split("big.md", b"a" * (MAX_BYTES + 1))


def test_a_file_without_text_is_an_error_that_names_it() -> None:
    with pytest.raises(WrongUsage, match=r"empty\.md holds no text"):
        split("empty.md", b"# Only a title\n\n<!-- nothing -->\n")


def test_sentences_end_where_readers_see_it() -> None:
    text = 'Open at 9.30 a.m. daily, e.g. Monday. See Dr. Smith! "Really?" Yes. Costs £3.20 today. 30 days.'
    assert sentences(text) == ["Open at 9.30 a.m. daily, e.g. Monday.", "See Dr. Smith!", '"Really?"', "Yes.", "Costs £3.20 today.", "30 days."]
    assert sentences("您可以退货。运费由您承担。") == ["您可以退货。", "运费由您承担。"]


_PLAIN_LINE = st.text(st.characters(whitelist_categories=("Lu", "Ll", "Nd", "Lo")) | st.sampled_from(" .!?,"), min_size=1, max_size=300)


@given(st.lists(_PLAIN_LINE, min_size=1, max_size=30))
def test_no_word_is_lost_and_no_passage_is_too_long(lines: list[str]) -> None:
    text = "\n\n".join(f"x{line}" for line in lines)
    found = passages(text, "a.md")
    assert words(" ".join(text for _, text in found)) == words(unicodedata.normalize("NFC", text))
    assert all(0 < len(text) <= LONGEST and len(heading) <= 300 for heading, text in found)


@given(st.binary(max_size=400) | st.text(st.characters(blacklist_categories=("Cs",)), max_size=400).map(str.encode), st.sampled_from(["a.md", "a.txt"]))
def test_any_bytes_give_passages_or_a_clear_error(data: bytes, name: str) -> None:
    try:
        document = split(name, data)
    except WrongUsage as error:
        problem = str(error)
    else:
        problem = name
        assert document.title
        assert all(passage.text.strip() and len(passage.text) <= LONGEST for passage in document.passages)
    assert name in problem


@given(st.text(max_size=3000))
def test_sentences_keep_every_character_but_white_space(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
