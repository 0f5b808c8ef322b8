"""What is tried against an account reaches the people of its organization, and nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.store import Store
from chatkeep.store.events import list_events
from chatkeep.store.members import add_member
from tests.rest.cast import Office, Person, an_office
from tests.rest.test_auth import totp_of


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join("alice@shop.example", "owner")


def alarms(office: Office) -> list[tuple[str, str | None]]:
    """Events with whose they are."""
    return [(event.type, event.org_id) for event in office.stage.events()]


def test_a_refresh_token_that_comes_back_alarms_its_organization(office: Office, alice: Person) -> None:
    stolen = alice.refresh_token
    for _ in range(2):
        office.call("POST", "/api/admin/auth/refresh", {"refresh_token": stolen})
    assert sorted(alarms(office)) == [("invalid_token", office.org), ("token_reuse", office.org)]


def test_a_wrong_password_and_a_wrong_code_are_told_to_the_accounts_organization(office: Office, alice: Person) -> None:
    totp_of(office, alice)
    office.sign_in("alice@shop.example", "wrong password")
    office.sign_in("alice@shop.example")
    office.sign_in("alice@shop.example", totp_code="000000")
    for _ in range(4):
        office.sign_in("alice@shop.example", "wrong password", peer="203.0.113.66")
    assert {("login_failed", office.org), ("mfa_failed", office.org), ("login_locked", office.org)} == set(alarms(office))


def test_a_member_of_several_organizations_is_told_of_where_they_wanted_to_go(office: Office, alice: Person) -> None:
    office.stage.store.transaction_now(add_member, office.other_org, alice.user.user_id, "viewer", at_ms=2_000_000_000_000)
    office.sign_in("alice@shop.example", "wrong password", organization="other")
    assert alarms(office) == []
    (told,) = office.stage.store.read_now(list_events, office.other_org)
    assert told.type == "login_failed"
    office.sign_in("alice@shop.example", "wrong password", organization="nowhere")
    assert alarms(office) == [("login_failed", office.org)]


def test_an_address_that_nobody_has_is_told_to_nobody(office: Office, alice: Person) -> None:
    office.sign_in("nobody@shop.example", "wrong password")
    assert alarms(office) == [("login_failed", None)]
