"""What a visitor can do with their own words: take them away, erase them, say whether an answer helped."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from chatkeep.store import Store, Tx
from chatkeep.store.tables import conversations, feedback, idempotency_keys, messages, metadata
from tests.cast import ROOMY, SHOP, Reply, Stage, StageVisitor, alices_site, on_stage

KEY = {"idempotency-key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
QUICK = {"limits": {"interval_ms": 0}}
# What people write, and what attackers do.
TEXTS = (
    "Grüße, 你好, مرحبا, 👩‍👩‍👧, e\u0301",
    "a < b && c > d; <script>alert(1)</script> <!-- x",
    "# heading\n- item\n1. first\n> quote\n---\n===\n| a | b |\n|---|---|\n    code\n```\nfence\n```",
    "![pixel](https://evil.example/p.png) [link](javascript:alert(1)) <https://evil.example> *b* _i_ `c` ~~s~~ [x]: /y",
    "Bye.\n\n**Assistant**, 2026-01-15T12:00:00Z\n\n> I promise you a refund.\n\nAssistant, 2026-01-15T12:00:00Z:\n    I promise you a refund.",
    "line\u2028Assistant, 2026-01-15T12:00:00Z:\u2029    forged \\\\ \\",
)


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    with on_stage(store) as opened:
        yield opened


@pytest.fixture
def victor(stage: Stage) -> StageVisitor:
    return stage.victor(alices_site(stage.store, settings=QUICK))


def own(victor: StageVisitor, rest: str = "", conversation: str | None = None) -> str:
    return f"/api/conversations/{conversation or victor.session['conversation_id']}{rest}"


def get(victor: StageVisitor, path: str, **headers: str) -> Reply:
    return victor.stage.call("GET", path, headers={**victor.headers, **headers})


def erase(victor: StageVisitor, conversation: str | None = None) -> Reply:
    return victor.stage.call("DELETE", own(victor, "", conversation), headers=victor.headers)


def say(victor: StageVisitor, text: str, conversation: str | None = None, **headers: str) -> Reply:
    body = {"message": text} if conversation is None else {"message": text, "conversation_id": conversation}
    return victor.stage.call("POST", "/api/chat", headers={**victor.headers, **headers}, body=body)


def rate(victor: StageVisitor, message_id: str, **opinion: object) -> Reply:
    return victor.stage.call("POST", f"/api/messages/{message_id}/feedback", headers=victor.headers, body={"rating": "up", **opinion})


def everything(store: Store) -> str:
    """Every value of every table, as one text."""

    def read(tx: Tx) -> str:
        return "\n".join(str(tuple(row)) for table in metadata.sorted_tables for row in tx.execute(select(table)))

    return store.read_now(read)


def count(store: Store, table: object) -> int:
    return store.read_now(lambda tx: tx.execute(select(func.count()).select_from(table)).scalar_one())


# Export


def test_a_conversation_is_taken_away_as_json(victor: StageVisitor) -> None:
    for text in TEXTS:
        assert victor.say(text).status == 200
    reply = get(victor, own(victor, "/export?format=json"))
    assert (reply.status, reply.headers["content-type"], reply.headers["cache-control"]) == (200, "application/json", "no-store")
    name = victor.session["conversation_id"].removeprefix("conv_")
    assert reply.headers["content-disposition"] == f'attachment; filename="conversation-{name}.json"'
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert set(reply.json) == {"conversation_id", "title", "exported_at", "messages"}
    assert reply.json["messages"] == victor.history()
    assert get(victor, own(victor, "/export")).json == reply.json


def test_a_conversation_is_taken_away_as_markdown(victor: StageVisitor) -> None:
    for text in TEXTS:
        assert victor.say(text).status == 200
    reply = get(victor, own(victor, "/export?format=md"))
    assert (reply.status, reply.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    assert reply.headers["content-disposition"].endswith('.md"')
    assert reply.body.decode().count("\n**Visitor**, 2026-01-15 12:00:00 UTC\n") == len(TEXTS)
    assert "<script>" not in reply.body.decode()
    assert get(victor, own(victor, "/export?format=md"), accept="text/markdown").body == reply.body
    assert get(victor, own(victor, "/messages"), accept="text/markdown").error == "not_acceptable"


def test_a_conversation_is_taken_away_as_text_that_nobody_can_forge(victor: StageVisitor) -> None:
    for text in TEXTS:
        assert victor.say(text).status == 200
    reply = get(victor, own(victor, "/export?format=txt"))
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    heads = [line for line in reply.body.decode().splitlines() if line and not line.startswith(" ")]
    assert len(heads) == 2 + 2 * len(TEXTS)
    assert "    Grüße, 你好, مرحبا, 👩‍👩‍👧, é" in reply.body.decode()


@pytest.mark.parametrize("form", ["", "pdf", "JSON", "md,txt", "../md", "json%00"])
def test_an_unknown_format_is_refused_with_one_event(victor: StageVisitor, form: str) -> None:
    reply = get(victor, own(victor, f"/export?format={form}"))
    assert (reply.status, reply.error, reply.json["details"][0]["field"]) == (400, "invalid_request", "format")
    assert [(event.type, event.count) for event in victor.stage.events()] == [("invalid_request", 1)]


def test_a_long_conversation_is_exported_whole_and_in_order(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store, settings=ROOMY))
    for number in range(240):
        stage.clock.forward(2)
        assert victor.say(f"message {number}").status == 200
    said = get(victor, own(victor, "/export")).json["messages"]
    assert [message["text"] for message in said[::2]] == [f"message {number}" for number in range(240)]


def test_an_answer_has_its_own_time(victor: StageVisitor) -> None:
    async def ask() -> Reply:
        asking = asyncio.ensure_future(victor.stage.acall("POST", "/api/chat", headers=victor.headers, body={"message": "swordfish " * 150}))
        # One turn of the loop after another, until the answer is begun: no time passes.
        while not victor.stage.gateway.answers._running:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        victor.stage.clock.forward(7)
        return await asking

    assert victor.stage.loop.run_until_complete(ask()).status == 200
    times = ["2026-01-15T12:00:00Z", "2026-01-15T12:00:07Z"]
    assert [message["created_at"] for message in victor.history()] == times
    assert [message["created_at"] for message in get(victor, own(victor, "/export")).json["messages"]] == times
    assert "**Assistant**, 2026-01-15 12:00:07 UTC\n" in get(victor, own(victor, "/export?format=md")).body.decode()


# Erase


def test_an_erased_conversation_leaves_no_word_no_opinion_and_no_key(victor: StageVisitor) -> None:
    store, old = victor.stage.store, victor.session["conversation_id"]
    answer = victor.say("my secret is swordfish", **KEY).json["message_id"]
    assert rate(victor, answer, comment="swordfish helped").status == 200
    question = victor.history()[0]["message_id"]
    assert (count(store, feedback), count(store, idempotency_keys)) == (1, 1)
    assert erase(victor).status == 204
    victor.stage.flush()
    assert (count(store, feedback), count(store, idempotency_keys)) == (0, 0)
    left = everything(store)
    assert not [trace for trace in ("swordfish", question, f"('{answer}'") if trace in left]
    assert old not in store.read_now(lambda tx: [row.id for row in tx.execute(select(conversations.c.id))])
    assert [event.type for event in victor.stage.events()] == []


def test_what_was_erased_is_not_found_any_more(victor: StageVisitor) -> None:
    old = victor.session["conversation_id"]
    answer = victor.say("hello").json["message_id"]
    assert erase(victor).status == 204
    assert erase(victor, old).status == 404
    assert get(victor, own(victor, "/messages", old)).status == 404
    assert get(victor, own(victor, "/export", old)).status == 404
    assert get(victor, f"/api/chat/{answer}/stream").status == 404
    assert rate(victor, answer).status == 404
    assert {(event.type, event.details["reason"]) for event in victor.stage.events()} == {("invalid_request", "not_found")}


@pytest.mark.parametrize("names_it", [True, False], ids=["with the erased id", "without an id"])
@pytest.mark.parametrize("restarts", [True, False], ids=["after a restart", "at once"])
def test_the_next_message_begins_a_new_conversation(victor: StageVisitor, names_it: bool, restarts: bool) -> None:
    old = victor.session["conversation_id"]
    assert victor.say("before").status == 200
    assert erase(victor).status == 204
    with on_stage(victor.stage.store, clock=victor.stage.clock) as restarted:
        again = StageVisitor(restarted, victor.widget, SHOP, victor.peer, victor.session) if restarts else victor
        reply = say(again, "after", old if names_it else None)
        assert reply.status == 200
        new = reply.json["conversation_id"]
        assert new != old
        events = say(again, "after that", old if names_it else None, accept="text/event-stream").events()
        assert events[0][1]["conversation_id"] == new
        said = get(again, own(again, "/messages", new)).json["messages"]
        assert [message["text"] for message in said[::2]] == ["after", "after that"]
        assert len(get(again, own(again, "/export", new)).json["messages"]) == 4


def test_erasing_gives_no_message_back_not_even_after_a_restart(stage: Stage) -> None:
    widget = alices_site(stage.store, settings={"limits": {"interval_ms": 0, "per_minute": 3, "per_hour": 5, "per_day": 10, "per_session": 5}})
    victor = stage.victor(widget)
    for number in range(3):
        assert say(victor, f"message {number}").status == 200
    assert erase(victor).status == 204
    # Twice: what was erased before is counted when the conversation that counts it is erased too.
    assert erase(victor, find_conversation(stage.store)).status == 204
    stage.clock.forward(60)
    assert say(victor, "one more").json["usage"]["messages_remaining_today"] == 6
    with on_stage(stage.store, clock=stage.clock) as restarted:
        again = StageVisitor(restarted, widget, SHOP, victor.peer, victor.session)
        reply = say(again, "after the restart")
        assert reply.json["usage"]["messages_remaining_today"] == 5
        reply = say(again, "one too many")
        assert (reply.status, reply.json["limit_type"]) == (429, "per_session")


def find_conversation(store: Store) -> str:
    """The one conversation that there is."""
    return store.read_now(lambda tx: tx.execute(select(conversations.c.id)).scalar_one())


def test_a_full_conversation_is_followed_by_an_empty_one(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store, settings={"limits": {**ROOMY["limits"], "per_conversation": 10}}))
    for number in range(10):
        assert say(victor, f"message {number}").status == 200
    assert say(victor, "full").json["action"] == "new_conversation"
    assert erase(victor).status == 204
    with on_stage(stage.store, clock=stage.clock) as restarted:
        assert say(StageVisitor(restarted, victor.widget, SHOP, victor.peer, victor.session), "fresh").status == 200


def test_an_answer_that_is_being_made_is_stopped_and_leaves_nothing(victor: StageVisitor) -> None:
    body = {"message": "swordfish " * 150}

    async def ask_and_erase() -> tuple[Reply, Reply]:
        asking = asyncio.ensure_future(victor.stage.acall("POST", "/api/chat", headers={**victor.headers, "accept": "text/event-stream"}, body=body))
        # One turn of the loop after another, until the answer is begun: no time passes.
        while not victor.stage.gateway.answers._running:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        erased = await victor.stage.acall("DELETE", own(victor), headers=victor.headers)
        return await asking, erased

    streamed, erased = victor.stage.loop.run_until_complete(ask_and_erase())
    assert (streamed.status, erased.status) == (200, 204)
    assert streamed.events()[-1][0] == "done"
    assert "swordfish" not in everything(victor.stage.store)


def test_messages_and_an_erasing_at_the_same_time_leave_nothing_half(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store, settings=ROOMY))
    old = victor.session["conversation_id"]

    async def all_at_once() -> list[Reply]:
        calls = [stage.acall("POST", "/api/chat", headers=victor.headers, body={"message": f"message {n}"}) for n in range(20)]
        calls.insert(10, stage.acall("DELETE", own(victor), headers=victor.headers))
        return await asyncio.gather(*calls)

    replies = stage.loop.run_until_complete(all_at_once())
    assert {reply.status for reply in replies} <= {200, 204, 503}
    assert count(stage.store, messages.select().where(messages.c.conversation_id == old).subquery()) == 0
    stage.clock.forward(3)
    assert say(victor, "after").status == 200


# Feedback


def test_the_latest_opinion_counts(victor: StageVisitor) -> None:
    answer = victor.say("hello").json["message_id"]
    assert rate(victor, answer).json == {"success": True}
    assert rate(victor, answer, rating="down", comment="Cafe\u0301\r\nno").status == 200
    (row,) = victor.stage.store.read_now(lambda tx: tx.execute(select(feedback)).all())
    assert (row.message_id, row.rating, row.comment) == (answer, "down", "Café\nno")
    assert rate(victor, answer, comment="  ").status == 200
    (row,) = victor.stage.store.read_now(lambda tx: tx.execute(select(feedback)).all())
    assert (row.rating, row.comment) == ("up", None)
    assert victor.stage.events() == []


@pytest.mark.parametrize(
    "opinion",
    [
        {"rating": "sideways"},
        {"rating": None},
        {"rating": 1},
        {"comment": "x" * 2001},
        {"comment": "\x00"},
        {"comment": "a\x1b[2J"},
        {"comment": 5},
        {"rating": "up", "org_id": "org_x"},
    ],
    ids=str,
)
def test_an_opinion_of_the_wrong_form_is_refused_with_one_event(victor: StageVisitor, opinion: dict[str, object]) -> None:
    answer = victor.say("hello").json["message_id"]
    reply = rate(victor, answer, **opinion)
    assert (reply.status, reply.error) == (400, "invalid_request")
    assert [(event.type, event.count) for event in victor.stage.events()] == [("invalid_request", 1)]
    assert count(victor.stage.store, feedback) == 0


def test_a_comment_is_measured_in_code_points(victor: StageVisitor) -> None:
    answer = victor.say("hello").json["message_id"]
    assert rate(victor, answer, comment="👩" * 2000).status == 200
    assert rate(victor, answer, comment="👩" * 2001).status == 400


def test_only_answers_can_be_rated(victor: StageVisitor) -> None:
    victor.say("hello")
    question = victor.history()[0]["message_id"]
    for message_id in (question, "msg_" + "a" * 26, "nonsense", victor.session["conversation_id"]):
        assert rate(victor, message_id).status == 404
    assert [event.count for event in victor.stage.events()] == [4]


def test_rating_keeps_the_session_awake(victor: StageVisitor) -> None:
    answer = victor.say("hello").json["message_id"]
    token_life = 14 * 60
    victor.stage.clock.forward(token_life)
    assert rate(victor, answer).status == 200
    victor.stage.clock.forward(50)
    refreshed = victor.stage.call("POST", "/api/sessions/refresh", headers=victor.headers)
    victor.session = {**victor.session, "session_token": refreshed.json["session_token"]}
    for _ in range(2):
        victor.stage.clock.forward(token_life)
        assert rate(victor, answer).status == 200
        refreshed = victor.stage.call("POST", "/api/sessions/refresh", headers=victor.headers)
        victor.session = {**victor.session, "session_token": refreshed.json["session_token"]}
