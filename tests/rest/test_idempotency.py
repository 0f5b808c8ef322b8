"""A repeated request is carried out once; what it answered comes again, without secrets, also after a restart."""

import asyncio
from dataclasses import replace

import pytest
from pyotp import TOTP

from chatkeep.manage import providers
from chatkeep.store import Store
from chatkeep.store.members import add_member
from tests.cast import Reply, development, on_stage
from tests.providers.upstream import Upstream, upstream
from tests.rest.cast import PASSWORD, WIDGET, Office, Person, an_office

__all__ = ["upstream"]


def test_a_hundred_equal_requests_make_one_thing(store: Store) -> None:
    with an_office(store) as office:
        alice = office.join("alice@shop.example", "owner")
        headers = {"authorization": f"Bearer {alice.token}", "idempotency-key": "k1"}

        async def crowd() -> list[Reply]:
            return await asyncio.gather(*(office.stage.acall("POST", "/api/admin/widgets", headers=headers, body=WIDGET) for _ in range(100)))

        replies = office.stage.loop.run_until_complete(crowd())
        assert {reply.status for reply in replies} <= {201, 409}
        assert len({reply.body for reply in replies if reply.status == 201}) == 1
        assert alice.get("/api/admin/widgets")["total"] == 1
        made = alice.post("/api/admin/widgets", WIDGET, idempotency_key="k1")
        assert made in [reply.json for reply in replies if reply.status == 201]
    with on_stage(store, development(), office.stage.clock) as stage:
        again = replace(alice, office=Office(stage, office.org, office.other_org))
        assert again.post("/api/admin/widgets", WIDGET, idempotency_key="k1") == made
        assert again.get("/api/admin/widgets")["total"] == 1


@pytest.fixture
def alice(sqlite_store: Store):
    with an_office(sqlite_store) as office:
        yield office.join("alice@shop.example", "owner")


def test_another_body_under_the_same_key_is_refused(alice: Person) -> None:
    alice.post("/api/admin/widgets", WIDGET, idempotency_key="k")
    other = alice.call("POST", "/api/admin/widgets", {**WIDGET, "widget_name": "Other"}, idempotency_key="k")
    assert (other.status, other.error) == (422, "idempotency_key_reused")


def test_a_key_is_its_owners_and_its_routes(alice: Person) -> None:
    first = alice.post("/api/admin/agents", {"name": "one"}, idempotency_key="k")
    bob = alice.office.join("bob@shop.example", "admin")
    assert bob.call("POST", "/api/admin/agents", {"name": "one"}, idempotency_key="k").status == 409
    assert bob.call("POST", "/api/admin/agents", {"name": "one"}, idempotency_key="k").error == "conflict"
    assert alice.post("/api/admin/widgets", WIDGET, idempotency_key="k")["success"] is True
    assert alice.post("/api/admin/agents", {"name": "one"}, idempotency_key="k") == first


def test_a_refusal_frees_the_key(alice: Person) -> None:
    assert alice.call("POST", "/api/admin/agents", {"name": "x", "providers": ["nobody"]}, idempotency_key="k").status == 400
    assert alice.post("/api/admin/agents", {"name": "x"}, idempotency_key="k")["success"] is True


def test_a_secret_is_not_kept_for_a_replay(alice: Person) -> None:
    body = {"name": "n", "scopes": ["widgets:read"]}
    first = alice.post("/api/admin/api-keys", body, idempotency_key="k")
    again = alice.post("/api/admin/api-keys", body, idempotency_key="k")
    assert first["api_key"].startswith("sec_")
    assert again == {**first, "api_key": None}
    rows = str(alice.office.stage.store.read_now(lambda tx: tx.exec_driver_sql("SELECT * FROM office_replays").all()))
    assert first["api_key"] not in rows


def test_a_repeated_answer_has_the_form_that_is_documented(alice: Person) -> None:
    offers = [alice.post("/api/admin/auth/totp", {"current_password": PASSWORD}, idempotency_key="k") for _ in range(2)]
    code = TOTP(offers[0]["secret"]).at(alice.office.stage.clock.now())
    codes = [alice.post("/api/admin/auth/totp/confirm", {"code": code}, idempotency_key="k") for _ in range(2)]
    schemas = alice.office.call("GET", "/api/openapi.json").json["components"]["schemas"]
    for name, (first, again) in {"TotpReply": offers, "RecoveryCodes": codes}.items():
        assert set(first) == set(again) == set(schemas[name]["required"])
        for field in set(first) - {"success"}:
            assert first[field]
            assert again[field] is None
            assert {"type": "null"} in schemas[name]["properties"][field]["anyOf"]


def test_one_person_may_use_a_key_in_each_of_their_organizations(alice: Person) -> None:
    office = alice.office
    office.stage.store.transaction_now(add_member, office.other_org, alice.user.user_id, "owner", at_ms=2_000_000_000_000)
    there = office.sign_in("alice@shop.example", organization="other").json["access_token"]
    here = alice.post("/api/admin/agents", {"name": "a"}, idempotency_key="k")
    other = office.call("POST", "/api/admin/agents", {"name": "a"}, token=there, idempotency_key="k")
    assert other.status == 201
    assert other.json["agent"]["agent_id"] != here["agent"]["agent_id"]
    assert alice.post("/api/admin/agents", {"name": "a"}, idempotency_key="k") == here


def test_a_provider_is_tried_once_for_a_key(alice: Person, upstream: Upstream) -> None:
    office, stage = alice.office, alice.office.stage
    wanted = providers.Change("local", upstream.base_url, "words-1-0")
    row = providers.bring_provider(stage.store, stage.clock, stage.gateway.office.vault, office.org, kind="openai", wanted=wanted, is_local=True)
    path = f"/api/admin/providers/{row.provider_id}/test"
    first = alice.post(path, idempotency_key="k")
    assert first["success"] is True
    assert alice.post(path, idempotency_key="k") == first
    assert upstream.seen(requests=1)["requests"] == 1
    alice.post(path, idempotency_key="other")
    assert upstream.seen(requests=2)["requests"] == 2


def test_a_key_is_forgotten_after_a_day(alice: Person) -> None:
    first = alice.post("/api/admin/widgets", WIDGET, idempotency_key="k")["widget_id"]
    alice.office.stage.clock.forward(86_400)
    assert alice.post("/api/admin/widgets", WIDGET, idempotency_key="k")["widget_id"] != first


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_a_key_has_a_form(alice: Person, key: str) -> None:
    assert alice.call("POST", "/api/admin/widgets", WIDGET, idempotency_key=key).status == 400
