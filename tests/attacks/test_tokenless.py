"""Domain mode: S3's contract without tokens, and what holds in it all the same."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from chatkeep.admit.sweep import sweep_once
from chatkeep.clock import Clock
from chatkeep.limits.in_process import InProcessLimits
from chatkeep.manage.organizations import choose_organization, choose_providers, default_agent
from chatkeep.manage.widgets import create_widget
from chatkeep.store import Store
from chatkeep.store.tables import widgets
from chatkeep.store.widgets import WidgetRow
from tests.cast import EVIL, SHOP, HeldClock, Reply, Stage, alices_site, on_stage

PEER = "198.51.100.7"
CONVERSATION = "conv_1642251000_abc123"


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    with on_stage(store) as opened:
        yield opened


def site(store: Store, **limits: int) -> WidgetRow:
    clock: Clock = HeldClock()
    org = choose_organization(store, clock).org_id
    agent = default_agent(store, org)
    choose_providers(store, org, agent.agent_id, ("fake",))
    settings = {"limits": {"interval_ms": 0, **limits}}
    return create_widget(store, clock, org, agent.agent_id, name="S3", domains=["shop.example"], access_mode="domain", settings=settings, development=True)


def say(stage: Stage, widget: WidgetRow, message: str = "Hello, I need help with my order", peer: str = PEER, **body: str) -> Reply:
    """Exactly as the contract has it: Origin, X-Widget-ID, body."""
    headers = {"origin": SHOP, "x-widget-id": widget.widget_id}
    return stage.call("POST", "/api/chat", headers=headers, body={"message": message, "widget_id": widget.widget_id, **body}, peer=peer)


def rows(stage: Stage, table: str) -> int:
    return int(stage.store.read_now(lambda tx: tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()))


def switch(stage: Stage, widget: WidgetRow, mode: str) -> None:
    """Give the widget another access mode, and let what is remembered of it grow old."""
    stage.store.transaction_now(lambda tx: tx.execute(widgets.update().where(widgets.c.id == widget.widget_id).values(access_mode=mode)))
    stage.clock.forward(3)


def test_the_contract_of_a_success(stage: Stage) -> None:
    reply = say(stage, site(stage.store), conversation_id=CONVERSATION)
    assert reply.status == 200
    assert reply.json["success"] is True
    assert reply.json["response"] == "You said: Hello, I need help with my order"
    assert reply.json["conversation_id"] == CONVERSATION
    assert reply.json["usage"] == {"messages_remaining_today": 199, "reset_at": "2026-01-16T00:00:00Z"}


def test_the_contract_of_a_limited_answer(stage: Stage) -> None:
    widget = site(stage.store, per_minute=1)
    assert say(stage, widget).status == 200
    reply = say(stage, widget)
    assert reply.status == 429
    assert reply.json | {"message": "", "request_id": ""} == {
        "success": False,
        "error": "rate_limit_exceeded",
        "message": "",
        "request_id": "",
        "retry_after": 60,
        "limit_type": "per_minute",
        "usage": {"messages_remaining_today": 199, "reset_at": "2026-01-16T00:00:00Z"},
    }


def test_the_visitor_is_the_address_and_limits_survive_a_restart(stage: Stage) -> None:
    widget = site(stage.store, per_minute=60, per_hour=60, per_day=60)
    for n in range(55):
        assert say(stage, widget, conversation_id=f"conv_{n // 20:012}").status == 200
    assert say(stage, widget, peer="198.51.100.8").json["usage"]["messages_remaining_today"] == 59
    stage.clock.forward(3601)
    with on_stage(stage.store, clock=stage.clock) as restarted:
        assert [say(restarted, widget).status for _ in range(6)] == [200] * 5 + [429]


def test_a_conversation_goes_on_within_the_network_and_is_not_found_elsewhere(stage: Stage) -> None:
    widget = site(stage.store)
    assert say(stage, widget, conversation_id=CONVERSATION).status == 200
    assert say(stage, widget, conversation_id=CONVERSATION, peer="198.51.100.99").status == 200
    reply = say(stage, widget, conversation_id=CONVERSATION, peer="203.0.113.7")
    assert (reply.status, reply.error) == (404, "not_found")


def test_what_the_limits_refuse_leaves_nothing_behind(stage: Stage) -> None:
    widget = site(stage.store, per_minute=3)
    replies = [say(stage, widget, conversation_id=f"conv_{number:012}") for number in range(20)]
    replies += [say(stage, widget, peer="203.0.113.9", conversation_id=f"conv_{0:012}")]
    assert [reply.status for reply in replies] == [200] * 3 + [429] * 17 + [404]
    assert rows(stage, "conversations") == rows(stage, "messages WHERE role = 'visitor'") == 3
    assert rows(stage, "sessions") == rows(stage, "visitors") == 1


def test_what_the_limits_refuse_is_neither_counted_from_rows_nor_remembered(stage: Stage) -> None:
    widget = site(stage.store)
    assert [say(stage, widget).status for _ in range(200)].count(200) == 10
    counted = stage.gateway.desk.limits
    assert isinstance(counted, InProcessLimits)
    assert sum(key.startswith("convmsg:") for key in counted._counts) <= 10


def test_a_retry_without_a_conversation_is_answered_in_the_first_ones(stage: Stage) -> None:
    widget = site(stage.store)
    key = {"idempotency-key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
    headers = {"origin": SHOP, "x-widget-id": widget.widget_id, **key}
    replies = [stage.call("POST", "/api/chat", headers=headers, body={"message": "hello"}, peer=PEER) for _ in range(3)]
    assert [reply.json for reply in replies] == [replies[0].json] * 3
    assert rows(stage, "conversations") == rows(stage, "sessions") == 1


def test_a_widget_that_was_in_another_mode_for_hours_goes_on(stage: Stage) -> None:
    widget = site(stage.store)
    assert say(stage, widget, conversation_id=CONVERSATION).status == 200
    switch(stage, widget, "session")
    stage.clock.forward(7200)
    stage.loop.run_until_complete(sweep_once(stage.gateway.desk))
    switch(stage, widget, "domain")
    assert rows(stage, "sessions WHERE ended_at IS NOT NULL") == 1
    assert say(stage, widget, conversation_id=CONVERSATION).status == 200
    assert rows(stage, "sessions WHERE ended_at IS NOT NULL") == 0


def test_a_token_from_before_the_switch_reads_nothing(stage: Stage) -> None:
    widget = alices_site(stage.store)
    victor = stage.victor(widget)
    assert victor.say("hello").status == 200
    switch(stage, widget, "domain")
    reply = stage.call("GET", f"/api/conversations/{victor.session['conversation_id']}/messages", headers=victor.headers)
    assert (reply.status, reply.error) == (401, "session_required")


def test_an_anonymous_session_ends_when_the_widget_asks_who_its_visitors_are(stage: Stage) -> None:
    widget = alices_site(stage.store)
    victor = stage.victor(widget)
    assert victor.say("hello").status == 200
    switch(stage, widget, "identity")
    stage.clock.forward(5)
    for _ in range(4):
        reply = victor.say("hello again")
        assert (reply.status, reply.error) == (410, "session_expired"), "and nobody is warned for it"


def test_another_widgets_conversation_is_not_found(stage: Stage) -> None:
    first, second = site(stage.store), site(stage.store)
    assert say(stage, first, conversation_id=CONVERSATION).status == 200
    assert say(stage, second, conversation_id=CONVERSATION).error == "not_found"


def test_every_message_without_a_conversation_begins_one(stage: Stage) -> None:
    widget = site(stage.store)
    assert say(stage, widget).json["conversation_id"] != say(stage, widget).json["conversation_id"]


@pytest.mark.parametrize(("method", "path"), [("GET", f"/api/conversations/{CONVERSATION}/messages"), ("GET", "/api/chat/msg_aaaaaaaaaaaaaaaa/stream")])
def test_routes_of_a_session_say_that_there_is_none(stage: Stage, method: str, path: str) -> None:
    widget = site(stage.store)
    assert say(stage, widget, conversation_id=CONVERSATION).status == 200
    reply = stage.call(method, path, headers={"origin": SHOP, "x-widget-id": widget.widget_id}, peer=PEER)
    assert (reply.status, reply.error) == (401, "session_required")


def test_no_session_is_opened(stage: Stage) -> None:
    widget = site(stage.store)
    reply = stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget.widget_id}, peer=PEER)
    assert (reply.status, reply.error) == (400, "invalid_request")


def test_a_foreign_page_is_refused(stage: Stage) -> None:
    widget = site(stage.store)
    headers = {"origin": EVIL, "x-widget-id": widget.widget_id}
    reply = stage.call("POST", "/api/chat", headers=headers, body={"message": "x"}, peer=PEER)
    assert (reply.status, reply.error) == (403, "domain_not_authorized")


def test_a_session_widget_takes_nothing_without_a_token(stage: Stage) -> None:
    reply = say(stage, alices_site(stage.store))
    assert (reply.status, reply.error) == (401, "session_required")


def test_the_first_two_messages_may_come_at_the_same_time(stage: Stage) -> None:
    import asyncio  # noqa: PLC0415 - only here

    widget = site(stage.store)

    async def both() -> list[Reply]:
        headers = {"origin": SHOP, "x-widget-id": widget.widget_id}
        return await asyncio.gather(
            *(stage.acall("POST", "/api/chat", headers=headers, body={"message": str(n), "conversation_id": CONVERSATION}, peer=PEER) for n in range(5))
        )

    assert [reply.status for reply in stage.loop.run_until_complete(both())] == [200] * 5
