"""Mallory at the office door: headers, cookies, forged tokens, injection, fields that are not hers to set."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from chatkeep.audit.logs import _JsonFormatter, _TextFormatter
from chatkeep.store import Store
from tests.rest.cast import WIDGET, Office, Person, an_office

INJECTIONS = (
    "' OR 1=1 --", "'; DROP TABLE widgets; --", '" OR ""="', "1) UNION SELECT * FROM users --", "%' OR '1'='1", "\\", "%", "_", "%%%", "$1", ":1", "?",
    "x\x00y", "\u202e", "' || (SELECT password_hash FROM users) || '", "1; SELECT pg_sleep(10)", "*", "(", "[a-z]", "NULL",
)  # fmt: skip


@pytest.fixture
def office(sqlite_store: Store, tmp_path) -> Iterator[Office]:
    with an_office(sqlite_store, data_dir=str(tmp_path)) as office:
        yield office


@pytest.fixture
def alice(office: Office) -> Person:
    return office.join("alice@shop.example", "owner")


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_filter_becomes_a_query(store: Store, text: str) -> None:
    """On both databases: refused as a value, or compared as text; never an error of the database, never more than was asked for."""
    with an_office(store) as office:
        alice = office.join("alice@shop.example", "owner")
        alice.post("/api/admin/widgets", WIDGET)
        filters = {"conversations": ("q", "widget_id", "visitor_id", "domain", "since", "until", "flagged", "page", "limit")}
        filters |= {"sessions": ("widget_id", "visitor_id", "is_open", "page", "limit"), "blocks": ("all", "page", "limit"), "widgets": ("page", "limit")}
        for noun, names in filters.items():
            for name in names:
                reply = alice.call("GET", f"/api/admin/{noun}?{name}={encoded(text)}")
                assert reply.status in {200, 400}, (noun, name, reply.body)
                assert reply.status == 400 or reply.json["total"] == 0, (noun, name)
        for path in ("widgets", "agents", "providers", "api-keys", "members", "blocks", "conversations", "sessions", "tokens"):
            for method in ("GET", "DELETE"):
                assert alice.call(method, f"/api/admin/{path}/{encoded(text)}").status in {404, 405, 409}, (method, path)
        assert alice.get("/api/admin/widgets")["total"] == 1


def encoded(text: str) -> str:
    """*text* in a query or path: the stage does not decode paths, as a server would have done it."""
    return text.replace("%", "%25").replace("&", "%26").replace("+", "%2B").replace("#", "%23").replace("?", "%3F").replace("/", "%2F")


def test_no_text_of_a_body_breaks_the_database(store: Store) -> None:
    with an_office(store) as office:
        alice = office.join("alice@shop.example", "owner")
        nul = "x\0y"
        for path, body in (
            ("widgets", {**WIDGET, "agent_id": nul}),
            ("widgets", {**WIDGET, "settings": {"greeting": nul}}),
            ("widgets", {**WIDGET, "settings": {nul: 1}}),
            ("agents", {"name": "a", "providers": [nul]}),
            ("agents", {"name": "a", "instructions": nul}),
            ("auth/token", {"email": nul, "password": nul}),
            ("auth/password/forgot", {"email": nul}),
            ("auth/invitation", {"code": nul, "password": "x" * 12}),
        ):
            assert alice.call("POST", f"/api/admin/{path}", body).status == 400, (path, body)
        for text in ("\U0001f600" * 50, "\u202e", "\ufeff", "a\u0300" * 90):
            assert alice.call("POST", "/api/admin/agents", {"name": text}).status in {201, 400}


SORTS = ("sort=name", "order=desc", "sort=password_hash", "order_by=1;--", "fields=*", "include=users", "filter[org_id]=x", "org_id=org_x", "organization=x")


@pytest.mark.parametrize("query", SORTS)
def test_nobody_chooses_order_columns_or_organization(alice: Person, query: str) -> None:
    for noun in ("widgets", "agents", "providers", "api-keys", "members", "invitations", "blocks", "sessions", "conversations"):
        reply = alice.call("GET", f"/api/admin/{noun}?{query}")
        assert (reply.status, reply.error) == (400, "invalid_request"), noun


SERVER_OWNED = (
    {"org_id": "org_other"}, {"organization_id": "org_other"}, {"created_at": "2020-01-01T00:00:00Z"}, {"is_active": False}, {"id": "x"}, {"role": "owner"},
    {"is_local": True}, {"last4": "0000"}, {"digest": "x"}, {"has_totp": False}, {"success": True}, {"permissions": ["*"]}, {"__proto__": {"x": 1}},
    {"created_by": "usr_x"}, {"usage_today": 0}, {"deleted_at": None}, {"has_knowledge": True}, {"password_hash": "x"},
)  # fmt: skip
MAKING = {
    "/api/admin/widgets": WIDGET,
    "/api/admin/agents": {"name": "a"},
    "/api/admin/providers": {"name": "p", "base_url": "https://ai.example/v1", "model": "m"},
    "/api/admin/api-keys": {"name": "k", "scopes": ["widgets:read"]},
    "/api/admin/invitations": {"email": "x@shop.example", "role": "viewer"},
    "/api/admin/blocks": {"kind": "visitor", "value": "vis_x", "reason": "x"},
}


@pytest.mark.parametrize("more", SERVER_OWNED, ids=lambda more: next(iter(more)))
def test_no_field_of_the_servers_can_be_set(alice: Person, more: dict[str, object]) -> None:
    for path, body in MAKING.items():
        if set(more) & set(body):
            continue
        reply = alice.call("POST", path, {**body, **more})
        assert (reply.status, reply.error) == (400, "invalid_request"), path
    widget = alice.post("/api/admin/widgets", WIDGET)["widget_id"]
    assert alice.call("PATCH", f"/api/admin/widgets/{widget}", more).status == 400
    assert alice.call("PATCH", f"/api/admin/widgets/{widget}", {"settings": more}).status == 400


def test_an_admin_gives_nobody_more_than_they_have(office: Office, alice: Person) -> None:
    adam = office.join("adam@shop.example", "admin")
    for scopes in (["members:roles"], ["widgets:read", "members:roles"]):
        assert adam.call("POST", "/api/admin/api-keys", {"name": "k", "scopes": scopes}).error == "forbidden"


def test_a_key_does_no_more_than_its_maker_may_today(office: Office, alice: Person) -> None:
    adam = office.join("adam@shop.example", "admin")
    key = adam.post("/api/admin/api-keys", {"name": "k", "scopes": ["widgets:read", "widgets:write"]})["api_key"]
    assert office.call("POST", "/api/admin/widgets", WIDGET, token=key).status == 201
    alice.patch(f"/api/admin/members/{adam.user.user_id}", {"role": "viewer"})
    assert office.call("GET", "/api/admin/widgets", token=key).status == 200
    assert office.call("POST", "/api/admin/widgets", WIDGET, token=key).error == "forbidden"
    alice.delete(f"/api/admin/members/{adam.user.user_id}")
    assert office.call("GET", "/api/admin/widgets", token=key).status == 401


AUTHORIZATIONS = (
    "", " ", "Bearer", "Bearer ", "bearer", "Bearer  ", "Basic dTpw", "Digest x", "Bearer a b", "Bearer null", "Bearer undefined", "Bearer [object Object]",
    "Bearer " + "a" * 2000, "Bearer é", "Bearer \t", "Bearer ..", "Bearer e30.e30.", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer sec_", "Bearer sec_' OR 1=1 --",
    "Token x", "Bearer,Bearer x", "Bearer %00", "Bearer\x0bx", "DPoP x", "Negotiate x", "AWS4-HMAC-SHA256 x",
)  # fmt: skip


@pytest.mark.parametrize("value", AUTHORIZATIONS)
def test_no_authorization_header_but_a_good_one_opens(office: Office, alice: Person, value: str) -> None:
    reply = office.call("GET", "/api/admin/widgets", authorization=value)
    assert reply.status == 401
    assert value.strip() in {"", "Bearer", "bearer"} or value not in reply.body.decode()


def test_a_repeated_authorization_header_is_refused(office: Office, alice: Person) -> None:
    for other in ("Bearer rubbish", f"Bearer {alice.token}"):
        headers = [("authorization", f"Bearer {alice.token}"), ("authorization", other)]
        assert office.stage.call("GET", "/api/admin/widgets", headers=headers).status == 400


def test_the_admin_api_answers_no_preflight_and_carries_no_cors(office: Office, alice: Person) -> None:
    for path in ("/api/admin/widgets", "/api/admin/auth/token", "/api/admin/nothing"):
        asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
        for reply in (office.stage.call("OPTIONS", path, headers=asked), office.stage.call("GET", path, headers={"origin": "https://shop.example"})):
            assert reply.status in {401, 404, 405}
            assert not [name for name in reply.headers if name.startswith("access-control")]
            assert "set-cookie" not in reply.headers


NASTY = "x\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script>"


def test_no_input_splits_an_answer_or_a_log_line(office: Office, alice: Person) -> None:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    root = logging.getLogger("chatkeep")
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        for formatter in (_JsonFormatter(), _TextFormatter()):
            handler.setFormatter(formatter)
            lines.seek(0)
            lines.truncate()
            for method, path, body in (
                ("POST", "/api/admin/widgets", {**WIDGET, "widget_name": NASTY}),
                ("POST", "/api/admin/invitations", {"email": f"a@b.example{NASTY}", "role": "viewer"}),
                ("POST", "/api/admin/blocks", {"kind": "visitor", "value": NASTY, "reason": NASTY}),
                ("GET", f"/api/admin/widgets/{NASTY}", None),
                ("DELETE", f"/api/admin/tokens/{NASTY}", None),
            ):
                reply = alice.call(method, path, body, x_request_id=NASTY, user_agent=NASTY)
                assert reply.status in {400, 404}, (method, path, reply.body)
                assert not any("\r" in value or "\n" in value for value in reply.headers.values())
                assert "set-cookie" not in reply.headers
            written = lines.getvalue()
            assert written
            assert "\r" not in written
            assert "\nSet-Cookie" not in written
            if isinstance(formatter, _JsonFormatter):
                assert all(json.loads(line) for line in written.splitlines())
    finally:
        root.removeHandler(handler)
        root.setLevel(logging.NOTSET)


def test_mail_cannot_be_sent_to_more_than_was_named(office: Office, alice: Person) -> None:
    for email in (
        "a@shop.example,b@evil.example",
        "a@shop.example\nBcc: b@evil.example",
        "a@shop.example;b@x.example",
        '"a b"@x.example',
        "<a@x.example>",
        "a@",
        "@x",
    ):
        assert alice.call("POST", "/api/admin/invitations", {"email": email, "role": "viewer"}).status == 400, email


def test_a_key_is_not_sent_to_an_address_that_somebody_else_types(office: Office, alice: Person) -> None:
    secret = "sk-canary-0123456789"
    made = alice.post("/api/admin/providers", {"name": "p", "base_url": "https://ai.example/v1", "model": "m", "api_key": secret})["provider"]
    path = f"/api/admin/providers/{made['provider_id']}"
    for url in ("https://evil.example/v1", "https://ai.example.evil.example/v1", "https://ai.example:8443/v1", "https://AI.example/v2"):
        assert alice.call("PATCH", path, {"base_url": url}).status == 400
    for url in ("http://ai.example/v1", "ftp://ai.example", "https://u:p@ai.example/v1", "javascript:alert(1)", "//ai.example", "https://ai.example/v1?key=x"):
        body = {"name": "q", "base_url": url, "model": "m"}
        assert alice.call("POST", "/api/admin/providers", body).status == 400, url


@pytest.mark.parametrize("url", ["https://127.0.0.1/v1", "https://localhost/v1", "https://169.254.169.254/latest", "https://[::1]/v1", "https://10.0.0.1/v1"])
def test_a_provider_typed_by_a_tenant_reaches_nothing_private(alice: Person, url: str) -> None:
    made = alice.post("/api/admin/providers", {"name": "p", "base_url": url, "model": "m"})["provider"]
    tried = alice.post(f"/api/admin/providers/{made['provider_id']}/test")
    assert (tried["success"], tried["failure"]) == (False, "connect")
