"""Every route of the admin API against every kind of caller: made from the route table, so no route can be forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from chatkeep.admit.permissions import PERMISSIONS, Permission
from chatkeep.crypto.office_tokens import AccessClaims, sign
from chatkeep.rest import admin_routes
from chatkeep.store import Store
from chatkeep.store.logins import end_logins
from chatkeep.web.headers import Surface
from chatkeep.web.routes import Audience, Route
from tests.cast import SHOP, Reply
from tests.rest.cast import ROLES, WIDGET, Office, Person, an_office
from tests.rest.things import Things, body_for, path_of

LETS_IN = "neither 401 nor 403"


@pytest.fixture(scope="module")
def stage_store(sqlite_template, tmp_path_factory) -> Iterator[Store]:
    copy = tmp_path_factory.mktemp("matrix") / "own.db"
    copy.write_bytes(sqlite_template.read_bytes())
    opened = Store(f"sqlite:///{copy}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def office(stage_store: Store) -> Iterator[Office]:
    with an_office(stage_store) as office:
        for role in ROLES:
            office.join(f"{role}@shop.example", role)
        office.join("mallory@other.example", "owner", office.other_org)
        yield office


@pytest.fixture(scope="module")
def routes(office: Office) -> list[Route]:
    return admin_routes(office.stage.gateway.office)


def guarded(routes: list[Route]) -> list[Route]:
    """Routes that nobody calls without a token."""
    return [route for route in routes if route.audience is not Audience.ANYBODY_SIGNING_IN]


def knock(office: Office, route: Route, token: str | None, **headers: str) -> Reply:
    """A request that is right in everything but, perhaps, who makes it; about things that do not exist."""
    # Waiting a second for each: the address has a limit of its own.
    office.stage.clock.forward(0.1)
    return office.call(route.method, path_of(route), None, token=token, **headers)


def outcome(reply: Reply) -> str:
    """Whether the door let the request through."""
    return f"{reply.status} {reply.error}" if reply.status in {401, 403} else LETS_IN


def test_every_route_says_who_may_call_it(routes: list[Route]) -> None:
    assert len(routes) >= 55
    assert {route.surface for route in routes} == {Surface.ADMIN_API}
    assert {route.audience for route in routes} == {Audience.ANYBODY_SIGNING_IN, Audience.PERSON, Audience.OPERATOR, Audience.MEMBER}
    # Programs make and change no keys: one could make another that outlives it.
    assert {(route.method, route.path) for route in routes if route.audience is Audience.MEMBER} == {
        ("POST", "/api/admin/api-keys"), ("PATCH", "/api/admin/api-keys/{key_id}"),
    }  # fmt: skip
    assert {route.path for route in routes if route.audience is Audience.ANYBODY_SIGNING_IN} == {
        "/api/admin/auth/token", "/api/admin/auth/refresh", "/api/admin/auth/password/forgot", "/api/admin/auth/password/reset",
        "/api/admin/auth/email/confirm", "/api/admin/auth/setup", "/api/admin/auth/invitation",
    }  # fmt: skip
    # Reading is reading, and everything else is writing.
    for route in routes:
        if route.permission is not None:
            assert route.permission.value.endswith(":read") is (route.method == "GET"), route.path


def test_a_route_without_an_audience_or_a_permission_cannot_be_built(routes: list[Route]) -> None:
    route = next(route for route in routes if route.permission is not None)
    with pytest.raises(TypeError, match="permission"):
        replace(route, permission=None)
    with pytest.raises(TypeError, match="permission"):
        replace(route, audience=Audience.PERSON)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_its_table_says(office: Office, routes: list[Route], role) -> None:
    person = office.people[f"{role}@shop.example"]
    for route in guarded(routes):
        if route.path.endswith("/logout"):
            continue
        is_allowed = route.permission is None or route.permission in PERMISSIONS[role]
        assert outcome(knock(office, route, person.token)) == (LETS_IN if is_allowed else "403 forbidden"), (route.method, route.path)


@pytest.mark.parametrize("scope", [permission.value for permission in Permission])
def test_each_scope_opens_its_own_routes_and_no_other(office: Office, routes: list[Route], scope: str) -> None:
    key = office.key(scope)
    for route in guarded(routes):
        is_allowed = route.permission is not None and route.permission.value == scope and route.audience is Audience.OPERATOR
        # This one looks at the token to see what it takes.
        wanted = LETS_IN if is_allowed else "403 forbidden"
        assert outcome(knock(office, route, key)) == wanted, (route.method, route.path)


def wrong_credentials(office: Office) -> dict[str, str | None]:
    """Everything that is no valid credential, by name."""
    alice = office.people["owner@shop.example"]
    desk = office.stage.gateway.desk
    now = int(office.stage.clock.now().timestamp())
    expired = sign(AccessClaims(alice.user.user_id, alice.org, alice.login_id, now - 901, now - 1), desk.office_key)
    elsewhere = sign(AccessClaims(alice.user.user_id, office.other_org, alice.login_id, now, now + 900), desk.office_key)
    somebody = sign(AccessClaims(office.people["viewer@shop.example"].user.user_id, alice.org, alice.login_id, now, now + 900), desk.office_key)
    gone = office.join(f"gone{now}{office.stage.clock.monotonic()}@shop.example", "owner")
    office.stage.store.transaction_now(end_logins, gone.user.user_id, at_ms=now * 1000)
    ended = office.key("widgets:read", expires_at=office.stage.clock.now() + timedelta(seconds=1))
    revoked = alice.post("/api/admin/api-keys", {"name": "k", "scopes": ["widgets:read"]})
    alice.delete(f"/api/admin/api-keys/{revoked['key']['key_id']}")
    office.stage.clock.forward(1)
    widget = alice.post("/api/admin/widgets", WIDGET)["widget_id"]
    opened = office.stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget}, peer="192.0.2.77")
    visitor = opened.json["session_token"]
    return {
        "nothing": None,
        "rubbish": "rubbish",
        "a visitor's session": visitor,
        "a refresh token": alice.refresh_token,
        "an expired access token": expired,
        "a token for another organization": elsewhere,
        "a token of another person": somebody,
        "a login that ended": gone.token,
        "an unknown API key": "sec_" + "x" * 43,
        "an API key that ended": ended,
        "an API key that was revoked": revoked["api_key"],
        "an API key from another network": office.key("widgets:read", networks=["192.0.2.0/24"]),
    }


def test_no_other_credential_opens_any_route(office: Office, routes: list[Route]) -> None:
    for name, token in wrong_credentials(office).items():
        for route in guarded(routes):
            assert knock(office, route, token).status == 401, (name, route.method, route.path)


def test_no_cookie_and_no_other_scheme_opens_any_route(office: Office, routes: list[Route]) -> None:
    token = office.people["owner@shop.example"].token
    for route in guarded(routes):
        for headers in (
            {"cookie": f"session={token}; __Host-session={token}; access_token={token}; Authorization=Bearer {token}"},
            {"authorization": f"Basic {token}"},
            {"authorization": token},
            {"authorization": f"Cookie {token}"},
            {"x_api_key": token},
        ):
            assert knock(office, route, None, **headers).status == 401, (headers, route.method, route.path)
        assert office.call(route.method, f"{path_of(route)}?access_token={token}").status in {400, 401}


def test_an_api_key_in_a_browser_opens_nothing_and_is_recorded(office: Office, routes: list[Route]) -> None:
    key = office.key(*(permission.value for permission in Permission))
    for route in guarded(routes):
        for headers in ({"origin": SHOP}, {"sec_fetch_mode": "cors"}):
            reply = knock(office, route, key, **headers)
            assert (reply.status, reply.error) == (403, "api_key_in_browser"), (route.method, route.path)
            assert not any(name.startswith("access-control") for name in reply.headers)
    assert any(event.type == "api_key_rejected" and event.details["cause"] == "browser" and event.org_id == office.org for event in office.stage.events())


def test_another_organization_finds_nothing_and_changes_nothing(office: Office, routes: list[Route]) -> None:
    things = Things.made_by(office.people["owner@shop.example"])
    mallory = office.people["mallory@other.example"]
    before = things.seen()
    for route in guarded(routes):
        if "{" not in route.path:
            continue
        theirs = mallory.call(route.method, path_of(route, things.ids), body_for(route))
        nobodys = mallory.call(route.method, path_of(route), body_for(route))
        assert (theirs.status, theirs.error) == (404, "not_found"), (route.method, route.path, theirs.body)
        # Somebody else's and nobody's look the same.
        assert {**theirs.json, "request_id": ""} == {**nobodys.json, "request_id": ""}
        office.stage.clock.forward(0.2)
    assert things.seen() == before
    for path in ("widgets", "agents", "providers", "api-keys", "members", "invitations", "blocks", "sessions", "conversations"):
        text = str(mallory.get(f"/api/admin/{path}?limit=200"))
        assert not [value for value in things.ids.values() if value in text], path


def test_the_owner_is_let_through_with_the_same_requests(office: Office, routes: list[Route]) -> None:
    """Or the test before would show nothing: each of its requests is a good one when its owner makes it."""
    for route in guarded(routes):
        if "{" not in route.path:
            continue
        owner: Person = office.people["owner@shop.example"]
        things = Things.made_by(owner)
        reply = owner.call(route.method, path_of(route, things.ids), body_for(route))
        assert reply.status < 300, (route.method, route.path, reply.body)
        office.stage.clock.forward(1)
