"""Mallory types addresses that no parser of ours expects, or that ask what is behind our walls."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chatkeep.errors import WrongUsage
from chatkeep.manage import providers, widget_keys
from chatkeep.store import Store
from chatkeep.store.tables import providers as provider_rows
from tests.cast import SHOP, Reply
from tests.providers.upstream import Upstream, upstream
from tests.rest.cast import WIDGET, Office, Person, an_office

__all__ = ["upstream"]

LONG = "a" * 64
BAD_HOSTS = (
    *("a..b", ".a", "a..", "..", f"{LONG}.example", ".".join(["a" * 60] * 5), "xn--", "xn--a", "xn--\u00e4", "a b", "a%2eb", "a%00b", "%", "[::1", "::1"),
    *(
        "[::g]",
        "[fe80::1%25eth0]",
        "1.2.3.4.5",
        "256.1.1.1",
        "0x100000000",
        "a:0",
        "a:65536",
        "a:b",
        "\ud800",
        "\u2100.example",
        "a\u3002\u3002b",
        "a_b..c",
        "-",
    ),
)
KEY = "sk-12345678901234"


@pytest.fixture
def office(sqlite_store: Store) -> Iterator[Office]:
    with an_office(sqlite_store) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join("alice@shop.example", "owner")


def chat(office: Office, widget_id: str) -> Reply:
    """A visitor's question."""
    opened = office.stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget_id}).json
    body = {"message": "hi", "widget_id": widget_id, "conversation_id": opened["conversation_id"]}
    return office.stage.call("POST", "/api/chat", headers={"origin": SHOP, "authorization": f"Bearer {opened['session_token']}"}, body=body)


def asked_of(office: Office, alice: Person, *chain: str) -> str:
    """A widget whose agent asks *chain*."""
    agent = alice.post("/api/admin/agents", {"name": "one", "providers": list(chain)})["agent"]["agent_id"]
    widget_id: str = alice.post("/api/admin/widgets", {**WIDGET, "agent_id": agent})["widget_id"]
    return widget_id


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_host_that_cannot_be_looked_up_is_a_bad_request_or_unreachable(office: Office, alice: Person, host: str) -> None:
    wanted: list[tuple[str, dict[str, Any]]] = [
        ("/api/admin/providers", {"name": "p", "base_url": f"https://{host}/v1", "model": "m"}),
        ("/api/admin/widgets", {**WIDGET, "allowed_domains": [host]}),
        ("/api/admin/widgets", {**WIDGET, "allowed_domains": [f"https://{host}"]}),
        ("/api/admin/widgets", {**WIDGET, "settings": {"content": {"image_hosts": [host]}}}),
        ("/api/admin/blocks", {"kind": "domain", "value": host, "reason": "x"}),
        ("/api/admin/blocks", {"kind": "address", "value": host, "reason": "x"}),
        ("/api/admin/blocks", {"kind": "network", "value": host, "reason": "x"}),
        ("/api/admin/api-keys", {"name": "k", "scopes": ["widgets:read"], "networks": [host]}),
    ]
    for path, body in wanted:
        reply = alice.call("POST", path, json_of(body))
        assert reply.status in {201, 400}, (path, body, reply.body)
        if path.endswith("providers") and reply.status == 201:
            tried = alice.post(f"{path}/{reply.json['provider']['provider_id']}/test")
            assert (tried["success"], tried["failure"]) == (False, "connect")


def json_of(body: dict[str, Any]) -> bytes:
    """*body* as a hostile client writes it: lone surrogates stay."""
    return json.dumps(body).encode()


@pytest.mark.parametrize("host", ["a..b", f"{LONG}.example", "a:0", ".".join(["a" * 60] * 5)])
def test_a_host_that_no_name_server_knows_is_told_when_it_is_typed(office: Office, alice: Person, host: str) -> None:
    reply = alice.call("POST", "/api/admin/providers", {"name": "p", "base_url": f"https://{host}/v1", "model": "m"})
    assert (reply.status, reply.json["details"][0]["field"]) == (400, "base_url")
    widget = alice.post("/api/admin/widgets", WIDGET)["widget_id"]
    stage = office.stage
    with pytest.raises(WrongUsage):
        widget_keys.add_key_set(stage.store, stage.clock, office.org, widget, algorithm="RS256", url=f"https://{host}/keys", development=True)


def test_an_address_of_before_that_cannot_be_looked_up_fails_over(office: Office, alice: Person) -> None:
    made = alice.post("/api/admin/providers", {"name": "p", "base_url": "https://ai.example/v1", "model": "m", "api_key": KEY})["provider"]
    office.stage.store.transaction_now(lambda tx: tx.execute(provider_rows.update().values(base_url="https://a..b/v1")))
    tried = alice.post(f"/api/admin/providers/{made['provider_id']}/test")
    assert (tried["failure"], tried["milliseconds"]) == ("connect", None)
    assert chat(office, asked_of(office, alice, made["provider_id"], "knowledge")).status == 200


def test_a_key_that_does_not_open_is_told_and_the_next_provider_is_asked(office: Office, alice: Person, caplog: pytest.LogCaptureFixture) -> None:
    made = alice.post("/api/admin/providers", {"name": "p", "base_url": "https://ai.example/v1", "model": "m", "api_key": KEY})["provider"]
    office.stage.store.transaction_now(lambda tx: tx.execute(provider_rows.update().values(api_key="s1.dead.AAAA.AAAA")))
    tried = alice.post(f"/api/admin/providers/{made['provider_id']}/test")
    assert tried == {
        "success": False,
        "milliseconds": None,
        "failure": "misconfigured",
        "advice": "The keys that seal secrets were sealed with another CHATKEEP_SECRET_KEY: "
        "set CHATKEEP_SECRET_KEY_PREVIOUS to that one, or give api_key again.",
        "status": None,
    }
    assert chat(office, asked_of(office, alice, made["provider_id"], "knowledge")).status == 200
    assert [record.message for record in caplog.records if record.name == "chatkeep.providers"] == ["provider_misconfigured"]
    found = {event.type: event.details for event in office.stage.events()}
    assert found["provider_failed"]["failure"] == "misconfigured"
    assert found["provider_fell_back"]["provider"] == "knowledge"


def test_a_key_that_does_not_open_alone_is_no_answer_and_no_bug(office: Office, alice: Person) -> None:
    made = alice.post("/api/admin/providers", {"name": "p", "base_url": "https://ai.example/v1", "model": "m", "api_key": KEY})["provider"]
    office.stage.store.transaction_now(lambda tx: tx.execute(provider_rows.update().values(api_key="s1.dead.AAAA.AAAA")))
    reply = chat(office, asked_of(office, alice, made["provider_id"]))
    assert (reply.status, reply.error) == (502, "processing_error")


def test_trying_a_provider_tells_nothing_about_names_and_ports_inside(office: Office, alice: Person, upstream: Upstream) -> None:
    open_port = upstream.base_url.rpartition(":")[2].partition("/")[0]
    urls = ("https://localhost:9", f"https://localhost:{open_port}", f"https://127.0.0.1:{open_port}", "https://[::1]", "https://no-such-name.invalid")
    answers = []
    for url in urls:
        made = alice.post("/api/admin/providers", {"name": url, "base_url": f"{url}/v1", "model": "m"})["provider"]
        answers.append(alice.post(f"/api/admin/providers/{made['provider_id']}/test"))
    assert answers == [answers[0]] * len(urls)
    assert (answers[0]["failure"], answers[0]["milliseconds"]) == ("connect", None)
    assert upstream.seen()["connections"] <= 1


PRODUCTION = {"env": "production", "public_url": "https://chat.example", "trusted_proxies": "198.51.100.7"}


@pytest.mark.parametrize("settings", [{}, {"egress_private": "127.0.0.0/8,::1/128"}, PRODUCTION], ids=["development", "private networks allowed", "production"])
def test_no_member_points_the_gateway_at_a_server_beside_it_by_http(sqlite_store: Store, upstream: Upstream, settings: dict[str, str]) -> None:
    port = upstream.base_url.rpartition(":")[2].partition("/")[0]
    with an_office(sqlite_store, **settings) as office:
        alice = office.join("alice@shop.example", "owner")
        safely = {"host": "chat.example", "x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.9"} if settings is PRODUCTION else {}
        made = alice.call("POST", "/api/admin/providers", {"name": "p", "base_url": "https://ai.example/v1", "model": "m"}, **safely)
        assert made.status == 201, made.body
        provider = made.json["provider"]["provider_id"]
        for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"):
            wanted = {"name": host, "base_url": f"http://{host}:{port}/v1", "model": "m"}
            for method, path in (("POST", "/api/admin/providers"), ("PATCH", f"/api/admin/providers/{provider}")):
                reply = alice.call(method, path, wanted, **safely)
                assert (reply.status, reply.json["details"][0]["field"]) == (400, "base_url")
                assert "`chatkeep providers add`" in reply.json["details"][0]["problem"]
        assert upstream.seen()["connections"] <= 1, "the one that asks for this number"
        # What the error names works: whoever has the command line says so.
        local = providers.Change("ours", upstream.base_url, "words-3-0")
        row = providers.bring_provider(
            sqlite_store, office.stage.clock, office.stage.gateway.office.vault, office.org, kind="openai", wanted=local, is_local=True
        )
        assert alice.call("POST", f"/api/admin/providers/{row.provider_id}/test", **safely).json["success"] is True


def test_every_failure_comes_with_advice() -> None:
    assert all(providers.Tried(is_ok=False, milliseconds=1, failure=failure).advice for failure in providers.Failure)
