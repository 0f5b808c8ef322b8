"""Mallory locks others out: by failing in their name, from behind their address, or as whoever has half of what signing in takes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyotp import TOTP

from chatkeep.store import Store
from chatkeep.store.tables import users
from tests.rest.cast import PASSWORD, Office, Person, an_office
from tests.rest.test_auth import OTHER, code_in, mails, totp_of

ALICE = "alice@shop.example"
WRONG = "wrong-Zebra9-kettle"
NEW_PLACE = "203.0.113.50"


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join(ALICE, "owner")


def reset(office: Office, password: str) -> None:
    """Alice sets a new password with a mailed code."""
    office.call("POST", "/api/admin/auth/password/forgot", {"email": ALICE})
    reply = office.call("POST", "/api/admin/auth/password/reset", {"code": code_in(mails(office)[-1], "reset"), "password": password}, peer=NEW_PLACE)
    assert reply.status == 200


def test_a_neighbour_behind_the_same_address_does_not_lock_out_who_signed_in_there(office: Office, alice: Person) -> None:
    for number in range(5):
        assert office.sign_in(f"nobody{number}@shop.example", peer="198.51.100.7").status == 401
    assert office.sign_in("nobody@shop.example", peer="198.51.100.7").status == 429
    assert office.sign_in(ALICE, peer="198.51.100.7").status == 200
    # Somebody who was never here waits like anybody.
    office.join("bob@shop.example", "viewer")
    assert office.sign_in("bob@shop.example", peer="203.0.113.9").status == 200
    for number in range(5):
        office.sign_in(f"nobody{number}@shop.example", peer="192.0.2.1")
    assert office.sign_in("bob@shop.example", peer="192.0.2.1").status == 429


def test_one_password_for_all_who_signed_in_behind_an_address_is_still_stopped(office: Office) -> None:
    people = [office.join(f"user{number}@shop.example", "viewer") for number in range(60)]
    statuses = [office.sign_in(person.user.email, WRONG, peer="198.51.100.7").status for person in people]
    # Five are told that they are wrong, the others what anybody would be told; thirty are looked at.
    assert statuses[:5] == [401] * 5
    assert set(statuses[5:]) == {429}
    assert office.sign_in(people[-1].user.email, PASSWORD, peer="198.51.100.7").status == 429
    office.stage.clock.forward(30)
    assert office.sign_in(people[-1].user.email, PASSWORD, peer="198.51.100.7").status == 200


def test_a_locked_account_looks_like_no_account_where_its_owner_signed_in(office: Office, alice: Person) -> None:
    for who in (ALICE, "nobody@shop.example"):
        for number in range(5):
            office.sign_in(who, WRONG, peer=f"203.0.{number}.{len(who)}")
    replies = [office.sign_in(who, WRONG, peer="198.51.100.7") for who in (ALICE, "nobody@shop.example")]
    assert [(reply.status, reply.headers["retry-after"]) for reply in replies] == [(429, "30")] * 2
    assert office.sign_in(ALICE, peer="198.51.100.7").status == 200


def test_whoever_sets_a_new_password_gets_in_at_once_from_a_new_place(office: Office, alice: Person) -> None:
    for number in range(5):
        office.sign_in(ALICE, WRONG, peer=f"192.0.2.{number}")
    assert office.sign_in(ALICE, peer=NEW_PLACE).status == 429
    reset(office, OTHER)
    assert office.sign_in(ALICE, OTHER, peer=NEW_PLACE).status == 200


def test_whoever_sets_a_new_password_gets_in_at_once_where_they_forgot_the_old_one(office: Office, alice: Person) -> None:
    for _ in range(5):
        office.sign_in(ALICE, WRONG, peer=NEW_PLACE)
    assert office.sign_in(ALICE, peer=NEW_PLACE).status == 429
    reset(office, OTHER)
    assert office.sign_in(ALICE, OTHER, peer=NEW_PLACE).status == 200


def test_a_reset_forgives_an_address_nothing_that_was_tried_at_others(office: Office, alice: Person) -> None:
    for number in range(5):
        office.sign_in(f"nobody{number}@shop.example", peer=NEW_PLACE)
    reset(office, OTHER)
    assert office.sign_in("bob@shop.example", peer=NEW_PLACE).status == 429


def test_a_thiefs_place_is_a_strangers_after_a_new_password(office: Office, alice: Person) -> None:
    assert office.sign_in(ALICE, peer="203.0.113.66").status == 200
    reset(office, OTHER)
    for number in range(5):
        office.sign_in(ALICE, WRONG, peer=f"192.0.2.{number}")
    assert office.sign_in(ALICE, OTHER, peer="203.0.113.66").status == 429


@pytest.mark.parametrize("path", ["totp/disable", "recovery-codes"])
def test_a_session_and_the_password_do_not_get_rid_of_the_second_factor(office: Office, alice: Person, path: str) -> None:
    app = totp_of(office, alice)
    body = {"current_password": PASSWORD}
    missing = alice.call("POST", f"/api/admin/auth/{path}", body)
    assert (missing.status, missing.error) == (401, "second_factor_required")
    guesses = [alice.call("POST", f"/api/admin/auth/{path}", {**body, "totp_code": f"{number:06}"}).status for number in range(8)]
    assert guesses.count(401) == 5
    assert guesses[-1] == 429
    assert alice.get("/api/admin/auth/me")["has_totp"] is True
    office.stage.clock.forward(900)
    assert alice.call("POST", f"/api/admin/auth/{path}", {**body, "totp_code": app.at(office.stage.clock.now())}).status == 200


def test_a_login_that_never_showed_a_code_ends_when_the_app_is_in_force(office: Office, alice: Person) -> None:
    thief = office.sign_in(ALICE, peer="203.0.113.66").json["access_token"]
    totp_of(office, alice)
    assert office.call("GET", "/api/admin/auth/me", token=thief).status == 401
    assert alice.get("/api/admin/auth/me")["has_totp"] is True


def test_an_app_whose_secret_does_not_open_is_told_and_a_recovery_code_gets_in(office: Office, alice: Person, caplog: pytest.LogCaptureFixture) -> None:
    offer = alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})
    app = TOTP(offer["secret"])
    codes = alice.post("/api/admin/auth/totp/confirm", {"code": app.at(office.stage.clock.now())})["recovery_codes"]
    office.stage.clock.forward(30)
    office.stage.store.transaction_now(lambda tx: tx.execute(users.update().values(totp_secret="s1.dead.AAAA.AAAA")))
    refused = office.sign_in(ALICE, totp_code=app.at(office.stage.clock.now()))
    assert (refused.status, refused.error) == (401, "second_factor_required")
    assert "totp_secret_unreadable" in {record.message for record in caplog.records}
    assert office.sign_in(ALICE, recovery_code=codes[0]).status == 200


def test_an_app_that_was_never_confirmed_is_dropped_with_the_password(office: Office, alice: Person) -> None:
    alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})
    alice.post("/api/admin/auth/totp/disable", {"current_password": PASSWORD})
    assert office.sign_in(ALICE).status == 200
