"""Mallory guesses: passwords, codes, who has an account. Nothing she can measure differs, and she is slowed down."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from pyotp import TOTP
from sqlalchemy import event

from chatkeep.crypto import passwords
from chatkeep.store import Store
from tests.cast import Reply
from tests.rest.cast import PASSWORD, Office, Person, an_office
from tests.rest.test_auth import code_in, mails

WRONG = "wrong-Zebra9-kettle"


@pytest.fixture
def office(sqlite_store: Store, tmp_path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join("alice@shop.example", "owner")


@contextmanager
def work(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """What a request costs: statements by their text, and verifications of passwords."""
    seen: Counter[str] = Counter()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen[statement] += 1

    class Counting(PasswordHasher):
        def verify(self, *arguments: object, **options: object) -> bool:
            seen["argon2"] += 1
            return super().verify(*arguments, **options)  # type: ignore[arg-type]  # passed on as they are

        def hash(self, *arguments: object, **options: object) -> str:
            seen["argon2"] += 1
            return super().hash(*arguments, **options)  # type: ignore[arg-type]  # passed on as they are

    monkeypatch.setattr(passwords, "_hasher", Counting.from_parameters(passwords.RFC_9106_LOW_MEMORY))
    engines = (office.stage.store._read_engine, office.stage.store._write_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def without_id(reply: Reply) -> tuple[int, dict[str, object], dict[str, str]]:
    """A reply but for what differs from request to request."""
    headers = {name: value for name, value in reply.headers.items() if name != "x-request-id"}
    return reply.status, {**reply.json, "request_id": ""}, headers


def test_an_unknown_account_costs_the_same_and_looks_the_same(office: Office, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for address, peer in (("alice@shop.example", "203.0.113.1"), ("nobody@shop.example", "203.0.113.2"), ("no address", "203.0.113.3")):
        with work(office, monkeypatch) as seen:
            reply = office.sign_in(address, WRONG, peer=peer)
        found.append((without_id(reply), dict(seen)))
    assert found[0][0][:1] == (401,)
    assert found[0][1]["argon2"] == 1
    assert found[0] == found[1] == found[2]


def test_locked_out_accounts_look_the_same_whether_they_exist(office: Office, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for address, peer in (("alice@shop.example", "203.0.113.1"), ("nobody@shop.example", "203.0.113.2")):
        for _ in range(5):
            office.sign_in(address, WRONG, peer=peer)
    found = []
    for address, peer in (("alice@shop.example", "203.0.113.1"), ("nobody@shop.example", "203.0.113.2")):
        with work(office, monkeypatch) as seen:
            found.append((without_id(office.sign_in(address, PASSWORD, peer=peer)), dict(seen)))
    assert found[0] == found[1]
    assert found[0][0][0] == 429
    assert "argon2" not in found[0][1]


def test_a_forgotten_password_tells_nobody_who_has_an_account(office: Office, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for address in ("alice@shop.example", "nobody@shop.example"):
        with work(office, monkeypatch) as seen:
            reply = office.call("POST", "/api/admin/auth/password/forgot", {"email": address})
        found.append((without_id(reply), dict(seen)))
    assert found[0] == found[1]


def test_accepting_an_invitation_costs_the_same_with_an_account_and_without(office: Office, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    boss = office.join("boss@other.example", "owner", office.other_org)
    found = []
    for address in ("alice@shop.example", "nobody@shop.example"):
        office.stage.clock.forward(1)
        boss.post("/api/admin/invitations", {"email": address, "role": "viewer"})
        body = {"code": code_in(mails(office)[-1], "invitation"), "password": "kettle-Giraffe7-moss", "name": "A"}
        with work(office, monkeypatch) as seen:
            reply = office.call("POST", "/api/admin/auth/invitation", body)
        # One row is written for the person in either case: of a new user, or of a proven address.
        found.append((without_id(reply), seen["argon2"], seen.total()))
    assert found[0] == found[1]
    assert found[0][0][0] == 201
    assert found[0][1] == 1


def test_what_strangers_ask_costs_the_same_again_and_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Distributions, not single costs: whatever of it depends on chance or order does not depend on who has an account."""
    known = [office.join(f"user{number}@shop.example", "viewer").user.email for number in range(6)]
    unknown = [f"none{number}@shop.example" for number in range(6)]
    order = [address for pair in zip(known, unknown, strict=True) for address in pair]
    random.Random(7).shuffle(order)
    costs: dict[tuple[bool, str], Counter[object]] = defaultdict(Counter)
    for number, address in enumerate(order):
        peer = f"203.0.113.{number}"
        asked = {
            "sign in": lambda address=address, peer=peer: office.sign_in(address, WRONG, peer=peer),
            "sign in again": lambda address=address, peer=peer: office.sign_in(address, "x" * 300, peer=peer),
            "forgot": lambda address=address, peer=peer: office.call("POST", "/api/admin/auth/password/forgot", {"email": address}, peer=peer),
        }
        for what, ask in asked.items():
            with work(office, monkeypatch) as seen:
                reply = ask()
            cost = (reply.status, len(reply.body), tuple(sorted(reply.headers)), tuple(sorted(seen.items())))
            costs[address in known, what][cost] += 1
    for what in ("sign in", "sign in again", "forgot"):
        assert costs[True, what] == costs[False, what]
        assert costs[True, what].total() == 6


def test_somebody_elses_things_cost_what_nobodys_cost(office: Office, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = alice.post("/api/admin/widgets", {"widget_name": "x", "allowed_domains": ["shop.example"]})["widget_id"]
    mallory = office.join("mallory@other.example", "owner", office.other_org)
    found = []
    for widget_id in (widget, "widget_" + "z" * 26):
        with work(office, monkeypatch) as seen:
            found.append((without_id(mallory.call("GET", f"/api/admin/widgets/{widget_id}")), dict(seen)))
    assert found[0] == found[1]


def test_one_password_for_many_accounts_is_stopped_by_the_address(office: Office) -> None:
    statuses = [office.sign_in(f"user{number}@shop.example", "Sommer2026!xx", peer="203.0.113.5").status for number in range(30)]
    assert statuses[:5] == [401] * 5
    assert set(statuses[5:]) == {429}


def test_an_own_account_does_not_reset_what_the_address_did(office: Office, alice: Person) -> None:
    statuses = []
    for number in range(12):
        office.sign_in("alice@shop.example", peer="203.0.113.5")
        statuses.append(office.sign_in(f"victim{number}@shop.example", WRONG, peer="203.0.113.5").status)
    assert statuses.count(401) == 5


def test_many_addresses_at_one_account_are_stopped_and_its_owner_is_not(office: Office, alice: Person) -> None:
    statuses = [office.sign_in("alice@shop.example", WRONG, peer=f"203.0.113.{number}").status for number in range(1, 60)]
    assert statuses.count(401) == 5
    # She has signed in from here before.
    assert office.sign_in("alice@shop.example", peer="198.51.100.7").status == 200


def test_nobody_is_locked_out_for_long(office: Office, alice: Person) -> None:
    waits = []
    for _ in range(40):
        reply = office.sign_in("alice@shop.example", WRONG, peer="203.0.113.5")
        if reply.status == 429:
            waits.append(reply.json["retry_after"])
            office.stage.clock.forward(reply.json["retry_after"])
    assert max(waits) <= 900
    assert waits[0] == 30
    assert waits[1] > waits[0]
    office.stage.clock.forward(900)
    assert office.sign_in("alice@shop.example", peer="192.0.2.1").status == 200


def test_parallel_guesses_do_not_slip_past_the_count(office: Office, alice: Person) -> None:
    async def crowd() -> list[Reply]:
        body = {"email": "alice@shop.example", "password": WRONG}
        return await asyncio.gather(*(office.stage.acall("POST", "/api/admin/auth/token", body=body, peer="203.0.113.5") for _ in range(40)))

    replies = office.stage.loop.run_until_complete(crowd())
    # One address has sixteen places in the line at the door.
    assert Counter(reply.status for reply in replies) == {401: 5, 429: 11, 503: 24}


def test_a_code_of_the_app_works_once_and_guessing_it_is_counted(office: Office, alice: Person) -> None:
    offer = alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})
    app = TOTP(offer["secret"])
    alice.post("/api/admin/auth/totp/confirm", {"code": app.at(office.stage.clock.now())})
    office.stage.clock.forward(60)
    code = app.at(office.stage.clock.now())
    assert office.sign_in("alice@shop.example", totp_code=code, peer="192.0.2.1").status == 200
    assert office.sign_in("alice@shop.example", totp_code=code, peer="192.0.2.1").error == "second_factor_required"
    # An older one is as used as the newest.
    assert office.sign_in("alice@shop.example", totp_code=app.at(office.stage.clock.now() - timedelta(seconds=30)), peer="192.0.2.1").status == 401
    guesses = [office.sign_in("alice@shop.example", totp_code=f"{number:06}", peer="203.0.113.9").status for number in range(20)]
    assert guesses.count(401) <= 5
    assert guesses[-1] == 429
    assert "mfa_failed" in {row.type for row in office.stage.events()}


def test_the_same_code_at_the_same_time_lets_one_in(office: Office, alice: Person) -> None:
    offer = alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})
    app = TOTP(offer["secret"])
    alice.post("/api/admin/auth/totp/confirm", {"code": app.at(office.stage.clock.now())})
    office.stage.clock.forward(30)
    body = {"email": "alice@shop.example", "password": PASSWORD, "totp_code": app.at(office.stage.clock.now())}

    async def crowd() -> list[Reply]:
        return await asyncio.gather(*(office.stage.acall("POST", "/api/admin/auth/token", body=body, peer="192.0.2.1") for _ in range(4)))

    assert sorted(reply.status for reply in office.stage.loop.run_until_complete(crowd())) == [200, 401, 401, 401]


def test_a_stolen_login_does_not_change_a_password_by_guessing(office: Office, alice: Person) -> None:
    body = {"current_password": WRONG, "new_password": "kettle-Giraffe7-moss"}
    statuses = [alice.call("POST", "/api/admin/auth/password", body).status for _ in range(10)]
    assert statuses.count(403) == 5
    assert statuses[-1] == 429
