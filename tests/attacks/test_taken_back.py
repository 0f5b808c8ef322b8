"""Mallory has the old password, or a login, at the moment when Alice takes her account back: nothing that was judged before works after."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from pyotp import TOTP

from chatkeep.crypto import passwords
from chatkeep.manage import people
from chatkeep.store import Store, users
from chatkeep.store.mailed_codes import find_code
from tests.rest.cast import PASSWORD, Office, Person, an_office

ALICE = "alice@shop.example"
NEW = "fresh-Kettle9-zebra-plum"
MALLORYS = "mallorys-Own9-words-teapot"
AT_ALICES = "203.0.113.9"
Meanwhile = Callable[[Callable[[], Any]], None]


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join(ALICE, "owner")


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """A way to let something happen once, right after a password was found to be right."""

    def arrange(happens: Callable[[], Any]) -> None:
        left = [happens]

        class Interrupted(PasswordHasher):
            def verify(self, *arguments: Any, **options: Any) -> bool:
                is_right = super().verify(*arguments, **options)
                while left:
                    left.pop()()
                return is_right

        monkeypatch.setattr(passwords, "_hasher", Interrupted.from_parameters(passwords.RFC_9106_LOW_MEMORY))

    return arrange


def reset(office: Office, person: Person) -> None:
    """Alice sets a new password with a mailed code, in another process."""
    code = people.put_code(office.stage.store, office.stage.clock, "reset", person.user.user_id)
    people.reset_password(office.stage.store, office.stage.clock, code=code, password=NEW)


def use_app(office: Office, person: Person, secret: str) -> None:
    """Alice puts her app in force, in another process."""
    gateway, clock = office.stage.gateway, office.stage.clock
    user = people.get_user(office.stage.store, person.user.user_id)
    people.confirm_totp(office.stage.store, clock, gateway.office.vault, user, TOTP(secret).at(clock.now()), login=person.login_id)


def test_nobody_signs_in_with_a_password_that_was_replaced_as_it_was_looked_at(office: Office, alice: Person, meanwhile: Meanwhile) -> None:
    meanwhile(lambda: reset(office, alice))
    reply = office.sign_in(ALICE)
    assert (reply.status, reply.error) == (401, "invalid_credentials")
    assert office.sign_in(ALICE, NEW, peer=AT_ALICES).status == 200


def test_nobody_signs_in_without_a_code_as_the_app_is_put_in_force(office: Office, alice: Person, meanwhile: Meanwhile) -> None:
    secret = alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})["secret"]
    meanwhile(lambda: use_app(office, alice, secret))
    assert office.sign_in(ALICE).status == 401
    assert "second_factor" in office.sign_in(ALICE).body.decode()


WEAKENING = {
    "password": {"current_password": PASSWORD, "new_password": MALLORYS},
    "totp": {"current_password": PASSWORD},
    "totp/disable": {"current_password": PASSWORD},
    "recovery-codes": {"current_password": PASSWORD},
}


@pytest.mark.parametrize("path", WEAKENING)
def test_a_login_that_was_ended_changes_nothing_with_what_it_showed_before(office: Office, alice: Person, meanwhile: Meanwhile, path: str) -> None:
    body = dict(WEAKENING[path])
    if path in {"totp/disable", "recovery-codes"}:
        secret = alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})["secret"]
        use_app(office, alice, secret)
        office.stage.clock.forward(30)
        body["totp_code"] = TOTP(secret).at(office.stage.clock.now())
    meanwhile(lambda: reset(office, alice))
    reply = alice.call("POST", f"/api/admin/auth/{path}", body)
    assert (reply.status, reply.error) == (401, "invalid_credentials")
    user = people.get_user(office.stage.store, alice.user.user_id)
    assert passwords.is_password(NEW, user.password_hash)
    assert user.has_totp == (path in {"totp/disable", "recovery-codes"})
    assert (user.totp_secret is None) == (path in {"password", "totp"})


def test_a_login_that_is_over_confirms_no_app(office: Office, alice: Person) -> None:
    secret = alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})["secret"]
    reset(office, alice)
    with pytest.raises(people.Refused, match="invalid_token"):
        use_app(office, alice, secret)


def test_a_password_that_is_hashed_anew_at_sign_in_replaces_no_other(office: Office, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed_cheaply(office, alice)
    is_hashing = threading.Event()

    class Interrupted(PasswordHasher):
        def hash(self, *arguments: Any, **options: Any) -> str:
            if not is_hashing.is_set():
                is_hashing.set()
                reset(office, alice)
            return super().hash(*arguments, **options)

    monkeypatch.setattr(passwords, "_hasher", Interrupted.from_parameters(passwords.RFC_9106_LOW_MEMORY))
    assert office.sign_in(ALICE).status == 401
    assert is_hashing.is_set()
    assert office.sign_in(ALICE, NEW, peer=AT_ALICES).status == 200
    assert office.sign_in(ALICE, peer="203.0.113.10").status == 401


def test_a_password_that_is_hashed_anew_voids_no_mailed_code(office: Office, alice: Person) -> None:
    hashed_cheaply(office, alice)
    store, clock = office.stage.store, office.stage.clock
    code = people.put_code(store, clock, "reset", alice.user.user_id)
    assert office.sign_in(ALICE).status == 200
    assert not passwords.is_outdated(people.get_user(store, alice.user.user_id).password_hash)
    assert store.read_now(find_code, people.code_digest(code), "reset", at_ms=people.now_ms(clock)) is not None


def hashed_cheaply(office: Office, person: Person) -> None:
    """The password was hashed years ago, with less work."""
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    office.stage.store.transaction_now(users.set_password, person.user.user_id, old, at_ms=1)
