"""A host's JWKS that is hostile, broken, slow or gone, and tokens that try to make the gateway call out."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.util import int_to_base64

from chatkeep.admit._key_sets import LARGEST_BYTES, KeySets, trust_in
from chatkeep.audit import Recorder
from chatkeep.egress import Egress, Trust
from chatkeep.errors import Unavailable, WrongUsage
from chatkeep.ids import KeyId, OrgId, WidgetId
from chatkeep.manage import widget_keys
from chatkeep.store import Store
from chatkeep.store.widget_keys import WidgetKeyRow
from tests.cast import SHOP, HeldClock, Reply, Stage, development, on_stage
from tests.host import Host, Jwks, Signer, alices_widget, jwks_server

PLENTY = development(
    limit_address_per_minute=10_000, limit_address_per_hour=100_000, limit_sessions_per_address_per_hour=10_000, auto_block_after_warnings=10_000
)


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store, PLENTY) as opened:
        yield opened


@pytest.fixture
def jwks() -> Iterator[Jwks]:
    with jwks_server() as server:
        yield server


@pytest.fixture
def host(stage: Stage, jwks: Jwks) -> Host:
    """A host that publishes the key with which it signs."""
    host = Host(stage, alices_widget(stage, access_mode="identity"), Signer(kid="one"))
    jwks.show(host.signer)
    host.publish(jwks.url)
    return host


def _causes(host: "Host") -> list[str]:
    """Why identities were rejected, in order."""
    return [event.details["cause"] for event in host.stage.events() if event.type == "identity_rejected"]


def failures(host: Host) -> list[str]:
    """Why the key set could not be had, in order."""
    return [cause.removeprefix("key_set_") for cause in _causes(host) if cause.startswith("key_set_") and cause != "key_set_unavailable"]


def unavailable(reply: Reply) -> bool:
    """503, with a time to wait: it is not the visitor's fault."""
    return (reply.status, reply.error) == (503, "service_unavailable") and reply.json["retry_after"] >= 1


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_published_key_vouches_and_is_fetched_once_in_five_minutes(stage: Stage, jwks: Jwks, algorithm: str) -> None:
    host = Host(stage, alices_widget(stage, access_mode="identity"), Signer(algorithm, kid="one"))
    jwks.show(host.signer, use="sig", alg=algorithm, key_ops=["verify"], x5t="ignored")
    host.publish(jwks.url, algorithm)
    for _ in range(5):
        assert host.open().status == 201
    stage.clock.forward(299)
    assert host.open().status == 201
    assert jwks.asked == 1
    stage.clock.forward(1)
    assert host.open().status == 201
    assert jwks.asked == 2


def test_a_redirect_is_not_followed(host: Host, jwks: Jwks) -> None:
    with jwks_server() as inside:
        inside.show(host.signer)
        for status in (301, 302, 303, 307, 308):
            jwks.answer = (status, {"Location": inside.url}, b"")
            assert unavailable(host.open())
            host.stage.clock.forward(400)
        assert inside.asked == 0
    assert failures(host) == ["status_301", "status_302", "status_303", "status_307", "status_308"]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ((200, {}, b"x" * (LARGEST_BYTES + 1)), "too_large"),
        ((200, {"Content-Length": str(10**12)}, b"{" * (LARGEST_BYTES + 1)), "too_large"),
        ((200, {}, b"<html>Please log in</html>"), "not_a_key_set"),
        ((200, {}, b""), "not_a_key_set"),
        ((200, {}, b"[]"), "not_a_key_set"),
        ((200, {}, b'{"keys":{}}'), "not_a_key_set"),
        ((200, {}, b"[" * 60_000), "not_a_key_set"),
        ((200, {}, b'{"keys":"\xff"}'), "not_a_key_set"),
        ((200, {}, json.dumps({"keys": [{"kty": "EC"}] * 33}).encode()), "not_a_key_set"),
        ((200, {}, b'{"keys":[]}'), "no_usable_key"),
        ((200, {"Content-Encoding": "gzip"}, b"\x1f\x8b"), "malformed"),
        ((204, {}, b""), "status_204"),
        ((404, {}, b"{}"), "status_404"),
        ((500, {}, b"{}"), "status_500"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_is_no_key_set_opens_nothing(host: Host, jwks: Jwks, answer: Any, failure: str) -> None:
    jwks.answer = answer
    assert unavailable(host.open())
    assert failures(host) == [failure]


def test_keys_of_the_wrong_kind_are_not_taken(stage: Stage, host: Host, jwks: Jwks) -> None:
    good = host.signer.jwk
    secret = {"kty": "oct", "kid": "one", "k": "eFc4LTNxTHo3Um4wdktjNVRkWTJoQmY5VWpHbTRzUGE2RWUx"}
    wrong: list[Any] = [
        secret,
        {**good, "use": "enc"},
        {**good, "key_ops": ["sign"]},
        {**good, "alg": "ES384"},
        {**good, "crv": "P-384"},
        {**good, "x": "AAAA"},
        {**good, "x": good["y"]},
        {**good, "d": "AAAA"},
        {**good, "kid": 7},
        Signer("RS256", kid="one").jwk,
        Signer("EdDSA", kid="one").jwk,
        "key",
        None,
        [],
    ]
    jwks.answer = (200, {}, json.dumps({"keys": wrong}).encode())
    assert unavailable(host.open())
    assert failures(host) == ["no_usable_key"]
    # One good key among them is enough.
    stage.clock.forward(400)
    jwks.answer = (200, {}, json.dumps({"keys": [*wrong, good]}).encode())
    assert host.open().status == 201
    assert host.open(host.identity(signer=Signer("HS256", kid="one"))).error == "invalid_identity"


def test_a_small_rsa_key_is_not_taken(stage: Stage, jwks: Jwks) -> None:
    host = Host(stage, alices_widget(stage, access_mode="identity"), Signer("RS256", private=rsa.generate_private_key(65537, 1024)))
    numbers = host.signer.private.public_key().public_numbers()
    jwk = {"kty": "RSA", "n": int_to_base64(numbers.n), "e": int_to_base64(numbers.e)}
    jwks.answer = (200, {}, json.dumps({"keys": [jwk]}).encode())
    host.publish(jwks.url, "RS256")
    assert unavailable(host.open())
    with pytest.raises(WrongUsage, match="2048"):
        host.trust()


def test_an_unknown_kid_fetches_anew_once_in_thirty_seconds(host: Host, jwks: Jwks) -> None:
    assert host.open().status == 201
    host.stage.clock.forward(29)
    for number in range(50):
        assert host.open(host.identity({"kid": f"guess-{number}"})).error == "invalid_identity"
    assert jwks.asked == 1
    host.stage.clock.forward(1)
    for number in range(50):
        assert host.open(host.identity({"kid": f"guess-{number}"})).error == "invalid_identity"
    assert jwks.asked == 2


def test_a_new_key_of_the_host_gets_no_honest_visitor_blocked(sqlite_store: Store, jwks: Jwks) -> None:
    with on_stage(sqlite_store) as stage:
        host = Host(stage, alices_widget(stage, access_mode="identity"), Signer(kid="one"))
        jwks.show(host.signer)
        host.publish(jwks.url)
        assert host.open().status == 201
        stage.clock.forward(5)
        new = Signer(kid="two")
        jwks.show(host.signer, new)
        for number in range(4):
            reply = host.open(host.identity(signer=new, sub=f"customer-{number}"))
            assert (reply.status, reply.error, reply.json["retry_after"], reply.headers["retry-after"]) == (401, "invalid_identity", 25, "25")
        stage.clock.forward(25)
        assert host.open(host.identity(signer=new)).status == 201
        # As long as the host is away, too; what it has not got although it was just asked is a forgery.
        jwks.answer = (500, {}, b"")
        stage.clock.forward(30)
        for _ in range(4):
            assert host.open(host.identity({"kid": "three"})).json["retry_after"] == 30
        jwks.show(host.signer, new)
        stage.clock.forward(30)
        assert "retry_after" not in host.open(host.identity({"kid": "three"})).json
        assert _causes(host) == ["identity_unknown_key", "key_set_status_500", "identity_signature"]
        assert host.open().status == 201


def test_a_rotated_key_is_found_by_its_new_name_and_the_old_one_ends_with_the_copy(host: Host, jwks: Jwks) -> None:
    assert host.open().status == 201
    new = Signer(kid="two")
    jwks.show(host.signer, new)
    host.stage.clock.forward(30)
    assert host.open(host.identity(signer=new)).status == 201
    assert host.open().status == 201
    assert jwks.asked == 2
    jwks.show(new)
    host.stage.clock.forward(300)
    assert host.open().error == "invalid_identity"
    assert host.open(host.identity(signer=new)).status == 201


def test_an_old_copy_serves_a_day_while_the_host_is_away(host: Host, jwks: Jwks) -> None:
    assert host.open().status == 201
    jwks.answer = (500, {}, b"")
    for _ in range(23):
        host.stage.clock.forward(3600)
        assert host.open().status == 201
    host.stage.clock.forward(3600)
    assert unavailable(host.open())
    jwks.show(host.signer)
    host.stage.clock.forward(300)
    assert host.open().status == 201


def test_a_failing_host_is_asked_less_and_less(host: Host, jwks: Jwks) -> None:
    jwks.answer = (500, {}, b"")
    asked = []
    for _ in range(600):
        assert unavailable(host.open())
        asked.append(jwks.asked)
        host.stage.clock.forward(1)
    tries = [second for second, count in enumerate(asked) if second == 0 or count > asked[second - 1]]
    assert tries == [0, 5, 15, 35, 75, 155, 315]


def test_a_static_key_needs_no_fetch(host: Host, jwks: Jwks) -> None:
    static = Signer(kid="static")
    host.trust(static)
    jwks.answer = (500, {}, b"")
    assert host.open(host.identity(signer=static)).status == 201
    assert host.open(host.identity(signer=Signer("RS256"))).error == "invalid_identity"
    assert jwks.asked == 0


def test_many_visitors_at_once_make_one_fetch(host: Host, jwks: Jwks) -> None:
    jwks.gate = threading.Event()
    stage = host.stage

    async def all_at_once() -> list[int]:
        bodies = [{"widget_id": host.widget.widget_id, "identity": host.identity(sub=f"customer-{number}")} for number in range(30)]
        calls = [asyncio.ensure_future(stage.acall("POST", "/api/sessions", headers={"origin": SHOP}, body=body)) for body in bodies]
        await asyncio.to_thread(jwks.arrived.wait, 30)
        assert jwks.gate is not None
        jwks.gate.set()
        return [reply.status for reply in await asyncio.gather(*calls)]

    assert stage.loop.run_until_complete(all_at_once()) == [201] * 30
    assert jwks.asked == 1


def test_a_slow_host_is_given_up(host: Host, jwks: Jwks) -> None:
    jwks.gate = threading.Event()
    sets = host.stage.gateway.desk.keys._sets
    sets._deadline_s = 0.05
    assert unavailable(host.open())
    assert failures(host) == ["timeout"]
    jwks.gate.set()
    sets._deadline_s = 5.0
    host.stage.clock.forward(5)
    assert host.open().status == 201


def test_a_retired_key_set_vouches_for_nobody(host: Host) -> None:
    [row] = widget_keys.all_keys(host.stage.store, host.widget.org_id, host.widget.widget_id)
    assert host.open().status == 201
    widget_keys.retire_key(host.stage.store, host.stage.clock, host.widget.org_id, host.widget.widget_id, row.key_id)
    host.stage.clock.forward(2)
    assert host.open().error == "invalid_identity"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/keys",
        "https://127.0.0.1:{port}/keys",
        "https://localhost:{port}/keys",
        "https://[::ffff:127.0.0.1]:{port}/keys",
        "https://2130706433:{port}/keys",
        "https://169.254.169.254/keys",
        "https://10.0.0.1/keys",
        "https://user@host.example/keys",
        "file:///etc/passwd",
    ],
)
def test_production_fetches_keys_from_public_https_addresses_only(in_production: KeySets, jwks: Jwks, url: str) -> None:
    target = url.format(port=jwks.url.split(":")[2].split("/")[0])
    row = WidgetKeyRow(KeyId("key_1"), OrgId("org_1"), WidgetId("widget_1"), "jwks", None, "ES256", target, 0, None)
    with pytest.raises(Unavailable):
        asyncio.run(_load(in_production, row))
    assert jwks.asked == 0


async def _load(sets: KeySets, row: WidgetKeyRow) -> None:
    """One try, in a loop of its own."""
    try:
        await sets.load(row, None)
    finally:
        await sets._egress.close()


@pytest.fixture
def in_production(sqlite_store: Store) -> KeySets:
    """Key sets as production has them."""
    clock = HeldClock()
    return KeySets(Egress(connect_s=0.5), clock, Recorder(sqlite_store, clock, b"k" * 32), development=False)


@pytest.mark.parametrize(
    ("url", "trust"),
    [
        ("http://127.0.0.1:1/", Trust.OPERATOR),
        ("http://localhost:1/", Trust.OPERATOR),
        ("http://[::1]:1/", Trust.OPERATOR),
        ("https://127.0.0.1:1/", Trust.TENANT),
        ("http://10.0.0.1/", Trust.TENANT),
        ("http://localhost.evil.example/", Trust.TENANT),
        ("http://localhost@evil.example/", Trust.TENANT),
        ("http://127.0.0.2/", Trust.TENANT),
        ("http:", Trust.TENANT),
    ],
)
def test_development_trusts_http_on_this_machine_and_nothing_more(url: str, trust: Trust) -> None:
    assert trust_in(url, development=True) is trust
    assert trust_in(url, development=False) is Trust.TENANT


def test_an_address_that_cannot_be_is_refused_on_save(host: Host) -> None:
    for url in ("http://shop.example/keys", "ftp://shop.example/", "https://user:pw@shop.example/", "nonsense", "https://" + "a" * 3000 + ".example/"):
        with pytest.raises(WrongUsage):
            host.publish(url)
    with pytest.raises(WrongUsage, match="HS256"):
        host.publish("https://shop.example/keys", "HS256")
