"""Attack T12 and the ways in which a call out can fail, against real sockets."""

import asyncio
import contextlib
import ipaddress
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep.egress import Egress, EgressFailed, EgressFailure, Reply, Trust, is_public, parse_target
from tests.providers.upstream import Upstream, upstream

__all__ = ["upstream"]

PRIVATE_TARGETS = (
    "https://127.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://017700000001:{port}/",
    "https://[::1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[64:ff9b:1::7f00:1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[fec0::1]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[ff02::1]/",
    "https://0.0.0.0:{port}/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://172.16.0.1/",
    "https://192.0.0.1/",
    "https://192.168.0.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11:{port}/",
    "https://localhost:{port}/",
)
SPECIAL_RANGES = (
    *(
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/3",
    ),
    *("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16"),
    *("fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
)


@contextlib.contextmanager
def silent_listener(address: str = "127.0.0.1", port: int = 0) -> Iterator[socket.socket]:
    """A socket that completes connections and never says a word."""
    with socket.create_server((address, port)) as listener:
        listener.settimeout(0)
        yield listener


def port_of(listener: socket.socket) -> int:
    """The port that *listener* has."""
    port: int = listener.getsockname()[1]
    return port


def was_connected(listener: socket.socket) -> bool:
    """Whether anybody has connected to *listener* since it was last asked."""
    try:
        connection, _address = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


async def fetch(egress: Egress, url: str, *, trust: Trust = Trust.OPERATOR, model: str = "") -> tuple[Reply, bytes]:
    """Post to *url*, read all."""
    body = b'{"model":"%s"}' % model.encode() if model else b""
    async with egress.post(url, headers={"Authorization": "Bearer sk-canary"}, body=body, trust=trust) as reply:
        return reply, await reply.read(10_000_000)


def failure_of(url: str, *, trust: Trust = Trust.OPERATOR, model: str = "", egress: Egress | None = None) -> EgressFailure:
    """How posting to *url* fails."""

    async def run() -> EgressFailure:
        way_out = egress or Egress(connect_s=0.3, silence_s=0.3)
        try:
            with pytest.raises(EgressFailed) as caught:
                await fetch(way_out, url, trust=trust, model=model)
        finally:
            await way_out.close()
        assert "canary" not in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)
        return caught.value.kind

    return asyncio.run(run())


def names_resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Stand in for a name server that gives another answer each time, the last one for ever."""
    left = list(answers)

    def getaddrinfo(_host: object, port: object, *_args: object, **_kwargs: object) -> list[object]:
        answer = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_importing_egress_does_not_import_aiohttp() -> None:
    code = "import sys, chatkeep.egress; chatkeep.egress.Egress(); sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0


@pytest.mark.parametrize("target", PRIVATE_TARGETS)
def test_a_private_target_of_a_tenant_is_refused_before_any_connection(target: str) -> None:
    with silent_listener() as listener:
        assert failure_of(target.format(port=port_of(listener)), trust=Trust.TENANT) is EgressFailure.FORBIDDEN
        assert not was_connected(listener)


def test_a_name_of_a_tenant_that_resolves_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names_resolve_to(monkeypatch, "127.0.0.1")
    with silent_listener() as listener:
        assert failure_of(f"https://rebind.example:{port_of(listener)}/", trust=Trust.TENANT) is EgressFailure.FORBIDDEN
        assert not was_connected(listener)


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    names_resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    egress = Egress(tenant_networks=(ipaddress.ip_network("127.0.0.2/32"),), connect_s=0.3)
    with silent_listener("127.0.0.1") as forbidden, silent_listener("127.0.0.2", port_of(forbidden)) as allowed:
        # The listener speaks no TLS, so even the allowed call fails, but only after connecting.
        assert failure_of(f"https://rebind.example:{port_of(allowed)}/", trust=Trust.TENANT, egress=egress) is EgressFailure.CONNECT
        assert was_connected(allowed)
        assert failure_of(f"https://rebind.example:{port_of(allowed)}/", trust=Trust.TENANT, egress=egress) is EgressFailure.FORBIDDEN
        assert not was_connected(allowed)
        assert not was_connected(forbidden)


@pytest.mark.parametrize("url", ["http://shop.example/", "https://alice@shop.example/", "https://alice:pw@shop.example/", "ftp://shop.example/"])
def test_a_tenant_may_name_https_targets_without_user_only(url: str) -> None:
    with pytest.raises(EgressFailed):
        parse_target(url, Trust.TENANT)


@pytest.mark.parametrize(
    "url", ["", "shop.example", "//shop.example/", "http://", "http://a b/", "http://u:p@127.0.0.1/", "file:///etc/passwd", "unix:/x", "javascript:1"]
)
def test_what_is_no_plain_web_address_is_refused_for_anybody(url: str) -> None:
    for trust in Trust:
        with pytest.raises(EgressFailed) as caught:
            parse_target(url, trust)
        assert caught.value.kind is EgressFailure.FORBIDDEN


@given(st.sampled_from(SPECIAL_RANGES).map(ipaddress.ip_network).flatmap(lambda network: st.ip_addresses(network=network)))
def test_no_address_of_a_special_range_is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert not is_public(ip)
    if ip.version == 4:
        assert not is_public(ipaddress.ip_address(f"::ffff:{ip}"))


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"])
def test_ordinary_addresses_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


def test_the_operator_may_reach_a_private_target(upstream: Upstream) -> None:
    async def run() -> None:
        egress = Egress()
        reply, body = await fetch(egress, upstream.base_url + "/chat/completions", model="done-only")
        await egress.close()
        assert reply.status == 200
        assert body.endswith(b"data: [DONE]\n\n")

    asyncio.run(run())


def test_a_redirect_is_an_answer_like_any_other(upstream: Upstream) -> None:
    async def run() -> None:
        egress = Egress()
        reply, _body = await fetch(egress, upstream.base_url, model="302")
        await egress.close()
        assert reply.status == 302
        assert reply.headers["Location"] == "/v1/redirected/chat/completions"

    asyncio.run(run())
    assert upstream.seen()["requests"] == 1


def test_cookies_compression_and_proxies_of_the_environment_are_left_alone(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def run() -> None:
        egress = Egress()
        for _ in range(2):
            await fetch(egress, upstream.base_url, model="cookie")
        await egress.close()

    asyncio.run(run())
    headers = upstream.seen()["seen"][1]["headers"]
    assert "cookie" not in headers
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"] == "chatkeep"


def test_a_body_in_an_encoding_that_was_not_asked_for_is_malformed(upstream: Upstream) -> None:
    assert failure_of(upstream.base_url, model="gzip-lie") is EgressFailure.MALFORMED


def test_a_closed_port_is_a_failure_to_connect() -> None:
    with silent_listener() as listener:
        port = port_of(listener)
    assert failure_of(f"http://127.0.0.1:{port}/") is EgressFailure.CONNECT


def test_a_name_that_does_not_exist_is_a_failure_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_args: object, **_kwargs: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert failure_of("http://nowhere.example/") is EgressFailure.CONNECT


def test_a_server_that_never_says_hello_in_tls_is_a_failure_to_connect() -> None:
    with silent_listener() as listener:
        assert failure_of(f"https://127.0.0.1:{port_of(listener)}/") is EgressFailure.CONNECT


def test_silence_after_connecting_is_a_timeout() -> None:
    with silent_listener() as listener:
        assert failure_of(f"http://127.0.0.1:{port_of(listener)}/") is EgressFailure.TIMEOUT


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("cut-first", EgressFailure.CUT),
        ("cut", EgressFailure.CUT),
        ("reset", EgressFailure.CUT),
        ("length-lie", EgressFailure.CUT),
        ("chunk-lie", EgressFailure.CUT),
        ("chunk-garbage", EgressFailure.MALFORMED),
        ("not-http", EgressFailure.MALFORMED),
        ("huge-header", EgressFailure.MALFORMED),
        ("many-headers", EgressFailure.MALFORMED),
        ("slow-body", EgressFailure.TIMEOUT),
        ("stall", EgressFailure.TIMEOUT),
    ],
)
def test_every_way_to_break_http_has_its_kind(upstream: Upstream, model: str, kind: EgressFailure) -> None:
    assert failure_of(upstream.base_url, model=model) is kind


def test_reading_stops_at_the_limit(upstream: Upstream) -> None:
    async def run() -> bytes:
        egress = Egress()
        async with egress.post(upstream.base_url, headers={}, body=b'{"model":"endless"}', trust=Trust.OPERATOR) as reply:
            body = await reply.read(100_000)
        await egress.close()
        return body

    assert len(asyncio.run(run())) == 100_000
    assert upstream.seen(aborted=1)["open"] == 0


def test_closing_ends_open_replies_and_a_new_call_opens_a_new_pool(upstream: Upstream) -> None:
    async def run() -> None:
        egress = Egress()
        waiting = asyncio.create_task(fetch(egress, upstream.base_url, model="stall"))
        await asyncio.to_thread(upstream.seen, open=1)
        await egress.close()
        with pytest.raises(EgressFailed) as caught:
            await waiting
        assert caught.value.kind is EgressFailure.CUT
        assert (await fetch(egress, upstream.base_url, model="done-only"))[0].status == 200
        await egress.close()

    asyncio.run(run())


def test_a_reply_whose_connection_went_between_two_reads_is_cut(upstream: Upstream) -> None:
    async def run() -> None:
        egress = Egress()
        async with egress.post(upstream.base_url, headers={}, body=b'{"model":"stall"}', trust=Trust.OPERATOR) as reply:
            assert await reply.read_some()
            closing = asyncio.create_task(egress.close())
            await asyncio.sleep(0)  # closed, but nobody has been told yet
            with pytest.raises(EgressFailed) as caught:
                await reply.read_some()
            assert caught.value.kind is EgressFailure.CUT
            await closing

    asyncio.run(run())


@pytest.mark.parametrize("host", ["a..b", "..", "a" * 64 + ".example", ".".join(["a" * 60] * 5), "a:0"])
@pytest.mark.parametrize("trust", Trust)
def test_a_name_that_no_server_can_be_asked_for_is_no_target(host: str, trust: Trust) -> None:
    with pytest.raises(EgressFailed) as failed:
        parse_target(f"https://{host}/v1", trust)
    assert failed.value.kind is EgressFailure.FORBIDDEN


@pytest.mark.parametrize("host", ["shop.example", "shop.example.", "a_b.example", "xn--bcher-kva.example", "[2001:db8::1]", "192.0.2.1:8443"])
def test_a_name_that_can_be_asked_for_is_a_target(host: str) -> None:
    assert parse_target(f"https://{host}/v1", Trust.TENANT) == f"https://{host}/v1"
