"""Passwords: weak ones are refused with a way out, good ones are kept so that nobody can read them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from zxcvbn.matching import L33T_TABLE, enumerate_l33t_subs, relevant_l33t_subtable

from chatkeep.crypto import passwords
from chatkeep.errors import WrongUsage

GOOD = "plum-Zebra9-kettle"


@pytest.mark.parametrize(
    "weak",
    [
        "password1234", "123456789012", "qwertyuiopas", "letmeinletmein", "iloveyou1234", "adminadminadmin", "aaaaaaaaaaaaaaaa", "P@ssw0rd!2024",
        "abcdefghijkl", "1q2w3e4r5t6y", "P4$$w0rd2026!", "4dm1n157r470r", "trustno1trustno1", "football2023", "qwerty123456", "passwordpassword",
    ],
)  # fmt: skip
def test_common_passwords_and_what_people_do_to_them_are_refused(weak: str) -> None:
    assert len(weak) >= passwords.SHORTEST
    with pytest.raises(WrongUsage, match="easily guessed"):
        passwords.check_password(weak)


@pytest.mark.parametrize("bad", ["", "short", "elevenchars", "x" * 257])
def test_a_password_has_bounds(bad: str) -> None:
    with pytest.raises(WrongUsage, match="12 to 256 characters"):
        passwords.check_password(bad)


def test_the_own_address_is_no_password() -> None:
    with pytest.raises(WrongUsage, match="easily guessed"):
        passwords.check_password("alice.miller@shop", ("alice.miller@shop.example", "alice.miller@shop"))


@pytest.mark.parametrize(
    "good", [GOOD, "correct horse battery staple", "Grüße-aus-Köln-73", "\U0001f511" * 3 + "vierzehn Wagen", "x7" * 128, "7%aK<2|wQ[9v!R+1"]
)
def test_good_passwords_are_taken_and_kept_as_argon2id(good: str) -> None:
    if good != "x7" * 128:
        passwords.check_password(good)
    stored = passwords.hash_password(good)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert good not in stored
    assert stored != passwords.hash_password(good)
    assert passwords.is_password(good, stored)
    assert not passwords.is_password(good + "x", stored)
    assert not passwords.is_outdated(stored)


def test_without_an_account_the_same_work_is_done_for_nothing() -> None:
    assert passwords._NOBODYS.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not passwords.is_password(GOOD, None)
    # It is a hash that can be looked at: a broken one would be refused without any work.
    with pytest.raises(passwords.VerificationError, match="does not match"):
        passwords._hasher.verify(passwords._NOBODYS, GOOD)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$broken", "$2b$12$abcdefghijklmnopqrstuv"])
def test_what_is_no_hash_is_nobodys_password(stored: str) -> None:
    assert not passwords.is_password(GOOD, stored)


def test_less_work_than_today_is_noticed() -> None:
    assert passwords.is_outdated("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$pBqTqg2oEmX0TKPqbJW4bLq3yFbzJyQZg5iCyYz9e0w")


@given(st.text("4@8({[<369!1|/0$5+7%2aZ", min_size=12, max_size=256))
@example("4@8({[<369!1|/0$5+7%2" * 12)
def test_no_password_has_many_readings_that_would_be_tried(password: str) -> None:
    judged = passwords._judged(password)
    assert len(judged) == min(len(password), 48)
    assert len(enumerate_l33t_subs(relevant_l33t_subtable(judged, L33T_TABLE))) <= 16


def test_as_it_was_written_a_password_has_hundreds_of_readings() -> None:
    """Or the test above would show nothing."""
    assert len(enumerate_l33t_subs(relevant_l33t_subtable("4@8({[<369!1|/0$5+7%2", L33T_TABLE))) > 100


def test_only_what_people_write_for_letters_is_ever_left_out() -> None:
    assert passwords._judged("P4$$w0rd2026!-Grüße, Köln") == "P4$$w0rd2026!-Grüße, Köln"
