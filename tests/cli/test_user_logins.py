"""``chatkeep users unlock``, ``sessions``, ``sign-out``: what an operator types holds at once in the gateway beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.clock import SystemClock
from chatkeep.store import Store
from tests.cli.office import Said, Shell, shell_in
from tests.rest.cast import Office, Person, an_office
from tests.rest.test_auth import totp_of
from tests.servers import SECRET

BOB = "bob@shop.example"
WRONG = "wrong-Zebra9-kettle"
HOME = "203.0.113.50"


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


@pytest.fixture
def office(shell: Shell) -> Iterator[Office]:
    """A gateway over the shell's database. The commands ask the machine what time it is, and so it starts then."""
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    with an_office(store, data_dir=str(shell.data_dir)) as office:
        office.stage.clock._now = SystemClock().now()
        yield office
    store.close()


@pytest.fixture
def bob(office: Office) -> Person:
    return office.join(BOB, "analyst")


def users(shell: Shell, *words: str) -> Said:
    """One command about people of the organization that Bob is in."""
    return shell.run("users", *words, "--org", "default")


def test_who_failed_too_often_is_let_in_where_they_are_and_others_still_wait(shell: Shell, office: Office, bob: Person) -> None:
    office.join("carol@shop.example", "viewer")
    for email, peer in ((BOB, HOME), ("carol@shop.example", "192.0.2.9")):
        for _ in range(5):
            office.sign_in(email, WRONG, peer=peer)
        assert office.sign_in(email, peer=peer).status == 429
    unlocked = users(shell, "unlock", " Bob@Shop.example", "--json")
    assert (unlocked.code, unlocked.json) == (0, {"user_id": bob.user.user_id, "failures": 5})
    assert office.sign_in(BOB, peer=HOME).status == 200
    assert office.sign_in("carol@shop.example", peer="192.0.2.9").status == 429


def test_an_address_that_others_failed_from_goes_on_waiting(shell: Shell, office: Office, bob: Person) -> None:
    for number in range(4):
        office.sign_in(f"nobody{number}@shop.example", peer=HOME)
    office.sign_in(BOB, WRONG, peer=HOME)
    assert office.sign_in(BOB, peer=HOME).status == 429
    said = users(shell, "unlock", BOB)
    assert office.sign_in("nobody@shop.example", peer=HOME).status == 401, "four are left, and this is the fifth"
    assert office.sign_in(BOB, peer=HOME).status == 429
    assert "from which others failed" in said.out
    assert "failures forgotten: 1." in said.out


def test_who_is_locked_out_by_a_gateway_with_the_secret_before_is_let_in_too(
    shell: Shell, office: Office, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        office.sign_in(BOB, WRONG, peer=HOME)
    monkeypatch.setenv("CHATKEEP_SECRET_KEY", SECRET[::-1])
    assert users(shell, "unlock", BOB, "--json").json["failures"] == 0
    monkeypatch.setenv("CHATKEEP_SECRET_KEY_PREVIOUS", SECRET)
    assert users(shell, "unlock", BOB, "--json").json["failures"] == 5
    assert office.sign_in(BOB, peer=HOME).status == 200


def test_wrong_codes_lock_and_are_forgiven_like_wrong_passwords(shell: Shell, office: Office, bob: Person) -> None:
    app = totp_of(office, bob)
    for _ in range(5):
        assert office.sign_in(BOB, peer=HOME, totp_code="000000").status == 401
    assert office.sign_in(BOB, peer=HOME, totp_code="000000").status == 429
    said = users(shell, "unlock", BOB)
    assert f"chatkeep users reset {BOB} --second-factor" in said.out
    office.stage.clock.forward(30)
    assert office.sign_in(BOB, peer=HOME, totp_code=app.at(office.stage.clock.now())).status == 200


def test_who_is_not_kept_out_is_told_apart_from_who_is_nobody(shell: Shell, bob: Person) -> None:
    said = users(shell, "unlock", BOB)
    assert (said.code, said.err) == (0, "")
    assert "has not failed to sign in for 15 minutes" in said.out
    nobody = users(shell, "unlock", "nobody@shop.example", "--json")
    assert (nobody.code, nobody.json["error"]) == (1, "not_found")
    assert "chatkeep users list" in nobody.json["message"]


def test_a_member_of_another_organization_is_nobody_here(shell: Shell, office: Office) -> None:
    office.join("mallory@blog.example", "owner", office.other_org)
    for words in (("unlock",), ("sessions",), ("sign-out",)):
        assert users(shell, *words, "mallory@blog.example").code == 1


def test_logins_are_listed_and_one_of_them_ended(shell: Shell, office: Office, bob: Person) -> None:
    elsewhere = office.sign_in(BOB, peer=HOME).json["access_token"]
    listed = users(shell, "sessions", BOB, "--json").json
    assert {one["address"] for one in listed} == {HOME, "198.51.100.7"}
    (there,) = [one["login_id"] for one in listed if one["address"] == HOME]
    assert users(shell, "sign-out", BOB, "--session", there, "--json").json == {"user_id": bob.user.user_id, "ended": 1}
    assert office.call("GET", "/api/admin/auth/me", token=elsewhere).status == 401
    assert bob.get("/api/admin/auth/me")["email"] == BOB
    again = users(shell, "sign-out", BOB, "--session", there)
    assert (again.code, "chatkeep users sessions" in again.err) == (1, True)


def test_all_logins_end_at_once(shell: Shell, office: Office, bob: Person) -> None:
    carol = office.join("carol@shop.example", "viewer")
    elsewhere = office.sign_in(BOB, peer=HOME).json
    assert users(shell, "sign-out", BOB, "--json").json["ended"] == 2
    assert bob.call("GET", "/api/admin/auth/me").status == 401
    assert office.call("POST", "/api/admin/auth/refresh", {"refresh_token": elsewhere["refresh_token"]}).status == 401
    assert carol.get("/api/admin/auth/me")["email"] == "carol@shop.example"
    assert users(shell, "sessions", BOB).out == f"{BOB} is signed in nowhere.\n"
    assert users(shell, "sign-out", BOB, "--json").json["ended"] == 0
