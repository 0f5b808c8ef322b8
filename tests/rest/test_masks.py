"""What does somebody see who may not see personal data? Every answer that they can read, made from the route table."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.admit.permissions import PERMISSIONS
from chatkeep.rest import admin_routes
from chatkeep.store import Store
from chatkeep.web.routes import Audience, Route
from tests.cast import SHOP
from tests.rest.cast import WIDGET, Office, an_office
from tests.rest.things import Things, path_of

# What names a person, and where it is planted.
PLANTED = {
    "victor@mail.example": "a message",
    "+49 170 1234567": "a message",
    "198.51.100.77": "a message",
    "2001:db8:7:8::9": "a message",
    "carla@mail.example": "a comment",
    "203.0.113.77": "a visitor's address",
    "2600:1234:5678:9abc::def": "a visitor's address",
    "192.0.2.77": "a blocked address",
    "2a00:1450:4001:81b::200e": "a blocked address",
    "192.0.2.176/28": "a blocked network",
    "2a00:1450:4001:82b::/64": "a blocked network",
    "vera@mail.example": "a blocked visitor",
    "bob@mail.example": "a reason",
    "10.77.66.55": "a reason",
    "10.0.0.77/32": "a network of a key",
    "alice@shop.example": "a member",
    "dora@friends.example": "an invitation",
}


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path / "data")) as office:
        yield office


@pytest.fixture
def things(office: Office) -> Things:
    """One of everything, with all that is planted."""
    alice = office.join("alice@shop.example", "owner")
    things = Things.made_by(alice)
    for kind, value, reason in (
        ("address", "192.0.2.77", "bob@mail.example was rude"),
        ("address", "2a00:1450:4001:81b::200e", "again from 10.77.66.55"),
        ("network", "192.0.2.176/28", "x"),
        ("network", "2a00:1450:4001:82b::/64", "x"),
        ("visitor", "vera@mail.example", "x"),
    ):
        block = alice.post("/api/admin/blocks", {"kind": kind, "value": value, "reason": reason})["block"]
    things.ids["block_id"] = block["block_id"]
    key = alice.post("/api/admin/api-keys", {"name": "k", "scopes": ["widgets:read"], "networks": ["10.0.0.77/32"]})["key"]
    things.ids |= {"key_id": key["key_id"], "user_id": alice.user.user_id}
    alice.post("/api/admin/invitations", {"email": "dora@friends.example", "role": "viewer"})
    agent = alice.post("/api/admin/agents", {"name": "Echo", "providers": ["fake"]})["agent"]["agent_id"]
    widget = alice.post("/api/admin/widgets", {**WIDGET, "agent_id": agent})["widget_id"]
    for peer in ("203.0.113.77", "2600:1234:5678:9abc::def"):
        visit = office.stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget}, peer=peer).json
    headers = {"origin": SHOP, "authorization": f"Bearer {visit['session_token']}"}
    text = "I am victor@mail.example, +49 170 1234567, at 198.51.100.77 and 2001:db8:7:8::9"
    said = {"message": text, "widget_id": widget, "conversation_id": visit["conversation_id"]}
    answer = office.stage.call("POST", "/api/chat", headers=headers, body=said, peer=peer)
    assert answer.status == 200, answer.body
    feedback = {"rating": "down", "comment": "tell carla@mail.example"}
    office.stage.call("POST", f"/api/messages/{answer.json['message_id']}/feedback", headers=headers, body=feedback, peer=peer)
    things.ids["conversation_id"] = visit["conversation_id"]
    return things


def readable(office: Office) -> list[Route]:
    """Answers about the organization that a viewer can read."""
    routes = [route for route in admin_routes(office.stage.gateway.office) if route.audience in {Audience.OPERATOR, Audience.MEMBER}]
    return [route for route in routes if route.method == "GET" and route.permission in PERMISSIONS["viewer"]]


def seen_by(office: Office, role: str, things: Things) -> str:
    """All that somebody who is *role* reads, as one text."""
    person = office.join(f"{role}@work.example", role)  # type: ignore[arg-type]  # one of the roles
    answers = []
    for route in readable(office):
        reply = person.call("GET", path_of(route, things.ids) + ("?all=true" if route.path.endswith("/blocks") else ""))
        assert reply.status == 200, (route.path, reply.body)
        answers.append(reply.body.decode())
        office.stage.clock.forward(1)
    return "\n".join(answers)


def test_a_viewer_reads_nothing_that_names_a_person(office: Office, things: Things) -> None:
    seen = seen_by(office, "viewer", things)
    assert [f"{value} ({where})" for value, where in PLANTED.items() if value in seen] == []
    for network in ("203.0.113.0/24", "2600:1234:5678::/48", "192.0.2.0/24", "2a00:1450:4001::/48", "10.0.0.0/24"):
        assert network in seen
        ipaddress.ip_network(network)


def test_an_analyst_reads_all_of_it(office: Office, things: Things) -> None:
    """Or the test before would show nothing."""
    seen = seen_by(office, "analyst", things)
    assert [f"{value} ({where})" for value, where in PLANTED.items() if value not in seen] == []
