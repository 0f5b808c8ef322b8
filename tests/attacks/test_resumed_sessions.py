"""A visitor who wants more out of a reload than their conversation."""

from collections.abc import Iterator
from typing import Any

import pytest

from chatkeep.admit.blocks import read_all
from chatkeep.manage import blocks
from chatkeep.manage.widgets import use_frame
from chatkeep.store import Store
from chatkeep.store.sessions import changed_since
from chatkeep.store.widgets import WidgetRow
from tests.admit.cast import contents, warned
from tests.attacks.reloading import HELP, PLENTY, QUICK, RESUME, SITES, ask, assert_no, history, reload, site, visit
from tests.cast import SHOP, Reply, Stage, alices_site, development, on_stage
from tests.framed import Frame
from tests.host import Host, Signer, alices_widget
from tests.prover import BoundVisitor, Key


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    with on_stage(store, PLENTY) as opened:
        yield opened


def test_neither_messages_nor_sessions_are_given_back_by_a_reload(stage: Stage) -> None:
    widget = site(stage)
    victor = visit(stage, widget)
    for text in ("two", "three"):
        victor = reload(victor, widget)
        assert victor.say(text).status == 200
    full = reload(victor, widget)
    refused = full.say("four")
    assert (refused.status, refused.json["limit_type"], refused.json["action"]) == (429, "per_session", "new_session")
    assert full.session["usage"]["messages_remaining_today"] == 197


def test_what_a_session_has_said_still_counts_after_a_restart(store: Store) -> None:
    with on_stage(store, PLENTY) as first:
        widget = site(first)
        victor = visit(first, widget)
        assert (victor.say("two").status, victor.say("three").status) == (200, 200)
        clock = first.clock
    with on_stage(store, PLENTY, clock) as second:
        victor.stage = second
        after = reload(victor, widget)
        assert after.session["usage"]["messages_remaining_today"] == 197
        assert after.say("four").json["limit_type"] == "per_session"


def test_a_repeated_opening_gives_no_messages_back_after_a_restart(store: Store) -> None:
    key = Key()

    def open_it(stage: Stage, widget: WidgetRow) -> BoundVisitor:
        headers = {"origin": SHOP, "dpop": key.prove(stage, "POST", "/api/sessions"), "idempotency-key": "one-opening"}
        session = stage.call("POST", "/api/sessions", headers=headers, body={"widget_id": widget.widget_id}).json
        return BoundVisitor(stage, widget.widget_id, SHOP, key=key, session=session)

    with on_stage(store, PLENTY) as first:
        widget = site(first)
        victor, clock = open_it(first, widget), first.clock
        assert [victor.say(text).status for text in ("one", "two", "three")] == [200, 200, 200]
    with on_stage(store, PLENTY, clock) as second:
        again = open_it(second, widget)
        assert again.session["usage"]["messages_remaining_today"] == 197
        assert again.say("four").json["limit_type"] == "per_session"


def test_reloads_take_no_new_session_but_every_one_counts_for_the_address(store: Store) -> None:
    with on_stage(store, development(limit_address_per_minute=6, limit_sessions_per_address_per_hour=1)) as stage:
        widget = site(stage)
        victor = BoundVisitor(stage, widget.widget_id, SHOP).open()
        for _ in range(5):
            victor = reload(victor, widget)
        reply = ask(stage, widget, victor.session["resume"], Key())
        assert (reply.status, reply.json["limit_type"]) == (429, "per_minute")
        stage.clock.forward(60)
        assert reload(victor, widget).session["session_id"] == victor.session["session_id"], "a limited reload uses nothing up"


def test_a_reload_is_activity_but_the_absolute_end_stays(stage: Stage) -> None:
    widget = site(stage)
    victor = visit(stage, widget)
    for _ in range(57):
        stage.clock.forward(25 * 60)
        victor = reload(victor, widget)
    stage.clock.forward(15 * 60 - 0.001)
    victor = reload(victor, widget)
    assert history(victor) == ["remember me"]
    stage.clock.forward(0.001)
    assert_no(ask(stage, widget, victor.session["resume"], Key()))
    assert victor.say("one more").error == "session_expired"


def test_an_idle_session_is_not_woken(stage: Stage) -> None:
    widget = site(stage, limits={"interval_ms": 0, "idle_minutes": 10})
    victor = visit(stage, widget)
    stage.clock.forward(600)
    assert_no(ask(stage, widget, victor.session["resume"], Key()))


def test_a_reload_from_another_network_is_recorded_and_refused_where_the_widget_is_strict(stage: Stage) -> None:
    widget, strict = site(stage), site(stage, access={"strict_address": True})
    roaming = reload(visit(stage, widget), widget, peer="203.0.113.9")
    assert history(roaming) == ["remember me"]
    assert [event.details for event in stage.events() if event.type == "session_stepped_up"] == [{"changed": "address"}]
    victor = visit(stage, strict)
    assert_no(ask(stage, strict, victor.session["resume"], Key(), peer="203.0.113.9"))
    assert sum(event.count for event in stage.events() if event.type == "session_stepped_up") == 2
    assert warned(stage.store) == set()
    assert ask(stage, strict, victor.session["resume"], Key(), peer="198.51.100.8").status == 201, "the same network"


def test_a_blocked_session_stays_blocked_over_a_reload(store: Store) -> None:
    with on_stage(store, PLENTY) as stage:
        widget = site(stage)
        victor = visit(stage, widget)
        made = blocks.block(store, stage.clock, widget.org_id, kind="session", value=victor.session["session_id"], reason="test", minutes=None)
        stage.loop.run_until_complete(read_all(stage.gateway.desk))
        reply = ask(stage, widget, victor.session["resume"], Key(), peer="203.0.113.200")
        assert (reply.status, reply.error) == (429, "temporarily_blocked")
        blocks.lift(store, stage.clock, widget.org_id, made.block_id)
        stage.loop.run_until_complete(read_all(stage.gateway.desk))
        assert history(reload(victor, widget)) == ["remember me"], "being blocked used nothing up"


def test_a_handle_stays_with_who_is_logged_in(stage: Stage) -> None:
    host = Host(stage, alices_widget(stage, access_mode="identity", settings={**RESUME, **QUICK}), Signer("HS256"))
    host.trust()

    def open_as(key: Key, sub: str | None, **more: Any) -> Reply:
        headers = {"origin": SHOP, "dpop": key.prove(stage, "POST", "/api/sessions")}
        who = {} if sub is None else {"identity": host.identity(sub=sub, jti=f"{sub}-{len(more)}-{id(key)}", name="Ann")}
        return stage.call("POST", "/api/sessions", headers=headers, body={"widget_id": host.widget.widget_id, **who, **more})

    opened = open_as(Key(), "customer-1").json
    assert open_as(Key(), None, resume=opened["resume"]).error == "invalid_identity", "after a logout"
    other = Key()
    assert_no(open_as(other, "customer-2", resume=opened["resume"]))
    assert open_as(other, "customer-2").status == 201
    again = open_as(Key(), "customer-1", resume=opened["resume"])
    assert (again.status, again.json["session_id"]) == (201, opened["session_id"])


def test_a_used_identity_or_ticket_resumes_nothing_and_a_refused_handle_uses_none_up(stage: Stage) -> None:
    host = Host(stage, alices_widget(stage, settings={**RESUME, **QUICK, "access": {"require_ticket": True}}))
    secret, key = host.ticket_secret(), Key()

    def open_with(ticket: str, by: Key, **more: Any) -> Reply:
        headers = {"origin": SHOP, "dpop": by.prove(stage, "POST", "/api/sessions")}
        return stage.call("POST", "/api/sessions", headers=headers, body={"widget_id": host.widget.widget_id, "ticket": ticket, **more})

    first = host.ticket(secret)
    opened = open_with(first, key).json
    assert open_with(first, Key(), resume=opened["resume"]).error == "invalid_identity"
    fresh = host.ticket(secret)
    assert_no(open_with(fresh, Key(), resume="ckr_wrong"))
    assert open_with(fresh, Key(), resume=opened["resume"]).json["session_id"] == opened["session_id"]
    assert open_with(fresh, Key()).error == "invalid_identity", "that ticket has let somebody in"


def test_a_frames_handle_works_in_that_pages_frame_alone(stage: Stage) -> None:
    widget = alices_site(stage.store, domains=SITES, settings={"features": {"frame": True, "resume": True}, **QUICK})

    def bound(key: Key) -> dict[str, str]:
        return {"dpop": key.prove(stage, "POST", "/api/sessions")}

    use_frame(stage.store, widget.org_id, widget.widget_id, on=False)
    component = visit(stage, widget)
    use_frame(stage.store, widget.org_id, widget.widget_id, on=True)
    stage.clock.forward(3)
    frame = Frame(stage, widget.widget_id).opened(headers=bound(Key()))
    handle = frame.session["resume"]
    assert ask(stage, widget, handle, Key()).error == "domain_not_authorized"
    assert_no(frame.open(frame.ticket(), page=HELP, headers=bound(Key()), resume=handle))
    assert frame.open(None, headers=bound(Key()), resume=handle).error == "domain_not_authorized"
    again = frame.open(frame.ticket(), headers=bound(Key()), resume=handle)
    assert (again.status, again.json["session_id"]) == (201, frame.session["session_id"])
    assert_no(frame.open(frame.ticket(), headers=bound(Key()), resume=component.session["resume"]))


def test_another_process_lets_the_key_before_go_within_a_second(stage: Stage) -> None:
    widget = site(stage)
    victor = visit(stage, widget)
    with on_stage(stage.store, PLENTY, stage.clock) as other:
        elsewhere = BoundVisitor(other, widget.widget_id, SHOP, key=victor.key, session=victor.session)
        assert elsewhere.say("here too").status == 200
        reload(victor, widget)
        changed = stage.store.read_now(changed_since, 0)
        assert changed == [(victor.session["session_id"], 2)]
        cached = other.gateway.desk.sessions.find(changed[0][0])
        assert cached is not None
        assert cached.generation < 2, "what follow_endings drops"
        other.gateway.desk.sessions.drop(changed[0][0])
        assert elsewhere.say("and now?").error == "session_revoked"


def test_the_database_holds_no_handle(stage: Stage) -> None:
    widget = site(stage)
    victor = visit(stage, widget)
    again = reload(victor, widget)
    everything = repr(contents(stage.store)) + repr(stage.events(quiet=False))
    for handle in (victor.session["resume"], again.session["resume"]):
        assert len(handle) >= 4 + 43, "256 bits"
        assert handle not in everything
        assert handle[4:] not in everything
