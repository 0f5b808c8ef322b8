"""Which origins are let in? A table of what browsers and others send, against one widget's list."""

import pytest

from chatkeep.admit.domains import find_origin, parse_allowed_domains
from chatkeep.store import Store
from tests.admit.cast import ROUTES, assert_refused, call, contents, generous, path_of
from tests.cast import EVIL, SHOP, Stage, alices_site, on_stage
from tests.corpora import corpus

# The list: a tree, an exact host, a host with a port, subdomains only, and an international name.
DOMAINS = ("shop.example", "=exact.example", "ported.example:8443", "*.below.example", "bücher.example")

LISTED = (
    "https://shop.example",
    "https://www.shop.example",
    "https://a.b.c.shop.example",
    "https://xn--bcher-kva.shop.example",
    "https://exact.example",
    "https://ported.example:8443",
    "https://sub.ported.example:8443",
    "https://one.below.example",
    "https://one.two.below.example",
    "https://xn--bcher-kva.example",
)
# Canonical, so that the page is told; but not listed.
UNLISTED = (
    EVIL,
    "https://evilshop.example",
    "https://shop.example.evil.example",
    "https://shop-example",
    "https://shop.example2",
    "https://shop.exampl",
    "https://hop.example",
    "https://shop.evil.example",
    "https://example",
    "https://shop.example.",
    "https://shop.example:8443",
    "https://shop.example:444",
    "https://shop.example:80",
    "https://www.exact.example",
    "https://ported.example",
    "https://ported.example:8444",
    "https://below.example",
    "https://notbelow.example",
    "https://xn--shp-tna.example",
    "https://127.0.0.1",
    "https://[::1]",
    "https://8.8.8.8",
    "https://xn--bcher-kva.example.evil.example",
    "http://shop.example",
    "http://www.shop.example",
    "http://shop.example:443",
    "http://localhost.evil.example",
    "https://*.example",
    "https://*",
)
# Nothing that a browser sends as its origin: no answer names it.
MALFORMED = (
    "null",
    "NULL",
    "",
    "*",
    "shop.example",
    "//shop.example",
    "https:shop.example",
    "https:/shop.example",
    "https:///shop.example",
    "https://",
    "https://shop.example/",
    "https://shop.example/chat",
    "https://shop.example?x",
    "https://shop.example#x",
    "https://shop.example:443",
    "https://shop.example:",
    "https://shop.example:99999",
    "https://shop.example:08443",
    "HTTPS://shop.example",
    "https://SHOP.example",
    "https://Shop.Example",
    "https://user@shop.example",
    "https://user:secret@shop.example",
    "https://shop.example@evil.example",
    "https://evil.example\\@shop.example",
    "https://shop.example\\evil.example",
    "https://shop.example%2eevil.example",
    "https://sh%6fp.example",
    "https://shop.example https://evil.example",
    "https://shop.example, https://evil.example",
    "https://shop.example,https://shop.example",
    "https://bücher.example",
    "https://shop\u00adexample",
    "https://shop。example".encode().decode("latin-1"),
    "https://127.1",
    "https://0x7f.1",
    "https://2130706433",
    "https://[::ffff:127.0.0.1",
    "http://shop.example:80",
    "ftp://shop.example",
    "file://",
    "data:text/html,x",
    "blob:https://shop.example/1",
    "javascript:alert(1)",
    "chrome-extension://abcdefghijklmnop",
    "about:blank",
    "wss://shop.example",
    "https://shop.example\xa0",
    "\x85https://shop.example",
    "https://shop.example\x1f",
    "\x01https://shop.example",
    "https://shop\n.example",
    "https://" + "a" * 300 + ".shop.example/",
)


@pytest.mark.parametrize("origin", LISTED)
def test_a_listed_page_is_let_in(sqlite_store: Store, origin: str) -> None:
    widget = alices_site(sqlite_store, domains=DOMAINS)
    with on_stage(sqlite_store, generous()) as stage:
        reply = stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers={"origin": origin})
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, origin)
        assert stage.call("POST", "/api/sessions", headers={"origin": origin}, body={"widget_id": widget.widget_id}).status == 201


def each_route_refuses(stage: Stage, widget: object, origins: tuple[str, ...], *, echoes: bool) -> list[str]:
    """What went wrong for *origins*, on every route."""
    wrong = []
    victor = stage.victor(widget)
    for origin in origins:
        for route in ROUTES:
            reply = call(stage, route, widget, victor, headers={**victor.headers, "origin": origin})
            told = reply.headers.get("access-control-allow-origin")
            if (reply.status, reply.error, told) != (403, "domain_not_authorized", origin if echoes else None):
                wrong.append(f"{origin!r} {route.method} {route.path}: {reply.status} {reply.error} {told!r}")
            elif echoes and set(reply.json) != {"success", "error", "message", "request_id"}:
                wrong.append(f"{origin!r}: {reply.json}")
        stage.clock.forward(60)
        victor = stage.victor(widget)
    return wrong


def test_an_unlisted_page_is_refused_on_every_route_and_told_so(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, domains=DOMAINS)
    with on_stage(sqlite_store, generous()) as stage:
        assert each_route_refuses(stage, widget, UNLISTED, echoes=True) == []


def test_what_no_browser_sends_is_refused_on_every_route_without_a_word_of_cors(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, domains=DOMAINS)
    with on_stage(sqlite_store, generous()) as stage:
        assert each_route_refuses(stage, widget, MALFORMED, echoes=False) == []


def test_the_tables_are_large_enough_to_mean_something() -> None:
    assert len(set(LISTED + UNLISTED + MALFORMED)) >= 60


def test_a_missing_origin_is_refused_on_every_route_before_any_read(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        before = contents(sqlite_store)
        for route in ROUTES:
            headers = {name: value for name, value in victor.headers.items() if name != "origin"}
            reply = call(stage, route, widget, victor, headers=headers)
            assert_refused(reply, 403, "domain_not_authorized")
            assert not [name for name in reply.headers if name.startswith("access-control")]
            # A referer decides nothing, a made-up one neither.
            for referer in (SHOP, f"{SHOP}/page"):
                assert call(stage, route, widget, victor, headers={**headers, "referer": referer}).status == 403
        assert contents(sqlite_store) == before


@pytest.mark.parametrize("second", [SHOP, EVIL, "null", ""])
def test_a_repeated_origin_is_no_origin(sqlite_store: Store, second: str) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for route in ROUTES:
            for pair in ((SHOP, second), (second, SHOP)):
                reply = call(stage, route, widget, victor, headers=[("authorization", victor.headers["authorization"]), *(("origin", text) for text in pair)])
                assert_refused(reply, 400, "invalid_request")
                assert reply.json["details"] == [{"field": "origin", "problem": "must be sent once"}]
                assert "access-control-allow-origin" not in reply.headers


def test_an_empty_list_allows_nobody(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, domains=())
    with on_stage(sqlite_store) as stage:
        for origin in (SHOP, "http://localhost", "https://localhost"):
            assert stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers={"origin": origin}).status == 403


def test_the_instances_ceiling_cuts_a_widgets_list(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, domains=("shop.example", "blog.example"))
    with on_stage(sqlite_store, generous(allowed_origins="https://shop.example, https://other.example")) as stage:
        answers = {
            origin: stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers={"origin": origin}).status
            for origin in ("https://shop.example", "https://www.shop.example", "https://blog.example", "https://other.example")
        }
        assert answers == {"https://shop.example": 200, "https://www.shop.example": 403, "https://blog.example": 403, "https://other.example": 403}


def test_plain_http_is_let_in_from_loopback_in_development_alone() -> None:
    domains = parse_allowed_domains(("localhost", "127.0.0.1", "shop.example"), development=True)
    open_to = {text: domains.covers(find_origin(text)) for text in ("http://localhost", "https://localhost", "http://app.localhost", "http://127.0.0.1")}
    assert set(open_to.values()) == {True}
    assert not domains.covers(find_origin("http://localhost:8001"))
    assert not domains.covers(find_origin("http://shop.example"))
    assert not parse_allowed_domains(("localhost.example",), development=False).covers(find_origin("http://localhost.example"))
    strict = parse_allowed_domains(("shop.example",), development=False)
    assert not strict.covers(find_origin("http://shop.example"))


def test_a_refused_origin_leaves_one_event_and_no_other_row(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        before = contents(sqlite_store)
        stage.call("POST", "/api/sessions", headers={"origin": EVIL, "referer": f"{EVIL}/secret/page?token=1#x"}, body={"widget_id": widget.widget_id})
        (event,) = stage.events()
        assert (event.type, event.domain, event.widget_id, event.count) == ("domain_not_allowed", EVIL, widget.widget_id, 1)
        assert event.details == {"referer": EVIL}
        assert contents(sqlite_store) == before


def test_every_origin_of_the_web_platform_tests_is_judged_as_a_browser_would() -> None:
    wrong = []
    for case in corpus("wpt_urltestdata.json"):
        if not isinstance(case, dict) or "origin" not in case or case.get("failure"):
            continue
        origin = case["origin"]
        found = find_origin(origin) if origin.isascii() else None
        is_web = origin.startswith(("https://", "http://"))
        if (found is not None) is not is_web:
            wrong.append(origin)
        # The whole address is an origin only where it is its own serialization.
        if case["href"] != origin and find_origin(case["href"]) is not None:
            wrong.append(case["href"])
    assert wrong == []


def test_no_name_of_the_web_platform_tests_that_browsers_refuse_is_an_origin() -> None:
    wrong = []
    for case in corpus("wpt_toascii.json"):
        if not isinstance(case, dict):
            continue
        ascii_name = case["output"]
        if ascii_name is None:
            wrong += [case["input"]] if find_origin(f"https://{case['input']}") else []
        elif ascii_name and (case["input"] != ascii_name and find_origin(f"https://{case['input']}") is not None):
            wrong.append(case["input"])
    assert wrong == []


def test_a_path_is_built_for_every_route(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    assert all("{" not in path_of(route, widget) for route in ROUTES)
