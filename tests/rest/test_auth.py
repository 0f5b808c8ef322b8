"""Signing in and staying signed in: passwords, codes, refresh tokens, mails."""

import email
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from pyotp import TOTP

from chatkeep.manage.people import offer_reset, offer_setup
from chatkeep.store import Store
from chatkeep.store.members import add_member
from chatkeep.store.organizations import list_organizations
from tests.cast import HeldClock, development, on_stage
from tests.rest.cast import PASSWORD, Office, Person, an_office

OTHER = "kettle-Giraffe7-moss"


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join("alice@shop.example", "owner")


def mails(office: Office) -> list[EmailMessage]:
    """What the outbox holds, oldest first."""
    office.stage.loop.run_until_complete(office.stage.gateway.office.postman.rest())
    folder = office.stage.gateway.desk.settings.data_path / "mail"
    return [email.message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]  # type: ignore[misc]  # the policy makes it so


def code_in(mail: EmailMessage, purpose: str) -> str:
    """The code of the link, the same in both forms."""
    texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    assert len(texts) == 2
    codes = {found for text in texts for found in re.findall(rf"/account#{purpose}=([\w-]+)", text)}
    assert len(codes) == 1
    return codes.pop()


def totp_of(office: Office, person: Person) -> TOTP:
    """An authenticator app in force, whose next code is free."""
    offer = person.post("/api/admin/auth/totp", {"current_password": PASSWORD})
    app = TOTP(offer["secret"])
    person.post("/api/admin/auth/totp/confirm", {"code": app.at(office.stage.clock.now())})
    office.stage.clock.forward(30)
    return app


def test_a_person_signs_in_and_finds_out_who_they_are(office: Office, alice: Person) -> None:
    tokens = office.sign_in("Alice@Shop.example ").json
    assert (tokens["token_type"], tokens["expires_in"], tokens["refresh_expires_in"]) == ("Bearer", 900, 30 * 86400)
    me = office.call("GET", "/api/admin/auth/me", token=tokens["access_token"]).json
    assert (me["email"], me["role"], me["organization_id"], me["email_verified"]) == ("alice@shop.example", "owner", office.org, True)
    assert "widgets:write" in me["permissions"]
    office.stage.clock.forward(900)
    late = office.call("GET", "/api/admin/auth/me", token=tokens["access_token"])
    assert (late.status, late.error) == (401, "token_expired")


def test_a_member_of_two_organizations_chooses(office: Office, alice: Person) -> None:
    office.stage.store.transaction_now(add_member, office.other_org, alice.user.user_id, "viewer", at_ms=2_000_000_000_000)
    assert office.sign_in("alice@shop.example").json["user"]["organization_id"] == office.org
    there = office.sign_in("alice@shop.example", organization="other").json["user"]
    assert (there["organization_id"], there["role"]) == (office.other_org, "viewer")
    assert office.sign_in("alice@shop.example", organization="nowhere").status == 403


def test_refresh_tokens_work_once_and_a_second_use_ends_the_login(office: Office, alice: Person) -> None:
    first = office.sign_in("alice@shop.example").json
    second = office.call("POST", "/api/admin/auth/refresh", {"refresh_token": first["refresh_token"]}).json
    assert office.call("GET", "/api/admin/auth/me", token=second["access_token"]).status == 200
    third = office.call("POST", "/api/admin/auth/refresh", {"refresh_token": second["refresh_token"]}).json
    stolen = office.call("POST", "/api/admin/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert (stolen.status, stolen.error) == (401, "invalid_token")
    assert office.call("GET", "/api/admin/auth/me", token=third["access_token"]).status == 401
    assert office.call("POST", "/api/admin/auth/refresh", {"refresh_token": third["refresh_token"]}).status == 401
    assert [event.org_id for event in office.stage.events() if event.type == "token_reuse"] == [office.org]


def test_a_lost_refresh_is_repeated_with_its_key(office: Office, alice: Person) -> None:
    first = office.sign_in("alice@shop.example").json["refresh_token"]
    replies = [office.call("POST", "/api/admin/auth/refresh", {"refresh_token": first}, idempotency_key="once") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert len({reply.json["refresh_token"] for reply in replies}) == 1
    assert office.call("POST", "/api/admin/auth/refresh", {"refresh_token": first}, idempotency_key="other").status == 401


def test_logins_are_listed_and_ended(office: Office, alice: Person) -> None:
    tokens = office.sign_in("alice@shop.example", peer="203.0.113.7").json
    listed = alice.get("/api/admin/auth/sessions")["sessions"]
    assert len(listed) == 2
    other = next(one for one in listed if not one["is_current"])
    assert other["address"] == "203.0.113.7"
    alice.delete(f"/api/admin/auth/sessions/{other['login_id']}")
    assert office.call("GET", "/api/admin/auth/me", token=tokens["access_token"]).status == 401
    bob = office.join("bob@shop.example", "viewer")
    assert office.call("DELETE", f"/api/admin/auth/sessions/{alice.login_id}", token=bob.token).status == 404
    token = alice.token
    alice.post("/api/admin/auth/logout")
    assert office.call("GET", "/api/admin/auth/me", token=token).status == 401


def test_a_changed_password_ends_the_other_logins(office: Office, alice: Person) -> None:
    elsewhere = office.sign_in("alice@shop.example").json["access_token"]
    path = "/api/admin/auth/password"
    wrong = office.call("POST", path, {"current_password": OTHER, "new_password": OTHER}, token=alice.token)
    # No 401: the token is as good as before.
    assert (wrong.status, wrong.error, wrong.json["details"]) == (403, "invalid_credentials", [{"field": "current_password", "problem": "is wrong"}])
    short = office.call("POST", path, {"current_password": PASSWORD, "new_password": "short"}, token=alice.token)
    assert (short.status, [detail["field"] for detail in short.json["details"]]) == (400, ["new_password"])
    weak = office.call("POST", path, {"current_password": PASSWORD, "new_password": "password1234"}, token=alice.token)
    assert (weak.status, weak.json["details"][0]["field"]) == (400, "new_password")
    alice.post(path, {"current_password": PASSWORD, "new_password": OTHER})
    assert office.call("GET", "/api/admin/auth/me", token=elsewhere).status == 401
    assert alice.get("/api/admin/auth/me")["success"] is True
    assert office.sign_in("alice@shop.example").status == 401
    assert office.sign_in("alice@shop.example", OTHER).status == 200
    assert "was changed" in mails(office)[-1]["subject"]


def test_a_forgotten_password_is_set_with_a_mailed_code_that_works_once(office: Office, alice: Person) -> None:
    asked = [office.call("POST", "/api/admin/auth/password/forgot", {"email": address}) for address in ("alice@shop.example", "nobody@shop.example")]
    assert [(reply.status, reply.body) for reply in asked] == [(202, asked[0].body)] * 2
    sent = mails(office)
    assert [mail["to"] for mail in sent] == ["alice@shop.example"]
    code = code_in(sent[0], "reset")
    path = "/api/admin/auth/password/reset"
    assert office.call("POST", path, {"code": code, "password": "password1234"}).status == 400
    assert office.call("POST", path, {"code": code, "password": OTHER}).status == 200
    assert office.call("POST", path, {"code": code, "password": PASSWORD}).status == 400
    assert office.sign_in("alice@shop.example", OTHER).status == 200
    assert office.call("GET", "/api/admin/auth/me", token=alice.token).status == 401
    office.call("POST", "/api/admin/auth/password/forgot", {"email": "alice@shop.example"})
    late = code_in([mail for mail in mails(office) if "Set a new" in mail["subject"]][-1], "reset")
    office.stage.clock.forward(3600)
    assert office.call("POST", path, {"code": late, "password": PASSWORD}).status == 400


def test_an_app_that_is_lost_goes_with_the_use_of_the_link_and_not_before(office: Office, alice: Person) -> None:
    store, clock = office.stage.store, office.stage.clock
    offer = alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})
    alice.post("/api/admin/auth/totp/confirm", {"code": TOTP(offer["secret"]).at(clock.now())})
    plain = offer_reset(store, clock, alice.user.user_id, drops_totp=False)
    assert office.sign_in("alice@shop.example").error == "second_factor_required"
    path = "/api/admin/auth/password/reset"
    assert office.call("POST", path, {"code": f"totp.{plain}", "password": OTHER}).status == 400
    assert office.call("POST", path, {"code": plain, "password": OTHER}).status == 200
    assert office.sign_in("alice@shop.example", OTHER).error == "second_factor_required"
    lost = offer_reset(store, clock, alice.user.user_id, drops_totp=True)
    assert office.sign_in("alice@shop.example", OTHER).error == "second_factor_required"
    assert office.call("POST", path, {"code": lost, "password": PASSWORD}).status == 200
    assert office.sign_in("alice@shop.example").status == 200
    assert office.call("GET", "/api/admin/auth/me", token=alice.token).status == 401


def test_an_address_is_proved_by_a_mailed_code(office: Office, alice: Person) -> None:
    alice.post("/api/admin/auth/email/verify")
    code = code_in(mails(office)[-1], "verify")
    assert office.call("POST", "/api/admin/auth/email/confirm", {"code": code}).status == 200
    assert office.call("POST", "/api/admin/auth/email/confirm", {"code": code}).status == 400


def test_an_app_and_recovery_codes_are_a_second_factor(office: Office, alice: Person) -> None:
    offer = alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})
    assert offer["otpauth_url"].startswith("otpauth://totp/")
    assert office.sign_in("alice@shop.example").status == 200
    app = TOTP(offer["secret"])
    assert office.call("POST", "/api/admin/auth/totp/confirm", {"code": "000000"}, token=alice.token).status == 400
    codes = alice.post("/api/admin/auth/totp/confirm", {"code": app.at(office.stage.clock.now())})["recovery_codes"]
    assert office.call("POST", "/api/admin/auth/totp", {"current_password": PASSWORD}, token=alice.token).status == 409
    assert office.sign_in("alice@shop.example").error == "second_factor_required"
    # The code that confirmed it was used.
    used = office.sign_in("alice@shop.example", totp_code=app.at(office.stage.clock.now()))
    assert (used.status, used.error, used.json["details"][0]["field"]) == (401, "second_factor_required", "totp_code")
    assert used.json["message"] == "This code is not right, or was used already."
    office.stage.clock.forward(30)
    assert office.sign_in("alice@shop.example", totp_code=app.at(office.stage.clock.now())).status == 200
    assert office.sign_in("alice@shop.example", recovery_code=codes[0].upper()).status == 200
    assert office.sign_in("alice@shop.example", recovery_code=codes[0]).json["details"][0]["field"] == "recovery_code"
    assert alice.get("/api/admin/auth/me")["recovery_codes_left"] == 9
    renewed = alice.post("/api/admin/auth/recovery-codes", {"current_password": PASSWORD, "recovery_code": codes[1]})["recovery_codes"]
    assert office.sign_in("alice@shop.example", recovery_code=codes[2]).status == 401
    assert office.sign_in("alice@shop.example", recovery_code=renewed[0]).status == 200
    office.stage.clock.forward(30)
    alice.post("/api/admin/auth/totp/disable", {"current_password": PASSWORD, "totp_code": app.at(office.stage.clock.now())})
    assert office.sign_in("alice@shop.example").status == 200


def test_somebody_invited_becomes_a_member_once(office: Office, alice: Person) -> None:
    made = alice.post("/api/admin/invitations", {"email": "Carol@Shop.example", "role": "analyst"})["invitation"]
    assert made["email"] == "carol@shop.example"
    assert alice.get("/api/admin/invitations")["total"] == 1
    code = code_in(mails(office)[-1], "invitation")
    path = "/api/admin/auth/invitation"
    assert office.call("POST", path, {"code": code, "password": "short", "name": "Carol"}).status == 400
    assert office.call("POST", path, {"code": code, "password": OTHER, "name": "Carol"}).status == 201
    assert office.call("POST", path, {"code": code, "password": OTHER, "name": "Carol"}).status == 400
    assert office.sign_in("carol@shop.example", OTHER).json["user"]["role"] == "analyst"
    assert alice.get("/api/admin/members")["total"] == 2
    assert alice.get("/api/admin/invitations")["total"] == 0
    assert office.call("POST", "/api/admin/invitations", {"email": "carol@shop.example", "role": "viewer"}, token=alice.token).status == 409
    withdrawn = alice.post("/api/admin/invitations", {"email": "dave@shop.example", "role": "viewer"})["invitation"]
    alice.delete(f"/api/admin/invitations/{withdrawn['invitation_id']}")
    assert office.call("POST", path, {"code": code_in(mails(office)[-1], "invitation"), "password": OTHER}).status == 400


def test_who_has_an_account_keeps_its_password_when_invited_elsewhere(office: Office, alice: Person) -> None:
    boss = office.join("boss@other.example", "owner", office.other_org)
    boss.post("/api/admin/invitations", {"email": "alice@shop.example", "role": "viewer"})
    code = code_in(mails(office)[-1], "invitation")
    assert office.call("POST", "/api/admin/auth/invitation", {"code": code, "password": "anything at all"}).status == 201
    assert office.sign_in("alice@shop.example", "anything at all").status == 401
    assert office.sign_in("alice@shop.example", organization="other").json["user"]["role"] == "viewer"


def test_an_organization_that_is_none_of_theirs_is_answered_with_those_that_are_once_the_password_is_right(office: Office, alice: Person) -> None:
    refused = office.sign_in("alice@shop.example", organization="Shopp")
    assert refused.status == 403
    [detail] = refused.json["details"]
    assert detail["field"] == "organization"
    assert f"({alice.org})" in detail["problem"]
    assert str(office.other_org) not in detail["problem"]
    assert "details" not in office.sign_in("alice@shop.example", OTHER, organization="Shopp").json


def test_roles_bind_and_the_last_owner_stays(office: Office, alice: Person) -> None:
    adam = office.join("adam@shop.example", "admin")
    vera = office.join("vera@shop.example", "viewer")
    member = "/api/admin/members"
    assert office.call("PATCH", f"{member}/{vera.user.user_id}", {"role": "admin"}, token=adam.token).status == 403
    assert office.call("POST", "/api/admin/invitations", {"email": "x@shop.example", "role": "owner"}, token=adam.token).status == 403
    assert office.call("DELETE", f"{member}/{alice.user.user_id}", token=adam.token).status == 403
    assert office.call("DELETE", f"{member}/{alice.user.user_id}", token=alice.token).status == 409
    assert office.call("PATCH", f"{member}/{alice.user.user_id}", {"role": "viewer"}, token=alice.token).status == 409
    assert alice.patch(f"{member}/{adam.user.user_id}", {"role": "owner"})["member"]["role"] == "owner"
    assert adam.patch(f"{member}/{alice.user.user_id}", {"role": "viewer"})["member"]["role"] == "viewer"
    # At once, with the token that says nothing of roles.
    assert office.call("POST", "/api/admin/agents", {"name": "x"}, token=alice.token).status == 403
    adam.delete(f"{member}/{vera.user.user_id}")
    assert office.call("GET", "/api/admin/widgets", token=vera.token).status == 401


def test_the_first_user_is_made_with_the_code_that_was_printed(office: Office) -> None:
    store, clock = office.stage.store, office.stage.clock
    voided, code = offer_setup(store, clock), offer_setup(store, clock)
    body: dict[str, Any] = {"email": "first@shop.example", "password": PASSWORD, "name": "First", "organization": "Shop"}
    path = "/api/admin/auth/setup"
    assert office.call("POST", path, {**body, "code": voided}).status == 400
    assert office.call("POST", path, {**body, "code": code}).status == 201
    assert office.call("POST", path, {**body, "code": code, "email": "second@shop.example"}).status == 400
    assert office.sign_in("first@shop.example").json["user"]["role"] == "owner"
    assert offer_setup(store, clock) is None


def test_setting_up_an_empty_instance_makes_everything_or_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    clock = HeldClock()
    with on_stage(sqlite_store, development(data_dir=str(tmp_path / "data")), clock) as stage:
        good = {"code": offer_setup(sqlite_store, clock), "email": "first@shop.example", "password": PASSWORD, "organization": "Shop"}
        for bad in ({"code": "nope"}, {"password": "password1234"}, {"email": "nobody"}, {"organization": " "}):
            assert stage.call("POST", "/api/admin/auth/setup", body={**good, **bad}).status == 400
            assert sqlite_store.read_now(list_organizations) == []
        assert stage.call("POST", "/api/admin/auth/setup", body=good).status == 201
        assert [org.name for org in sqlite_store.read_now(list_organizations)] == ["Shop"]


def test_failures_make_the_next_attempt_wait_and_a_known_place_does_not(office: Office, alice: Person) -> None:
    for _ in range(5):
        assert office.sign_in("alice@shop.example", "wrong password", peer="203.0.113.66").status == 401
    locked = office.sign_in("alice@shop.example", peer="203.0.113.66")
    assert (locked.status, locked.error, locked.json["limit_type"]) == (429, "rate_limit_exceeded", "login")
    assert locked.headers["retry-after"] == "30"
    # A stranger's place is locked for this account, another account's is not, and where she works she gets in.
    assert office.sign_in("alice@shop.example", peer="192.0.2.9").status == 429
    office.join("bob@shop.example", "viewer")
    assert office.sign_in("bob@shop.example", peer="192.0.2.9").status == 200
    assert office.sign_in("alice@shop.example", peer="198.51.100.7").status == 200
    office.stage.clock.forward(901)
    assert office.sign_in("alice@shop.example", peer="203.0.113.66").status == 200
    assert {"login_locked", "login_failed"} <= {event.type for event in office.stage.events()}
