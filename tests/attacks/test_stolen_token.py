"""T10: a session token from a log, a HAR file or the wire, in other hands."""

from collections.abc import Iterator
from typing import Any

import pytest

from chatkeep.errors import Reason, Unavailable
from chatkeep.store import Store
from chatkeep.store.sessions import end_session
from tests.cast import SHOP, Reply, Stage, StageVisitor, alices_site, on_stage
from tests.prover import BoundVisitor, Key, _encode


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store) as opened:
        yield opened


@pytest.fixture
def victor(stage: Stage) -> BoundVisitor:
    return BoundVisitor(stage, alices_site(stage.store, settings={"limits": {"interval_ms": 0}}).widget_id, SHOP).open()


def test_a_bound_session_works_with_its_key(victor: BoundVisitor) -> None:
    assert victor.say("hello").status == 200
    assert victor.request("GET", f"/api/conversations/{victor.session['conversation_id']}/messages").status == 200
    assert victor.refresh().status == 200
    assert victor.request("DELETE", "/api/sessions/current").status == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/chat"),
        ("POST", "/api/sessions/refresh"),
        ("DELETE", "/api/sessions/current"),
        ("GET", "/api/conversations/{conversation_id}/messages"),
        ("DELETE", "/api/chat/msg_aaaaaaaaaaaaaaaa/stream"),
    ],
)
def test_the_token_alone_opens_no_route(victor: BoundVisitor, method: str, path: str) -> None:
    path = path.format(**victor.session)
    body = {"message": "hello"} if path == "/api/chat" else None
    reply = victor.request(method, path, body, proof=None)
    assert (reply.status, reply.error) == (401, "proof_required")
    thief = Key().prove(victor.stage, method, path, victor.token)
    reply = victor.request(method, path, body, proof=thief)
    assert (reply.status, reply.error) == (401, "invalid_proof")
    assert reply.json["server_time"] == int(victor.stage.clock.now().timestamp())


@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "GET"},
        {"htm": "post"},
        {"htu": "http://localhost:8000/api/sessions"},
        {"htu": "http://localhost:8000/api/chat?x=1"},
        {"htu": "https://evil.example/api/chat"},
        {"htu": "/api/chat"},
        {"ath": None},
        {"ath": "another"},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 129},
        {"iat": None},
        {"iat": "now"},
    ],
    ids=str,
)
def test_a_proof_for_something_else_is_refused(victor: BoundVisitor, claims: dict[str, object]) -> None:
    proof = victor.key.prove(victor.stage, "POST", "/api/chat", victor.token, **claims)
    reply = victor.say("hello", proof=proof)
    assert (reply.status, reply.error) == (401, "invalid_proof")


@pytest.mark.parametrize("seconds", [-3600, -61, 61, 3600])
def test_a_proof_from_another_time_is_refused_with_the_servers_time(victor: BoundVisitor, seconds: int) -> None:
    victor.stage.clock.forward(4000)
    victor.open()
    now = int(victor.stage.clock.now().timestamp())
    reply = victor.say("hello", proof=victor.key.prove(victor.stage, "POST", "/api/chat", victor.token, iat=now + seconds))
    assert (reply.status, reply.error, reply.json["server_time"]) == (401, "invalid_proof", now)


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_clock_that_is_a_minute_off_is_taken(victor: BoundVisitor, seconds: int) -> None:
    victor.stage.clock.forward(120)
    now = int(victor.stage.clock.now().timestamp())
    assert victor.say("hello", proof=victor.key.prove(victor.stage, "POST", "/api/chat", victor.token, iat=now + seconds)).status == 200


def test_a_proof_works_once(victor: BoundVisitor) -> None:
    proof = victor.key.prove(victor.stage, "POST", "/api/chat", victor.token)
    assert victor.say("hello", proof=proof).status == 200
    victor.stage.clock.forward(59)
    reply = victor.say("hello", proof=proof)
    assert (reply.status, reply.error) == (401, "invalid_proof")


def test_a_proof_that_was_used_before_a_restart_does_not_work_after_it(victor: BoundVisitor, sqlite_store: Store) -> None:
    proof = victor.key.prove(victor.stage, "POST", "/api/chat", victor.token)
    assert victor.say("hello", proof=proof).status == 200
    victor.stage.clock.forward(5)
    with on_stage(sqlite_store, clock=victor.stage.clock) as restarted:
        again = BoundVisitor(restarted, victor.widget_id, SHOP, victor.key, session=victor.session)
        reply = again.say("hello", proof=proof)
        assert (reply.status, reply.error) == (401, "invalid_proof")
        assert again.say("hello").status == 200


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"kid": "1"},
        {"jku": "https://evil.example/keys"},
        {"crit": ["b64"]},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": None},
    ],
    ids=str,
)
def test_a_proof_with_a_strange_header_is_refused(victor: BoundVisitor, header: dict[str, object]) -> None:
    proof = victor.key.prove(victor.stage, "POST", "/api/chat", victor.token, header=header)
    reply = victor.say("hello", proof=proof)
    assert (reply.status, reply.error) == (401, "invalid_proof")


@pytest.mark.parametrize("proof", ["", "x", "a.b.c", "e30.e30.AAAA", "eyJhbGciOiJub25lIn0.e30.", "x" * 5000, "é"], ids=range(7))
def test_rubbish_is_no_proof(victor: BoundVisitor, proof: str) -> None:
    reply = victor.say("hello", proof=proof or " ")
    assert reply.status == 401


def test_a_private_key_in_a_proof_is_refused(victor: BoundVisitor) -> None:
    header = {"jwk": {**victor.key.jwk, "d": "AAAA"}}
    reply = victor.say("hello", proof=victor.key.prove(victor.stage, "POST", "/api/chat", victor.token, header=header))
    assert (reply.status, reply.error) == (401, "invalid_proof")


def test_an_expired_token_is_refreshed_with_the_key_until_the_session_idles(victor: BoundVisitor) -> None:
    victor.stage.clock.forward(29 * 60)
    assert victor.say("hello").error == "token_expired"
    reply = victor.refresh()
    assert reply.status == 200
    assert victor.say("hello", token=reply.json["session_token"]).status == 200
    victor.stage.clock.forward(30 * 60)
    assert victor.refresh(token=reply.json["session_token"]).error == "session_expired"


def test_three_lost_refresh_answers_lose_nothing_and_alarm_nobody(victor: BoundVisitor) -> None:
    for _ in range(3):
        victor.stage.clock.forward(100)
        assert victor.refresh().status == 200
    victor.stage.clock.forward(100)
    reply = victor.refresh()
    assert reply.status == 200
    assert victor.say("hello", token=reply.json["session_token"]).status == 200
    assert [event.type for event in victor.stage.events()] == []


def test_a_replaced_token_with_proof_is_only_old(victor: BoundVisitor) -> None:
    old = victor.token
    victor.session = victor.refresh().json
    assert victor.say("with the new one").status == 200
    assert victor.say("with the old one", token=old).error == "token_expired"
    assert victor.say("with the new one").status == 200


def test_a_replaced_token_without_proof_ends_the_session_and_alarms(victor: BoundVisitor) -> None:
    old = victor.token
    victor.session = victor.refresh().json
    assert victor.say("with the new one").status == 200
    assert victor.say("thief", token=old, proof=None).error == "session_revoked"
    assert victor.say("with the new one").error == "session_revoked"
    assert "token_reuse" in [event.type for event in victor.stage.events()]


def reading(stage: Stage, victor: StageVisitor, token: str, peer: str = "198.51.100.7") -> Reply:
    """The history of a session without a key, for whoever has *token*."""
    path = f"/api/conversations/{victor.session['conversation_id']}/messages"
    return stage.call("GET", path, headers={"origin": SHOP, "authorization": f"Bearer {token}"}, peer=peer)


def test_three_lost_refresh_answers_within_a_minute_keep_a_session_without_a_key(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store))
    for _ in range(3):
        assert stage.call("POST", "/api/sessions/refresh", headers=victor.headers).status == 200
        stage.clock.forward(19.999)
    reply = stage.call("POST", "/api/sessions/refresh", headers=victor.headers)
    assert reply.status == 200
    victor.session |= reply.json
    assert victor.say("nothing was lost").status == 200
    assert stage.events() == []


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_thief_with_a_replaced_token_ends_a_session_without_a_key_and_alarms(stage: Stage, seconds: int) -> None:
    victor = stage.victor(alices_site(stage.store))
    stolen = victor.session["session_token"]
    victor.session |= stage.call("POST", "/api/sessions/refresh", headers=victor.headers).json
    if seconds == 0:
        # The visitor goes on with the new one; else the thief comes when nobody has, a minute later.
        assert victor.say("mine").status == 200
    stage.clock.forward(seconds)
    assert reading(stage, victor, stolen, peer="203.0.113.66").error == "session_revoked"
    # Nobody knows which of the two is the thief: the visitor opens a new session.
    assert victor.say("mine").error == "session_revoked"
    alarms = [event for event in stage.events() if event.severity == "high"]
    assert [(event.type, event.session_id, event.widget_id, event.domain) for event in alarms] == [
        ("token_reuse", victor.session["session_id"], victor.widget.widget_id, SHOP)
    ]
    assert stage.victor(victor.widget).say("again").status == 200


def test_a_thief_with_the_newest_token_of_a_session_without_a_key_is_found_by_its_visitor(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store))
    stolen = victor.session["session_token"]
    thiefs = stage.call("POST", "/api/sessions/refresh", headers={"origin": SHOP, "authorization": f"Bearer {stolen}"}, peer="203.0.113.66").json
    assert reading(stage, victor, thiefs["session_token"], peer="203.0.113.66").status == 200
    assert victor.say("is anybody there?").error == "session_revoked"
    assert reading(stage, victor, thiefs["session_token"], peer="203.0.113.66").error == "session_revoked"
    assert [event.type for event in stage.events() if event.severity == "high"] == ["token_reuse"]


def test_require_proof_refuses_sessions_without_a_key(stage: Stage) -> None:
    widget = alices_site(stage.store, settings={"access": {"require_proof": True}})
    reply = stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget.widget_id})
    assert (reply.status, reply.error) == (401, "proof_required")
    assert BoundVisitor(stage, widget.widget_id, SHOP).open().say("hello").status == 200


@pytest.mark.parametrize("ahead", [-60, -30, 0, 60])
@pytest.mark.parametrize("used_at", [0.0, 0.999])
def test_a_proof_works_once_whatever_the_clocks_say(victor: BoundVisitor, ahead: int, used_at: float) -> None:
    clock, path = victor.stage.clock, f"/api/conversations/{victor.session['conversation_id']}/messages"
    clock.forward(120)
    iat = int(clock.now().timestamp()) + ahead
    proof = victor.key.prove(victor.stage, "GET", path, victor.token, iat=iat)
    clock.forward(used_at)
    assert victor.request("GET", path, proof=proof).status == 200
    # A moment before and at every second until it is too old, and a bit beyond.
    while clock.now().timestamp() < iat + 63:
        clock.forward(0.25)
        assert victor.request("GET", path, proof=proof).status in {401, 429}
        clock.forward(0.749)


def deep(key: Key) -> str:
    """A proof within 2 KiB whose header nests deeper than any parser follows."""
    x, y = key.jwk["x"], key.jwk["y"]
    header = f'{{"typ":"dpop+jwt","alg":"ES256","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":' + "[" * 1150
    return f"{_encode(header.encode())}.e30.AA"


def test_a_deeply_nested_proof_is_no_proof_and_is_counted(victor: BoundVisitor) -> None:
    proof, body = deep(victor.key), {"widget_id": victor.widget_id}
    assert len(proof) <= 2048
    replies = [victor.stage.call("POST", "/api/sessions", headers={"origin": SHOP, "dpop": proof}, body=body) for _ in range(4)]
    assert [(reply.status, reply.error) for reply in replies] == [(401, "invalid_proof")] * 3 + [(429, "temporarily_blocked")]


def test_a_theft_is_told_also_when_the_database_cannot_end_the_session(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    victor = stage.victor(alices_site(stage.store, settings={"limits": {"interval_ms": 0}}))
    old = dict(victor.headers)
    victor.session = stage.call("POST", "/api/sessions/refresh", headers=victor.headers).json
    assert victor.say("hello").status == 200
    stage.clock.forward(61)
    transaction = stage.store.transaction

    async def away(change: Any, *values: Any, **named: Any) -> Any:
        if change is end_session:
            raise Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=2)
        return await transaction(change, *values, **named)

    monkeypatch.setattr(stage.store, "transaction", away)
    assert stage.call("POST", "/api/chat", headers=old, body={"message": "it is me"}).status == 503
    monkeypatch.undo()
    assert [event.type for event in stage.events() if event.severity == "alert" or event.type == "token_reuse"] == ["token_reuse"]
