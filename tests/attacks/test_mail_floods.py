"""Mallory has us write mails: to fill a mailbox, to void a code that somebody waits for, or to an address that nobody typed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.store import Store
from tests.rest.cast import Office, Person, an_office
from tests.rest.test_auth import OTHER, code_in, mails

BEHIND = {"host": "chat.example", "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.66"}
ALICE = "alice@shop.example"


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join(ALICE, "owner")


def forget(office: Office, email: str = ALICE, peer: str = "203.0.113.66") -> tuple[int, object]:
    """Ask for a new password; what everybody is told."""
    reply = office.call("POST", "/api/admin/auth/password/forgot", {"email": email}, peer=peer)
    return reply.status, reply.json.get("message")


def test_nobody_fills_a_mailbox_and_nobody_learns_of_it(office: Office, alice: Person) -> None:
    known = [forget(office, peer=f"192.0.2.{number}") for number in range(30)]
    unknown = [forget(office, "nobody@shop.example", peer=f"192.0.2.{number}") for number in range(30)]
    assert {status for status, _ in known} == {202}
    assert known == unknown
    assert len(mails(office)) == 3
    office.stage.clock.forward(3600)
    forget(office)
    assert len(mails(office)) == 4


def test_a_caller_who_asks_for_too_many_is_told(office: Office, alice: Person) -> None:
    statuses = [forget(office, f"user{number}@shop.example")[0] for number in range(25)]
    assert statuses == [202] * 20 + [429] * 5
    refused = office.call("POST", "/api/admin/auth/password/forgot", {"email": ALICE}, peer="203.0.113.66")
    assert int(refused.headers["retry-after"]) == 3600
    assert forget(office, peer="203.0.113.67")[0] == 202


def test_a_strangers_wish_voids_no_code(office: Office, alice: Person) -> None:
    forget(office, peer="198.51.100.7")
    code = code_in(mails(office)[-1], "reset")
    office.stage.clock.forward(1)
    for number in range(5):
        forget(office, peer=f"203.0.113.{number}")
    later = code_in(mails(office)[-1], "reset")
    body = {"code": code, "password": OTHER}
    assert office.call("POST", "/api/admin/auth/password/reset", body).status == 200
    # With the password set, all of them are void.
    assert office.call("POST", "/api/admin/auth/password/reset", {**body, "code": later}).status == 400
    assert later != code


def test_codes_that_were_asked_for_in_vain_leave_one_row(office: Office) -> None:
    for number in range(10):
        forget(office, f"nobody{number}@shop.example")
    assert len(office.stage.store.read_now(lambda tx: tx.exec_driver_sql("SELECT * FROM mailed_codes").all())) == 1


def test_an_address_is_asked_to_prove_itself_a_few_times_and_each_mail_holds(office: Office, alice: Person) -> None:
    statuses = [alice.call("POST", "/api/admin/auth/email/verify").status for _ in range(4)]
    assert statuses == [202, 202, 202, 429]
    first = code_in(mails(office)[0], "verify")
    assert office.call("POST", "/api/admin/auth/email/confirm", {"code": first}).status == 200


def test_invitations_are_bounded_by_person_and_by_organization(office: Office, alice: Person) -> None:
    def invite(email: str, person: Person = alice) -> int:
        return person.call("POST", "/api/admin/invitations", {"email": email, "role": "viewer"}).status

    assert [invite("victim@shop.example") for _ in range(4)] == [201, 201, 201, 429]
    boss = office.join("boss@other.example", "owner", office.other_org)
    assert invite("victim@shop.example", boss) == 201
    statuses = [invite(f"user{number}@shop.example") for number in range(100)]
    assert statuses == [201] * 97 + [429] * 3
    assert invite("somebody@shop.example", boss) == 201


@pytest.mark.parametrize(
    "address",
    [
        "=?utf-8?q?a=40evil.example=2C?=@shop.example",
        "=?utf-8?q?a=40evil.example=0Abcc?=@shop.example",
        "a=?utf-8?b?QGV2aWwuZXhhbXBsZQ==?=@shop.example",
        "a..b@shop.example",
        ".a@shop.example",
        "a.@shop.example",
        "a,b@shop.example",
        "(a)b@shop.example",
        "<a>@shop.example",
        '"a b"@shop.example',
        "a@b@shop.example",
        "a@shop.example\r\nBcc: mallory@evil.example",
        "a@shop.example, mallory@evil.example",
        "a@[127.0.0.1]",
        "a@shop..example",
        "\u00e4@shop.example",
        "x" * 65 + "@shop.example",
    ],
)
def test_an_address_that_could_be_read_in_another_way_is_refused(office: Office, alice: Person, address: str) -> None:
    reply = alice.call("POST", "/api/admin/invitations", {"email": address, "role": "viewer"})
    assert (reply.status, reply.json["details"][0]["field"]) == (400, "email")
    assert mails(office) == []


@pytest.mark.parametrize("address", ["alice+news@shop.example", "o'brien@shop.example", "a=b@shop.example", "a_b-c.d@sub.shop.example"])
def test_a_mail_goes_to_the_address_that_was_typed(office: Office, alice: Person, address: str) -> None:
    said = alice.post("/api/admin/invitations", {"email": address, "role": "viewer"})["message"]
    assert mails(office)[-1]["to"] == address
    # Whoever tries it out in development is told where to look.
    assert said == f"A mail is on its way. In development it is a file in {office.stage.gateway.desk.settings.data_path / 'mail'}."


def test_an_instance_without_mail_says_so_to_everybody(sqlite_store: Store) -> None:
    with an_office(sqlite_store, env="production", public_url="https://chat.example", trusted_proxies="198.51.100.7") as office:
        office.join(ALICE, "owner")
        replies = [
            office.stage.call("POST", "/api/admin/auth/password/forgot", headers=BEHIND, body={"email": email}, peer="198.51.100.7")
            for email in (ALICE, "b@c.example")
        ]
        assert {reply.status for reply in replies} == {400}
        assert len({str(reply.json["details"]) for reply in replies}) == 1
        assert "CHATKEEP_SMTP_HOST" in str(replies[0].json["details"])
