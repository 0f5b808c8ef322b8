"""Where does a request really come from?

``X-Forwarded-For`` (or ``Forwarded``, RFC 7239) counts only when the peer is a trusted
proxy, read from the right: the first address that is not a trusted proxy is the client.
A header that a client made up stands further left and is never reached.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chatkeep.admit._types import ClientAddress
from chatkeep.errors import Misconfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, eq=False)
class Proxies:
    """The networks of our proxies. Equal only to itself: caches ask for its hash several times for every request."""

    networks: tuple[Network, ...]


def parse_proxies(texts: Iterable[str]) -> Proxies:
    """The setting ``TRUSTED_PROXIES``. Raises ``Misconfigured``."""
    return Proxies(parse_networks(texts, "CHATKEEP_TRUSTED_PROXIES"))


def parse_networks(texts: Iterable[str], variable: str) -> tuple[Network, ...]:
    """The networks that the setting *variable* lists. Raises ``Misconfigured``."""
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
    except ValueError:
        msg = f"{variable} has a part that is not an address or network: write them like 10.0.0.0/8,127.0.0.1"
        raise Misconfigured(msg) from None


def client_of(peer: str, forwarded_for: Sequence[str], forwarded: Sequence[str], trusted: Proxies) -> ClientAddress:
    """The client's address. *forwarded_for* and *forwarded* are all values of those headers, in order."""
    if not is_trusted(peer, trusted):
        return describe(peer)
    by_list = _last_foreign(_split(forwarded_for), trusted)
    by_standard = _last_foreign([_for_part(element) for element in _split(forwarded)], trusted)
    if forwarded_for and forwarded and by_list != by_standard:
        # A proxy that writes one of them passes the client's own copy of the other on:
        # whoever sends both cannot choose which one is believed, not even where one is unreadable.
        return describe(peer)
    return describe(by_list or by_standard or peer)


_LONGEST_HOP = 64


@lru_cache(maxsize=8192)
def describe(text: str) -> ClientAddress:
    """*text* with what limits count by: IPv4 alone, IPv6 by /64 and by /48."""
    address = _find_address(text)
    if address is None:
        return ClientAddress("unknown", "unknown")
    if isinstance(address, ipaddress.IPv4Address):
        return ClientAddress(str(address), str(address))
    narrow = ipaddress.ip_network((address, 64), strict=False)
    wide = ipaddress.ip_network((address, 48), strict=False)
    return ClientAddress(str(address), str(narrow), str(wide))


@lru_cache(maxsize=8192)
def is_trusted(peer: str, trusted: Proxies) -> bool:
    """Whether *peer* is one of our proxies."""
    address = _find_address(peer)
    return address is not None and any(address in network for network in trusted.networks if network.version == address.version)


@lru_cache(maxsize=8192)
def _find_address(text: str) -> Address | None:
    """*text* (perhaps ``[v6]:port`` or ``v4:port``) as an address; IPv4 inside IPv6 is IPv4."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _last_foreign(hops: Sequence[str], trusted: Proxies) -> str | None:
    """The right-most hop that is not one of our proxies; ``None`` when there is none or it is unreadable."""
    for hop in reversed(hops):
        # Bounded before anything is kept of it: addresses are short.
        address = _find_address(hop) if len(hop) <= _LONGEST_HOP else None
        if address is None:
            # Beyond a hop that cannot be read nothing can be believed.
            return None
        if not is_trusted(str(address), trusted):
            return str(address)
    return None


def _split(values: Sequence[str]) -> list[str]:
    """All elements of a repeated, comma-separated header, left to right."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _for_part(element: str) -> str:
    """The ``for=`` of one ``Forwarded`` element."""
    for pair in element.split(";"):
        name, _, value = pair.strip().partition("=")
        if name.lower() == "for":
            return value.strip().strip('"')
    return ""
