"""Session tokens: what we did not sign, or signed for another place, opens nothing."""

import pytest

from chatkeep.crypto.tokens import _HEAD
from chatkeep.store import Store
from tests.admit.cast import (
    ROUTES,
    SESSION_ROUTES,
    UNKNOWN_WIDGET,
    WIDE,
    VisitorRoute,
    another_organizations_site,
    assert_refused,
    call,
    contents,
    generous,
    warned,
)
from tests.admit.forged import OURS, claims_of, forgeries, own_key, pack, signed
from tests.cast import EVIL, SHOP, alices_site, on_stage


def test_forged_tokens_open_nothing_on_any_route(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        before = contents(sqlite_store)
        wrong = []
        for name, token in forgeries(victor.session["session_token"]):
            for route in SESSION_ROUTES:
                reply = call(stage, route, widget, victor, headers={"origin": SHOP, "authorization": f"Bearer {token}"})
                if (reply.status, reply.error) != (401, "invalid_session"):
                    wrong.append(f"{name} on {route.method} {route.path}: {reply.status} {reply.error}")
        assert wrong == []
        assert contents(sqlite_store) == before
        assert victor.say("still here").status == 200
        # Whoever tries is warned, and nobody else: not the session whose token was bent.
        assert warned(sqlite_store) == {(widget.org_id, "address", victor.peer)}


@pytest.mark.parametrize("route", SESSION_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_three_forged_tokens_are_a_block_on_every_route(sqlite_store: Store, route: VisitorRoute) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store) as stage:
        victor = stage.victor(widget, peer="203.0.113.9")
        headers = {"origin": SHOP, "x-widget-id": widget.widget_id, "authorization": "Bearer a.b.c"}
        for _ in range(3):
            assert_refused(call(stage, route, widget, victor, headers=headers), 401, "invalid_session")
        reply = call(stage, route, widget, victor, headers=headers)
        assert (reply.status, reply.error, reply.headers["retry-after"]) == (429, "temporarily_blocked", "300")
        # From another address, the visitor of that session has lost nothing.
        assert victor.say("still here").status == 200


@pytest.mark.parametrize("route", SESSION_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_foreign_pages_forged_tokens_warn_nobody(sqlite_store: Store, route: VisitorRoute) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store) as stage:
        victor = stage.victor(widget)
        for _ in range(10):
            headers = {"origin": EVIL, "x-widget-id": widget.widget_id, "authorization": "Bearer a.b.c"}
            assert_refused(call(stage, route, widget, victor, headers=headers), 403, "domain_not_authorized")
        assert victor.say("still here").status == 200
        assert warned(sqlite_store) == set()


def test_the_forger_of_these_tests_can_make_a_good_token(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        token = victor.session["session_token"]
        assert signed(OURS, claims_of(token)) == token
        assert token.startswith(_HEAD + ".")
        assert len(own_key()) == 32


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "DPoP x", "bearer", "Token x", "Bearer\tx", ","])
def test_another_scheme_is_no_session(sqlite_store: Store, header: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for route in SESSION_ROUTES:
            assert_refused(call(stage, route, widget, victor, headers={"origin": SHOP, "authorization": header}), 401, "invalid_session")


def test_without_a_token_a_session_is_asked_for(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for route in SESSION_ROUTES:
            assert_refused(call(stage, route, widget, victor, headers={"origin": SHOP}), 401, "session_required")


def test_the_scheme_may_be_written_in_any_case(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for scheme in ("Bearer", "bearer", "BEARER"):
            headers = {"origin": SHOP, "authorization": f"{scheme} {victor.session['session_token']}"}
            assert call(stage, SESSION_ROUTES[0], widget, victor, headers=headers).status == 200


@pytest.mark.parametrize("name", ["authorization", "x-widget-id"])
def test_a_repeated_deciding_header_is_refused_on_every_route(sqlite_store: Store, name: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        own = victor.headers | {"x-widget-id": widget.widget_id}
        for route in ROUTES:
            for second in (own[name], "Bearer x", ""):
                reply = call(stage, route, widget, victor, headers=[*own.items(), (name, second)])
                assert_refused(reply, 400, "invalid_request")
                assert reply.json["details"] == [{"field": name, "problem": "must be sent once"}]


def test_a_token_of_another_widget_origin_or_organization_is_refused(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    other = another_organizations_site(sqlite_store, "Mallory Ltd", settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        before = contents(sqlite_store)
        for route in SESSION_ROUTES:
            # The same list covers that page too: the session was opened on another one.
            assert_refused(call(stage, route, widget, victor, headers={**victor.headers, "origin": "https://www.shop.example"}), 401, "invalid_session")
            named = call(stage, route, widget, victor, headers={**victor.headers, "x-widget-id": other.widget_id})
            assert_refused(named, 400, "invalid_request")
            # Signed by us, for a session of another widget: as after a leaked key for one of them.
            moved = signed(OURS, {**claims_of(victor.session["session_token"]), "wid": other.widget_id})
            assert_refused(call(stage, route, other, victor, headers={"origin": SHOP, "authorization": f"Bearer {moved}"}), 401, "invalid_session")
            lost = signed(OURS, {**claims_of(victor.session["session_token"]), "wid": UNKNOWN_WIDGET})
            reply = call(stage, route, widget, victor, headers={"origin": SHOP, "authorization": f"Bearer {lost}"}, body={"message": "x"})
            assert_refused(reply, 404, "widget_not_found_or_inactive")
        assert contents(sqlite_store) == before


def test_header_body_and_token_must_name_one_widget(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    other = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        problem = [{"field": "widget_id", "problem": "header, body and token name different widgets"}]
        for header, body in ((other, widget), (widget, other), (other, other), (other, None), (None, other)):
            headers = {**victor.headers, **({"x-widget-id": header.widget_id} if header else {})}
            reply = stage.call("POST", "/api/chat", headers=headers, body={"message": "x", **({"widget_id": body.widget_id} if body else {})})
            assert_refused(reply, 400, "invalid_request")
            assert reply.json["details"] == problem
        for header, body in ((widget, widget), (widget, None), (None, widget), (None, None)):
            headers = {**victor.headers, **({"x-widget-id": header.widget_id} if header else {})}
            assert stage.call("POST", "/api/chat", headers=headers, body={"message": "x", **({"widget_id": body.widget_id} if body else {})}).status == 200


def test_a_token_signed_with_a_changed_secret_is_refused(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
    with on_stage(sqlite_store, generous(widget_token_secret="Rt7-" + pack(b"another secret of enough length"))) as stage:
        victor.stage = stage
        assert_refused(victor.say("x"), 401, "invalid_session")


def test_only_a_hash_free_row_of_the_session_is_stored(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        victor.say("x")
        assert victor.session["session_token"].split(".")[2] not in repr(contents(sqlite_store))
