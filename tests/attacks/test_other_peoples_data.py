"""T4: another visitor's conversation or message id, on every route that takes one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Row, select

from chatkeep.ids import AgentId, OrgId
from chatkeep.manage.widgets import create_widget
from chatkeep.store import Store, Tx
from chatkeep.store.events import list_events
from chatkeep.store.organizations import Agent, add_agent, add_organization
from chatkeep.store.tables import metadata
from chatkeep.store.widgets import WidgetRow
from tests.admit.cast import ROUTES, UNKNOWN_CONVERSATION, UNKNOWN_MESSAGE, WIDE, VisitorRoute, assert_refused, generous, good_body
from tests.cast import HeldClock, Reply, Stage, StageVisitor, alices_site, on_stage

BLOG = "https://blog.example"
# Everything that takes the id of a conversation or of a message.
NAMING = tuple(route for route in ROUTES if "{conversation}" in route.path or "{message}" in route.path)
IN_BODY = VisitorRoute("POST", "/api/chat", has_body=True)


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store, generous()) as opened:
        yield opened


@pytest.fixture
def widget(stage: Stage) -> WidgetRow:
    return alices_site(stage.store, domains=("shop.example", "blog.example"), settings=WIDE)


@pytest.fixture
def victor(stage: Stage, widget: WidgetRow) -> StageVisitor:
    """The victim: has said something, got an answer, and rated it."""
    visitor = stage.victor(widget)
    answer = visitor.say("my secret is swordfish").json["message_id"]
    path = f"/api/messages/{answer}/feedback"
    assert stage.call("POST", path, headers=visitor.headers, body={"rating": "up", "comment": "swordfish"}).status == 200
    return visitor


def bobs_site(store: Store) -> WidgetRow:
    """Another organization on the same instance, with the same page on its list."""
    org, agent = OrgId("org_bobbobbobbobbob"), AgentId("agent_bobbobbobbob")

    def add(tx: Tx) -> None:
        add_organization(tx, org, "Bob", at_ms=0)
        add_agent(tx, org, Agent(agent, org, "default", "", ("fake",), has_knowledge=False), at_ms=0)

    store.transaction_now(add)
    return create_widget(store, HeldClock(), org, agent, name="Bob's", domains=("shop.example",), settings=WIDE, development=True)


MALLORYS: dict[str, Callable[[Stage, WidgetRow], StageVisitor]] = {
    "a second visitor": lambda stage, widget: stage.victor(widget),
    "a visitor of the same address on another page": lambda stage, widget: stage.victor(widget, origin=BLOG),
    "a visitor of a second widget": lambda stage, _: stage.victor(alices_site(stage.store, settings=WIDE)),
    "a visitor of a second organization": lambda stage, _: stage.victor(bobs_site(stage.store)),
}


@pytest.fixture(params=MALLORYS.values(), ids=MALLORYS.keys())
def mallory(request: pytest.FixtureRequest, stage: Stage, widget: WidgetRow) -> StageVisitor:
    intruder: StageVisitor = request.param(stage, widget)
    assert intruder.say("hello").status == 200
    return intruder


def try_all(thief: StageVisitor, conversation: str, message: str) -> dict[str, Reply]:
    """Every route with those ids, as *thief* would call it."""
    replies = {}
    for route in NAMING:
        path = route.path.format(conversation=conversation, message=message)
        replies[f"{route.method} {route.path}"] = thief.stage.call(route.method, path, headers=thief.headers, body=good_body(route, thief.widget))
    body = {"message": "let me in", "conversation_id": conversation}
    replies["POST /api/chat"] = thief.stage.call("POST", "/api/chat", headers=thief.headers, body=body)
    return replies


def said(store: Store) -> dict[str, list[Row[Any]]]:
    """All that visitors have."""

    def read(tx: Tx) -> dict[str, list[Row[Any]]]:
        return {name: list(tx.execute(select(metadata.tables[name]))) for name in ("conversations", "messages", "feedback", "idempotency_keys")}

    return store.read_now(read)


def test_every_route_that_takes_an_id_is_tried() -> None:
    assert {(route.method, route.path) for route in NAMING} == {
        ("GET", "/api/chat/{message}/stream"),
        ("DELETE", "/api/chat/{message}/stream"),
        ("GET", "/api/conversations/{conversation}/messages"),
        ("GET", "/api/conversations/{conversation}/export"),
        ("DELETE", "/api/conversations/{conversation}"),
        ("POST", "/api/messages/{message}/feedback"),
    }


def test_somebody_elses_ids_open_nothing_and_change_nothing(victor: StageVisitor, mallory: StageVisitor) -> None:
    stage = victor.stage
    before = said(stage.store)
    question, answer = (message["message_id"] for message in victor.history())
    for message in (answer, question):
        for name, reply in try_all(mallory, victor.session["conversation_id"], message).items():
            assert_refused(reply, 404, "not_found")
            assert "swordfish" not in reply.body.decode(), name
    assert said(stage.store) == before
    stage.flush()
    events = [event for event in stage.store.read_now(list_events, mallory.widget.org_id) if event.severity != "info"]
    assert [(event.type, event.details["reason"], event.session_id) for event in events] == [("invalid_request", "not_found", mallory.session["session_id"])]
    assert events[0].count == 2 * (len(NAMING) + 1)
    assert victor.history()[0]["text"] == "my secret is swordfish"


def test_a_foreign_id_an_unknown_one_and_an_erased_one_look_the_same(victor: StageVisitor, mallory: StageVisitor) -> None:
    erased = victor.stage.victor(victor.widget)
    gone = (erased.session["conversation_id"], erased.say("erase me").json["message_id"])
    assert victor.stage.call("DELETE", f"/api/conversations/{gone[0]}", headers=erased.headers).status == 204
    foreign = (victor.session["conversation_id"], victor.history()[1]["message_id"])

    def answers(conversation: str, message: str) -> dict[str, tuple[int, dict[str, Any]]]:
        replies = try_all(mallory, conversation, message)
        return {name: (reply.status, {**reply.json, "request_id": None}) for name, reply in replies.items()}

    assert answers(*foreign) == answers(UNKNOWN_CONVERSATION, UNKNOWN_MESSAGE) == answers(*gone)


def test_a_foreign_message_is_no_place_in_the_own_history(victor: StageVisitor, mallory: StageVisitor) -> None:
    foreign = victor.history()[1]["message_id"]
    path = f"/api/conversations/{mallory.session['conversation_id']}/messages"
    replies = [mallory.stage.call("GET", f"{path}?before={message}", headers=mallory.headers) for message in (foreign, UNKNOWN_MESSAGE)]
    assert [reply.status for reply in replies] == [200, 200]
    assert replies[0].json == replies[1].json == {"messages": [], "has_more": False}


def test_a_tombstone_of_an_erased_question_is_nobodys(victor: StageVisitor, mallory: StageVisitor) -> None:
    old = victor.session["conversation_id"]
    stage = victor.stage
    assert stage.call("DELETE", f"/api/conversations/{old}", headers=victor.headers).status == 204
    tombstones = [row.id for row in said(stage.store)["messages"] if row.ending == "erased"]
    assert len(tombstones) == 1
    for visitor in (victor, mallory):
        for reply in (
            stage.call("POST", f"/api/messages/{tombstones[0]}/feedback", headers=visitor.headers, body={"rating": "up"}),
            stage.call("GET", f"/api/chat/{tombstones[0]}/stream", headers=visitor.headers),
        ):
            assert_refused(reply, 404, "not_found")
    # The erased id still leads its own visitor to what came after it, and nobody else.
    assert stage.call("POST", "/api/chat", headers=mallory.headers, body={"message": "hello", "conversation_id": old}).status == 404
    assert stage.call("POST", "/api/chat", headers=victor.headers, body={"message": "hello", "conversation_id": old}).status == 200


@pytest.mark.parametrize(
    "conversation",
    [
        "conv_' OR '1'='1",
        "conv_%25",
        "conv_aaaaaaaaaaaa%00",
        "CONV_AAAAAAAAAAAA",
        "conv_aaaaaaaaaaaa%0a",
        "..%2f..",
        "*",
        "conv_ааааааааааааа".encode().decode("latin-1"),
    ],
)
def test_what_is_no_id_is_refused_before_any_read(victor: StageVisitor, conversation: str) -> None:
    for rest in ("/messages", "/export"):
        reply = victor.stage.call("GET", f"/api/conversations/{conversation}{rest}", headers=victor.headers)
        assert reply.status in {400, 404}
        assert reply.error in {"invalid_conversation_id", "not_found"}


def test_a_token_of_one_widget_reports_nothing_for_another(victor: StageVisitor, stage: Stage) -> None:
    other = alices_site(stage.store, settings=WIDE)
    for route in NAMING:
        path = route.path.format(conversation=victor.session["conversation_id"], message=UNKNOWN_MESSAGE)
        headers = {**victor.headers, "x-widget-id": other.widget_id}
        assert_refused(stage.call(route.method, path, headers=headers, body=good_body(route, other)), 400, "invalid_request")


def test_a_token_of_one_page_opens_nothing_on_another(victor: StageVisitor) -> None:
    message = victor.history()[1]["message_id"]
    for number, route in enumerate(NAMING):
        path = route.path.format(conversation=victor.session["conversation_id"], message=message)
        headers = {**victor.headers, "origin": BLOG}
        # Each from an address of its own: a few of these in a row are a block.
        reply = victor.stage.call(route.method, path, headers=headers, body=good_body(route, victor.widget), peer=f"203.0.113.{number}")
        assert_refused(reply, 401, "invalid_session")
    assert victor.history()[1]["message_id"] == message
