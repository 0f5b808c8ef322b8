"""The admin API does what it says: widgets, agents, providers, keys, members, blocks, sessions, conversations."""

from collections.abc import Iterator

import pytest

from chatkeep import __version__
from chatkeep.store import Store
from tests.cast import SHOP, StageVisitor
from tests.rest.cast import WIDGET, Office, Person, an_office


@pytest.fixture
def office(store: Store) -> Iterator[Office]:
    with an_office(store) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join("alice@shop.example", "owner")


def victor_in(office: Office, widget_id: str) -> StageVisitor:
    """A visitor of that widget with a session."""
    reply = office.stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body={"widget_id": widget_id})
    assert reply.status == 201, reply.body

    class Named:
        pass

    named = Named()
    named.widget_id = widget_id  # type: ignore[attr-defined]  # a visitor needs no more of a widget
    return StageVisitor(office.stage, named, SHOP, "198.51.100.7", reply.json)  # type: ignore[arg-type]  # as above


def test_a_widget_has_s3s_shape_and_its_whole_life(office: Office, alice: Person) -> None:
    made = alice.post("/api/admin/widgets", {**WIDGET, "settings": {"primaryColor": "#0f766e", "maxMessagesPerHour": 300, "greeting": "Hi"}})
    assert {"success", "widget_id", "allowed_domains", "created_at"} <= set(made)
    assert made["allowed_domains"] == ["shop.example"]
    assert made["created_at"] == "2026-01-15T12:00:00Z"
    path = f"/api/admin/widgets/{made['widget_id']}"
    listed = alice.get("/api/admin/widgets?page=1&limit=50")
    assert {name: listed[name] for name in ("success", "total", "page", "limit")} == {"success": True, "total": 1, "page": 1, "limit": 50}
    row = listed["widgets"][0]
    assert {"widget_id", "widget_name", "allowed_domains", "created_at", "is_active", "usage_today", "settings"} <= set(row)
    assert (row["settings"]["theme"]["accent"], row["settings"]["limits"]["widget_per_hour"], row["settings"]["greeting"]) == ("#0f766e", 300, "Hi")
    changed = alice.patch(path, {"widget_name": "Aid", "settings": {"greeting": None, "limits": {"message_length": 500}}})["widget"]
    assert (changed["widget_name"], changed["settings"]["greeting"]) == ("Aid", "")
    assert (changed["settings"]["limits"]["message_length"], changed["settings"]["limits"]["widget_per_hour"]) == (500, 300)
    office.stage.clock.forward(1)
    copied = alice.post(f"{path}/clone", {})
    assert copied["widget"]["widget_name"] == "Copy of Aid"
    assert copied["widget"]["settings"] == changed["settings"]
    assert alice.get("/api/admin/widgets?limit=1&page=2")["widgets"][0]["widget_id"] == copied["widget_id"]
    assert f"/widget/v{__version__}/loader.js" in alice.get(f"{path}/embed")["snippet"]
    worded = alice.patch(path, {"settings": {"texts": {"default": {"send": "Off it goes"}}, "features": {"frame": True}}})["widget"]["settings"]
    assert worded["texts"] == {"default": {"send": "Off it goes"}}
    assert "frame-src" in alice.get(f"{path}/embed")["content_security_policy"]
    alice.delete(path)
    assert office.call("GET", path, token=alice.token).status == 404
    assert alice.get("/api/admin/widgets")["total"] == 1
    assert office.call("POST", "/api/admin/widgets", {**WIDGET, "widget_id": made["widget_id"]}, token=alice.token).status == 409


def test_a_paused_widget_lets_nobody_in_until_it_goes_on(office: Office, alice: Person) -> None:
    widget_id = alice.post("/api/admin/widgets", WIDGET)["widget_id"]
    config = {"method": "GET", "path": f"/api/widgets/{widget_id}/config", "headers": {"origin": SHOP}}
    assert office.stage.call(**config).status == 200
    assert alice.post(f"/api/admin/widgets/{widget_id}/pause")["widget"]["is_active"] is False
    office.stage.clock.forward(2)
    assert office.stage.call(**config).status == 404
    assert alice.post(f"/api/admin/widgets/{widget_id}/resume")["widget"]["is_active"] is True
    assert office.stage.call(**config).status == 200


def test_an_agent_with_a_provider_has_its_whole_life(office: Office, alice: Person) -> None:
    secret = "sk-canary-0123456789abcdef"
    made = alice.post("/api/admin/providers", {"name": "Ours", "base_url": "https://ai.example/v1", "model": "m", "api_key": secret})["provider"]
    assert (made["has_api_key"], made["last4"]) == (True, "cdef")
    agent = alice.post("/api/admin/agents", {"name": "Shop", "providers": [made["provider_id"], "knowledge"]})["agent"]
    assert agent["providers"] == [made["provider_id"], "knowledge"]
    assert office.call("DELETE", f"/api/admin/providers/{made['provider_id']}", token=alice.token).status == 409
    widget = alice.post("/api/admin/widgets", {**WIDGET, "agent_id": agent["agent_id"]})
    path = f"/api/admin/agents/{agent['agent_id']}"
    assert office.call("DELETE", path, token=alice.token).status == 409
    assert alice.patch(path, {"instructions": "Be brief.", "providers": []})["agent"]["instructions"] == "Be brief."
    alice.delete(f"/api/admin/widgets/{widget['widget_id']}")
    alice.delete(path)
    assert office.call("GET", path, token=alice.token).status == 404
    assert alice.post("/api/admin/agents", {"name": "Shop"})["agent"]["agent_id"] != agent["agent_id"]
    moved = office.call("PATCH", f"/api/admin/providers/{made['provider_id']}", {"base_url": "https://evil.example/v1"}, token=alice.token)
    assert moved.status == 400
    assert moved.json["details"][0]["field"] == "api_key"
    renamed = alice.patch(f"/api/admin/providers/{made['provider_id']}", {"name": "Renamed", "api_key": ""})["provider"]
    assert (renamed["name"], renamed["has_api_key"], renamed["last4"]) == ("Renamed", False, None)
    alice.delete(f"/api/admin/providers/{made['provider_id']}")
    assert alice.get("/api/admin/providers")["total"] == 0


def test_an_api_key_is_shown_once_and_can_do_what_its_scopes_say(office: Office, alice: Person) -> None:
    body = {"name": "Nightly", "scopes": ["widgets:read"], "networks": ["198.51.100.0/24"], "expires_at": "2026-02-01T00:00:00Z"}
    made = alice.post("/api/admin/api-keys", body)
    key, key_id = made["api_key"], made["key"]["key_id"]
    assert key.startswith("sec_")
    assert made["key"]["last4"] == key[-4:]
    assert key not in str(alice.get("/api/admin/api-keys"))
    assert office.call("GET", "/api/admin/widgets", token=key).status == 200
    assert office.call("GET", "/api/admin/widgets", token=key, peer="203.0.113.9").status == 401
    assert office.call("POST", "/api/admin/widgets", WIDGET, token=key).status == 403
    alice.patch(f"/api/admin/api-keys/{key_id}", {"scopes": ["widgets:read", "widgets:write"]})
    assert office.call("POST", "/api/admin/widgets", WIDGET, token=key).status == 201
    assert alice.get(f"/api/admin/api-keys/{key_id}")["key"]["used_at"] is not None
    office.stage.clock.forward(20 * 86400)
    alice = office.join("anna@shop.example", "owner")
    assert office.call("GET", "/api/admin/widgets", token=key).status == 401
    alice.delete(f"/api/admin/api-keys/{key_id}")
    assert alice.get("/api/admin/api-keys")["total"] == 0


@pytest.mark.parametrize("network", ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2001::/15", "::ffff:0:0/96"])
def test_no_program_blocks_half_the_internet(office: Office, alice: Person, network: str) -> None:
    refused = alice.call("POST", "/api/admin/blocks", {"kind": "network", "value": network, "reason": "flood"})
    assert (refused.status, refused.json["details"][0]["field"]) == (400, "value")
    assert alice.get("/api/admin/blocks")["total"] == 0
    assert alice.post("/api/admin/blocks", {"kind": "network", "value": "10.0.0.0/8", "reason": "flood"})["block"]["value"] == "10.0.0.0/8"


def test_a_visitor_is_blocked_by_id_and_shown_in_the_list(office: Office, alice: Person) -> None:
    victor = victor_in(office, alice.post("/api/admin/widgets", WIDGET)["widget_id"])
    visitor = alice.get("/api/admin/sessions")["sessions"][0]["visitor_id"]
    made = alice.post("/api/admin/blocks", {"kind": "visitor", "value": visitor, "reason": "insults"})["block"]
    # At once, in the process that answered.
    assert victor.say("hello").error == "temporarily_blocked"
    for kind, value, is_known in (
        ("visitor", visitor, True),
        ("session", victor.session["session_id"], True),
        ("visitor", "vis_x", False),
        ("session", "x", False),
    ):
        one = alice.post("/api/admin/blocks", {"kind": kind, "value": value, "reason": "x", "minutes": 0.01})
        assert (one["warnings"] == []) is is_known, kind
        alice.delete(f"/api/admin/blocks/{one['block']['block_id']}")
    assert alice.get("/api/admin/blocks")["blocks"] == [made]
    assert (made["kind"], made["value"]) == ("visitor", visitor)
    alice.delete(f"/api/admin/blocks/{made['block_id']}")
    assert victor.say("hello").error != "temporarily_blocked"


def test_blocks_are_made_listed_and_lifted(office: Office, alice: Person) -> None:
    made = alice.post("/api/admin/blocks", {"kind": "address", "value": "203.0.113.7", "reason": "scraping", "minutes": 10})["block"]
    assert (made["value"], made["ends_at"]) == ("203.0.113.7", "2026-01-15T12:10:00Z")
    assert alice.get("/api/admin/blocks")["blocks"] == [made]
    assert alice.get(f"/api/admin/blocks/{made['block_id']}")["block"] == made
    viewer = office.join("vera@shop.example", "viewer")
    assert viewer.get("/api/admin/blocks")["blocks"][0]["value"] == "203.0.113.0/24"
    alice.delete(f"/api/admin/blocks/{made['block_id']}")
    assert alice.get("/api/admin/blocks")["total"] == 0
    assert alice.get("/api/admin/blocks?all=true")["total"] == 1
    assert {event.type for event in office.stage.events()} >= {"block_created", "block_lifted"}


def test_sessions_are_listed_and_revoked_by_id_and_by_token(office: Office, alice: Person) -> None:
    widget_id = alice.post("/api/admin/widgets", WIDGET)["widget_id"]
    first, second, third = (victor_in(office, widget_id) for _ in range(3))
    listed = alice.get(f"/api/admin/sessions?widget_id={widget_id}&is_open=true")
    assert listed["total"] == 3
    assert {"session_id", "widget_id", "domain", "ip_address", "user_agent", "created_at"} <= set(listed["sessions"][0])
    alice.delete(f"/api/admin/sessions/{first.session['session_id']}")
    assert alice.delete(f"/api/admin/tokens/{second.session['session_id']}") == {"success": True, "message": "Token revoked successfully"}
    assert alice.delete(f"/api/admin/tokens/{third.session['session_token']}")["success"] is True
    assert alice.get("/api/admin/sessions?is_open=true")["total"] == 0
    # At once, in the process that answered.
    assert {visitor.say("hello").error for visitor in (first, second, third)} == {"session_revoked"}
    assert office.call("DELETE", f"/api/admin/tokens/{third.session['session_token']}", token=alice.token).status == 404
    key = office.key("widgets:read")
    assert alice.delete(f"/api/admin/tokens/{key}")["message"] == "Token revoked successfully"
    assert office.call("GET", "/api/admin/widgets", token=key).status == 401


def test_conversations_are_searched_read_masked_and_erased(office: Office, alice: Person) -> None:
    agent_id = alice.post("/api/admin/agents", {"name": "Echo", "providers": ["fake"]})["agent"]["agent_id"]
    widget_id = alice.post("/api/admin/widgets", {**WIDGET, "agent_id": agent_id})["widget_id"]
    victor = victor_in(office, widget_id)
    answer = victor.say("Write to victor@mail.example or call +49 170 1234567, 100% sure").json
    office.stage.call("POST", f"/api/messages/{answer['message_id']}/feedback", headers=victor.headers, body={"rating": "down", "comment": "call 0170 1234567"})
    other = victor_in(office, widget_id)
    other.say("Where is my parcel?")
    found = alice.get("/api/admin/conversations?q=VICTOR@mail")
    assert found["total"] == 1
    conversation = found["conversations"][0]
    assert (conversation["messages"], conversation["is_flagged"], conversation["domain"]) == (2, True, SHOP)
    path = f"/api/admin/conversations/{conversation['conversation_id']}"
    for query, total in (
        ("", 2),
        ("q=100%25", 1),
        ("q=_", 0),
        ("flagged=true", 1),
        ("flagged=false", 1),
        (f"widget_id={widget_id}", 2),
        ("domain=https://blog.example", 0),
        ("domain=https://shop.example", 2),
        ("domain=https://shop.example/", 2),
        ("domain=http://shop.example", 0),
        ("domain=shop.example", 2),
        ("domain=Shop.Example", 2),
        ("domain=shop.example:8443", 0),
        ("domain=shop.exampl", 0),
        ("domain=_hop.example", 0),
    ):
        assert alice.get(f"/api/admin/conversations?{query}")["total"] == total, query
    for query, total in (("since=2026-01-15", 2), ("since=2026-01-16", 0), ("until=2026-01-15T12:00:00Z", 0), ("until=2026-01-16", 2)):
        assert alice.get(f"/api/admin/conversations?{query}")["total"] == total, query
    messages = alice.get(f"{path}/messages")["messages"]
    assert [message["role"] for message in messages] == ["visitor", "assistant"]
    assert messages[1]["feedback"] == {"rating": "down", "comment": "call 0170 1234567"}
    vera = office.join("vera@shop.example", "viewer")
    masked = str(vera.get(f"{path}/messages"))
    assert "victor@mail.example" not in masked
    assert "1234567" not in masked
    assert "[email]" in masked
    refused = office.call("GET", "/api/admin/conversations?q=victor", token=vera.token)
    assert (refused.status, refused.json["needs"], refused.json["details"][0]["field"]) == (403, "personal_data:read", "q")
    alice.delete(path)
    assert office.call("GET", path, token=alice.token).status == 404
    assert alice.get("/api/admin/conversations")["total"] == 1
