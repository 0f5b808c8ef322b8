"""The headers of each surface, to the letter of the specification."""

import gzip

import pytest

from chatkeep import __version__
from chatkeep.settings import Settings
from chatkeep.store import Store
from tests.admit.cast import WIDE, assert_refused, generous
from tests.cast import SHOP, Reply, alices_site, on_stage
from tests.servers import SECRET

EVERYWHERE = {"x-content-type-options": "nosniff", "x-xss-protection": "0"}
API = {
    **EVERYWHERE,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
HSTS = "max-age=31536000; includeSubDomains"
PRODUCTION = Settings(secret_key=SECRET, public_url="https://chat.example,https://chat2.example:8443", trusted_proxies="10.0.0.0/8")
BEHIND_PROXY = {"host": "chat.example", "x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.7", "origin": SHOP}


def carries(reply: Reply, wanted: dict[str, str]) -> bool:
    """Whether *reply* has each of *wanted* and tells nothing of its software."""
    return {name: reply.headers.get(name) for name in wanted} == wanted and "server" not in reply.headers and "x-powered-by" not in reply.headers


@pytest.mark.parametrize("path", ["/api/chat", "/api/nothing", "/livez", "/readyz", "/api/openapi.json", "/nothing", "/"])
def test_the_api_and_health_carry_the_strictest_policy(sqlite_store: Store, path: str) -> None:
    with on_stage(sqlite_store) as stage:
        for method in ("GET", "POST", "PUT", "HEAD"):
            assert carries(stage.call(method, path, headers={"origin": SHOP}), API), method
        preflight = stage.call("OPTIONS", path, headers={"origin": SHOP})
        assert carries(preflight, API)


def test_streams_are_not_stored_transformed_or_buffered(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        reply = stage.victor(widget).say("x", accept="text/event-stream")
        assert carries(reply, {**API, "cache-control": "no-store, no-transform", "x-accel-buffering": "no", "content-type": "text/event-stream; charset=utf-8"})


def test_widget_files_may_be_used_by_every_page(sqlite_store: Store) -> None:
    wanted = {**EVERYWHERE, "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
    with on_stage(sqlite_store, PRODUCTION) as stage:
        loader = stage.call("GET", "/widget/loader.js", headers=BEHIND_PROXY, peer="10.0.0.1")
        assert carries(loader, {**wanted, "cache-control": "public, max-age=300", "content-type": "text/javascript; charset=utf-8"})
        pinned = stage.call("GET", f"/widget/v{__version__}/loader.js", headers=BEHIND_PROXY, peer="10.0.0.1")
        assert carries(pinned, {**wanted, "cache-control": "public, max-age=31536000, immutable"})
        assert pinned.body == loader.body
        words = stage.call("GET", f"/widget/v{__version__}/words-el.json", headers=BEHIND_PROXY, peer="10.0.0.1")
        assert carries(words, {**wanted, "cache-control": "public, max-age=31536000, immutable", "content-type": "application/json"})
        for known in (loader.headers["etag"], f"W/{loader.headers['etag']}", "*"):
            assert stage.call("GET", "/widget/loader.js", headers={**BEHIND_PROXY, "if-none-match": known}, peer="10.0.0.1").status == 304
        for path in ("/widget/v0.0.0/loader.js", f"/widget/v{__version__}/../settings.py", f"/widget/v{__version__}/manifest.json", "/widget/", "/widget/x.js"):
            assert_refused(stage.call("GET", path, headers=BEHIND_PROXY, peer="10.0.0.1"), 404, "not_found")


def test_a_built_file_is_packed_for_those_who_accept_it(sqlite_store: Store) -> None:
    with on_stage(sqlite_store) as stage:
        plain, packed = (stage.call("GET", "/widget/loader.js", headers={"accept-encoding": accepted}) for accepted in ("identity", "gzip, br"))
        assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert gzip.decompress(packed.body) == plain.body


def test_config_may_be_kept_for_five_minutes_and_asked_for_again_by_its_tag(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        path = f"/api/widgets/{widget.widget_id}/config"
        first = stage.call("GET", path, headers={"origin": SHOP})
        assert carries(first, {**API, "cache-control": "public, max-age=300"})
        again = stage.call("GET", path, headers={"origin": SHOP, "if-none-match": first.headers["etag"]})
        for known in ("*", f"W/{first.headers['etag']}", f'"other", W/"x", {first.headers["etag"]}'):
            assert stage.call("GET", path, headers={"origin": SHOP, "if-none-match": known}).status == 304
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert carries(again, {**API, "cache-control": "public, max-age=300"})
        assert not {"content-length", "content-type"} & set(again.headers)
        assert stage.call("GET", path, headers={"origin": SHOP, "if-none-match": '"other"'}).status == 200


def test_config_tells_what_is_public_and_nothing_else(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings={"title": "Ask Alice", "texts": {"de": {"send": "Los"}}})
    with on_stage(sqlite_store) as stage:
        config = stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers={"origin": SHOP}).json
        assert set(config) == {
            "widget_id", "version", "access_mode", "title", "greeting", "suggestions", "disclosure", "locale", "theme", "launcher", "content", "limits",
            "features", "frame_url",
        }  # fmt: skip
        assert (config["title"], config["limits"]) == ("Ask Alice", {"message_length": 2000, "interval_ms": 2000})
        offered = {"feedback": True, "transcript": True, "analytics": True, "masking": True, "consent": None}
        features = {"frame": False, "tickets": False, "resume": False, "texts": {"de": {"send": "Los"}}, **offered}
        assert (config["locale"], config["features"]) == ("auto", features)
        for secret in (widget.org_id, widget.agent_id, "shop.example", widget.name, "per_day"):
            assert secret not in str(config)


def test_head_answers_as_get_without_the_body(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        for path in (f"/api/widgets/{widget.widget_id}/config", "/livez", "/api/openapi.json", "/widget/loader.js", "/api/nothing", "/nothing"):
            get, head = (stage.call(method, path, headers={"origin": SHOP}) for method in ("GET", "HEAD"))
            assert (head.status, head.body) == (get.status, b"")
            different = {name for name in get.headers if get.headers[name] != head.headers.get(name)}
            assert different <= {"x-request-id"}, path
        assert_allows(stage.call("HEAD", "/api/chat", headers={"origin": SHOP}), {"POST"})


def assert_allows(reply: Reply, methods: set[str]) -> None:
    """A 405 that names exactly *methods*."""
    assert (reply.status, {part.strip() for part in reply.headers["allow"].split(",")}) == (405, methods)


@pytest.mark.parametrize(
    ("method", "path", "methods"),
    [
        ("GET", "/api/chat", {"POST"}),
        ("PUT", "/api/sessions", {"POST"}),
        ("GET", "/api/sessions/current", {"DELETE"}),
        ("POST", "/api/widgets/x/config", {"GET"}),
        ("PATCH", "/api/conversations/x/messages", {"GET"}),
        ("POST", "/livez", {"GET"}),
        ("DELETE", "/widget/loader.js", {"GET"}),
        ("TRACE", "/api/chat", {"POST"}),
        ("CONNECT", "/api/chat", {"POST"}),
        ("BREW", "/api/openapi.json", {"GET"}),
        ("post", "/api/chat", {"POST"}),
    ],
)
def test_another_method_is_told_which_there_are(sqlite_store: Store, method: str, path: str, methods: set[str]) -> None:
    with on_stage(sqlite_store) as stage:
        reply = stage.call(method, path, headers={"origin": SHOP}, body=b"{}")
        assert_allows(reply, methods)
        assert_refused(reply, 405, "method_not_allowed")


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/xml", "text/plain, text/html", "application/jsonp"])
def test_what_we_cannot_answer_in_is_not_acceptable(sqlite_store: Store, accept: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        assert_refused(stage.victor(widget).say("x", accept=accept), 406, "not_acceptable")


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "application/*;q=0.5", "text/html, */*;q=0.1", "APPLICATION/JSON", "text/html,application/json"]
)
def test_json_is_what_most_accept(sqlite_store: Store, accept: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        reply = stage.victor(widget).say("x", accept=accept)
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")


def test_every_answer_has_a_request_id_of_its_own(sqlite_store: Store) -> None:
    with on_stage(sqlite_store) as stage:
        replies = [stage.call("GET", path, headers={"origin": SHOP, "x-request-id": "callers-own"}) for path in ("/livez", "/api/x", "/", "/widget/loader.js")]
        ids = {reply.headers["x-request-id"] for reply in replies}
        assert len(ids) == 4
        assert all(request_id.startswith("req_") and len(request_id) == 30 for request_id in ids)


def test_only_https_through_a_trusted_proxy_is_let_in_in_production(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, provider="")
    with on_stage(sqlite_store, PRODUCTION) as stage:
        path = f"/api/widgets/{widget.widget_id}/config"
        good = stage.call("GET", path, headers=BEHIND_PROXY, peer="10.0.0.1")
        assert (good.status, good.headers["strict-transport-security"]) == (200, HSTS)
        for proto in ("http", "", "wss", "https, http"):
            reply = stage.call("GET", path, headers={**BEHIND_PROXY, "x-forwarded-proto": proto}, peer="10.0.0.1")
            assert_refused(reply, 403, "https_required")
            assert "strict-transport-security" not in reply.headers
        # The nearest proxy's word counts, on whichever line it stands.
        pairs = [(name, value) for name, value in BEHIND_PROXY.items() if name != "x-forwarded-proto"]
        forged = stage.call("GET", path, headers=[*pairs, ("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")], peer="10.0.0.1")
        assert_refused(forged, 403, "https_required")
        # Nobody else's does.
        assert_refused(stage.call("GET", path, headers=BEHIND_PROXY, peer="203.0.113.9"), 403, "https_required")
        assert {event.type for event in stage.events()} == {"https_required"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("chat.example", 200),
        ("chat.example:443", 200),
        ("CHAT.example", 200),
        ("chat2.example:8443", 200),
        ("chat2.example", 421),
        ("chat.example:8443", 421),
        ("chat.example.", 421),
        ("evil.example", 421),
        ("localhost", 421),
        ("127.0.0.1:8000", 421),
        ("", 421),
        ("chat.example@evil.example", 421),
        ("chat.example,evil.example", 421),
    ],
)
def test_only_our_own_names_are_served_in_production(sqlite_store: Store, host: str, status: int) -> None:
    widget = alices_site(sqlite_store, provider="")
    with on_stage(sqlite_store, PRODUCTION) as stage:
        headers = {**BEHIND_PROXY, "host": host, "x-forwarded-host": "chat.example"}
        reply = stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers=headers, peer="10.0.0.1")
        assert (reply.status, reply.error) == (status, "misdirected_request" if status == 421 else None)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:5000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("[::1]", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("a.localhost", 421),
    ],
)
def test_development_is_served_under_any_loopback_name(sqlite_store: Store, host: str, status: int) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        assert stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers={"origin": SHOP, "host": host}).status == status
