"""One of every thing that an organization can have, and requests about them that are right in every way."""

import itertools
from dataclasses import dataclass
from typing import Any

from chatkeep.crypto.office_tokens import REFRESH_SECONDS
from chatkeep.manage.organizations import choose_providers
from chatkeep.store.logins import LoginRow, add_login
from chatkeep.web.routes import Route
from tests.cast import SHOP
from tests.rest.cast import WIDGET, Person

_numbers = itertools.count()
# Requests by method and path; a missing one has no body.
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/api/admin/widgets/{widget_id}"): {"widget_name": "Changed"},
    ("PATCH", "/api/admin/agents/{agent_id}"): {"instructions": "Changed"},
    ("PATCH", "/api/admin/providers/{provider_id}"): {"model": "changed"},
    ("PATCH", "/api/admin/api-keys/{key_id}"): {"name": "changed"},
    ("PATCH", "/api/admin/members/{user_id}"): {"role": "analyst"},
}


def body_for(route: Route) -> Any:
    """A good body for *route*."""
    return BODIES.get((route.method, route.path))


def path_of(route: Route, ids: dict[str, str] | None = None) -> str:
    """The path of *route* with *ids*, or with ids that nothing has."""
    prefixes = {"widget_id": "widget", "agent_id": "agent", "provider_id": "prov", "key_id": "key", "user_id": "usr", "invitation_id": "invite"}
    prefixes |= {"block_id": "block", "session_id": "sess", "login_id": "login", "conversation_id": "conv", "token": "sess"}
    nobodys = {name: f"{prefix}_{'z' * 26}" for name, prefix in prefixes.items()}
    return route.path.format(**(ids or nobodys))


@dataclass
class Things:
    """Ids of one of everything."""

    owner: Person
    ids: dict[str, str]

    @classmethod
    def made_by(cls, owner: Person) -> "Things":
        """New ones."""
        office, number = owner.office, next(_numbers)
        provider = owner.post(
            "/api/admin/providers", {"name": f"p{number}", "base_url": "https://ai.example/v1", "model": "m", "api_key": "sk-0123456789abcdef"}
        )
        agent = owner.post("/api/admin/agents", {"name": f"a{number}"})["agent"]["agent_id"]
        talking = owner.post("/api/admin/agents", {"name": f"t{number}"})["agent"]["agent_id"]
        choose_providers(office.stage.store, owner.org, talking, ("fake",))
        widget = owner.post("/api/admin/widgets", {**WIDGET, "agent_id": talking})["widget_id"]
        key = owner.post("/api/admin/api-keys", {"name": "k", "scopes": ["widgets:read"]})["key"]["key_id"]
        member = office.join(f"member{number}@shop.example", "viewer", owner.org)
        invitation = owner.post("/api/admin/invitations", {"email": f"i{number}@shop.example", "role": "viewer"})["invitation"]["invitation_id"]
        block = owner.post("/api/admin/blocks", {"kind": "visitor", "value": f"vis_{number}", "reason": "x"})["block"]["block_id"]
        peer = f"10.1.{number // 250}.{number % 250 + 1}"
        visit = office.stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget}, peer=peer).json
        other = office.stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget}, peer=peer).json
        said = {"message": "canary in a message", "widget_id": widget, "conversation_id": visit["conversation_id"]}
        headers = {"origin": SHOP, "authorization": f"Bearer {visit['session_token']}"}
        assert office.stage.call("POST", "/api/chat", headers=headers, body=said, peer=peer).status == 200
        login = f"login_{number:026}"
        row = LoginRow(login, owner.org, owner.user.user_id, 1, None, peer, "x", 1, 1, 2**45 + REFRESH_SECONDS, None)  # type: ignore[arg-type]  # an id
        office.stage.store.transaction_now(add_login, owner.org, row)
        ids = {"widget_id": widget, "agent_id": agent, "provider_id": provider["provider"]["provider_id"], "key_id": key, "user_id": member.user.user_id}
        ids |= {"invitation_id": invitation, "block_id": block, "session_id": visit["session_id"], "token": other["session_id"]}
        return cls(owner, {**ids, "conversation_id": visit["conversation_id"], "login_id": login})

    def seen(self) -> list[Any]:
        """What their owner sees of them."""
        paths = ("widgets/{widget_id}", "agents/{agent_id}", "providers/{provider_id}", "api-keys/{key_id}", "members/{user_id}", "blocks/{block_id}")
        paths += ("conversations/{conversation_id}", "conversations/{conversation_id}/messages")
        found = [self.owner.get("/api/admin/" + path.format(**self.ids)) for path in paths]
        return [*found, self.owner.get("/api/admin/sessions?is_open=true&limit=200"), self.owner.get("/api/admin/auth/sessions")]
