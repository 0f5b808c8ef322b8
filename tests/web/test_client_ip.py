"""Where does a request really come from? Forwarded headers count only from proxies that we trust, from the right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatkeep.errors import Misconfigured
from chatkeep.web.client_ip import client_of, describe, is_trusted, parse_proxies

TRUSTED = parse_proxies(("10.0.0.0/8", "127.0.0.1", "2001:db8:ffff::/48"))
PROXY = "10.0.0.1"
CLIENT = "198.51.100.7"

BY_LIST = (
    ([CLIENT], CLIENT),
    ([f"192.0.2.1, {CLIENT}"], CLIENT),
    (["192.0.2.1", CLIENT], CLIENT),
    ([f"192.0.2.1,{CLIENT} ,10.0.0.2, 10.9.9.9"], CLIENT),
    ([f"{CLIENT}:4711"], CLIENT),
    ([f"::ffff:{CLIENT}"], CLIENT),
    ([f"[::ffff:{CLIENT}]:4711"], CLIENT),
    (["[2001:db8::1]:4711"], "2001:db8::1"),
    (["2001:db8::1"], "2001:db8::1"),
    (["fe80::1%eth0"], "fe80::1"),
    ([f'"{CLIENT}"'], CLIENT),
    ([f",, {CLIENT},,"], CLIENT),
    # Nothing beyond what cannot be read is believed.
    ([f"{CLIENT}, unknown"], PROXY),
    ([f"{CLIENT}, 1.2.3"], PROXY),
    ([f"{CLIENT}, 010.0.0.1"], PROXY),
    ([f"{CLIENT}, <script>"], PROXY),
    ([f"{CLIENT}, _hidden"], PROXY),
    (["unknown"], PROXY),
    ([""], PROXY),
    ([","], PROXY),
    (["10.0.0.2"], PROXY),
    (["localhost"], PROXY),
    (["2130706433"], PROXY),
)
BY_STANDARD = (
    ([f"for={CLIENT}"], CLIENT),
    ([f"For={CLIENT};proto=https;by=10.0.0.1"], CLIENT),
    ([f"proto=http; for={CLIENT}"], CLIENT),
    ([f"for=192.0.2.1, for={CLIENT}"], CLIENT),
    (["for=192.0.2.1", f"for={CLIENT}, for=10.0.0.2"], CLIENT),
    ([f'for="{CLIENT}:4711"'], CLIENT),
    (['for="[2001:db8::1]:4711"'], "2001:db8::1"),
    ([f"for={CLIENT}, for=unknown"], PROXY),
    ([f"for={CLIENT}, for=_secret"], PROXY),
    ([f"for={CLIENT}, by=10.0.0.1"], PROXY),
    (["by=192.0.2.1"], PROXY),
    (["for"], PROXY),
    ([""], PROXY),
)


@pytest.mark.parametrize(("values", "client"), BY_LIST)
def test_the_last_foreign_hop_of_the_list_is_the_client(values: list[str], client: str) -> None:
    assert client_of(PROXY, values, [], TRUSTED).text == client


@pytest.mark.parametrize(("values", "client"), BY_STANDARD)
def test_the_standard_header_says_the_same(values: list[str], client: str) -> None:
    assert client_of(PROXY, [], values, TRUSTED).text == client


@pytest.mark.parametrize("peer", ["203.0.113.9", "11.0.0.1", "2001:db8:fffe::1", "::1", "unknown", "", "x", "::ffff:203.0.113.9"])
def test_an_untrusted_peer_is_the_client_whatever_it_says(peer: str) -> None:
    assert client_of(peer, [CLIENT], [f"for={CLIENT}"], TRUSTED) == describe(peer)


@pytest.mark.parametrize("peer", ["10.255.255.255", "127.0.0.1", "2001:db8:ffff::9", "::ffff:10.0.0.1"])
def test_a_trusted_peer_is_known_in_every_spelling(peer: str) -> None:
    assert is_trusted(peer, TRUSTED)
    assert client_of(peer, [CLIENT], [], TRUSTED).text == CLIENT


def test_two_headers_that_agree_are_believed_and_two_that_differ_are_not() -> None:
    assert client_of(PROXY, [CLIENT], [f"for={CLIENT}"], TRUSTED).text == CLIENT
    for values, standard in ((CLIENT, "for=192.0.2.1"), ("unknown", "for=192.0.2.1"), ("192.0.2.1", "for=_hidden"), ("10.0.0.2", "for=192.0.2.1")):
        assert client_of(PROXY, [values], [standard], TRUSTED).text == PROXY


def test_what_no_address_is_shares_one_bucket() -> None:
    assert {describe(text).bucket for text in ("unknown", "", "x", "1.2.3.4.5", "::g")} == {"unknown"}


@pytest.mark.parametrize(
    ("text", "bucket", "wide"),
    [
        ("192.0.2.1", "192.0.2.1", None),
        ("::ffff:192.0.2.1", "192.0.2.1", None),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::1", "::/64", "::/48"),
    ],
)
def test_an_address_is_counted_by_its_net(text: str, bucket: str, wide: str | None) -> None:
    described = describe(text)
    assert (described.bucket, described.wide_bucket) == (bucket, wide)


forged = st.lists(st.one_of(st.ip_addresses().map(str), st.text(max_size=20), st.just("unknown")), max_size=5).map(", ".join)


@settings(max_examples=300, deadline=None)
@given(prefix=forged, standard=st.one_of(st.none(), forged.map(lambda text: f"for={text}")))
def test_nothing_to_the_left_of_the_proxys_word_gives_a_new_bucket(prefix: str, standard: str | None) -> None:
    found = client_of(PROXY, [f"{prefix}, {CLIENT}"], [standard] if standard is not None else [], TRUSTED)
    assert found.bucket in {CLIENT, PROXY}
    assert client_of("203.0.113.9", [prefix], [standard or ""], TRUSTED).bucket == "203.0.113.9"


@pytest.mark.parametrize("text", ["10.0.0", "x", "10.0.0.0/33", "proxy.example", "10.0.0.1-10.0.0.9", "*"])
def test_a_proxy_that_is_no_network_stops_the_start(text: str) -> None:
    with pytest.raises(Misconfigured, match="CHATKEEP_TRUSTED_PROXIES") as caught:
        parse_proxies((text,))
    assert f" {text} " not in str(caught.value)
