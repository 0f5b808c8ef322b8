"""Does a session go on from where it was? A changed network or browser is noted once; strict widgets end there."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from chatkeep.admit.network import family, prefix
from chatkeep.store import Store
from chatkeep.store.tables import sessions
from tests.admit.cast import SESSION_ROUTES, WIDE, assert_refused, call, generous, warned
from tests.cast import Reply, Stage, StageVisitor, alices_site, on_stage

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEWER_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
CHROME_ELSEWHERE = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
EDGE = CHROME + " Edg/140.0.0.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
HOME = "198.51.100.7"


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store, generous()) as opened:
        yield opened


def opened(stage: Stage, peer: str = HOME, agent: str = FIREFOX, **settings: Any) -> StageVisitor:
    """A session that was opened at *peer* with that browser."""
    widget = alices_site(stage.store, settings={**WIDE, **settings})
    reply = stage.call(
        "POST", "/api/sessions", headers={"origin": "https://shop.example", "user-agent": agent}, body={"widget_id": widget.widget_id}, peer=peer
    )
    assert reply.status == 201
    return StageVisitor(stage, widget, "https://shop.example", peer, reply.json)


def seen_from(victor: StageVisitor, peer: str = HOME, agent: str = FIREFOX) -> Reply:
    """A request of *victor*'s from there."""
    path = f"/api/conversations/{victor.session['conversation_id']}/messages"
    return victor.stage.call("GET", path, headers={**victor.headers, "user-agent": agent}, peer=peer)


def step_ups(stage: Stage) -> list[tuple[str, str | None, str | None]]:
    """What was noted: what changed, and where to."""
    return [(event.details["changed"], event.address, event.user_agent) for event in stage.events() if event.type == "session_stepped_up"]


@pytest.mark.parametrize(
    ("home", "elsewhere", "is_change"),
    [
        (HOME, "198.51.100.255", False),
        (HOME, "198.51.101.7", True),
        (HOME, "::ffff:198.51.100.8", False),
        (HOME, "2001:db8::1", True),
        ("2001:db8:1:100::1", "2001:db8:1:1ff:ffff:ffff:ffff:ffff", False),
        ("2001:db8:1:100::1", "2001:db8:1:200::1", True),
        ("2001:db8:1:100::1", HOME, True),
    ],
)
def test_another_network_is_noted_once_and_the_session_goes_on(stage: Stage, home: str, elsewhere: str, is_change: bool) -> None:
    victor = opened(stage, home)
    assert seen_from(victor, home).status == 200
    assert step_ups(stage) == []
    for _ in range(3):
        assert seen_from(victor, elsewhere).status == 200
    assert [changed for changed, _, _ in step_ups(stage)] == ["address"] * is_change
    assert [event.severity for event in stage.events()] == ["warning"] * is_change
    # A phone that roams warns nobody, and may go home again: that is a change too.
    assert warned(stage.store) == set()
    assert seen_from(victor, home).status == 200
    assert sum(event.count for event in stage.events() if event.type == "session_stepped_up") == 2 * is_change


@pytest.mark.parametrize(
    ("before", "agent", "is_change"),
    [
        (FIREFOX, FIREFOX, False),
        (FIREFOX, NEWER_FIREFOX, False),
        (FIREFOX, CHROME, True),
        (FIREFOX, SAFARI, True),
        (FIREFOX, "curl/8.14.1", True),
        (FIREFOX, "", True),
        (CHROME, EDGE, True),
        (EDGE, CHROME, True),
        (CHROME, CHROME_ELSEWHERE, True),
    ],
)
def test_another_browser_family_is_noted_once_and_a_newer_version_never(stage: Stage, before: str, agent: str, is_change: bool) -> None:
    victor = opened(stage, agent=before)
    for _ in range(3):
        assert seen_from(victor, agent=agent).status == 200
    assert [changed for changed, _, _ in step_ups(stage)] == ["user_agent"] * is_change


def test_both_changes_at_once_are_one_event_with_the_new_place(stage: Stage) -> None:
    victor = opened(stage)
    assert seen_from(victor, "203.0.113.66", CHROME).status == 200
    assert step_ups(stage) == [("address and user_agent", "203.0.113.66", CHROME)]
    (event,) = stage.events()
    assert (event.session_id, event.widget_id, event.org_id) == (victor.session["session_id"], victor.widget.widget_id, victor.widget.org_id)


def test_every_route_of_a_session_compares(stage: Stage) -> None:
    for route in SESSION_ROUTES:
        victor = opened(stage)
        before = len(step_ups(stage))
        call(stage, route, victor.widget, victor, headers={**victor.headers, "user-agent": FIREFOX}, peer="203.0.113.66")
        assert len(step_ups(stage)) == before + 1, route.path


def test_where_a_session_was_seen_last_outlives_a_restart(store: Store) -> None:
    with on_stage(store, generous()) as stage:
        victor = opened(stage)
        assert seen_from(victor, "203.0.113.66", CHROME).status == 200
        assert len(step_ups(stage)) == 1
    with on_stage(store, generous()) as stage:
        victor.stage = stage
        assert seen_from(victor, "203.0.113.99", CHROME).status == 200
        assert sum(event.count for event in stage.events() if event.type == "session_stepped_up") == 1
    row = store.read_now(lambda tx: tx.execute(select(sessions)).one())
    assert (row.address, row.user_agent) == ("203.0.113.66", CHROME)


def test_a_strict_widget_refuses_another_network_and_lets_its_own_go_on(stage: Stage) -> None:
    victor = opened(stage, access={"strict_address": True})
    for route in SESSION_ROUTES:
        assert_refused(call(stage, route, victor.widget, victor, peer="203.0.113.66"), 401, "invalid_session")
    assert seen_from(victor, "198.51.100.250").status == 200
    # The stranger was not let in, so nothing of him is taken for the visitor's.
    assert seen_from(victor, "203.0.113.66").status == 401
    assert seen_from(victor).status == 200


def test_a_strict_widget_lets_another_browser_go_on(stage: Stage) -> None:
    victor = opened(stage, access={"strict_address": True})
    assert seen_from(victor, agent=CHROME).status == 200
    assert [changed for changed, _, _ in step_ups(stage)] == ["user_agent"]


def test_networks_and_families_are_what_the_specification_says() -> None:
    assert (prefix("198.51.100.7"), prefix("2001:db8:1:2ff::1"), prefix("unknown")) == ("198.51.100.0/24", "2001:db8:1:200::/56", "unknown")
    assert len({family(agent) for agent in (FIREFOX, CHROME, CHROME_ELSEWHERE, EDGE, SAFARI, "")}) == 6
    assert family(FIREFOX) == family(NEWER_FIREFOX)


def test_phones_that_roam_to_one_carrier_do_not_get_its_address_blocked(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings={"access": {"strict_address": True}})
    with on_stage(sqlite_store) as stage:
        for number in range(3):
            phone = stage.victor(widget, peer=f"198.51.{number}.7")
            phone.peer = "203.0.113.5"
            assert_refused(phone.say("hello"), 401, "invalid_session")
        assert stage.victor(widget, peer="203.0.113.5").say("hello").status == 200
