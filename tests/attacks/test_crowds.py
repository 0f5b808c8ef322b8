"""A crowd at the door of the office: it is told to come back, and whoever is inside does not notice."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from chatkeep.crypto import passwords
from chatkeep.rest.door import LONGEST_LINE, LONGEST_OF_ONE
from chatkeep.store import Store
from tests.cast import Reply
from tests.patience import PATIENCE
from tests.rest.cast import PASSWORD, Office, Person, an_office

WRONG = "wrong-Zebra9-kettle"


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join("alice@shop.example", "owner")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Passwords take until this is set."""
    is_over = threading.Event()

    class Slow(PasswordHasher):
        def verify(self, *arguments: object, **options: object) -> bool:
            assert is_over.wait(PATIENCE)
            return super().verify(*arguments, **options)  # type: ignore[arg-type]  # passed on as they are

    monkeypatch.setattr(passwords, "_hasher", Slow.from_parameters(passwords.RFC_9106_LOW_MEMORY))
    yield is_over
    is_over.set()


async def knock(office: Office, number: int, peer: str) -> Reply:
    """Show a password."""
    body = {"email": f"nobody{number}@shop.example", "password": WRONG}
    return await office.stage.acall("POST", "/api/admin/auth/token", body=body, peer=peer)


def test_a_crowd_is_told_to_come_back_and_those_inside_do_not_wait(office: Office, alice: Person, held: threading.Event) -> None:
    async def flood() -> tuple[list[Reply], list[Reply]]:
        crowd = [asyncio.ensure_future(knock(office, number, f"10.0.{number // 200}.{number % 200}")) for number in range(LONGEST_LINE + 40)]
        refused, waiting = await asyncio.wait(crowd, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        while len(refused) < 40:
            more, waiting = await asyncio.wait(waiting, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            assert more, "too few were refused"
            refused |= more
        inside = [
            await office.stage.acall("GET", "/api/admin/auth/me", headers={"authorization": f"Bearer {alice.token}"}),
            await office.stage.acall("POST", "/api/admin/agents", headers={"authorization": f"Bearer {alice.token}"}, body={"name": "a"}),
            await office.stage.acall("POST", "/api/admin/auth/refresh", body={"refresh_token": alice.refresh_token}),
        ]
        assert len(waiting) == LONGEST_LINE
        others = [
            await office.stage.acall("POST", f"/api/admin/auth/{path}", body=body, peer="10.9.9.9")
            for path, body in (("password/forgot", {"email": "a@b.example"}), ("setup", {"code": "x", "email": "a@b.example", "password": WRONG}))
        ]
        held.set()
        await asyncio.wait(waiting, timeout=PATIENCE)
        assert Counter(task.result().status for task in crowd) == {401: LONGEST_LINE, 503: 40}
        return inside, [*others, *(task.result() for task in refused)]

    inside, refused = office.stage.loop.run_until_complete(flood())
    assert [reply.status for reply in inside] == [200, 201, 200]
    assert {(reply.status, reply.error, reply.headers["retry-after"]) for reply in refused} == {(503, "service_unavailable", "5")}
    # The crowd is gone, and so is the line.
    assert office.sign_in("alice@shop.example", peer="192.0.2.1").status == 200
    assert "rate_limit_exceeded" in {event.type for event in office.stage.events()}


def test_one_address_does_not_fill_the_line(office: Office, alice: Person, held: threading.Event) -> None:
    async def flood() -> None:
        crowd = [asyncio.ensure_future(knock(office, number, "10.0.0.1")) for number in range(LONGEST_OF_ONE + 20)]
        honest = asyncio.ensure_future(office.stage.acall("POST", "/api/admin/auth/refresh", body={"refresh_token": "x"}, peer="10.0.0.2"))
        assert (await honest).status == 401
        signing_in = asyncio.ensure_future(knock(office, 99, "10.0.0.2"))
        held.set()
        assert (await signing_in).status == 401
        replies = await asyncio.gather(*crowd)
        assert sum(reply.status == 503 for reply in replies) == 20
        # Five are looked at, and the others are stopped by what the address did.
        assert Counter(reply.status for reply in replies if reply.status != 503) == {401: 5, 429: LONGEST_OF_ONE - 5}

    office.stage.loop.run_until_complete(flood())


@pytest.mark.parametrize("path", ["password", "totp", "totp/disable", "recovery-codes"])
def test_somebody_inside_who_shows_their_password_over_and_over_keeps_nobody_waiting(office: Office, alice: Person, held: threading.Event, path: str) -> None:
    mallory = office.join("mallory@other.example", "viewer", office.other_org)
    body = {"current_password": WRONG, **({"new_password": "plum-Kettle9-teapot"} if path == "password" else {})}

    def ask(number: int) -> asyncio.Task[Reply]:
        headers = {"authorization": f"Bearer {mallory.token}"}
        # From an address of its own each time: the user has one part of the line all the same.
        return asyncio.ensure_future(office.stage.acall("POST", f"/api/admin/auth/{path}", headers=headers, body=body, peer=f"10.0.0.{number}"))

    async def flood() -> None:
        waiting = {ask(number) for number in range(LONGEST_OF_ONE + 20)}
        refused: set[asyncio.Task[Reply]] = set()
        while len(refused) < 20:
            done, waiting = await asyncio.wait(waiting, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            assert done, "too few were refused"
            refused |= done
        me = await office.stage.acall("GET", "/api/admin/auth/me", headers={"authorization": f"Bearer {alice.token}"})
        assert me.status == 200
        assert len(waiting) == LONGEST_OF_ONE
        assert {(reply.status, reply.headers["retry-after"]) for reply in (task.result() for task in refused)} == {(503, "5")}
        held.set()
        await asyncio.wait(waiting, timeout=PATIENCE)
        assert {task.result().status for task in waiting} == {403, 429}

    office.stage.loop.run_until_complete(flood())


def test_a_new_password_of_the_wrong_length_is_refused_before_the_old_one_is_looked_at(office: Office, alice: Person, held: threading.Event) -> None:
    # Or this would wait: no password is looked at until ``held`` is set.
    for password in ("short", "x" * 257):
        reply = alice.call("POST", "/api/admin/auth/password", {"current_password": PASSWORD, "new_password": password})
        assert (reply.status, "12 to 256 characters" in reply.body.decode()) == (400, True)
    assert not held.is_set()
