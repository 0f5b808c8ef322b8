"""Which pages may embed a widget? Origins, domain entries, and how they are compared.

Parsed by ada-url (WHATWG URL), because that is how browsers parse; compared label by
label. Entries (spec: limits-and-sessions, "Domain entries"): ``host[:port]`` is that
host and its subdomains, ``=host[:port]`` exactly that host, ``*.host[:port]`` only
subdomains. No port means the scheme's own. https only; http for loopback hosts in
development.
"""

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import ada_url

from chatkeep.errors import WrongUsage

_LONGEST_HOST = 253
_LONGEST_ORIGIN = 300
_DEFAULT_PORT = {"https": 443, "http": 80}
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
# What a DNS name can be (RFC 1035), and the underscore that some hosts have. WHATWG also
# takes commas and equals signs: in a list they are typing errors that would allow nothing.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HTTPS_ONLY = "only https pages can embed a widget; write the host alone, like shop.example"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """A canonical web origin (RFC 6454): *text* is its own WHATWG serialization."""

    text: str
    scheme: Literal["https", "http"]
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether the page comes from this machine."""
        return _is_loopback(self.host)


def _is_loopback(host: str) -> bool:
    """Whether *host* is this machine."""
    return host in LOOPBACK_HOSTS or host.endswith(".localhost")


def find_origin(text: str) -> Origin | None:
    """*text* as an origin, or ``None`` unless it is exactly what a browser would send."""
    # Before anything is kept of it: no host name is longer (RFC 1035), whatever a URL parser takes.
    return _parse_origin(text) if len(text) <= _LONGEST_ORIGIN else None


@lru_cache(maxsize=4096)
def _parse_origin(text: str) -> Origin | None:
    """As ``find_origin``, for a text of bounded length."""
    try:
        url = ada_url.URL(text)
    except ValueError:
        return None
    scheme = url.protocol.rstrip(":")
    if scheme not in _DEFAULT_PORT or url.origin != text or not 1 <= len(url.hostname) <= _LONGEST_HOST:
        return None
    return Origin(text, "https" if scheme == "https" else "http", url.hostname, int(url.port or _DEFAULT_PORT[scheme]))


def find_origin_of(address: str) -> Origin | None:
    """The origin of a page's whole *address*, or ``None`` when it has none."""
    try:
        return find_origin(ada_url.URL(address).origin)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class DomainEntry:
    """One line of an allow-list. *port* ``None``: the scheme's own."""

    text: str
    host: str
    port: int | None
    scope: Literal["tree", "exact", "below"]

    @property
    def is_loopback(self) -> bool:
        """Whether it names this machine."""
        return _is_loopback(self.host)

    def covers(self, origin: Origin) -> bool:
        """Whether *origin* lies inside this entry, its scheme aside."""
        if origin.port != (_DEFAULT_PORT[origin.scheme] if self.port is None else self.port):
            return False
        if origin.host == self.host:
            return self.scope != "below"
        # Label by label: "evil-example.com" also ends with "example.com".
        return self.scope != "exact" and origin.host.endswith("." + self.host)

    def sources(self, scheme: str) -> tuple[str, ...]:
        """The same as host sources of a content security policy (CSP3, section 2.3.1), whose ``*.`` covers every depth but not the host."""
        port = "" if self.port is None else f":{self.port}"
        hosts = {"exact": (self.host,), "below": (f"*.{self.host}",), "tree": (self.host, f"*.{self.host}")}[self.scope]
        return tuple(f"{scheme}://{host}{port}" for host in hosts)


@dataclass(frozen=True, slots=True)
class AllowedDomains:
    """A widget's list. An empty one allows nothing."""

    entries: tuple[DomainEntry, ...]
    allows_loopback_http: bool

    def covers(self, origin: Origin) -> bool:
        """Whether a page of *origin* may embed the widget."""
        return self.find(origin) is not None

    def find(self, origin: Origin) -> DomainEntry | None:
        """The entry that lets a page of *origin* in: the "domain" of the limits."""
        if origin.scheme == "http" and not (self.allows_loopback_http and origin.is_loopback):
            return None
        return next((entry for entry in self.entries if entry.covers(origin)), None)

    def sources(self, ceiling: "AllowedDomains | None") -> tuple[str, ...]:
        """All that is allowed as host sources of a content security policy; under a *ceiling* of single origins those of them that are."""
        if ceiling is not None:
            origins = [find_origin(entry.text) for entry in ceiling.entries]
            return tuple(origin.text for origin in origins if origin is not None and self.covers(origin))
        found: list[str] = []
        for entry in self.entries:
            found += entry.sources("https")
            if self.allows_loopback_http and entry.is_loopback:
                found += entry.sources("http")
        return tuple(found)


def parse_allowed_domains(texts: Iterable[str], *, development: bool) -> AllowedDomains:
    """A stored list. An entry that does not hold here (a loopback host, in production) allows nothing."""
    # Every two seconds for each busy widget, in the event loop: the public suffixes, 25 ms
    # and 3 MB to read, were looked at when the list was saved.
    entries = []
    for text in texts:
        with suppress(WrongUsage):
            entries.append(_parse_form(text, development=development))
    return AllowedDomains(tuple(entries), development)


def parse_entry(text: str, *, development: bool) -> DomainEntry:
    """A typed entry in canonical form. Raises ``WrongUsage`` saying what is wrong and what to write."""
    entry = _parse_form(text, development=development)
    if entry.host not in LOOPBACK_HOSTS and _is_public_suffix(entry.host):
        raise WrongUsage(_problem(text, "this is a public suffix, where anybody can have a site; list your own host"))
    return entry


def _parse_form(text: str, *, development: bool) -> DomainEntry:
    """As ``parse_entry``, public suffixes let through."""
    scope, rest = _scope(text.strip(" \t\r\n"))
    scheme = ""
    if "://" in rest:
        scheme, _, rest = rest.partition("://")
        if scheme.lower() not in ({"https", "http"} if development else {"https"}):
            raise WrongUsage(_problem(text, _HTTPS_ONLY))
        rest = rest.removesuffix("/")
    if not rest or any(char in rest for char in "/?#\\@ \t\r\n%*") or rest.startswith(".") or rest.endswith(":") or not rest.isprintable():
        raise WrongUsage(_problem(text, "write a host like shop.example, =shop.example (no subdomains) or *.shop.example (only subdomains)"))
    try:
        url = ada_url.URL(f"https://{rest}/")
    except ValueError:
        raise WrongUsage(_problem(text, "this is not a valid host name")) from None
    host = url.hostname
    port = int(url.port) if url.port else (443 if rest.endswith(":443") else None)
    _refuse_bad_host(text, host, development=development)
    if scheme.lower() == "http" and host not in LOOPBACK_HOSTS and not host.endswith(".localhost"):
        raise WrongUsage(_problem(text, _HTTPS_ONLY))
    name = host if port is None else f"{host}:{port}"
    prefix = {"tree": "", "exact": "=", "below": "*."}[scope]
    return DomainEntry(prefix + name, host, port, scope)


def _scope(text: str) -> tuple[Literal["tree", "exact", "below"], str]:
    """What an entry's first characters say, and the rest of it."""
    if text.startswith("="):
        return "exact", text[1:]
    if text.startswith("*."):
        return "below", text[2:]
    return "tree", text


def _refuse_bad_host(text: str, host: str, *, development: bool) -> None:
    """Refuse hosts that nobody owns alone."""
    if development and host in LOOPBACK_HOSTS:
        return
    if host in LOOPBACK_HOSTS:
        raise WrongUsage(_problem(text, "loopback hosts are for development (CHATKEEP_ENV=development)"))
    if host == "null":
        raise WrongUsage(_problem(text, "null is what pages without an origin send (files, sandboxes), and those cannot embed a widget"))
    if host.endswith("."):
        raise WrongUsage(_problem(text, "leave out the dot at the end"))
    if _is_address(host):
        raise WrongUsage(_problem(text, "addresses cannot be listed; use a host name"))
    if not _HOST_NAME.match(host):
        raise WrongUsage(_problem(text, "this is not a valid host name; give each host an entry of its own"))


def _is_address(host: str) -> bool:
    """Whether *host* is an IP address."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _is_public_suffix(host: str) -> bool:
    """Whether *host* is a public suffix itself, private section of the list included."""
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - 3 MB that only saving a widget needs

    # Without accept_unknown=False every single label counts as a suffix, "localhost" too.
    return bool(PublicSuffixList(accept_unknown=False).publicsuffix(host) == host)


def _problem(text: str, advice: str) -> str:
    """What to tell the one who typed the entry."""
    return f"the domain {text[:100]!r} cannot be allowed: {advice}"
