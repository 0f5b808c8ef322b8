"""What may an owner list? Entries that are taken, in canonical form, and entries that are refused with a reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatkeep.admit.domains import find_origin, parse_allowed_domains, parse_entry
from chatkeep.errors import WrongUsage
from tests.corpora import corpus

TAKEN = (
    ("shop.example", "shop.example"),
    ("  shop.example  ", "shop.example"),
    ("SHOP.Example", "shop.example"),
    ("https://shop.example", "shop.example"),
    ("https://shop.example/", "shop.example"),
    ("HTTPS://Shop.Example/", "shop.example"),
    ("shop.example:443", "shop.example:443"),
    ("shop.example:8443", "shop.example:8443"),
    ("=shop.example", "=shop.example"),
    ("=https://shop.example:8443", "=shop.example:8443"),
    ("*.shop.example", "*.shop.example"),
    ("*.shop.example:8443", "*.shop.example:8443"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("*.BÜCHER.example", "*.xn--bcher-kva.example"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("shop。example", "shop.example"),
    ("a-b.c-d.example", "a-b.c-d.example"),
    ("me.github.io", "me.github.io"),
    ("shop.co.uk", "shop.co.uk"),
    ("www.ck", "www.ck"),
    ("intranet", "intranet"),
)
PUBLIC_SUFFIXES = (
    "com",
    "co.uk",
    "github.io",
    "*.github.io",
    "=github.io",
    "blogspot.com",
    "netlify.app",
    "公司.cn",
    "xn--55qx5d.cn",
    "foo.ck",
    "s3.amazonaws.com",
)
ADDRESSES = (
    "8.8.8.8",
    "=8.8.8.8",
    "*.8.8.8.8",
    "[2001:db8::1]",
    "[::1]",
    "[::ffff:8.8.8.8]",
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "8.8.8.8:443",
)
MALFORMED = (
    "",
    " ",
    "=",
    "*.",
    "*",
    "**.shop.example",
    "*.*.shop.example",
    "shop.*.example",
    "*shop.example",
    "=*.shop.example",
    "*.=shop.example",
    ".shop.example",
    "*..shop.example",
    "shop..example",
    "shop.example.",
    "*.shop.example.",
    "shop.example/",
    "shop.example/chat",
    "https://shop.example/chat",
    "https://shop.example//",
    "shop.example?x",
    "shop.example#x",
    "user@shop.example",
    "https://user:secret@shop.example",
    "shop.example:",
    "shop.example:x",
    "shop.example:99999",
    "shop.example:-1",
    "shop.example:443:443",
    "http://shop.example",
    "ftp://shop.example",
    "javascript://shop.example",
    "data://shop.example",
    "//shop.example",
    "shop example",
    "shop\texample",
    "shop\nexample",
    "shop\x00example",
    "shop\u202eexample",
    "shop,blog.example",
    "shop.example\\evil.example",
    "sh%6fp.example",
    "shop.example%00",
    "<shop>.example",
    "a" * 64 + ".example",
    "a." * 130 + "example",
    "-shop.example",
    "shop-.example",
    "shop.example;",
    "=shop.example=",
    "localhost",
    "localhost:8001",
    "null",
    "=null",
    "*.null",
    "NULL:8443",
)


@pytest.mark.parametrize(("typed", "stored"), TAKEN)
def test_a_host_is_taken_in_canonical_form(typed: str, stored: str) -> None:
    entry = parse_entry(typed, development=False)
    assert entry.text == stored
    assert parse_entry(stored, development=False) == entry


@pytest.mark.parametrize("typed", PUBLIC_SUFFIXES)
def test_a_suffix_where_anybody_can_have_a_site_is_refused(typed: str) -> None:
    with pytest.raises(WrongUsage, match="public suffix"):
        parse_entry(typed, development=False)


@pytest.mark.parametrize("typed", ADDRESSES)
def test_an_address_is_refused(typed: str) -> None:
    with pytest.raises(WrongUsage, match=r"address|loopback"):
        parse_entry(typed, development=False)


@pytest.mark.parametrize("typed", MALFORMED)
def test_what_is_not_a_host_is_refused_with_advice_in_one_line(typed: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        parse_entry(typed, development=False)
    assert "cannot be allowed" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("typed", ["ftp://shop.example", "javascript://shop.example", "file://shop.example"])
def test_development_takes_no_other_schemes_than_the_webs(typed: str) -> None:
    with pytest.raises(WrongUsage):
        parse_entry(typed, development=True)


@pytest.mark.parametrize("typed", ["http://shop.example", "=http://shop.example", "http://shop.example:8001", "HTTP://localhost.example"])
def test_development_takes_http_for_loopback_hosts_only(typed: str) -> None:
    with pytest.raises(WrongUsage, match="only https pages"):
        parse_entry(typed, development=True)
    assert parse_entry("http://shop.localhost:8001", development=True).text == "shop.localhost:8001"


@pytest.mark.parametrize("typed", ["localhost", "localhost:8001", "http://localhost:8001", "127.0.0.1:8001", "[::1]:8001"])
def test_development_takes_loopback_hosts(typed: str) -> None:
    assert parse_entry(typed, development=True).host in {"localhost", "127.0.0.1", "[::1]"}


def test_a_stored_entry_that_does_not_hold_here_allows_nothing_and_spoils_nothing() -> None:
    domains = parse_allowed_domains(("localhost:8001", "no host", "shop.example"), development=False)
    assert [entry.text for entry in domains.entries] == ["shop.example"]
    assert not domains.covers(find_origin("http://localhost:8001"))


def test_no_port_means_the_schemes_own_and_port_zero_means_itself() -> None:
    zero = parse_entry("shop.example:0", development=False)
    assert not zero.covers(find_origin("https://shop.example"))
    assert parse_entry("shop.example", development=False).covers(find_origin("https://shop.example"))
    assert not parse_entry("shop.example", development=False).covers(find_origin("https://shop.example:8443"))


LABEL = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8).filter(lambda text: not text.isdigit())
HOST = st.lists(LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "example"]))


@settings(max_examples=300, deadline=None)
@given(listed=HOST, other_host=HOST, before=st.one_of(st.just(""), LABEL, LABEL.map("{}.".format)), scope=st.sampled_from(["", "=", "*."]))
def test_an_entry_covers_exactly_its_own_labels(listed: str, other_host: str, before: str, scope: str) -> None:
    for asked in (other_host, before + listed, listed.partition(".")[2], f"{listed}.{other_host}"):
        covers_its_labels(listed, asked, scope)


def covers_its_labels(listed: str, asked: str, scope: str) -> None:
    """The definition: the same labels, or more labels in front of them."""
    own, other = listed.split("."), asked.split(".")
    is_same, is_below = own == other, len(other) > len(own) and other[-len(own) :] == own
    expected = {"": is_same or is_below, "=": is_same, "*.": is_below}[scope]
    for origin in (f"https://{asked}", f"https://{asked}:8443"):
        port = ":8443" if origin.endswith("8443") else ""
        assert parse_allowed_domains((scope + listed + port,), development=False).covers(find_origin(origin)) is expected


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40))
def test_any_text_is_taken_or_refused_and_nothing_else(text: str) -> None:
    for development in (False, True):
        try:
            entry = parse_entry(text, development=development)
        except WrongUsage as refused:
            assert str(refused).isprintable()
        else:
            assert parse_entry(entry.text, development=development) == entry


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=40))
def test_any_text_is_an_origin_or_none(text: str) -> None:
    origin = find_origin(text)
    assert origin is None or origin.text == text


def test_names_of_the_web_platform_tests_are_listed_as_browsers_spell_them_or_not_at_all() -> None:
    wrong = []
    for case in corpus("wpt_toascii.json"):
        if not isinstance(case, dict):
            continue
        try:
            entry = parse_entry(case["input"], development=False)
        except WrongUsage:
            continue
        if case["output"] is None or entry.host != case["output"]:
            wrong.append((case["input"], entry.host, case["output"]))
    assert wrong == []


def test_hosts_of_the_web_platform_tests_that_are_no_hosts_are_not_listed() -> None:
    wrong = []
    for case in corpus("wpt_urltestdata.json"):
        if not isinstance(case, dict) or not case.get("failure") or not case["input"].startswith("https://"):
            continue
        try:
            wrong.append((case["input"], parse_entry(case["input"], development=False).text))
        except WrongUsage:
            continue
    assert wrong == []
