"""What a credential may do after its maker changed: every kind of credential, every change, one table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chatkeep.admit.permissions import Permission
from chatkeep.store import Store
from chatkeep.store.members import add_member
from tests.rest.cast import PASSWORD, ROLES, Office, Person, an_office
from tests.rest.test_auth import OTHER, code_in, mails

NOBODY = f"usr_{'z' * 26}"


@dataclass
class Mara:
    """A second owner, with one of every credential; what happens to her is done by Alice, by herself elsewhere, or by a stranger."""

    office: Office
    alice: Person
    mara: Person
    access: str = field(init=False)
    refresh: str = field(init=False)
    api_key: str = field(init=False)
    codes: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Everything is made while she is an owner."""
        self.access, self.refresh = self.mara.token, self.mara.refresh_token
        self.api_key = self.mara.post("/api/admin/api-keys", {"name": "k", "scopes": [scope.value for scope in Permission]})["api_key"]
        self.codes = {}
        for role in ROLES:
            self.mara.post("/api/admin/invitations", {"email": f"{role}@friends.example", "role": role})
            self.codes[role] = self.code_for(f"{role}@friends.example", "invitation")

    def code_for(self, email: str, purpose: str) -> str:
        """The code in the one mail to *email*."""
        (mail,) = [mail for mail in mails(self.office) if mail["to"] == email]
        return code_in(mail, purpose)

    @property
    def path(self) -> str:
        """Her membership."""
        return f"/api/admin/members/{self.mara.user.user_id}"

    def become(self, *roles: str) -> None:
        """Be given one role after the other."""
        for role in roles:
            self.alice.patch(self.path, {"role": role})

    def go(self) -> None:
        """Be removed."""
        self.alice.delete(self.path)

    def go_and_come_back(self) -> None:
        """Be removed, and be made an owner anew."""
        self.go()
        at_ms = int(self.office.stage.clock.now().timestamp() * 1000)
        self.office.stage.store.transaction_now(add_member, self.office.org, self.mara.user.user_id, "owner", at_ms=at_ms)

    def change_password(self) -> None:
        """At another place where she is signed in."""
        elsewhere = self.office.sign_in(self.mara.user.email).json["access_token"]
        body = {"current_password": PASSWORD, "new_password": OTHER}
        assert self.office.call("POST", "/api/admin/auth/password", body, token=elsewhere).status == 200

    def reset_password(self) -> None:
        """With a mailed code."""
        self.office.call("POST", "/api/admin/auth/password/forgot", {"email": self.mara.user.email})
        code = self.code_for(self.mara.user.email, "reset")
        assert self.office.call("POST", "/api/admin/auth/password/reset", {"code": code, "password": OTHER}).status == 200

    def be_locked_out(self) -> None:
        """A stranger guesses."""
        for _ in range(5):
            self.office.sign_in(self.mara.user.email, "wrong password", peer="203.0.113.66")
        assert self.office.sign_in(self.mara.user.email, peer="203.0.113.67").status == 429

    def outcomes(self) -> tuple[str, str, str, str]:
        """What each credential is good for. The access token is looked at first: a new one would say nothing of it."""
        access, api_key = self.power(self.access), self.power(self.api_key)
        renewed = self.office.call("POST", "/api/admin/auth/refresh", {"refresh_token": self.refresh})
        return access, self.power(renewed.json["access_token"]) if renewed.status == 200 else "nothing", api_key, self.offer()

    def power(self, token: str) -> str:
        """As which role *token* is let through."""

        def status(method: str, path: str, body: object = None) -> int:
            self.office.stage.clock.forward(1)
            return self.office.call(method, f"/api/admin/{path}", body, token=token).status

        if status("GET", "widgets") == 401:
            return "nothing"
        if status("PATCH", f"members/{NOBODY}", {"role": "viewer"}) != 403:
            return "owner"
        if status("DELETE", f"agents/{NOBODY}") != 403:
            return "admin"
        return "analyst" if status("GET", "conversations?q=x") == 200 else "viewer"

    def offer(self) -> str:
        """The highest role that her invitations still give; the lower ones go with it."""
        path = "/api/admin/auth/invitation"
        answered = [self.office.call("POST", path, {"code": self.codes[role], "password": OTHER}).status for role in ROLES]
        assert answered == sorted(answered, reverse=True)
        assert self.alice.get("/api/admin/invitations")["total"] == 0, "what holds no more is shown no more"
        return next((role for role, status in zip(ROLES, answered, strict=True) if status == 201), "nothing")


@pytest.fixture
def mara(sqlite_store: Store, tmp_path: Path) -> Iterator[Mara]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield Mara(office, office.join("alice@shop.example", "owner"), office.join("mara@shop.example", "owner"))


Change = Callable[[Mara], None]
#                                                                     access     refresh    API key    invitations
OUTCOMES: dict[str, tuple[Change, tuple[str, str, str, str]]] = {
    "nothing happened":           (lambda _: None,                     ("owner",   "owner",   "owner",   "owner")),
    "demoted to admin":           (lambda mara: mara.become("admin"),  ("admin",   "admin",   "admin",   "analyst")),
    "demoted to analyst":         (lambda mara: mara.become("analyst"), ("analyst", "analyst", "analyst", "nothing")),
    "demoted to viewer":          (lambda mara: mara.become("viewer"), ("viewer",  "viewer",  "viewer",  "nothing")),
    # A role comes back, with what is asked anew at every use; an invitation that was taken back does not.
    "demoted and promoted again": (lambda mara: mara.become("viewer", "owner"), ("owner", "owner", "owner", "nothing")),
    "removed":                    (Mara.go,                            ("nothing", "nothing", "nothing", "nothing")),
    "removed and added again":    (Mara.go_and_come_back,              ("nothing", "nothing", "nothing", "nothing")),
    # A password is no secret of her programs.
    "password changed elsewhere": (Mara.change_password,               ("nothing", "nothing", "owner",   "owner")),
    "password set by mail":       (Mara.reset_password,                ("nothing", "nothing", "owner",   "owner")),
    # What strangers do takes nothing from her.
    "account locked out":         (Mara.be_locked_out,                 ("owner",   "owner",   "owner",   "owner")),
}  # fmt: skip


@pytest.mark.parametrize("change", OUTCOMES)
def test_what_a_credential_may_do_after_its_maker_changed(mara: Mara, change: str) -> None:
    happen, expected = OUTCOMES[change]
    happen(mara)
    assert mara.outcomes() == expected


@pytest.mark.parametrize("role", ["admin", "analyst", "viewer"])
def test_every_lower_role_has_a_row(role: str) -> None:
    assert f"demoted to {role}" in OUTCOMES


def test_a_key_from_the_command_line_answers_for_nobody_and_keeps_its_scopes(mara: Mara) -> None:
    key = mara.office.key("widgets:read")
    mara.go()
    assert mara.office.call("GET", "/api/admin/widgets", token=key).status == 200
