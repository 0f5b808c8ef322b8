"""Which page's script may read an answer? A preflight grants the asking alone; every answer names a canonical origin."""

import pytest
from sqlalchemy import text

from chatkeep.settings import Settings
from chatkeep.store import Store
from tests.admit.cast import ROUTES, WIDE, call, contents, generous, wrong_envelope
from tests.cast import EVIL, SHOP, alices_site, development, on_stage
from tests.servers import SECRET

EXPOSED = "X-Request-ID, Retry-After, RateLimit, RateLimit-Policy"
PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "Authorization, Content-Type, DPoP, Idempotency-Key, Last-Event-ID, X-Request-ID, X-Widget-ID",
    "access-control-max-age": "7200",
    "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
}
PATHS = ("/api/chat", "/api/sessions", "/api/widgets/widget_x/config", "/api/unknown", "/api/", "/api/chat/x/stream")
ASKING = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [SHOP, EVIL, "https://shop.example:8443", "https://xn--bcher-kva.example", "http://localhost:8001", "http://127.0.0.1"])
def test_a_preflight_of_any_https_page_is_granted_to_the_letter(sqlite_store: Store, path: str, origin: str) -> None:
    with on_stage(sqlite_store) as stage:
        reply = stage.call("OPTIONS", path, headers={"origin": origin, **ASKING})
        assert (reply.status, reply.body) == (204, b"")
        granted = {name: value for name, value in reply.headers.items() if name.startswith("access-control") or name == "vary"}
        assert granted == {"access-control-allow-origin": origin, **PREFLIGHT}


@pytest.mark.parametrize(
    "origin", ["null", "", "*", "http://shop.example", "https://shop.example/", "https://SHOP.example", "https://shop.example:443", "file://"]
)
def test_a_preflight_of_anything_else_is_refused_without_a_word_of_cors(sqlite_store: Store, origin: str) -> None:
    with on_stage(sqlite_store) as stage:
        for headers in ({"origin": origin, **ASKING}, ASKING, [("origin", SHOP), ("origin", SHOP)]):
            reply = stage.call("OPTIONS", "/api/chat", headers=headers)
            assert (reply.status, reply.error, wrong_envelope(reply)) == (403, "domain_not_authorized", None)
            assert not [name for name in reply.headers if name.startswith("access-control")]
            assert reply.headers["vary"] == "Origin"


def test_in_production_no_plain_http_page_may_ask(sqlite_store: Store) -> None:
    settings = Settings(secret_key=SECRET, public_url="https://chat.example")
    with on_stage(sqlite_store, settings) as stage:
        statuses = [stage.call("OPTIONS", "/api/chat", headers={"origin": origin}).status for origin in (SHOP, "http://localhost:8001", "http://127.0.0.1")]
        assert statuses == [204, 403, 403]


def test_a_preflight_obeys_the_instances_ceiling(sqlite_store: Store) -> None:
    with on_stage(sqlite_store, development(allowed_origins=SHOP)) as stage:
        assert [stage.call("OPTIONS", "/api/chat", headers={"origin": origin}).status for origin in (SHOP, EVIL)] == [204, 403]


def test_a_preflight_reads_counts_and_records_nothing(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store, development(limit_address_per_minute=1)) as stage:
        # With the database gone a preflight is answered all the same.
        sqlite_store.transaction_now(lambda tx: tx.execute(text("ALTER TABLE widgets RENAME TO away")))
        for origin in (SHOP, EVIL, "null"):
            for _ in range(700):
                assert stage.call("OPTIONS", "/api/chat", headers={"origin": origin}).status == (403 if origin == "null" else 204)
        sqlite_store.transaction_now(lambda tx: tx.execute(text("ALTER TABLE away RENAME TO widgets")))
        assert stage.events(quiet=False) == []
        assert stage.gateway.desk.limits._logs == {}
        stage.victor(widget)


def names_the_page(headers: dict[str, str], origin: str) -> bool:
    """Whether the answer is for *origin* alone."""
    return (headers.get("access-control-allow-origin"), headers.get("access-control-expose-headers"), headers.get("vary")) == (origin, EXPOSED, "Origin")


def test_every_kind_of_answer_names_the_page(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings={"limits": {**WIDE["limits"], "interval_ms": 2000}})
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        good, body = victor.headers, {"message": "x"}
        config = f"/api/widgets/{widget.widget_id}/config"
        tag = stage.call("GET", config, headers=good).headers["etag"]
        answers = {
            200: stage.call("POST", "/api/chat", headers=good, body=body),
            201: stage.call("POST", "/api/sessions", headers=good, body={"widget_id": widget.widget_id}),
            304: stage.call("GET", config, headers={**good, "if-none-match": tag}),
            400: stage.call("POST", "/api/chat", headers=good, body=b"{"),
            401: stage.call("POST", "/api/chat", headers={**good, "authorization": "Bearer x"}, body=body),
            404: stage.call("GET", "/api/nothing", headers=good),
            405: stage.call("PUT", "/api/chat", headers=good, body=body),
            406: stage.call("POST", "/api/chat", headers={**good, "accept": "text/html"}, body=body),
            413: stage.call("POST", "/api/chat", headers=good, body=b"x" * 200_000),
            415: stage.call("POST", "/api/chat", headers={**good, "content-type": "text/plain"}, body=body),
            421: stage.call("POST", "/api/chat", headers={**good, "host": "other.example"}, body=body),
            429: stage.call("POST", "/api/chat", headers=good, body=body),
        }
        assert {status: reply.status for status, reply in answers.items()} == {status: status for status in answers}
        assert [status for status, reply in answers.items() if not names_the_page(reply.headers, SHOP)] == []
        unlisted = stage.call("POST", "/api/chat", headers={**good, "origin": EVIL}, body=body)
        assert unlisted.status == 403
        assert names_the_page(unlisted.headers, EVIL)
        assert stage.call("DELETE", "/api/sessions/current", headers=good).status == 204
        gone = stage.call("DELETE", "/api/sessions/current", headers=good)
        assert names_the_page(gone.headers, SHOP)
        stream = stage.call("POST", "/api/chat", headers={**stage.victor(widget).headers, "accept": "text/event-stream"}, body=body)
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert names_the_page(stream.headers, SHOP)


def test_a_failing_database_still_names_the_page(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        stage.clock.forward(3)
        sqlite_store.transaction_now(lambda tx: tx.execute(text("ALTER TABLE widgets RENAME TO away")))
        for route in ROUTES:
            reply = call(stage, route, widget, victor)
            assert (reply.status, reply.error) == (503, "service_unavailable"), route
            assert int(reply.headers["retry-after"]) > 0
            assert names_the_page(reply.headers, SHOP)
        sqlite_store.transaction_now(lambda tx: tx.execute(text("ALTER TABLE away RENAME TO widgets")))
        assert {event.type for event in stage.events()} == {"store_unavailable"}


@pytest.mark.parametrize("origin", [None, "null", "https://shop.example/", "HTTPS://shop.example", "https://shop.example:443"])
def test_no_answer_names_a_page_that_has_no_canonical_origin(sqlite_store: Store, origin: str | None) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        headers = {name: value for name, value in {**victor.headers, "origin": origin}.items() if value is not None}
        replies = [call(stage, route, widget, victor, headers=headers) for route in ROUTES]
        replies += [stage.call("GET", "/api/nothing", headers=headers), stage.call("PUT", "/api/chat", headers=headers)]
        for reply in replies:
            assert not [name for name in reply.headers if name.startswith("access-control")]
            assert reply.headers["vary"] == "Origin"


def test_credentials_are_never_allowed_and_only_files_are_for_everybody(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        before = contents(sqlite_store)
        others = ["/livez", "/readyz", "/api/openapi.json", "/nothing", "/"]
        replies = [stage.call("GET", path, headers={"origin": SHOP}) for path in others]
        for reply in replies:
            assert not [name for name in reply.headers if name.startswith("access-control")]
        assert contents(sqlite_store) == before
        replies += [call(stage, route, widget, victor) for route in ROUTES]
        replies += [stage.call("OPTIONS", path, headers={"origin": SHOP}) for path in (*PATHS, *others)]
        assert not any("access-control-allow-credentials" in reply.headers or "set-cookie" in reply.headers for reply in replies)
        loader = stage.call("GET", "/widget/loader.js", headers={"origin": EVIL})
        assert (loader.headers["access-control-allow-origin"], "access-control-allow-credentials" in loader.headers) == ("*", False)
