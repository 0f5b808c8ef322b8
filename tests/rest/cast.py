"""The office: Alice owns an organization with members of every role, Bob owns another one."""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chatkeep.crypto import new_id
from chatkeep.crypto.office_tokens import ACCESS_SECONDS, REFRESH_SECONDS, AccessClaims, RefreshClaims, sign
from chatkeep.crypto.passwords import hash_password
from chatkeep.ids import AgentId, LoginId, OrgId, UserId
from chatkeep.manage.api_keys import make_api_key
from chatkeep.manage.organizations import choose_organization
from chatkeep.settings import Settings
from chatkeep.store import Store
from chatkeep.store.logins import LoginRow, add_login
from chatkeep.store.members import Role, add_member
from chatkeep.store.organizations import Agent, add_agent, add_organization
from chatkeep.store.users import UserRow, add_user
from tests.cast import HeldClock, Reply, Stage, development, on_stage

PASSWORD = "plum-Zebra9-kettle"
ROLES: tuple[Role, ...] = ("owner", "admin", "analyst", "viewer")


@functools.cache
def hashed() -> str:
    """``PASSWORD`` as it is stored: made once, because that is slow on purpose."""
    return hash_password(PASSWORD)


@dataclass
class Person:
    """Somebody with an account, signed in."""

    office: "Office"
    org: OrgId
    user: UserRow
    login_id: LoginId

    @property
    def token(self) -> str:
        """An access token, as fresh as can be."""
        now = int(self.office.stage.clock.now().timestamp())
        return sign(AccessClaims(self.user.user_id, self.org, self.login_id, now, now + ACCESS_SECONDS), self.office.stage.gateway.desk.office_key)

    @property
    def refresh_token(self) -> str:
        """The first refresh token."""
        ends_at = int(self.office.stage.clock.now().timestamp()) + REFRESH_SECONDS
        return sign(RefreshClaims(self.login_id, 1, ends_at), self.office.stage.gateway.desk.office_key)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request with the token."""
        return self.office.call(method, path, body, token=self.token, **headers)

    def get(self, path: str) -> Any:
        """One GET that must succeed; its value."""
        return self._good(self.call("GET", path))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """One POST that must succeed; its value."""
        return self._good(self.call("POST", path, body, **headers))

    def patch(self, path: str, body: Any) -> Any:
        """One PATCH that must succeed; its value."""
        return self._good(self.call("PATCH", path, body))

    def delete(self, path: str) -> Any:
        """One DELETE that must succeed; its value."""
        return self._good(self.call("DELETE", path))

    def _good(self, reply: Reply) -> Any:
        assert reply.status < 300, (reply.status, reply.body)
        return reply.json


@dataclass
class Office:
    """A stage with two organizations."""

    stage: Stage
    org: OrgId
    other_org: OrgId
    people: dict[str, Person] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None, peer: str = "198.51.100.7", **headers: str) -> Reply:
        """One request to the admin API. *headers*: ``sec_fetch_mode="cors"`` …"""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        return self.stage.call(method, path, headers=sent, body=body, peer=peer)

    def join(self, email: str, role: Role, org: OrgId | None = None) -> Person:
        """Somebody new with an account, signed in."""
        at_ms = int(self.stage.clock.now().timestamp() * 1000)
        user = UserRow(UserId(new_id("usr")), email, email.partition("@")[0].title(), hashed(), at_ms, at_ms, None, None, None, at_ms)
        store, where = self.stage.store, org or self.org
        store.transaction_now(add_user, user)
        store.transaction_now(add_member, where, user.user_id, role, at_ms=at_ms)
        person = Person(self, where, user, LoginId(new_id("login")))
        row = LoginRow(person.login_id, where, user.user_id, 1, None, "198.51.100.7", "tests", at_ms, at_ms, at_ms + REFRESH_SECONDS * 1000, None)
        store.transaction_now(add_login, where, row)
        self.people[email] = person
        return person

    def key(self, *scopes: str, org: OrgId | None = None, **choices: Any) -> str:
        """An API key with *scopes*."""
        return make_api_key(self.stage.store, self.stage.clock, org or self.org, name="key", scopes=scopes, **choices).secret

    def sign_in(self, email: str, password: str = PASSWORD, *, peer: str = "198.51.100.7", **more: str) -> Reply:
        """Show a password."""
        return self.call("POST", "/api/admin/auth/token", {"email": email, "password": password, **more}, peer=peer)


@contextmanager
def an_office(store: Store, settings: Settings | None = None, **more: Any) -> Iterator[Office]:
    """The application, Alice's organization, and one that belongs to somebody else."""
    clock = HeldClock()
    with on_stage(store, settings or development(**more), clock) as stage:
        org = choose_organization(store, clock).org_id
        other = OrgId(new_id("org"))
        store.transaction_now(add_organization, other, "other", at_ms=1)
        store.transaction_now(add_agent, other, Agent(AgentId(new_id("agent")), other, "default", "Be brief.", (), has_knowledge=False), at_ms=1)
        office = Office(stage, org, other)
        yield office


WIDGET: Mapping[str, Any] = {"widget_name": "Help", "allowed_domains": ["shop.example"]}
