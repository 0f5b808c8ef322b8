"""Errors of the admin API name the field, what it may be and the nearest name; answers say what is still missing."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chatkeep.manage.organizations import choose_providers
from chatkeep.store import Store
from tests.rest.cast import WIDGET, Office, Person, an_office

PROVIDER = {"name": "Ours", "base_url": "https://ai.example/v1", "model": "m"}


@pytest.fixture
def office(sqlite_store: Store) -> Iterator[Office]:
    with an_office(sqlite_store, egress_private="10.1.0.0/16") as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join("alice@shop.example", "owner")


def problem_of(person: Person, method: str, path: str, body: Any = None) -> tuple[str, str]:
    """Field and problem of a request that must be refused."""
    reply = person.call(method, f"/api/admin/{path}", body)
    assert reply.status == 400, reply.body
    [detail] = reply.json["details"]
    assert not any(word in detail["problem"] for word in ("Expected", "expected", "`str`", "`int`", "Object", "Invalid", "invalid", "$"))
    return detail["field"], detail["problem"]


def settings(**values: Any) -> dict[str, Any]:
    """A widget with these settings."""
    return {**WIDGET, "settings": values}


@pytest.mark.parametrize(
    ("path", "body", "field", "problem"),
    [
        ("widgets", {"widget_name": "x", "name": "x", "allowed_domains": []}, "name", "is no field here: there are widget_name, allowed_domains,"),
        ("widgets", {"widgetName": "x", "allowed_domains": []}, "widgetName", "is no field here: did you mean widget_name?"),
        ("widgets", {**WIDGET, "setting": {}}, "setting", "did you mean settings?"),
        ("widgets", {"widget_name": 5, "allowed_domains": []}, "widget_name", "must be text of 1 to 200 characters"),
        ("widgets", {"widget_name": "x"}, "allowed_domains", "is missing: it must be a list of at most 200 items, each text"),
        ("widgets", {"widget_name": "x", "allowed_domains": "shop.example"}, "allowed_domains", "must be a list of at most 200 items"),
        ("widgets", {"widget_name": "x", "allowed_domains": [7]}, "allowed_domains[0]", "must be text of at most 300 characters"),
        ("widgets", {**WIDGET, "access_mode": "open"}, "access_mode", "must be one of domain, identity, session"),
        ("widgets", {**WIDGET, "widget_id": "Mine"}, "widget_id", "must be a widget id like widget_our_shop_2026 or null"),
        ("widgets", settings(primaryColour="#0f766e"), "settings.primaryColour", "did you mean primaryColor?"),
        ("widgets", settings(primaryColor="red"), "settings.primaryColor", "must be a colour like #0f766e or null"),
        ("widgets", settings(maxMessagesPerHour="many"), "settings.maxMessagesPerHour", "must be a whole number from 1 to 10000000 or null"),
        ("widgets", settings(theme={"positon": "top-left"}), "settings.theme.positon", "did you mean position?"),
        ("widgets", settings(theme={"radius": 9}), "settings.theme.radius", "must be one of 8, 16, 24 or null"),
        ("widgets", settings(limits={"per_minute": 0.5}), "settings.limits.per_minute", "must be a whole number from 1 to 60 or null"),
        ("widgets", settings(limits={"per_minute": 60, "per_hour": 5}), "settings", "per_minute <= per_hour <= per_day must hold"),
        ("widgets", settings(features={"consent": {"required": "yes"}}), "settings.features.consent.required", "must be true or false or null"),
        ("api-keys", {"name": "k", "scopes": ["widgets"]}, "scopes[0]", "must be one of agents:read, agents:write,"),
        ("api-keys", {"name": "k", "scopes": []}, "scopes", "must be a list of 1 to 50 items"),
        (
            "api-keys",
            {"name": "k", "scopes": ["widgets:read"], "expires_at": "tomorrow"},
            "expires_at",
            "must be a time with its zone, like 2027-01-31T00:00:00Z",
        ),
        ("invitations", {"email": "bob@shop.example", "role": "boss"}, "role", "must be one of admin, analyst, owner, viewer"),
        ("blocks", {"kind": "address", "value": "203.0.113.9", "reason": "x", "minutes": -4}, "minutes", "must be a number above 0 and at most 527040 or null"),
        ("widgets", {**WIDGET, "is_active": False}, "is_active", "POST /api/admin/widgets/{widget_id}/pause makes it false"),
        ("blocks", [], "body", "must be an object"),
    ],
)
def test_a_wrong_body_is_told_what_would_be_right(alice: Person, path: str, body: Any, field: str, problem: str) -> None:
    found = problem_of(alice, "POST", path, body)
    assert found[0] == field
    assert problem in found[1]


@pytest.mark.parametrize(
    ("path", "field", "problem"),
    [
        ("widgets?limt=3", "limt", "is no parameter here: did you mean limit?"),
        ("widgets?colour=red", "colour", "is no parameter here: there are page, limit"),
        ("agents/agent_aaaaaaaaaaaaaaaaaaaaaaaaaa?x=1", "x", "is no parameter here: there is none"),
        ("widgets?limit=1000", "limit", "must be a whole number from 1 to 200"),
        ("widgets?page=one", "page", "must be a whole number from 1 to 1000000"),
        ("blocks?all=yes", "all", "must be one of true, false"),
        ("conversations?since=yesterday", "since", "2026-01-31"),
        ("conversations?widget_id=mine", "widget_id", "must be a widget id like widget_our_shop_2026"),
        ("conversations/conv_aaaaaaaaaaaaaaaaaaaaaaaaaa/messages?before=1", "before", "must be a message id like msg_"),
        ("conversations?domain=shop.example/help", "domain", "is a host like shop.example, or an origin like https://shop.example"),
        ("conversations?domain=*.shop.example", "domain", "is a host like shop.example"),
        ("widgets?%3Cb%3E=1", "query", "has an unknown parameter"),
    ],
)
def test_a_wrong_query_is_told_what_would_be_right(alice: Person, path: str, field: str, problem: str) -> None:
    found = problem_of(alice, "GET", path)
    assert found[0] == field
    assert problem in found[1]


def test_pausing_by_a_change_is_told_where_pausing_is(office: Office, alice: Person) -> None:
    widget = alice.post("/api/admin/widgets", WIDGET)["widget_id"]
    field, problem = problem_of(alice, "PATCH", f"widgets/{widget}", {"is_active": False})
    assert field == "is_active"
    named = re.findall(r"(POST) (/[a-z_/{}-]+)", problem)
    assert [path.rpartition("/")[2] for _method, path in named] == ["pause", "resume"]
    for (method, path), is_active in zip(named, (False, True), strict=True):
        assert alice.call(method, path.replace("{widget_id}", widget)).json["widget"]["is_active"] is is_active


def test_every_wrong_field_is_told_at_once(alice: Person) -> None:
    settings = {"theme": {"radius": 9, "positon": "x"}, "primaryColor": "red", "features": {"consent": {"required": "yes"}}, "limits": {"per_minute": 0}}
    body = {"widgetName": "x", "colour": 1, "allowed_domains": "shop.example", "access_mode": "open", "settings": settings}
    reply = alice.call("POST", "/api/admin/widgets", body)
    assert reply.status == 400
    told = {detail["field"]: detail["problem"] for detail in reply.json["details"]}
    assert set(told) == {
        "widgetName", "colour", "allowed_domains", "access_mode", "settings.theme.radius", "settings.theme.positon",
        "settings.primaryColor", "settings.features.consent.required", "settings.limits.per_minute",
    }  # fmt: skip
    assert told["widgetName"] == "is no field here: did you mean widget_name?"
    lacking = alice.call("POST", "/api/admin/widgets", {}).json["details"]
    assert [detail["field"] for detail in lacking] == ["widget_name", "allowed_domains"]
    assert lacking[0]["problem"] == "is missing: it must be text of 1 to 200 characters"
    assert told["settings.theme.radius"] == "must be one of 8, 16, 24 or null"
    many = alice.call("POST", "/api/admin/widgets", {**WIDGET, **{f"{'abcdefgh'[i // 8]}{'abcdefgh'[i % 8]}": i for i in range(64)}})
    assert len(many.json["details"]) == 30
    query = alice.call("GET", "/api/admin/conversations?limit=1000&flagged=maybe&widget_id=mine")
    assert [detail["field"] for detail in query.json["details"]] == ["limit", "flagged", "widget_id"]
    odd = alice.call("GET", "/api/admin/conversations?limt=1&fagged=true")
    assert [detail["field"] for detail in odd.json["details"]] == ["limt", "fagged"]


@pytest.mark.parametrize("name", ["<b>canary</b>", "canary - at `$.widget_name`", "can ary", "c" * 25, "канарейка", "canary_7", "Canary", "sk-canary"])
def test_a_name_that_cannot_be_a_field_is_not_told_back(alice: Person, name: str) -> None:
    assert problem_of(alice, "POST", "widgets", {**WIDGET, name: 1}) == ("body", "has an unknown field")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"widget_name": "x",\n "allowed_domains": [}', "is not valid JSON in UTF-8: look at line 2, column 22"),
        (b'{"widget_name": "\xff"}', "is not valid JSON in UTF-8: look at byte 18"),
        (b"", "is not valid JSON in UTF-8: look at line 1, column 1"),
        (b'{"widget_name": "x", "widget_name": "y", "allowed_domains": []}', "has a field twice, or is nested too deeply"),
        (b"[" * 100_000, "must be an object"),
        (b'{"x":' + b"[" * 100_000, "must be an object"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_where_to_look(office: Office, alice: Person, text: bytes, problem: str) -> None:
    headers = {"authorization": f"Bearer {alice.token}", "content-type": "application/json"}
    reply = office.stage.call("POST", "/api/admin/widgets", headers=headers, body=text)
    assert (reply.status, reply.json["details"]) == (400, [{"field": "body", "problem": problem}])


def test_values_are_not_told_back(alice: Person) -> None:
    reply = alice.call("POST", "/api/admin/providers", {**PROVIDER, "api_key": ["canary"], "kind": "canary"})
    assert reply.status == 400
    assert b"canary" not in reply.body


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://ai.example/v1", "only https:// is taken"),
        ("HTTP://localhost:11434/v1", "`chatkeep providers add`, which takes http"),
        ("https://a..b/v1", "is written like https://api.example/v1"),
        (f"https://{'a' * 64}.example/v1", "is written like https://api.example/v1"),
        ("api.openai.com", "is written like https://api.example/v1"),
    ],
)
def test_an_address_that_is_not_taken_says_why_and_what_to_set(alice: Person, url: str, told: str) -> None:
    field, problem = problem_of(alice, "POST", "providers", {**PROVIDER, "base_url": url})
    assert field == "base_url"
    assert told in problem
    made = alice.post("/api/admin/providers", PROVIDER)["provider"]["provider_id"]
    assert told in problem_of(alice, "PATCH", f"providers/{made}", {"base_url": url})[1]


@pytest.mark.parametrize("url", ["https://localhost/v1", "https://10.2.0.1/v1", "https://[::1]/v1", "https://0x7f.1/v1"])
def test_a_private_address_comes_with_a_warning_that_says_what_to_set(alice: Person, url: str) -> None:
    made = alice.post("/api/admin/providers", {**PROVIDER, "base_url": url, "api_key": "0123456789abcdef"})
    [warning] = made["warnings"]
    assert "CHATKEEP_EGRESS_PRIVATE" in warning
    path = f"/api/admin/providers/{made['provider']['provider_id']}"
    assert alice.get(path)["warnings"] == [warning]
    assert alice.patch(path, {"base_url": "https://ai.example/v1", "api_key": "0123456789abcdef"})["warnings"] == []


def test_an_address_in_a_network_that_the_gateway_allows_comes_without(alice: Person) -> None:
    body = {**PROVIDER, "base_url": "https://10.1.2.3/v1", "api_key": "0123456789abcdef"}
    assert alice.post("/api/admin/providers", body)["warnings"] == []


def test_answers_say_what_is_still_missing(office: Office, alice: Person) -> None:
    made = alice.post("/api/admin/widgets", {"widget_name": "x", "allowed_domains": []})
    assert [warning.split(":")[0] for warning in made["warnings"]] == ["allowed_domains is empty", "The agent answers from documents alone, and has none"]
    path = f"/api/admin/widgets/{made['widget_id']}"
    assert len(alice.patch(path, {"allowed_domains": ["shop.example"]})["warnings"]) == 1
    assert alice.post(f"{path}/pause")["warnings"][0].startswith("The widget is paused")
    agent = alice.post("/api/admin/agents", {"name": "a", "providers": ["openai"]})
    assert "CHATKEEP_OPENAI_API_KEY" in agent["warnings"][0]
    provider = alice.post("/api/admin/providers", PROVIDER)
    assert "api_key" in provider["warnings"][0]
    provider_id = provider["provider"]["provider_id"]
    assert alice.patch(f"/api/admin/providers/{provider_id}", {"api_key": "0123456789abcdef"})["warnings"] == []
    assert alice.patch(f"/api/admin/agents/{agent['agent']['agent_id']}", {"providers": [provider_id]})["warnings"] == []
    choose_providers(office.stage.store, alice.org, agent["agent"]["agent_id"], ("fake",))
    assert "for tests" in alice.get(f"/api/admin/agents/{agent['agent']['agent_id']}")["warnings"][0]


def test_a_copy_needs_no_body(alice: Person) -> None:
    path = f"/api/admin/widgets/{alice.post('/api/admin/widgets', WIDGET)['widget_id']}/clone"
    assert alice.post(path)["widget"]["widget_name"] == "Copy of Help"
    assert alice.post(path, {"widget_name": "Second"})["widget"]["widget_name"] == "Second"
    assert alice.call("POST", path, {"name": "x"}).json["details"][0]["field"] == "name"


def test_null_is_the_default_again_whether_a_widget_is_made_or_changed(alice: Person) -> None:
    given = {
        "greeting": None,
        "primaryColor": None,
        "theme": {"accent": "#0f766e", "radius": None},
        "features": {"consent": {"required": True, "text": "May we?"}},
    }
    made = alice.post("/api/admin/widgets", {**WIDGET, "settings": {name: value for name, value in given.items() if name != "primaryColor"}})["widget"]
    assert (made["settings"]["greeting"], made["settings"]["theme"]["accent"], made["settings"]["theme"]["radius"]) == ("", "#0f766e", None)
    path = f"/api/admin/widgets/{made['widget_id']}"
    off = alice.patch(path, {"settings": {"features": {"consent": {"required": False}}}})["widget"]["settings"]["features"]["consent"]
    on = alice.patch(path, {"settings": {"features": {"consent": {"required": True}}}})["widget"]["settings"]["features"]["consent"]
    assert (off, on) == ({"text": "May we?", "link": "", "required": False}, {"text": "May we?", "link": "", "required": True})
    texts = {"texts": {"de": {"send": "Los", "stop": "Halt"}}}
    assert alice.patch(path, {"settings": texts})["widget"]["settings"]["texts"] == texts["texts"]
    assert alice.patch(path, {"settings": {"texts": {"de": {"send": None}}}})["widget"]["settings"]["texts"] == {"de": {"stop": "Halt"}}
    assert alice.patch(path, {"settings": {"theme": None, "texts": {"de": None}}})["widget"]["settings"]["theme"]["accent"] is None
