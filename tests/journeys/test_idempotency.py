"""A request that comes again is carried out once: in parallel, as a stream, after a restart, until a day has passed."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from chatkeep.store import Store
from chatkeep.store.tables import messages
from tests.cast import SHOP, Reply, Stage, StageVisitor, alices_site, on_stage
from tests.places import event_id

KEY = {"idempotency-key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    with on_stage(store) as opened:
        yield opened


@pytest.fixture
def victor(stage: Stage) -> StageVisitor:
    return stage.victor(alices_site(stage.store, settings={"limits": {"interval_ms": 0}}))


def questions(store: Store) -> int:
    return store.read_now(lambda tx: tx.execute(select(func.count()).select_from(messages).where(messages.c.role == "visitor")).scalar_one())


def test_the_same_key_gets_the_same_answer_and_is_charged_once(victor: StageVisitor) -> None:
    first, second = victor.say("hello", **KEY), victor.say("hello", **KEY)
    assert first.status == second.status == 200
    assert first.json == second.json
    assert victor.say("another").json["usage"]["messages_remaining_today"] == 198
    assert questions(victor.stage.store) == 2


def test_another_body_with_the_same_key_is_refused(victor: StageVisitor) -> None:
    assert victor.say("hello", **KEY).status == 200
    reply = victor.say("goodbye", **KEY)
    assert (reply.status, reply.error) == (422, "idempotency_key_reused")
    assert [event.type for event in victor.stage.events()] == ["idempotency_conflict"]


def test_a_hundred_at_once_are_carried_out_once(victor: StageVisitor) -> None:
    body = {"message": "hello", "conversation_id": victor.session["conversation_id"], "widget_id": victor.widget.widget_id}

    async def all_at_once() -> list[Reply]:
        calls = (victor.stage.acall("POST", "/api/chat", headers={**victor.headers, **KEY}, body=body, peer=f"203.0.113.{n}") for n in range(100))
        return await asyncio.gather(*calls)

    replies = victor.stage.loop.run_until_complete(all_at_once())
    answers = [reply for reply in replies if reply.status == 200]
    waiting = [reply for reply in replies if reply.status == 409]
    assert len(answers) >= 1
    assert len(answers) + len(waiting) == 100
    assert {reply.json["message_id"] for reply in replies} == {answers[0].json["message_id"]}
    assert {reply.headers["retry-after"] for reply in waiting} <= {"1"}
    assert questions(victor.stage.store) == 1
    assert victor.say("hello", **KEY).json["message_id"] == answers[0].json["message_id"]


def test_a_restart_remembers_and_a_day_forgets(victor: StageVisitor) -> None:
    first = victor.say("hello", **KEY)
    with on_stage(victor.stage.store, clock=victor.stage.clock) as restarted:
        again = StageVisitor(restarted, victor.widget, SHOP, victor.peer, victor.session)
        assert again.say("hello", **KEY).json["message_id"] == first.json["message_id"]
        assert again.say("goodbye", **KEY).error == "idempotency_key_reused"
        assert questions(restarted.store) == 1


def test_a_stream_is_replayed_from_where_its_reader_was(victor: StageVisitor) -> None:
    whole = victor.say("one two three", accept="text/event-stream", **KEY).events()
    text = "".join(data["text"] for name, data in whole if name == "delta")
    for place in (0, 1, len(text) - 1, len(text)):
        events = victor.say("one two three", accept="text/event-stream", **KEY, **{"last-event-id": event_id(text[:place])}).events()
        assert "".join(data["text"] for name, data in events if name == "delta") == text[place:]
        assert events[-1][0] == "done"
    message_id = whole[0][1]["message_id"]
    for told, rest in ((event_id(text[:4]), text[4:]), (event_id("else"), text), (event_id(text + "more"), text), ("4", text), ("4-\xb2" * 4, text)):
        reply = victor.stage.call("GET", f"/api/chat/{message_id}/stream", headers={**victor.headers, "last-event-id": told})
        assert "".join(data["text"] for name, data in reply.events() if name == "delta") == rest, told


def test_somebody_elses_stream_is_not_found(victor: StageVisitor) -> None:
    message_id = victor.say("hello").json["message_id"]
    mallory = victor.stage.victor(victor.widget)
    assert victor.stage.call("GET", f"/api/chat/{message_id}/stream", headers=mallory.headers).status == 404


def test_a_refusal_frees_the_key(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store))
    assert victor.say("first").status == 200
    assert victor.say("hello", **KEY).error == "rate_limit_exceeded"
    stage.clock.forward(2)
    assert victor.say("hello", **KEY).status == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "ümlaut"])
def test_a_key_of_the_wrong_form_is_refused(victor: StageVisitor, key: str) -> None:
    reply = victor.say("hello", **{"idempotency-key": key})
    assert (reply.status, reply.error) == (400, "invalid_request")


def test_two_visitors_may_use_the_same_key(victor: StageVisitor) -> None:
    other = victor.stage.victor(victor.widget)
    assert victor.say("hello", **KEY).json["message_id"] != other.say("hello", **KEY).json["message_id"]


def test_opening_a_session_twice_opens_one(stage: Stage) -> None:
    widget = alices_site(stage.store)

    def open_one() -> Reply:
        return stage.call("POST", "/api/sessions", headers={"origin": SHOP, **KEY}, body={"widget_id": widget.widget_id})

    first, second = open_one(), open_one()
    assert first.status == second.status == 201
    assert first.json["session_id"] == second.json["session_id"]
    assert sum(event.count for event in stage.events(quiet=False) if event.type == "session_created") == 1
    other = stage.call("POST", "/api/sessions", headers={"origin": SHOP, **KEY}, body={"widget_id": widget.widget_id}, peer="203.0.113.9")
    assert other.json["session_id"] != first.json["session_id"]


def test_a_key_is_forgotten_after_a_day(stage: Stage) -> None:
    widget = alices_site(stage.store, settings={"limits": {"interval_ms": 0}})

    def open_one() -> str:
        reply = stage.call("POST", "/api/sessions", headers={"origin": SHOP, **KEY}, body={"widget_id": widget.widget_id})
        assert reply.status in {201, 410}
        return str(reply.json.get("session_id"))

    first = open_one()
    stage.clock.forward(24 * 3600)
    assert open_one() != first
