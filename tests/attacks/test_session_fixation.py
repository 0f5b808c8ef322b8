"""Somebody prepares a session, hoping that the victim will talk in it."""

from collections.abc import Iterator
from typing import Any

import pytest

from chatkeep.store import Store
from tests.cast import SHOP, Reply, Stage, alices_site, on_stage
from tests.prover import BoundVisitor, Key

KEY = {"idempotency-key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store) as opened:
        yield opened


@pytest.mark.parametrize("field", ["session_id", "conversation_id", "visitor_id", "session_token", "generation", "expires_in"])
def test_nobody_chooses_what_the_server_owns(stage: Stage, field: str) -> None:
    body = {"widget_id": alices_site(stage.store).widget_id, field: "sess_aaaaaaaaaaaaaaaaaaaaaaaaaa"}
    reply = stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body=body)
    assert (reply.status, reply.error) == (400, "invalid_request")


def test_the_same_idempotency_key_from_elsewhere_opens_another_session(stage: Stage) -> None:
    widget = alices_site(stage.store)

    def open_one(peer: str, **headers: str) -> Any:
        reply: Reply = stage.call("POST", "/api/sessions", headers={"origin": SHOP, **KEY, **headers}, body={"widget_id": widget.widget_id}, peer=peer)
        assert reply.status == 201
        return reply.json["session_id"]

    mallory, victor = Key(), Key()
    prepared = open_one("203.0.113.9")
    bound = open_one("203.0.113.9", dpop=mallory.prove(stage, "POST", "/api/sessions"))
    victims = open_one("198.51.100.7", dpop=victor.prove(stage, "POST", "/api/sessions"))
    same_network = open_one("203.0.113.9", dpop=victor.prove(stage, "POST", "/api/sessions"))
    assert len({prepared, bound, victims}) == 3
    assert same_network == victims, "scope is the key that the session is bound to"


def test_a_prepared_token_is_useless_with_the_victims_own_key(stage: Stage) -> None:
    widget = alices_site(stage.store)
    mallory = BoundVisitor(stage, widget.widget_id, SHOP).open()
    victor = BoundVisitor(stage, widget.widget_id, SHOP, peer="203.0.113.9", session=mallory.session)
    assert victor.say("my secret").error == "invalid_proof"
    assert mallory.request("GET", f"/api/conversations/{mallory.session['conversation_id']}/messages").json["messages"] == []
