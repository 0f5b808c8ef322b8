"""Mallory is let in for a little, and tries to make more of it: by keys, by invitations, by coming back."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chatkeep.admit.permissions import PERMISSIONS, Permission
from chatkeep.store import Store
from chatkeep.store.members import add_member
from tests.rest.cast import Office, Person, an_office
from tests.rest.test_auth import OTHER, code_in, mails

KEYS, INVITATIONS, MEMBERS = "/api/admin/api-keys", "/api/admin/invitations", "/api/admin/members"
VIEWING = [permission.value for permission in PERMISSIONS["viewer"]]


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join("alice@shop.example", "owner")


def in_hours(office: Office, hours: float) -> str:
    return (office.stage.clock.now() + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def made(office: Office, person: Person, *scopes: str, **more: Any) -> tuple[str, str]:
    """A key for an hour, from one network: its path and its secret."""
    body = {"name": "k", "scopes": list(scopes), "networks": ["198.51.100.0/28"], "expires_at": in_hours(office, 1), **more}
    answer = person.post(KEYS, body)
    return f"{KEYS}/{answer['key']['key_id']}", answer["api_key"]


WIDENINGS: tuple[dict[str, Any], ...] = (
    {"networks": []}, {"networks": ["198.51.100.0/27"]}, {"networks": ["198.51.100.0/28", "203.0.113.7/32"]}, {"networks": ["::/0"]},
    {"networks": ["0.0.0.0/0"]}, {"expires_at": 2}, {"expires_at": 24 * 3000}, {"scopes": ["widgets:read", "widgets:write"]},
    {"scopes": ["agents:read"]}, {"name": "nicer", "networks": []},
)  # fmt: skip
NARROWINGS: tuple[dict[str, Any], ...] = (
    {"name": "nicer"}, {"networks": ["198.51.100.0/28"]}, {"networks": ["198.51.100.7/32"]}, {"networks": ["198.51.100.0/29", "198.51.100.9/32"]},
    {"expires_at": 0.5}, {"expires_at": 1}, {"scopes": ["widgets:read"]}, {"scopes": ["api_keys:write"], "networks": ["198.51.100.7/32"], "expires_at": 0.1},
)  # fmt: skip


def change(office: Office, wanted: dict[str, Any]) -> dict[str, Any]:
    """*wanted*, with hours as a moment."""
    return {name: in_hours(office, value) if name == "expires_at" else value for name, value in wanted.items()}


@pytest.mark.parametrize("wanted", WIDENINGS, ids=str)
def test_nobody_widens_a_key_of_somebody_else(office: Office, alice: Person, wanted: dict[str, Any]) -> None:
    adam, other = office.join("adam@shop.example", "admin"), office.join("olga@shop.example", "owner")
    path, _ = made(office, alice, "widgets:read", "api_keys:write")
    before = alice.get(path)
    for person in (adam, other):
        assert person.call("PATCH", path, change(office, wanted)).error == "forbidden", person.user.email
    assert alice.get(path) == before
    # Its maker could make another one like that just as well.
    assert alice.call("PATCH", path, change(office, wanted)).status == 200


@pytest.mark.parametrize("wanted", NARROWINGS, ids=str)
def test_everybody_who_may_write_keys_narrows_and_ends_them(office: Office, alice: Person, wanted: dict[str, Any]) -> None:
    adam = office.join("adam@shop.example", "admin")
    path, secret = made(office, alice, "widgets:read", "api_keys:write")
    adam.patch(path, change(office, wanted))
    adam.delete(path)
    assert office.call("GET", "/api/admin/widgets", token=secret).status == 401


def test_a_key_without_an_end_and_without_networks_is_narrowed_for_good(office: Office, alice: Person) -> None:
    adam = office.join("adam@shop.example", "admin")
    path, _ = made(office, alice, "widgets:read", networks=[], expires_at=None)
    adam.patch(path, change(office, {"networks": ["2001:db8::/32"], "expires_at": 24}))
    for wanted in ({"networks": []}, {"networks": ["198.51.100.0/28"]}, {"expires_at": 25}):
        assert adam.call("PATCH", path, change(office, wanted)).error == "forbidden"


def test_a_maker_adds_no_scope_that_they_have_not(office: Office, alice: Person) -> None:
    adam = office.join("adam@shop.example", "admin")
    path, _ = made(office, adam, "widgets:read")
    assert adam.call("PATCH", path, {"scopes": ["widgets:read", "members:roles"]}).json["needs"] == "members:roles"
    adam.patch(path, {"scopes": ["widgets:read", "widgets:write"]})


def test_nobody_at_the_api_widens_a_key_of_the_command_line(office: Office, alice: Person) -> None:
    office.key("widgets:read", networks=["198.51.100.7/32"])
    path = f"{KEYS}/{alice.get(KEYS)['api_keys'][0]['key_id']}"
    for wanted in ({"networks": []}, {"scopes": ["widgets:read", "members:write"]}):
        assert alice.call("PATCH", path, wanted).error == "forbidden"
    alice.patch(path, {"name": "CI"})


def test_a_program_makes_and_changes_no_keys(office: Office, alice: Person) -> None:
    path, secret = made(office, alice, *(permission.value for permission in Permission))
    for method, where, body in (
        ("POST", KEYS, {"name": "child", "scopes": ["widgets:read"]}),
        ("PATCH", path, {"networks": []}),
        ("PATCH", path, {"name": "nicer"}),
    ):
        refused = office.call(method, where, body, token=secret)
        assert (refused.error, refused.json["needs"]) == ("forbidden", "a person who is signed in"), (method, body)
    assert alice.get(KEYS)["total"] == 1
    # It can see keys, and end them: itself too.
    assert office.call("GET", KEYS, token=secret).status == 200
    assert office.call("DELETE", path, token=secret).status == 200
    assert office.call("GET", KEYS, token=secret).status == 401


def test_a_program_ends_keys_only_with_the_scope_for_it(office: Office, alice: Person) -> None:
    path, secret = made(office, alice, "api_keys:read", "sessions:write")
    for where in (path, f"/api/admin/tokens/{path.rpartition('/')[2]}", f"/api/admin/tokens/{secret}"):
        assert office.call("DELETE", where, token=secret).json["needs"] == "api_keys:write"


@pytest.mark.parametrize("role", ["owner", "admin", "analyst"])
def test_a_program_makes_nobody_more_than_it_is(office: Office, alice: Person, role: str) -> None:
    """All that a viewer may, members included, and a role that may more."""
    _, secret = made(office, alice, *VIEWING, "members:write", "members:roles")
    vera = office.join("vera@shop.example", "viewer")
    body = {"email": "mallory@evil.example", "role": role}
    assert office.call("POST", INVITATIONS, body, token=secret).error == "forbidden"
    assert office.call("PATCH", f"{MEMBERS}/{vera.user.user_id}", {"role": role}, token=secret).error == "forbidden"
    assert office.call("POST", INVITATIONS, {**body, "role": "viewer"}, token=secret).status == 201
    # Letting go needs no more than the scope for it.
    assert office.call("DELETE", f"{MEMBERS}/{vera.user.user_id}", token=secret).status == 200


def answer(office: Office, code: str) -> int:
    """Try to become a member."""
    return office.call("POST", "/api/admin/auth/invitation", {"code": code, "password": OTHER, "name": "E"}).status


@pytest.mark.parametrize("how", ["revoked", "narrowed", "over"])
def test_an_invitation_of_a_program_holds_no_longer_than_its_key(office: Office, alice: Person, how: str) -> None:
    path, secret = made(office, alice, *VIEWING, "members:write")
    written = office.call("POST", INVITATIONS, {"email": "mallory@evil.example", "role": "viewer"}, token=secret).json["invitation"]
    assert (written["expires_at"], written["invited_by"]) == (in_hours(office, 1), path.rpartition("/")[2])
    code = code_in(mails(office)[-1], "invitation")
    if how == "revoked":
        alice.delete(path)
    elif how == "narrowed":
        alice.patch(path, {"scopes": VIEWING})
    else:
        alice.patch(path, {"expires_at": in_hours(office, 0.5)})
        office.stage.clock.forward(1800)
    assert alice.get(INVITATIONS)["total"] == 0
    assert answer(office, code) == 400


def test_an_admin_neither_voids_nor_replaces_what_owners_offered(office: Office, alice: Person) -> None:
    adam = office.join("adam@shop.example", "admin")
    for role in ("owner", "admin"):
        email = f"{role}@friends.example"
        invitation = alice.post(INVITATIONS, {"email": email, "role": role})["invitation"]
        assert adam.call("POST", INVITATIONS, {"email": email, "role": "viewer"}).error == "forbidden"
        assert adam.call("DELETE", f"{INVITATIONS}/{invitation['invitation_id']}").error == "forbidden"
    assert alice.get(INVITATIONS)["total"] == 2
    lower = alice.post(INVITATIONS, {"email": "vera@friends.example", "role": "viewer"})["invitation"]
    adam.delete(f"{INVITATIONS}/{lower['invitation_id']}")
    # One that is over is in nobody's way.
    office.stage.clock.forward(7 * 86_400)
    adam.post(INVITATIONS, {"email": "owner@friends.example", "role": "viewer"})


def test_whoever_is_removed_finds_nothing_of_theirs_alive_when_they_come_back(office: Office, alice: Person) -> None:
    mallory = office.join("mallory@shop.example", "admin")
    elsewhere = office.stage.store
    elsewhere.transaction_now(add_member, office.other_org, mallory.user.user_id, "viewer", at_ms=1)
    there = office.sign_in("mallory@shop.example", organization="other").json["access_token"]
    token, refresh = mallory.token, mallory.refresh_token
    _, secret = made(office, mallory, "widgets:read")
    mallory.post(INVITATIONS, {"email": "friend@evil.example", "role": "viewer"})
    code = code_in(mails(office)[-1], "invitation")
    alice.delete(f"{MEMBERS}/{mallory.user.user_id}")
    assert (alice.get(KEYS)["total"], alice.get(INVITATIONS)["total"]) == (0, 0)
    alice.post(INVITATIONS, {"email": "mallory@shop.example", "role": "admin"})
    back = next(code_in(mail, "invitation") for mail in mails(office) if mail["to"] == "mallory@shop.example")
    assert answer(office, back) == 201
    assert office.call("GET", "/api/admin/auth/me", token=token).status == 401
    assert office.call("POST", "/api/admin/auth/refresh", {"refresh_token": refresh}).status == 401
    assert office.call("GET", "/api/admin/widgets", token=secret).status == 401
    assert answer(office, code) == 400
    # A new membership is a new start, and what belongs to another organization was never touched.
    assert office.sign_in("mallory@shop.example").json["user"]["organization_id"] == office.other_org
    assert office.call("GET", "/api/admin/auth/me", token=there).status == 200
