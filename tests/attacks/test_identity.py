"""L5: somebody who wants to be another visitor, with tokens that the host's server did not sign for them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from chatkeep.errors import WrongUsage
from chatkeep.manage import widget_keys
from chatkeep.store import Store, tables
from tests.cast import SHOP, Stage, alices_site, development, on_stage
from tests.host import STRONG, VAULT, Host, Signer, alices_login, alices_widget, encode

# Limits that a table of attacks does not meet.
PLENTY = development(
    limit_address_per_minute=10_000, limit_address_per_hour=100_000, limit_sessions_per_address_per_hour=10_000, auto_block_after_warnings=10_000
)


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store, PLENTY) as opened:
        yield opened


@pytest.fixture
def host(stage: Stage) -> Host:
    return alices_login(stage)


def assert_rejected(host: Host, identity: Any, cause: str) -> None:
    """401, the right cause in the record, no session and nobody new."""
    before, noted = people(host.stage.store), recorded(host, f"identity_{cause}")
    reply = host.open(identity)
    assert (reply.status, reply.error) == (401, "invalid_identity"), reply.body
    assert [detail["field"] for detail in reply.json["details"]] == ["identity"]
    assert recorded(host, f"identity_{cause}") == noted + 1
    assert people(host.stage.store) == before


def recorded(host: Host, cause: str) -> int:
    """How often an identity was rejected for that cause."""
    events = [event for event in host.stage.events() if event.type == "identity_rejected" and event.severity == "warning"]
    return sum(event.count for event in events if event.details == {"cause": cause})


def people(store: Store) -> list[Any]:
    """Every visitor, session and used value."""
    return [store.read_now(lambda tx, table=table: tx.execute(table.select()).all()) for table in (tables.visitors, tables.sessions, tables.used_values)]


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
def test_an_identity_of_each_algorithm_opens_a_session(stage: Stage, algorithm: str) -> None:
    host = alices_login(stage, signer=Signer(algorithm))
    assert host.open().status == 201
    assert host.open(host.identity(signer=Signer(algorithm, secret=STRONG[::-1]))).error == "invalid_identity"


def test_without_an_identity_nothing_opens(host: Host) -> None:
    assert_rejected(host, None, "missing")


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS512", "PS256", "ES384", "ES256K", "Ed25519", "A128KW"])
def test_an_algorithm_that_is_not_ours_is_refused_signed_or_not(host: Host, alg: str) -> None:
    head, payload, signature = host.identity({"alg": alg}).split(".")
    assert_rejected(host, f"{head}.{payload}.{signature}", "malformed")
    assert_rejected(host, f"{head}.{payload}.", "malformed")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_public_key_is_no_hmac_secret(stage: Stage, algorithm: str) -> None:
    host = alices_login(stage, signer=Signer(algorithm))
    jwk = json.dumps(host.signer.jwk, separators=(",", ":"))
    for secret in (host.signer.pem, host.signer.pem.strip(), jwk, "".join(host.signer.pem.splitlines()[1:-1])):
        assert_rejected(host, host.identity(signer=Signer("HS256", secret=secret)), "signature")


def test_a_key_checks_its_own_algorithm_only(stage: Stage) -> None:
    host = alices_login(stage, signer=Signer("ES256", kid="one"))
    for algorithm in ("RS256", "EdDSA", "HS256"):
        assert_rejected(host, host.identity({"alg": algorithm}), "signature")
        assert_rejected(host, host.identity(signer=Signer(algorithm, kid="one")), "signature")


def test_a_key_that_the_token_brings_is_not_taken(host: Host) -> None:
    mallory = Signer()
    for header in (
        {"jwk": mallory.jwk},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"kid": "1", "jwk": mallory.jwk},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"b64": True},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"enc": "A128GCM"},
        {"typ": "at+jwt"},
        {"typ": "ck-session"},
        {"typ": "ck-ticket"},
        {"typ": "dpop+jwt"},
        {"typ": 7},
        {"kid": 7},
        {"kid": ""},
    ):
        assert_rejected(host, host.identity(header, signer=mallory), "malformed")
        # Not even well signed: a header that could mean something else is never taken.
        assert_rejected(host, host.identity(header), "malformed")


@pytest.mark.parametrize(
    "kid",
    ["../../../../dev/null", "/proc/self/environ", "key' OR '1'='1", "'; DROP TABLE widget_keys; --", "http://169.254.169.254/", "*", "%", "\x00", "x" * 200],
)
def test_a_kid_is_compared_and_never_looked_up(stage: Stage, kid: str) -> None:
    host = alices_login(stage, signer=Signer("HS256", kid="one"))
    assert_rejected(host, host.identity({"kid": kid}), "signature")
    assert_rejected(host, host.identity({"kid": kid}, signer=Signer("HS256", secret="")), "signature")
    assert host.open().status == 201


def test_a_kid_chooses_among_keys_and_without_one_each_is_tried(stage: Stage) -> None:
    host = alices_login(stage, signer=Signer(kid="old"))
    new = Signer(kid="new")
    host.trust(new)
    stage.clock.forward(3)
    assert host.open().status == 201
    assert host.open(host.identity(signer=new)).status == 201
    assert host.open(host.identity({"kid": None}, signer=new)).status == 201
    assert_rejected(host, host.identity({"kid": "old"}, signer=new), "signature")


def test_keys_rotate_with_overlap(stage: Stage) -> None:
    host = alices_login(stage, signer=Signer(kid="old"))
    [old] = widget_keys.all_keys(stage.store, host.widget.org_id, host.widget.widget_id)
    new = Signer(kid="new")
    host.trust(new)
    widget_keys.retire_key(stage.store, stage.clock, host.widget.org_id, host.widget.widget_id, old.key_id, hours=1)
    stage.clock.forward(3599)
    assert host.open().status == 201
    stage.clock.forward(1)
    assert_rejected(host, host.identity(), "signature")
    assert host.open(host.identity(signer=new)).status == 201


CLAIMS: list[tuple[dict[str, Any], str]] = [
    *[({name: None}, "claims") for name in ("sub", "aud", "exp")],
    *[({"sub": sub}, "claims") for sub in ("", "x" * 256, "a\nb", "a\x00b", "\u202e", 7, ["a"], True, {"a": 1})],
    *[({"exp": exp}, "claims") for exp in ("tomorrow", True, "1768479000", [1], 1e300)],
    *[({name: "now"}, "claims") for name in ("iat", "nbf")],
    *[({"jti": jti}, "claims") for jti in ("", "x" * 256, 7, "a\tb")],
    *[({"email": email}, "claims") for email in ("x" * 201, "a@b\r\nBcc: c@d", 7, ["a@b"])],
    *[({"name": name}, "claims") for name in ("x" * 201, "\x1b[31m", {"first": "a"})],
    *[({"attributes": {name: 1}}, "claims") for name in ("", "a b", "1a", "x" * 41, "a'--", "é")],
    *[({"attributes": {"a": value}}, "claims") for value in ("x" * 201, "a\nb", [1], {"b": 1}, 2**53, 1e300)],
    ({"attributes": {f"a{number}": number for number in range(21)}}, "claims"),
    ({"attributes": [1]}, "claims"),
    *[({"aud": aud}, "audience") for aud in ("", "widget_aaaaaaaaaaaaaaaaaaaaaaaaaa", "https://shop.example", [], ["a", "b"], "*")],
    *[({"aud": aud}, "claims") for aud in (7, [7], {"a": 1}, True)],
]


@pytest.mark.parametrize(("claims", "cause"), CLAIMS, ids=str)
def test_a_missing_or_strange_claim_is_refused_however_well_signed(host: Host, claims: dict[str, Any], cause: str) -> None:
    assert_rejected(host, host.identity(**claims), cause)


@pytest.mark.parametrize(
    ("exp", "iat", "nbf", "cause"),
    [
        (-1, -301, None, "expired"),
        (0, -300, None, "expired"),
        (-3600, None, None, "expired"),
        (3601, None, None, "lifetime"),
        (3601, 0, None, "lifetime"),
        (1800, -1801, None, "lifetime"),
        (86400 * 365, 0, None, "lifetime"),
        (300, 61, None, "not_yet"),
        (300, 0, 61, "not_yet"),
        (300, None, 299, "not_yet"),
    ],
)
def test_an_identity_lives_now_and_an_hour_at_most(host: Host, exp: int, iat: int | None, nbf: int | None, cause: str) -> None:
    times = {"exp": host.now + exp, "iat": None if iat is None else host.now + iat, "nbf": None if nbf is None else host.now + nbf}
    assert_rejected(host, host.identity(**times), cause)


@pytest.mark.parametrize(("exp", "iat", "nbf"), [(1, None, None), (3600, 0, 0), (3600, None, None), (300, 60, 60), (1.5, 0.5, None)])
def test_an_identity_at_the_edge_is_taken(host: Host, exp: float, iat: float | None, nbf: float | None) -> None:
    times = {"exp": host.now + exp, "iat": None if iat is None else host.now + iat, "nbf": None if nbf is None else host.now + nbf}
    assert host.open(host.identity(**times)).status == 201


def test_an_identity_for_another_widget_is_refused_also_of_another_organization(stage: Stage, host: Host) -> None:
    other = Host(stage, alices_widget(stage, access_mode="identity", name="Other"), host.signer)
    foreign = Host(stage, alices_widget(stage, access_mode="identity", org="Mallory"), host.signer)
    for one in (other, foreign):
        one.trust()
        assert_rejected(host, one.identity(), "audience")
        assert host.open(one.identity(aud=[one.widget.widget_id, host.widget.widget_id])).status == 201


def test_a_key_of_another_widget_vouches_for_nobody_here(stage: Stage, host: Host) -> None:
    foreign = Host(stage, alices_widget(stage, access_mode="identity", org="Mallory"), Signer())
    foreign.trust()
    assert_rejected(host, host.identity(signer=foreign.signer), "signature")


def test_the_same_subject_in_two_organizations_is_two_visitors(stage: Stage, host: Host) -> None:
    foreign = Host(stage, alices_widget(stage, access_mode="identity", org="Mallory"), Signer())
    foreign.trust()
    victim, mallory = host.login("customer-1"), foreign.login("customer-1")
    conversation = victim.session["conversation_id"]
    reply = stage.call("GET", f"/api/conversations/{conversation}/messages", headers=mallory.headers)
    assert (reply.status, reply.error) == (404, "not_found")


@pytest.mark.parametrize(
    "form",
    [
        "{head}.{payload}.",
        "{head}.{payload}",
        "{head}.{payload}.{signature}=",
        "{head}.{payload}.{signature}.",
        "{head}.{payload}.{signature}AAAA",
        "{head}..{signature}",
        ".{payload}.{signature}",
        "{head}.{payload}.{payload}",
        "{head}.e30.{signature}",
        " {head}.{payload}.{signature}",
        "{head}.{payload}.{signature}\n",
        "{head}.{payload}.a.b.c",
        "{head}.{payload}." + encode(bytes(64)),
        "{head}.{payload}." + encode(bytes(32) + b"1" * 32),
        "é{head}.{payload}.{signature}",
        "...",
        "null",
    ],
)
def test_a_token_that_was_touched_is_refused(host: Host, form: str) -> None:
    head, payload, signature = host.identity().split(".")
    reply = host.open(form.format(head=head, payload=payload, signature=signature))
    assert (reply.status, reply.error) == (401, "invalid_identity")


def test_names_that_come_twice_are_refused(host: Host) -> None:
    def signed(head: bytes, payload: bytes) -> str:
        text = f"{encode(head)}.{encode(payload)}"
        return f"{text}.{encode(host.signer.sign(text.encode()))}"

    payload = json.dumps(host.claims()).encode()
    assert_rejected(host, signed(b'{"alg":"none","alg":"ES256"}', payload), "malformed")
    assert_rejected(host, signed(b'{"alg":"ES256"}', payload[:-1] + b',"sub":"admin"}'), "claims")
    assert_rejected(host, signed(b'{"alg":"ES256"}', b"[" * 3000), "claims")
    assert_rejected(host, signed(b'{"alg":"ES256"}', b"\xff{}"), "claims")


def test_a_huge_token_is_refused_before_anybody_reads_it(host: Host) -> None:
    assert_rejected(host, host.identity(pad="x" * 8192), "too_large")


def test_a_jti_works_once(host: Host) -> None:
    identity = host.identity(jti="nonce-1")
    assert host.open(identity).status == 201
    assert_rejected(host, identity, "used")
    assert_rejected(host, host.identity(jti="nonce-1", sub="another"), "used")
    assert host.open(host.identity(jti="nonce-2")).status == 201


def test_a_jti_works_once_also_after_a_restart(host: Host, sqlite_store: Store) -> None:
    identity = host.identity(jti="nonce-1")
    assert host.open(identity).status == 201
    with on_stage(sqlite_store, PLENTY, clock=host.stage.clock) as restarted:
        assert Host(restarted, host.widget, host.signer).open(identity).error == "invalid_identity"


def test_a_jti_works_once_in_parallel_on_every_database(store: Store) -> None:
    with on_stage(store, PLENTY) as one:
        host = alices_login(one)
        body = {"widget_id": host.widget.widget_id, "identity": host.identity(jti="nonce-1")}

        async def all_at_once() -> list[int]:
            calls = [one.acall("POST", "/api/sessions", headers={"origin": SHOP}, body=body) for _ in range(50)]
            return [reply.status for reply in await asyncio.gather(*calls)]

        statuses = one.loop.run_until_complete(all_at_once())
        assert sorted(statuses) == [201] + [401] * 49


def test_a_refused_opening_does_not_use_up_the_jti(host: Host) -> None:
    identity = host.identity(jti="nonce-1")
    assert host.open(identity, origin="https://evil.example").status == 403
    assert host.open(identity, page={"url": 7}).status == 400
    assert host.open(identity).status == 201


def test_a_retry_with_its_idempotency_key_gets_the_same_session(host: Host) -> None:
    identity = host.identity(jti="nonce-1")
    first, again = (host.open(identity, headers={"idempotency-key": "k"}) for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.json["session_id"] == again.json["session_id"]
    host.stage.clock.forward(300)
    # What would be given out is a visitor's session: an expired identity gets it no more.
    assert host.open(identity, headers={"idempotency-key": "k"}).error == "invalid_identity"


def test_a_widget_of_mode_session_takes_no_identity(stage: Stage) -> None:
    widget = alices_site(stage.store)
    reply = stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget.widget_id, "identity": "a.b.c"})
    assert (reply.status, reply.error, reply.json["details"][0]["field"]) == (400, "invalid_request", "identity")


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "Zq7-tooshort",
        "x" * 64,
        "changeme-changeme-changeme-changeme-1",
        "0123456789abcdef0123456789abcdef",
        "a" * 2000,
        "line one\nline two, and more of it, so long",
    ],
)
def test_a_weak_secret_is_refused_on_save(host: Host, secret: str) -> None:
    whose = (host.widget.org_id, host.widget.widget_id)
    with pytest.raises(WrongUsage) as caught:
        widget_keys.add_shared_secret(host.stage.store, host.stage.clock, VAULT, *whose, text=secret)
    assert not secret or secret not in str(caught.value)


def test_a_public_key_is_refused_as_a_secret_and_a_private_one_as_public(host: Host) -> None:
    whose = (host.widget.org_id, host.widget.widget_id)
    for text in (host.signer.pem, json.dumps(host.signer.jwk)):
        with pytest.raises(WrongUsage, match="key file"):
            widget_keys.add_shared_secret(host.stage.store, host.stage.clock, VAULT, *whose, text=text)
    for text in ("-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----", json.dumps({**host.signer.jwk, "d": "AAAA"}), "rubbish", "{}"):
        with pytest.raises(WrongUsage):
            widget_keys.add_public_key(host.stage.store, host.stage.clock, *whose, algorithm="ES256", text=text)
    with pytest.raises(WrongUsage):
        widget_keys.add_public_key(host.stage.store, host.stage.clock, *whose, algorithm="RS256", text=host.signer.pem)


def test_a_stolen_database_holds_no_secret(stage: Stage) -> None:
    host = alices_login(stage, signer=Signer("HS256"))
    secret = host.ticket_secret()
    rows = str(stage.store.read_now(lambda tx: tx.execute(tables.widget_keys.select()).all()))
    assert STRONG not in rows
    assert secret not in rows
    assert f"s1.{stage.store.transaction_now(VAULT.newest).key_id}." in rows
