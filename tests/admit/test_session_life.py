"""How long does a token work, and how long a session? Every edge to the second, under a clock that stands still.

These sessions have no key. A token of theirs that was replaced, and comes back after its
successor was used or 60 s later, may be a thief's: the session ends, and that is an alarm.
Sessions with a key: tests/attacks/test_stolen_token.py.
"""

import pytest

from chatkeep.store import Store
from tests.admit.cast import SESSION_ROUTES, WIDE, assert_refused, call, generous
from tests.admit.forged import claims_of
from tests.cast import Reply, Stage, StageVisitor, alices_site, on_stage

REFRESH = "/api/sessions/refresh"


def with_token(victor: StageVisitor, token: str) -> dict[str, str]:
    """Victor's headers with another token."""
    return {**victor.headers, "authorization": f"Bearer {token}"}


def refresh(stage: Stage, victor: StageVisitor, token: str | None = None) -> Reply:
    """Ask for the next token."""
    return stage.call("POST", REFRESH, headers=with_token(victor, token or victor.session["session_token"]))


def read(stage: Stage, victor: StageVisitor, token: str | None = None) -> Reply:
    """Use a token without being active."""
    path = f"/api/conversations/{victor.session['conversation_id']}/messages"
    return stage.call("GET", path, headers=with_token(victor, token or victor.session["session_token"]))


def assert_ended_as_stolen(stage: Stage, victor: StageVisitor, replaced: str, newest: str) -> None:
    """Showing *replaced* ends the session for everybody, the newest token included, with exactly one alarm."""
    before = [event.severity for event in stage.events()].count("high")
    assert_refused(read(stage, victor, replaced), 401, "session_revoked")
    for token in (newest, replaced):
        assert_refused(read(stage, victor, token), 401, "session_revoked")
        assert_refused(refresh(stage, victor, token), 401, "session_revoked")
    alarms = [event for event in stage.events() if event.severity == "high"][before:]
    assert [(event.type, event.session_id, event.count) for event in alarms] == [("token_reuse", victor.session["session_id"], 1)]


def test_a_token_works_for_fifteen_minutes_and_no_second_longer(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert victor.session["expires_in"] == 900
        stage.clock.forward(899)
        assert read(stage, victor).status == 200
        stage.clock.forward(1)
        for route in SESSION_ROUTES:
            if route.path != REFRESH:
                assert_refused(call(stage, route, widget, victor), 401, "token_expired")
        assert [(event.type, event.details) for event in stage.events()] == [("invalid_token", {"reason": "token_expired"})]


def test_the_widget_chooses_a_tokens_life(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings={"limits": {**WIDE["limits"], "token_minutes": 1}})
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert victor.session["expires_in"] == 60
        stage.clock.forward(60)
        assert_refused(victor.say("x"), 401, "token_expired")


@pytest.mark.parametrize(("after", "status"), [(0, 200), (899, 200), (900, 200), (959, 200), (960, 401), (1799, 401)])
def test_an_expired_token_is_refreshed_for_sixty_seconds(sqlite_store: Store, after: int, status: int) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        stage.clock.forward(after)
        reply = refresh(stage, victor)
        assert (reply.status, reply.error) == (status, None if status == 200 else "token_expired")


def test_a_refresh_gives_the_same_session_a_new_token(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        stage.clock.forward(600)
        reply = refresh(stage, victor)
        assert set(reply.json) == {"session_token", "expires_in", "session_id", "conversation_id", "server_time"}
        assert {name: reply.json[name] for name in ("session_id", "conversation_id", "expires_in")} == {
            "session_id": victor.session["session_id"],
            "conversation_id": victor.session["conversation_id"],
            "expires_in": 900,
        }
        assert reply.json["server_time"] == int(stage.clock.now().timestamp())
        claims = claims_of(reply.json["session_token"])
        assert (claims["gen"], claims["exp"] - claims["iat"], claims["iat"]) == (1, 900, int(stage.clock.now().timestamp()))
        assert read(stage, victor, reply.json["session_token"]).status == 200
        assert [event.type for event in stage.events(quiet=False)] == ["session_created", "session_refreshed"]


def test_the_old_token_works_until_the_new_one_is_used(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        old, new = victor.session["session_token"], refresh(stage, victor).json["session_token"]
        assert read(stage, victor, old).status == 200
        assert read(stage, victor, old).status == 200
        assert read(stage, victor, new).status == 200
        assert stage.events() == []
        assert_ended_as_stolen(stage, victor, old, new)
        # Also when the process has forgotten what it knew.
        stage.clock.forward(3)
        assert_refused(read(stage, victor, new), 401, "session_revoked")


def test_an_unused_new_token_lets_the_old_one_live_for_sixty_seconds(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        new = refresh(stage, victor).json["session_token"]
        stage.clock.forward(59.999)
        assert read(stage, victor).status == 200
        assert stage.events() == []
        stage.clock.forward(0.001)
        assert_ended_as_stolen(stage, victor, victor.session["session_token"], new)


def test_a_refresh_whose_answer_was_lost_can_be_repeated(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        old = victor.session["session_token"]
        tokens = []
        for _ in range(5):
            reply = refresh(stage, victor, old)
            assert reply.status == 200
            tokens.append(reply.json["session_token"])
            stage.clock.forward(5)
        assert {claims_of(token)["gen"] for token in tokens} == {1}
        assert read(stage, victor, tokens[0]).status == 200
        assert read(stage, victor, tokens[-1]).status == 200
        assert stage.events() == []
        # A refresh is a use like any other.
        assert_refused(refresh(stage, victor, old), 401, "session_revoked")
        assert_refused(read(stage, victor, tokens[-1]), 401, "session_revoked")
        assert [event.type for event in stage.events() if event.severity == "high"] == ["token_reuse"]


def test_a_lost_answer_cannot_be_fetched_after_sixty_seconds(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        refresh(stage, victor)
        stage.clock.forward(59.999)
        assert refresh(stage, victor).status == 200
        assert stage.events() == []
        # Repeating a refresh does not begin the sixty seconds anew.
        stage.clock.forward(0.001)
        assert_refused(refresh(stage, victor), 401, "session_revoked")


def test_refreshing_over_and_over_keeps_one_living_token(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        tokens = [victor.session["session_token"]]
        for _ in range(4):
            tokens.append(refresh(stage, victor, tokens[-1]).json["session_token"])
            assert claims_of(tokens[-1])["gen"] == len(tokens) - 1
        # The newest was never used, so the one before it may still be on the way; nothing older.
        assert [read(stage, victor, token).status for token in tokens[3:]] == [200, 200]
        assert stage.events() == []
        assert_ended_as_stolen(stage, victor, tokens[3], tokens[4])


@pytest.mark.parametrize("age", [1, 2, 3])
def test_a_token_that_was_replaced_twice_is_a_stolen_one(sqlite_store: Store, age: int) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        tokens = [victor.session["session_token"]]
        for _ in range(age + 1):
            tokens.append(refresh(stage, victor, tokens[-1]).json["session_token"])
        # Not even while the one before the newest may still be on the way.
        assert_ended_as_stolen(stage, victor, tokens[0], tokens[-1])


def test_a_session_ends_after_thirty_idle_minutes_and_not_a_second_sooner(store: Store) -> None:
    widget = alices_site(store, settings={"limits": {**WIDE["limits"], "token_minutes": 60}})
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        stage.clock.forward(1799)
        assert victor.say("still here").status == 200
        stage.clock.forward(1799.999)
        # Reading is no activity.
        assert read(stage, victor).status == 200
        stage.clock.forward(0.001)
        for route in SESSION_ROUTES:
            assert_refused(call(stage, route, widget, victor), 410, "session_expired")
        assert {(event.type, event.details["reason"]) for event in stage.events()} == {("invalid_session", "session_expired")}


def test_refreshing_is_no_activity(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for _ in range(2):
            stage.clock.forward(899)
            victor.session = {**victor.session, **refresh(stage, victor).json}
        stage.clock.forward(2)
        assert_refused(refresh(stage, victor), 410, "session_expired")


def test_a_session_ends_after_a_day_however_busy(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings={"limits": {**WIDE["limits"], "token_minutes": 60, "idle_minutes": 120}})
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for _ in range(24):
            assert victor.say("still here").status == 200
            stage.clock.forward(3599)
            victor.session = {**victor.session, **refresh(stage, victor).json}
        assert victor.say("last").status == 200
        stage.clock.forward(23.999)
        assert read(stage, victor).status == 200
        stage.clock.forward(0.001)
        assert_refused(read(stage, victor), 410, "session_expired")
        assert_refused(refresh(stage, victor), 410, "session_expired")


def test_the_operator_can_shorten_a_sessions_life(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings={"limits": {**WIDE["limits"], "token_minutes": 60, "idle_minutes": 120}})
    with on_stage(sqlite_store, generous(session_max_age_hours=1)) as stage:
        victor = stage.victor(widget)
        stage.clock.forward(3599)
        assert victor.say("x").status == 200
        stage.clock.forward(1)
        assert_refused(victor.say("x"), 410, "session_expired")


def test_an_ended_session_stays_ended(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        newer = refresh(stage, victor).json["session_token"]
        assert stage.call("DELETE", "/api/sessions/current", headers=with_token(victor, newer)).status == 204
        for token in (victor.session["session_token"], newer):
            for route in SESSION_ROUTES:
                assert_refused(call(stage, route, widget, victor, headers=with_token(victor, token)), 401, "session_revoked")
        assert "session_ended" in [event.type for event in stage.events(quiet=False)]


def test_a_session_outlives_a_restart(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    with on_stage(store, generous()) as stage:
        victor, robbed = stage.victor(widget), stage.victor(widget)
        victor.say("before")
        old, new = victor.session["session_token"], refresh(stage, victor).json["session_token"]
        stolen, kept = robbed.session["session_token"], refresh(stage, robbed).json["session_token"]
        clock = stage.clock
    with on_stage(store, generous(), clock) as stage:
        assert read(stage, victor, old).status == 200
        assert read(stage, victor, new).status == 200
        assert read(stage, robbed, kept).status == 200
    with on_stage(store, generous(), clock) as stage:
        # That the newest was used is remembered too.
        assert_ended_as_stolen(stage, robbed, stolen, kept)
        clock.forward(1800)
        assert_refused(refresh(stage, victor, new), 410, "session_expired")
    with on_stage(store, generous(), clock) as stage:
        assert_refused(read(stage, robbed, kept), 401, "session_revoked")
