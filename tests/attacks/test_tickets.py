"""A client that forges ``Origin`` and would like a session of a widget that requires page tickets."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from chatkeep.admit.sweep import sweep_once
from chatkeep.manage import widget_keys
from chatkeep.manage.widgets import require_tickets
from chatkeep.store import Store, tables
from tests.cast import SHOP, Stage, development, on_stage
from tests.host import STRONG, Host, Signer, alices_widget

PLENTY = development(
    limit_address_per_minute=10_000, limit_address_per_hour=100_000, limit_sessions_per_address_per_hour=10_000, auto_block_after_warnings=10_000
)
REQUIRED = {"access": {"require_ticket": True}}


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store, PLENTY) as opened:
        yield opened


@pytest.fixture
def host(stage: Stage) -> Host:
    return Host(stage, alices_widget(stage, settings=REQUIRED, domains=("shop.example", "other.example")))


@pytest.fixture
def secret(host: Host) -> str:
    return host.ticket_secret()


def assert_rejected(host: Host, ticket: Any, problem: str, **options: Any) -> None:
    """401 for the ticket, and nothing opened."""
    reply = host.open(None, **({} if ticket is None else {"ticket": ticket}), **options)
    assert (reply.status, reply.error) == (401, "invalid_identity"), reply.body
    assert reply.json["details"] == [{"field": "ticket", "problem": problem}]


def sessions(store: Store) -> int:
    """How many sessions were ever opened."""
    return len(store.read_now(lambda tx: tx.execute(tables.sessions.select()).all()))


def test_a_ticket_opens_one_session(host: Host, secret: str) -> None:
    ticket = host.ticket(secret)
    assert host.open(None, ticket=ticket).status == 201
    assert_rejected(host, ticket, "was used before")
    assert sessions(host.stage.store) == 1


def test_without_a_ticket_nothing_opens(host: Host, secret: str) -> None:
    assert_rejected(host, None, "is missing")
    assert_rejected(host, "", "is not a signed token of the form that is taken here")


def test_a_ticket_of_another_page_is_refused(host: Host, secret: str) -> None:
    for origin in ("https://other.example", "https://www.shop.example", "https://shop.example:443", "https://SHOP.example", "shop.example", "*", "null", ""):
        assert_rejected(host, host.ticket(secret, origin=origin), "is not meant for this page")
    assert_rejected(host, host.ticket(secret), "is not meant for this page", origin="https://other.example")
    assert host.open(None, ticket=host.ticket(secret, origin="https://other.example"), origin="https://other.example").status == 201


def test_a_ticket_for_a_page_that_is_not_listed_opens_nothing(host: Host, secret: str) -> None:
    reply = host.open(None, ticket=host.ticket(secret, origin="https://evil.example"), origin="https://evil.example")
    assert (reply.status, reply.error) == (403, "domain_not_authorized")


def test_a_ticket_of_another_widget_is_refused_also_of_another_organization(stage: Stage, host: Host, secret: str) -> None:
    for org in ("default", "Mallory"):
        other = Host(stage, alices_widget(stage, org=org, settings=REQUIRED))
        foreign = other.ticket_secret()
        assert_rejected(host, other.ticket(foreign), "is not signed by a key of this widget")
        assert_rejected(host, host.ticket(foreign), "is not signed by a key of this widget")
        assert_rejected(host, other.ticket(secret), "is not meant for this widget")


@pytest.mark.parametrize(
    ("iat", "exp", "problem"),
    [
        (-60, 0, "has expired"),
        (-61, -1, "has expired"),
        (0, 61, "lives too long"),
        (-30, 31, "lives too long"),
        (0, 3600, "lives too long"),
        (11, 71, "is not valid yet"),
        (3600, 3660, "is not valid yet"),
    ],
)
def test_a_ticket_lives_a_minute(host: Host, secret: str, iat: int, exp: int, problem: str) -> None:
    assert_rejected(host, host.ticket(secret, iat=host.now + iat, exp=host.now + exp), problem)


@pytest.mark.parametrize(("iat", "exp"), [(0, 60), (-59, 1), (10, 70), (0, 5)])
def test_a_ticket_at_the_edge_is_taken(host: Host, secret: str, iat: int, exp: int) -> None:
    assert host.open(None, ticket=host.ticket(secret, iat=host.now + iat, exp=host.now + exp)).status == 201


@pytest.mark.parametrize(
    "claims",
    [
        *[{name: None} for name in ("aud", "origin", "jti", "iat", "exp")],
        {"aud": ["widget_a"]},
        {"jti": ""},
        {"jti": "x" * 256},
        {"jti": 7},
        {"exp": "soon"},
        {"iat": True},
        {"iat": -1e308, "exp": 1e308},
        {"sub": "customer-1"},
        {"nbf": 0},
    ],
    ids=str,
)
def test_a_missing_or_strange_claim_is_refused(host: Host, secret: str, claims: dict[str, Any]) -> None:
    reply = host.open(None, ticket=host.ticket(secret, **claims))
    assert (reply.status, reply.error) == (401, "invalid_identity")
    assert sessions(host.stage.store) == 0


def test_an_unsigned_ticket_or_one_of_another_kind_is_refused(host: Host, secret: str) -> None:
    form = "is not a signed token of the form that is taken here"
    for header in ({"alg": "none"}, {"alg": "HS512"}, {"alg": "ES256"}, {"typ": "JWT"}, {"typ": None}, {"typ": "CK-TICKET"}, {"jwk": {}}, {"crit": ["x"]}):
        assert_rejected(host, host.ticket(secret, header), form)
    head, payload, signature = host.ticket(secret).split(".")
    assert_rejected(host, f"{head}.{payload}.", form)
    assert_rejected(host, f"{head}.{payload}", form)
    assert_rejected(host, f"{head}.{payload}.{signature[:-3]}", "is not signed by a key of this widget")
    assert_rejected(host, "x" * 8193, "is too large")
    for guess in ("", "secret", STRONG, host.widget.widget_id, secret.removeprefix("ckt_")):
        assert_rejected(host, host.ticket(guess), "is not signed by a key of this widget")


def test_a_ticket_is_no_identity_and_an_identity_no_ticket(stage: Stage) -> None:
    host = Host(stage, alices_widget(stage, access_mode="identity", settings=REQUIRED), Signer("HS256"))
    host.trust()
    secret = host.ticket_secret()
    assert host.open(host.ticket(secret), ticket=host.identity()).error == "invalid_identity"
    assert host.open(host.identity(), ticket=host.identity()).error == "invalid_identity"
    assert host.open(host.ticket(STRONG, sub="customer-1"), ticket=host.ticket(secret)).error == "invalid_identity"
    # A ticket key vouches for no visitor, nor the other way round.
    assert host.open(host.identity(signer=Signer("HS256", secret=secret)), ticket=host.ticket(secret)).error == "invalid_identity"
    assert host.open(host.identity(), ticket=host.ticket(STRONG)).error == "invalid_identity"
    assert host.open(host.identity(), ticket=host.ticket(secret)).status == 201


def test_a_used_identity_does_not_use_up_the_ticket_beside_it(stage: Stage) -> None:
    host = Host(stage, alices_widget(stage, access_mode="identity", settings=REQUIRED))
    host.trust()
    secret = host.ticket_secret()
    identity, ticket = host.identity(jti="one"), host.ticket(secret)
    assert host.open(identity, ticket=host.ticket(secret)).status == 201
    reply = host.open(identity, ticket=ticket)
    assert reply.json["details"] == [{"field": "identity", "problem": "was used before"}]
    assert host.open(host.identity(jti="two"), ticket=ticket).status == 201


def test_a_ticket_works_once_in_parallel_on_every_database(store: Store) -> None:
    with on_stage(store, PLENTY) as stage:
        host = Host(stage, alices_widget(stage, settings=REQUIRED))
        body = {"widget_id": host.widget.widget_id, "ticket": host.ticket(host.ticket_secret())}

        async def all_at_once() -> list[int]:
            calls = [stage.acall("POST", "/api/sessions", headers={"origin": SHOP}, body=body) for _ in range(50)]
            return [reply.status for reply in await asyncio.gather(*calls)]

        assert sorted(stage.loop.run_until_complete(all_at_once())) == [201] + [401] * 49
        assert sessions(store) == 1


def test_a_ticket_works_once_also_after_a_restart_and_a_sweep(host: Host, secret: str, sqlite_store: Store) -> None:
    ticket = host.ticket(secret)
    assert host.open(None, ticket=ticket).status == 201
    host.stage.clock.forward(59)
    host.stage.loop.run_until_complete(sweep_once(host.stage.gateway.desk))
    with on_stage(sqlite_store, PLENTY, clock=host.stage.clock) as restarted:
        assert_rejected(Host(restarted, host.widget), ticket, "was used before")


def test_what_was_used_is_forgotten_when_it_has_expired(host: Host, secret: str) -> None:
    assert host.open(None, ticket=host.ticket(secret)).status == 201
    used = tables.used_values.select()
    assert len(host.stage.store.read_now(lambda tx: tx.execute(used).all())) == 1
    host.stage.clock.forward(181)
    host.stage.loop.run_until_complete(sweep_once(host.stage.gateway.desk))
    assert host.stage.store.read_now(lambda tx: tx.execute(used).all()) == []


def test_ticket_secrets_rotate_with_overlap(host: Host, secret: str) -> None:
    new = host.ticket_secret(overlap_hours=1)
    host.stage.clock.forward(3599)
    assert host.open(None, ticket=host.ticket(secret)).status == 201
    assert host.open(None, ticket=host.ticket(new)).status == 201
    host.stage.clock.forward(1)
    assert_rejected(host, host.ticket(secret), "is not signed by a key of this widget")
    assert host.open(None, ticket=host.ticket(new)).status == 201


def test_a_retired_ticket_secret_opens_nothing(host: Host, secret: str) -> None:
    [key] = widget_keys.all_keys(host.stage.store, host.widget.org_id, host.widget.widget_id)
    widget_keys.retire_key(host.stage.store, host.stage.clock, host.widget.org_id, host.widget.widget_id, key.key_id)
    host.stage.clock.forward(2)
    assert_rejected(host, host.ticket(secret), "is not signed by a key of this widget")


def test_tickets_can_be_sent_before_they_are_required(stage: Stage) -> None:
    host = Host(stage, alices_widget(stage))
    assert host.open(None, ticket="not looked at").status == 201
    require_tickets(stage.store, host.widget.org_id, host.widget.widget_id, required=True)
    stage.clock.forward(2)
    assert_rejected(host, None, "is missing")
    assert host.open(None, ticket=host.ticket(host.ticket_secret())).status == 201


def test_a_ticket_that_expired_never_blocks_an_honest_visitor(sqlite_store: Store) -> None:
    with on_stage(sqlite_store) as stage:
        host = Host(stage, alices_widget(stage, settings=REQUIRED))
        secret = host.ticket_secret()
        for _ in range(5):
            assert host.open(None, ticket=host.ticket(secret, iat=host.now - 120, exp=host.now - 60)).status == 401
        assert host.open(None, ticket=host.ticket(secret)).status == 201
