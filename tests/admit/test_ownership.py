"""What belongs to somebody else is not there: the same 404 as for what never was."""

import pytest

from chatkeep.store import Store
from chatkeep.store.widgets import replace_widget
from tests.admit.cast import (
    ROUTES,
    UNKNOWN_CONVERSATION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WIDGET,
    WIDE,
    another_organizations_site,
    assert_refused,
    call,
    contents,
    generous,
)
from tests.cast import Reply, alices_site, on_stage

BAD_IDS = (
    "widget_",
    "widget_short",
    "widget_" + "A" * 26,
    "widget_" + "a" * 65,
    "widget_" + "a" * 26 + "\n",
    "conv_" + "a" * 26,
    "x",
    "",
    "../etc/passwd",
    "widget_" + "é" * 26,
    "' OR 1=1 --",
)


def alike(mine: Reply, unknown: Reply) -> bool:
    """Whether two refusals differ in nothing but the request id."""
    assert_refused(mine, 404, "not_found")
    first, second = ({**reply.json, "request_id": ""} for reply in (mine, unknown))
    return first == second


def test_another_visitors_conversation_cannot_be_written_or_read(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    with on_stage(store, generous()) as stage:
        victor, mallory = stage.victor(widget), stage.victor(widget)
        victor.say("my secret")
        before = contents(store)
        foreign = victor.session["conversation_id"]
        writes = [
            stage.call("POST", "/api/chat", headers=mallory.headers, body={"message": "x", "conversation_id": each}) for each in (foreign, UNKNOWN_CONVERSATION)
        ]
        assert alike(*writes)
        reads = [stage.call("GET", f"/api/conversations/{each}/messages", headers=mallory.headers) for each in (foreign, UNKNOWN_CONVERSATION)]
        assert alike(*reads)
        assert contents(store) == before
        assert mallory.history() == []


def test_a_conversation_of_another_widget_or_organizations_page_is_not_there(store: Store) -> None:
    widget, sister = alices_site(store, settings=WIDE), alices_site(store, settings=WIDE)
    other = another_organizations_site(store, "Mallory Ltd", settings=WIDE)
    with on_stage(store, generous()) as stage:
        foreign = stage.victor(widget).session["conversation_id"]
        for site in (sister, other):
            mallory = stage.victor(site)
            assert_refused(stage.call("GET", f"/api/conversations/{foreign}/messages", headers=mallory.headers), 404, "not_found")
            assert_refused(stage.call("POST", "/api/chat", headers=mallory.headers, body={"message": "x", "conversation_id": foreign}), 404, "not_found")


def test_another_visitors_answer_cannot_be_stopped(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor, mallory = stage.victor(widget), stage.victor(widget)
        answer = victor.say("x").json["message_id"]
        question = victor.history()[0]["message_id"]
        replies = [stage.call("DELETE", f"/api/chat/{each}/stream", headers=mallory.headers) for each in (answer, question, UNKNOWN_MESSAGE, "msg_x", "x")]
        for reply in replies:
            assert alike(reply, replies[2])
        # Nor is there anything to stop once it is finished, for its own visitor.
        assert_refused(stage.call("DELETE", f"/api/chat/{answer}/stream", headers=victor.headers), 404, "not_found")


def test_another_visitors_message_marks_no_place_in_the_own_history(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        mallory, victor = stage.victor(widget), stage.victor(widget)
        mallory.say("mine")
        foreign = victor.say("my secret").json["message_id"]
        path = f"/api/conversations/{mallory.session['conversation_id']}/messages"
        pages = [stage.call("GET", f"{path}?before={each}", headers=mallory.headers) for each in (foreign, UNKNOWN_MESSAGE)]
        # Whether the id exists elsewhere does not show.
        assert pages[0].body == pages[1].body
        assert pages[0].json == {"messages": [], "has_more": False}


@pytest.mark.parametrize(
    "conversation",
    ["conv_", "conv_short", "conv_" + "A" * 26, "conv_" + "a" * 65, "widget_" + "a" * 26, "x", "conv_" + "a" * 26 + "\n", "conv_é" + "a" * 26, "%00"],
)
def test_a_malformed_conversation_id_is_refused_before_any_token(sqlite_store: Store, conversation: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        reply = stage.call("POST", "/api/chat", headers=victor.headers, body={"message": "x", "conversation_id": conversation})
        assert_refused(reply, 400, "invalid_conversation_id")
        if conversation.isascii():
            reply = stage.call("GET", f"/api/conversations/{conversation}/messages", headers=victor.headers)
            assert_refused(reply, 400, "invalid_conversation_id")


@pytest.mark.parametrize("widget_id", BAD_IDS)
def test_a_malformed_widget_id_is_refused_as_such(sqlite_store: Store, widget_id: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for route, body in (("/api/chat", {"message": "x", "widget_id": widget_id}), ("/api/sessions", {"widget_id": widget_id})):
            assert_refused(stage.call("POST", route, headers=victor.headers, body=body), 400, "invalid_widget_id")
        if widget_id.isascii() and widget_id.isprintable():
            assert_refused(
                stage.call("POST", "/api/chat", headers={**victor.headers, "x-widget-id": widget_id}, body={"message": "x"}), 400, "invalid_widget_id"
            )
        if widget_id and "/" not in widget_id and widget_id.isascii():
            assert_refused(stage.call("GET", f"/api/widgets/{widget_id}/config", headers=victor.headers), 400, "invalid_widget_id")


def test_no_widget_named_at_all_is_an_invalid_request(sqlite_store: Store) -> None:
    alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        reply = stage.call("POST", "/api/chat", headers={"origin": "https://shop.example"}, body={"message": "x"})
        assert_refused(reply, 400, "invalid_request")
        assert reply.json["details"] == [{"field": "widget_id", "problem": "is missing"}]


def test_unknown_and_paused_widgets_look_the_same(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        paused = type(widget)(**{**{name: getattr(widget, name) for name in widget.__slots__}, "is_active": False})
        store.transaction_now(replace_widget, widget.org_id, paused)
        # What was read less than two seconds ago is believed; then the pause holds, for open sessions too.
        stage.clock.forward(2)
        for route in ROUTES:
            gone = call(stage, route, widget, victor)
            assert_refused(gone, 404, "widget_not_found_or_inactive")
        unknown = stage.call("POST", "/api/sessions", headers={"origin": victor.origin}, body={"widget_id": UNKNOWN_WIDGET})
        opened = stage.call("POST", "/api/sessions", headers={"origin": victor.origin}, body={"widget_id": widget.widget_id})
        assert {**unknown.json, "request_id": ""} == {**opened.json, "request_id": ""}
        assert {event.type for event in stage.events()} == {"widget_not_found"}
        store.transaction_now(replace_widget, widget.org_id, widget)
        assert call(stage, ROUTES[0], widget, victor).status == 200


def test_a_widget_made_while_the_gateway_runs_is_there_at_once(sqlite_store: Store) -> None:
    with on_stage(sqlite_store) as stage:
        unknown = stage.call("POST", "/api/sessions", headers={"origin": "https://shop.example"}, body={"widget_id": UNKNOWN_WIDGET})
        assert_refused(unknown, 404, "widget_not_found_or_inactive")
        assert stage.victor(alices_site(sqlite_store)).session["session_id"].startswith("sess_")


@pytest.mark.parametrize(
    "page",
    [
        "before=x",
        "before=",
        "before=conv_" + "a" * 26,
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1.5",
        "limit=",
        "limit=x",
        "limit=%D9%A3",
        "limit=00000001",
        "limit=1e2",
    ],
)
def test_a_page_that_cannot_be_is_an_invalid_request(sqlite_store: Store, page: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        path = f"/api/conversations/{victor.session['conversation_id']}/messages?{page}"
        assert_refused(stage.call("GET", path, headers=victor.headers), 400, "invalid_request")


def test_pages_come_newest_first_and_are_read_oldest_first(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        for number in range(5):
            victor.say(f"m{number}")
        path, seen, before = f"/api/conversations/{victor.session['conversation_id']}/messages", [], ""
        while True:
            page = stage.call("GET", f"{path}?limit=3{before}", headers=victor.headers).json
            seen = [message["text"] for message in page["messages"]] + seen
            if not page["has_more"]:
                break
            before = f"&before={page['messages'][0]['message_id']}"
        assert seen == [text for number in range(5) for text in (f"m{number}", f"You said: m{number}")]
