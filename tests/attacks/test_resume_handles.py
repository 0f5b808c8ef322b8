"""Somebody who found the resume handle of a visitor's session."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from chatkeep.manage.widgets import use_resume
from chatkeep.store import Store, tables
from tests.admit.cast import warned
from tests.attacks.reloading import HELP, PLENTY, QUICK, ask, assert_no, history, reload, sessions, site, visit
from tests.cast import EVIL, SHOP, Reply, Stage, alices_site, on_stage
from tests.prover import BoundVisitor, Key


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    with on_stage(store, PLENTY) as opened:
        yield opened


def test_a_reload_goes_on_with_the_same_visitor_session_and_conversation(stage: Stage) -> None:
    widget = site(stage)
    before = visit(stage, widget)
    after = reload(before, widget)
    assert [after.session[name] for name in ("session_id", "conversation_id")] == [before.session[name] for name in ("session_id", "conversation_id")]
    assert history(after) == ["remember me"]
    assert after.say("and again").status == 200
    assert len(sessions(stage.store)) == 1
    assert [event.details for event in stage.events(quiet=False) if event.type == "session_refreshed"] == [{"is_resumed": True}]


def test_without_the_feature_there_is_no_handle_and_none_is_taken(stage: Stage) -> None:
    widget = alices_site(stage.store, settings=QUICK)
    victor = visit(stage, widget)
    assert "resume" not in victor.session
    assert "resume" not in victor.refresh().json
    assert_no(ask(stage, widget, "ckr_x", Key()))
    assert sessions(stage.store)[0].resume_digest is None


def test_handles_that_were_given_out_die_when_the_owner_switches_the_feature_off(stage: Stage) -> None:
    widget = site(stage)
    victor = visit(stage, widget)
    use_resume(stage.store, widget.org_id, widget.widget_id, on=False)
    stage.clock.forward(2.1)
    assert_no(ask(stage, widget, victor.session["resume"], Key()))


def test_a_session_without_a_key_gets_no_handle(stage: Stage) -> None:
    assert "resume" not in stage.victor(site(stage)).session


def test_a_handle_works_once(stage: Stage) -> None:
    widget = site(stage)
    victor = visit(stage, widget)
    again = reload(victor, widget)
    assert again.session["resume"] != victor.session["resume"]
    assert_no(ask(stage, widget, victor.session["resume"], Key()))
    assert history(again) == ["remember me"], "the refused one changed nothing"
    assert history(reload(again, widget)) == ["remember me"]


def test_of_fifty_who_use_one_handle_at_once_one_wins(stage: Stage) -> None:
    widget = site(stage)
    victor = visit(stage, widget)
    keys = [Key() for _ in range(50)]

    async def all_at_once() -> list[Reply]:
        body = {"widget_id": widget.widget_id, "resume": victor.session["resume"]}
        headers = [{"origin": SHOP, "dpop": key.prove(stage, "POST", "/api/sessions")} for key in keys]
        return await asyncio.gather(*(stage.acall("POST", "/api/sessions", headers=own, body=body) for own in headers))

    replies = stage.loop.run_until_complete(all_at_once())
    assert [reply.status for reply in replies].count(201) == 1
    for reply in replies:
        if reply.status != 201:
            assert_no(reply)
    winner = next(index for index, reply in enumerate(replies) if reply.status == 201)
    assert history(BoundVisitor(stage, widget.widget_id, SHOP, key=keys[winner], session=replies[winner].json)) == ["remember me"]


def test_the_newest_handle_replaces_the_ones_before(stage: Stage) -> None:
    widget = site(stage)
    victor = visit(stage, widget)
    newest = victor.refresh().json["resume"]
    assert_no(ask(stage, widget, victor.session["resume"], Key()))
    assert ask(stage, widget, newest, Key()).status == 201


def test_a_handle_lives_thirty_minutes_and_not_longer(stage: Stage) -> None:
    widget = site(stage, limits={"interval_ms": 0, "idle_minutes": 120})
    early, late = visit(stage, widget), visit(stage, widget)
    stage.clock.forward(1799.999)
    assert ask(stage, widget, early.session["resume"], Key()).status == 201
    stage.clock.forward(0.001)
    assert_no(ask(stage, widget, late.session["resume"], Key()))


def test_every_handle_that_is_not_good_gets_the_same_answer_and_warns_nobody(stage: Stage) -> None:
    widget, other = site(stage), site(stage)
    victor, ended, revoked, idle, unbound = (visit(stage, widget) for _ in range(5))
    assert ended.request("DELETE", "/api/sessions/current").status == 204
    one = tables.sessions.c.id == revoked.session["session_id"]
    stage.store.transaction_now(lambda tx: tx.execute(update(tables.sessions).where(one).values(ended_at=1, end_reason="revoked")))
    stage.gateway.desk.sessions.drop(revoked.session["session_id"])
    good = victor.session["resume"]
    attempts = [
        ask(stage, widget, "", Key()),
        ask(stage, widget, "ckr_" + "A" * 43, Key()),
        ask(stage, widget, "\u0000💥" * 500, Key()),
        ask(stage, widget, good[:-1], Key()),
        ask(stage, widget, good.lower(), Key()),
        ask(stage, widget, good + " ", Key()),
        ask(stage, other, good, Key()),
        ask(stage, widget, good, Key(), origin=HELP),
        ask(stage, widget, unbound.session["resume"], None),
        ask(stage, widget, good, victor.key),
        ask(stage, widget, ended.session["resume"], Key()),
        ask(stage, widget, revoked.session["resume"], Key()),
        ask(stage, widget, victor.session["session_id"], Key()),
        ask(stage, widget, victor.session["session_token"], Key()),
    ]
    for reply in attempts:
        assert_no(reply)
    assert warned(stage.store) == set()
    assert ask(stage, widget, good, Key()).status == 201, "none of them used it up"
    stage.clock.forward(1800)
    assert_no(ask(stage, widget, idle.session["resume"], Key()))


def test_a_page_that_is_not_listed_gets_nowhere_with_a_handle(stage: Stage) -> None:
    widget = site(stage)
    victor = visit(stage, widget)
    assert ask(stage, widget, victor.session["resume"], Key(), origin=EVIL).error == "domain_not_authorized"
    assert ask(stage, widget, victor.session["resume"], Key()).status == 201


def test_all_tokens_of_the_key_before_are_dead_and_that_is_no_theft(stage: Stage) -> None:
    widget = site(stage)
    before = visit(stage, widget)
    refreshed = before.refresh().json["session_token"]
    handle = before.refresh(token=refreshed).json["resume"]
    after = BoundVisitor(stage, widget.widget_id, SHOP)
    after.session = ask(stage, widget, handle, after.key).json
    for token in (before.token, refreshed):
        for reply in (
            before.say("still me?", token=token),
            before.refresh(token=token),
            before.request("DELETE", "/api/sessions/current", token=token),
            before.say("no proof", token=token, proof=None),
            after.say("the new key, an old token", token=token),
        ):
            assert (reply.status, reply.error) == (401, "session_revoked"), reply.body
    assert before.say("the new token, the old key", token=after.token).error == "invalid_proof"
    assert after.say("here I am").status == 200
    assert [event.type for event in stage.events() if event.type == "token_reuse"] == []


def test_the_opening_cannot_be_repeated_by_the_key_before(stage: Stage) -> None:
    widget = site(stage)
    key, named = Key(), {"idempotency-key": "one-opening"}

    def open_it() -> Reply:
        headers = {"origin": SHOP, "dpop": key.prove(stage, "POST", "/api/sessions"), **named}
        return stage.call("POST", "/api/sessions", headers=headers, body={"widget_id": widget.widget_id})

    lost, repeated = open_it(), open_it()
    assert repeated.json["session_id"] == lost.json["session_id"]
    assert_no(ask(stage, widget, lost.json["resume"], Key()))
    assert ask(stage, widget, repeated.json["resume"], Key()).status == 201
    assert (open_it().status, open_it().error) == (401, "session_revoked")


def test_a_lost_answer_is_asked_for_again_with_the_same_key(stage: Stage) -> None:
    widget = site(stage)
    victor, key = visit(stage, widget), Key()
    body = {"widget_id": widget.widget_id, "resume": victor.session["resume"]}

    def try_it(by: Key, **more: Any) -> Reply:
        headers = {"origin": SHOP, "dpop": by.prove(stage, "POST", "/api/sessions"), "idempotency-key": "my-reload"}
        return stage.call("POST", "/api/sessions", headers=headers, body={**body, **more})

    lost, found = try_it(key), try_it(key)
    assert (lost.status, found.status) == (201, 201)
    assert found.json["session_id"] == lost.json["session_id"] == victor.session["session_id"]
    after = BoundVisitor(stage, widget.widget_id, SHOP, key=key, session=found.json)
    assert history(after) == ["remember me"]
    assert_no(try_it(Key()))
    assert try_it(key, page={"url": SHOP}).error == "idempotency_key_reused"
    assert history(reload(after, widget)) == ["remember me"]
