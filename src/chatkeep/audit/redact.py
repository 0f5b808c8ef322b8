"""What is taken out before anything is kept?

User agents are cut, referers are cut to their origin, addresses also get a keyed hash
that can be matched when the address itself is gone. Message text never comes this far.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from chatkeep.crypto import keyed_hash

_USER_AGENT = 256
# Bits of a network that still says little of a person, by version.
_WIDEST = {4: 24, 6: 48}
_DOMAIN = 300
_MINUS = "\N{MINUS SIGN}"
_OFFICE = "/api/admin/"
_ID = re.compile(r"(agent|block|conv|invite|key|login|msg|prov|sess|usr|widget)_[a-z0-9_]{12,64}\Z|v?[0-9][0-9.]{0,20}\Z|[a-z-]{1,20}\.(js|css|json|txt)\Z")
# API keys, ticket secrets, JWTs, and whatever is longer than our ids.
_PERSONAL = (
    (re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,255}\.[^\s@<>\"'.]{2,63}"), "[email]"),
    (re.compile(r"(?<!\w)\+?\d(?:[\s().\/-]{0,4}+\d){6,}+"), "[number]"),
    (re.compile(r"(https?://[^\s?#]{1,2000})[?#]\S{1,2000}"), r"\1?[...]"),
)
# Candidates for an address of the Internet; whether one is is found out by parsing it.
_ADDRESS = re.compile(r"(?:(?<![\w:.])|(?<=[A-Za-z]:))[0-9A-Fa-f:.]{2,45}(?:/\d{1,3})?(?!\w)")
_SECRET = re.compile(r"sec_|ckt_|eyJ|[A-Za-z0-9_-]{81}")


def cut_user_agent(text: str | None) -> str | None:
    """At most 256 characters, none of which can break a line or colour a terminal."""
    return None if text is None else printable(text)[:_USER_AGENT]


def cut_domain(text: str | None) -> str | None:
    """An origin as a caller sent it, fit for a record."""
    return None if text is None else printable(text)[:_DOMAIN]


def show_path(route: str | None, params: Mapping[str, str], path: str) -> str:
    """*path* fit for a log: of a *route*'s parameters only what has the form of an id; without a route, nothing that could be a secret."""
    if route is not None:
        return route.format(**{name: value if _ID.match(value) else "..." for name, value in params.items()})
    if path.startswith(_OFFICE):
        return _OFFICE + "..."
    return "/".join("..." if _SECRET.search(part) else part for part in path.split("/"))


def printable(text: str) -> str:
    """*text* with every control, format and surrogate character as ``?``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)


def hash_address(key: bytes, address: str | None) -> str | None:
    """A keyed hash of *address*."""
    return None if address is None else keyed_hash(key, address)


def mask(text: str) -> str:
    """*text* without what may name a person by its form: addresses of mail and of the Internet, long numbers (telephones, cards, accounts), query strings."""
    plain = masked = text if text.isascii() else "".join(map(_plain, text))
    masked = _ADDRESS.sub(_without_address, masked)
    for form, instead in _PERSONAL:
        masked = form.sub(instead, masked)
    return text if masked == plain else masked


def mask_address(text: str) -> str:
    """An address or a network, cut to the network around it: /24 of IPv4, /48 of IPv6. What is neither is not shown at all."""
    network = _find_network(text.partition("%")[0])
    if network is None:
        return "[address]"
    widest = _WIDEST[network.version]
    return str(network.supernet(new_prefix=widest) if network.prefixlen > widest else network)


def mask_email(address: str) -> str:
    """An address of mail, of which the first character and the host are left."""
    name, _, host = address.rpartition("@")
    return f"{name[:1]}…@{host}"


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    """What *char* looks like, in the plainest characters: a hyphen for every dash, a space for every space, nothing for what is not seen.

    Character by character: to normalize whole texts can take quadratic time.
    """
    match unicodedata.category(char):
        case "Pd":
            return "-"
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Cf":
            return ""
    return "-" if char == _MINUS else unicodedata.normalize("NFKC", char)


def _without_address(found: re.Match[str]) -> str:
    """What stands for an address in a text; what only looks like one stays."""
    text = found.group().rstrip(".")
    # The colon of a sentence, unless it is part of the address.
    if text.endswith(":") and not text.endswith("::"):
        text = text[:-1]
    return "[address]" + found.group()[len(text) :] if _find_network(text) is not None else found.group()


def _find_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """*text* as a network, if it is one, or an address."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
