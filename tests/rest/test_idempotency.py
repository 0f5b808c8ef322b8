"""A repeated request is carried out once; what it answered comes again, without secrets, also after a restart."""

import asyncio
from dataclasses import replace

import pytest

from chatkeep.store import Store
from tests.cast import Reply, development, on_stage
from tests.rest.cast import WIDGET, Office, Person, an_office


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
    assert again == {name: value for name, value in first.items() if name != "api_key"}
    rows = str(alice.office.stage.store.read_now(lambda tx: tx.exec_driver_sql("SELECT * FROM office_replays").all()))
    assert first["api_key"] not in rows


def test_a_key_is_forgotten_after_a_day(alice: Person) -> None:
    first = alice.post("/api/admin/widgets", WIDGET, idempotency_key="k")["widget_id"]
    alice.office.stage.clock.forward(86_400)
    assert alice.post("/api/admin/widgets", WIDGET, idempotency_key="k")["widget_id"] != first


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_a_key_has_a_form(alice: Person, key: str) -> None:
    assert alice.call("POST", "/api/admin/widgets", WIDGET, idempotency_key=key).status == 400
