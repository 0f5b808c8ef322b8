"""What is left of addresses and texts for those who may not see personal data."""

import ipaddress
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chatkeep.audit.redact import mask, mask_address, mask_email


@given(some.ip_addresses())
def test_a_masked_address_is_a_network_around_it(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    network = ipaddress.ip_network(mask_address(str(address)))
    assert address in network
    assert network.prefixlen == (24 if address.version == 4 else 48)


@given(some.ip_addresses(), some.integers(0, 128))
def test_a_masked_network_is_one_that_holds_it_and_says_no_more(address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int) -> None:
    widest = 24 if address.version == 4 else 48
    network = ipaddress.ip_network((address, min(length, address.max_prefixlen)), strict=False)
    masked = ipaddress.ip_network(mask_address(str(network)))
    assert masked.prefixlen == min(network.prefixlen, widest)
    assert network.network_address in masked
    assert network.broadcast_address in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("2600::abcd", "2600::/48"),
        ("::1", "::/48"),
        ("::ffff:203.0.113.7", "::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.7/32", "203.0.113.0/24"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("", "[address]"),
        ("a.host.example", "[address]"),
    ],
)
def test_addresses_are_cut_to_networks_and_nothing_else_is_shown(text: str, masked: str) -> None:
    assert mask_address(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("from 203.0.113.7.", "from [address]."),
        ("from 10.0.0.1, twice", "from [address], twice"),
        ("it was 2600::abcd: blocked", "it was [address]: blocked"),
        ("ip:2600::abcd", "ip:[address]"),
        ("(2001:db8:1:2:3:4:5:6)", "([address])"),
        ("http://203.0.113.7/x", "http://[address]/x"),
        ("203.0.113.0/24 and 2001:db8::/32", "[address] and [address]"),
        ("bob@mail.example from 1.2.3.4", "[email] from [address]"),
        ("at 12:30:45, version 1.2.3, std::vector", "at 12:30:45, version 1.2.3, std::vector"),
        ("nobody: nothing", "nobody: nothing"),
    ],
)
def test_addresses_in_texts_are_taken_out_and_times_stay(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(some.ip_addresses(), some.sampled_from(["from {}", "{}", "({})", "{}, {}", "<{}>", "'{}'", "x {}!"]))
def test_no_address_is_left_in_a_text(address: ipaddress.IPv4Address | ipaddress.IPv6Address, sentence: str) -> None:
    assert str(address) not in mask(sentence.format(address, address)) or str(address) == "::"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 0170\u00a01234567", "call [number]"),
        ("0170\u20131234567", "[number]"),
        ("+49\u202f170\u202f123\u202f45\u202f67!", "[number]!"),
        ("0170 \u2013 123 \u2013 4567", "[number]"),
        ("0170\u200b123\u00ad4567", "[number]"),
        ("\uff10\uff11\uff17\uff10 1234567", "[number]"),
        ("0170\u2212123\u22124567", "[number]"),
        ("1" * 40, "[number]"),
        ("a.b\uff20shop.example", "[email]"),
        ("a\ufe6bshop\uff0eexample", "[email]"),
        ("\uff12\uff10\uff13.0.113.7", "[address]"),
        # What has nothing to hide stays as it was written.
        ("\uff21 \u2013 \u00bd, 12\u201313", "\uff21 \u2013 \u00bd, 12\u201313"),
    ],
)
def test_no_other_space_dash_or_width_gets_past_a_mask(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_every_space_and_dash_of_unicode_may_stand_in_a_number() -> None:
    between = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char) in {"Pd", "Zs", "Zl", "Zp"}]
    assert len(between) > 40
    assert [char for char in between if mask(f"0170{char}123{char}4567") != "[number]"] == []


def test_of_an_address_of_mail_the_first_letter_and_the_host_are_left() -> None:
    assert mask_email("alice@shop.example") == "a…@shop.example"
