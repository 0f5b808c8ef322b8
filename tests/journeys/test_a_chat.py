"""A whole chat, in this process and on both databases."""

from chatkeep.store import Store
from tests.cast import alices_site, on_stage


def test_a_visitor_is_answered_and_reads_it_back(store: Store) -> None:
    widget = alices_site(store)
    with on_stage(store) as stage:
        victor = stage.victor(widget)
        reply = victor.say("Hello, I need help with my order")
        assert reply.status == 200
        assert reply.json["success"] is True
        assert reply.json["response"] == "You said: Hello, I need help with my order"
        assert reply.json["usage"] == {"messages_remaining_today": 199, "reset_at": "2026-01-16T00:00:00Z"}
        question, answer = victor.history()
        assert (question["role"], question["text"], question["reply_to"]) == ("visitor", "Hello, I need help with my order", None)
        assert (answer["role"], answer["state"], answer["reply_to"]) == ("assistant", "complete", question["message_id"])
        assert answer["message_id"] == reply.json["message_id"]


def test_an_answer_can_be_streamed(store: Store) -> None:
    widget = alices_site(store)
    with on_stage(store) as stage:
        events = stage.victor(widget).say("one two three", accept="text/event-stream").events()
        assert events[0][0] == "start"
        assert "".join(data["text"] for name, data in events if name == "delta") == "You said: one two three"
        assert events[-1][0] == "done"
        assert events[-1][1]["finish_reason"] == "stop"


def test_a_second_message_within_two_seconds_is_refused_with_one_event(store: Store) -> None:
    widget = alices_site(store)
    with on_stage(store) as stage:
        victor = stage.victor(widget)
        assert victor.say("one").status == 200
        reply = victor.say("two")
        assert (reply.status, reply.error, reply.json["limit_type"], reply.json["retry_after"]) == (429, "rate_limit_exceeded", "interval", 2)
        stage.clock.forward(2)
        assert victor.say("three").status == 200
        assert [(event.type, event.count) for event in stage.events()] == [("rate_limit_exceeded", 1)]
