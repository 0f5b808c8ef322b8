"""How does the gateway call out? The only opener of outbound HTTP connections.

A target set by the operator may be anywhere, also in a private network. One typed by a
tenant must be https and public: the address is judged when its socket is made, after
DNS, and that very address is connected to, so that no second answer of a name server
can come in between. Redirects, cookies, proxies from the environment and compressed
bodies are not for us. Failures name a kind, never a body or a header.

aiohttp (90 ms, 15 MiB) is imported at first use: a gateway that calls nobody does not pay.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import Enum, StrEnum
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

import ada_url

from chatkeep.errors import ChatkeepError

if TYPE_CHECKING:
    import aiohttp

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Ranges that ``ipaddress`` calls global or that lead to others: NAT64, 6to4, Teredo,
# IPv4-compatible, site-local, multicast, carrier NAT, documentation, segment routing.
_SPECIAL_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "224.0.0.0/3",
        "::/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
        "ff00::/8",
    )
)
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
# How long the end of a finished answer may take before its connection is given up.
_END_OF_BODY_S = 0.25
# Bytes of one reply that may wait in memory: at most twice this, then the socket is paused.
_BUFFER_BYTES = 64 * 1024


class Trust(Enum):
    """Who chose the target."""

    OPERATOR = "operator"
    TENANT = "tenant"


class EgressFailure(StrEnum):
    """Why a call came to nothing."""

    CONNECT = "connect"  # nothing was sent: DNS, TCP or TLS failed or were late
    TIMEOUT = "timeout"  # connected, then silence
    CUT = "cut"  # the other side went away, or stopped speaking HTTP in mid-body
    MALFORMED = "malformed"  # not HTTP, or a body in an encoding that we did not ask for
    FORBIDDEN = "forbidden"  # the target is not allowed


class EgressFailed(ChatkeepError):  # noqa: N818 - a past participle is a proof (house style)
    """A call failed. Carries *kind* and nothing that was sent or received."""

    def __init__(self, kind: EgressFailure) -> None:
        super().__init__(kind.value)
        self.kind = kind


class Reply:
    """Status and headers of an answer whose body is still coming."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: "aiohttp.ClientResponse") -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read_some(self) -> bytes:
        """Whatever the socket gave since the last call, as one piece; ``b""`` at the end.

        A coroutine, not an iterator: this runs once per chunk of every stream. Raises
        ``EgressFailed``; bytes that came together with a cut may be lost.
        """
        try:
            return await self._response.content.readany()
        except _network_errors() as error:
            kind = _kind_of(error)
        except RuntimeError:  # aiohttp's word for a connection that went between two reads
            kind = EgressFailure.CUT
        # Out here it does not drag aiohttp's exception along, which holds our headers.
        raise EgressFailed(kind)

    async def read(self, limit: int) -> bytes:
        """The first *limit* bytes of the body, or all of a shorter one."""
        parts: list[bytes] = []
        missing = limit
        while missing > 0 and (data := await self.read_some()):
            parts.append(data[:missing])
            missing -= len(parts[-1])
        return b"".join(parts)

    async def finish(self) -> None:
        """Give the end of the body a moment to come, so that the connection can be used again."""
        with suppress(*_network_errors()):  # it only costs the connection
            async with asyncio.timeout(_END_OF_BODY_S):
                await self._response.content.wait_eof()


class Egress:
    """The way out. One pool of connections per trust, opened at first use; ``close()`` it."""

    def __init__(self, *, tenant_networks: Iterable[Network] = (), connect_s: float = 5.0, silence_s: float = 30.0) -> None:
        """*tenant_networks*: private ones that tenants may reach. Times in seconds: to connect (DNS included), without a byte."""
        self._tenant_networks = tuple(tenant_networks)
        self._connect_s = connect_s
        self._silence_s = silence_s
        # Not one pool for both: a tenant would be handed the operator's open connections.
        self._sessions: dict[Trust, aiohttp.ClientSession] = {}

    @asynccontextmanager
    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes, trust: Trust) -> AsyncIterator[Reply]:
        """Send *body* to *url* and yield the answer as soon as its head is here.

        Leaving early closes the connection at once. Has no deadline for the whole: that
        is the caller's. Raises ``EgressFailed``.
        """
        async with self._call("POST", url, headers, body, trust) as reply:
            yield reply

    @asynccontextmanager
    async def get(self, url: str, *, headers: Mapping[str, str], trust: Trust) -> AsyncIterator[Reply]:
        """As ``post``, without a body."""
        async with self._call("GET", url, headers, None, trust) as reply:
            yield reply

    @asynccontextmanager
    async def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, trust: Trust) -> AsyncIterator[Reply]:
        target = parse_target(url, trust)
        response = await self._send(method, target, headers, body, trust)
        try:
            if any(value.strip().lower() != "identity" for value in response.headers.getall("Content-Encoding", ())):
                raise EgressFailed(EgressFailure.MALFORMED)
            with _told_of_loss(response):
                yield Reply(response)
        finally:
            _let_go(response)

    async def close(self) -> None:
        """Close all connections; replies that are still open end as cut. A later ``post`` opens a new pool."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def _send(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, trust: Trust) -> "aiohttp.ClientResponse":
        if trust not in self._sessions:
            await asyncio.to_thread(import_module, "aiohttp")  # not on the loop: other answers are streaming
        import yarl  # noqa: PLC0415 - lazy, comes with aiohttp

        session = self._sessions.get(trust) or self._open_session(trust)
        # Parsed already: a second parser must not read the address differently.
        address = yarl.URL(target, encoded=True)
        try:
            return await session.request(method, address, data=body, headers=headers, allow_redirects=False)
        except _network_errors() as error:
            kind = _kind_of(error)
        except UnicodeError:  # Python's word for a name that cannot be asked for
            kind = EgressFailure.CONNECT
        raise EgressFailed(kind)  # out here, as above

    def _open_session(self, trust: Trust) -> "aiohttp.ClientSession":
        import aiohttp  # noqa: PLC0415 - lazy, see the module's docstring

        if trust is Trust.OPERATOR:
            connector = aiohttp.TCPConnector(limit=0)
        else:
            # One address after the other: a race would swallow the refusal of one of them.
            connector = aiohttp.TCPConnector(limit=0, socket_factory=self._open_tenant_socket, happy_eyeballs_delay=None)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", "User-Agent": "chatkeep"},
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_s, sock_connect=self._connect_s, sock_read=self._silence_s),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=_BUFFER_BYTES,
        )
        self._sessions[trust] = session
        return session

    def _open_tenant_socket(self, info: "aiohttp.AddrInfoType") -> socket.socket:
        """A socket for *info*, the address it is about to be connected to, if that one is allowed."""
        family, kind, protocol, _name, address = info
        ip = _unmapped(ipaddress.ip_address(str(address[0]).partition("%")[0]))  # %: the zone of a link-local one
        if not is_public(ip) and not any(ip in network for network in self._tenant_networks):
            raise EgressFailed(EgressFailure.FORBIDDEN)
        return socket.socket(family, kind, protocol)


@lru_cache(maxsize=256)
def parse_target(url: str, trust: Trust) -> str:
    """*url* in WHATWG form without its fragment: http(s) by the operator, https by a tenant, never with a user name, at a host that can be looked up.

    Raises ``EgressFailed(FORBIDDEN)``.
    """
    try:
        parts = ada_url.URL(url)
    except ValueError:
        raise EgressFailed(EgressFailure.FORBIDDEN) from None
    allowed = ("https:", "http:") if trust is Trust.OPERATOR else ("https:",)
    if parts.protocol not in allowed or parts.username or parts.password:
        raise EgressFailed(EgressFailure.FORBIDDEN)
    if not _is_resolvable(parts.hostname) or parts.port == "0":
        raise EgressFailed(EgressFailure.FORBIDDEN)
    parts.hash = ""
    return str(parts.href)


def _is_resolvable(host: str) -> bool:
    """Whether *host*, in WHATWG form, is an address or a name that a name server can be asked for (RFC 1035, section 2.3.4)."""
    labels = host.removesuffix(".").split(".")
    return host.startswith("[") or (len(host) <= _LONGEST_NAME and all(0 < len(label) <= _LONGEST_LABEL for label in labels))


def is_public(ip: Address) -> bool:
    """Whether *ip* is an ordinary address of the internet: not special, and no way to another one (NAT64, 6to4 …)."""
    ip = _unmapped(ip)  # Python versions differ in what they call an IPv4-mapped address
    return ip.is_global and not any(ip in network for network in _SPECIAL_NETWORKS)


def _unmapped(ip: Address) -> Address:
    """The IPv4 address that *ip* is a disguise of, else *ip*."""
    return getattr(ip, "ipv4_mapped", None) or ip


def is_private_by_name(url: str, networks: Iterable[Network] = ()) -> bool:
    """Whether *url* names this machine, or an address outside the public internet and *networks*. Without DNS, so that nobody learns of names inside.

    For an early word to whoever typed it; what counts is the address when the socket is made.
    """
    host = ada_url.URL(url).hostname.strip("[]").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        host = "127.0.0.1"
    try:
        ip = _unmapped(ipaddress.ip_address(host))
    except ValueError:
        return False
    return not is_public(ip) and not any(ip in network for network in networks)


@contextmanager
def _told_of_loss(response: "aiohttp.ClientResponse") -> Iterator[None]:
    """Make sure that whoever reads *response* hears when its connection is gone.

    aiohttp 3.14 forgets that when a later chunk is not HTTP and when the pool is closed:
    the reader would wait for ever, since the timer of the socket is off by then.
    """
    import aiohttp  # noqa: PLC0415 - lazy, see the module's docstring

    protocol = None if response.connection is None else response.connection.protocol
    closed = None if protocol is None else protocol.closed
    if closed is None:  # the body ended before anybody read it
        yield
        return

    def tell(closed: asyncio.Future[None]) -> None:
        if not closed.cancelled():
            closed.exception()  # looked at, so that asyncio does not log it
        if not response.content.is_eof() and response.content.exception() is None:
            response.content.set_exception(aiohttp.ClientPayloadError())

    closed.add_done_callback(tell)
    try:
        yield
    finally:
        closed.remove_done_callback(tell)  # the connection may live on for other requests


def _let_go(response: "aiohttp.ClientResponse") -> None:
    """Leave the connection to the pool if the body has ended, else end it now."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        # Not close(): with TLS that waits for the other side, which may be the slow one.
        connection.transport.abort()
    response.close()


def _network_errors() -> tuple[type[Exception], ...]:
    """What aiohttp raises when the network or the other side is at fault; anything else is a bug of ours."""
    import aiohttp  # noqa: PLC0415 - lazy, see the module's docstring

    return (aiohttp.ClientError, OSError)


def _kind_of(error: Exception) -> EgressFailure:
    """What *error*, one of ``_network_errors``, means to a caller."""
    import aiohttp  # noqa: PLC0415 - lazy, see the module's docstring

    kinds: tuple[tuple[type[Exception], EgressFailure], ...] = (
        (aiohttp.ConnectionTimeoutError, EgressFailure.CONNECT),
        (aiohttp.ClientConnectorError, EgressFailure.CONNECT),
        (TimeoutError, EgressFailure.TIMEOUT),
        (aiohttp.ClientPayloadError, EgressFailure.CUT),
        (OSError, EgressFailure.CUT),
        (aiohttp.ClientConnectionError, EgressFailure.CUT),
    )
    return next((failure for kind, failure in kinds if isinstance(error, kind)), EgressFailure.MALFORMED)
