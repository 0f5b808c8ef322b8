"""Bad input: always the envelope, never a 500, no row but the event. On every route that takes a body, and on those that do not."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest

from chatkeep.admit.widget_settings import LARGEST_BODY
from chatkeep.store import Store
from tests.admit.cast import BODY_ROUTES, ROUTES, WIDE, assert_refused, call, contents, generous, good_body, usage_messages, wrong_envelope
from tests.cast import Stage, alices_site, on_stage
from tests.corpora import corpus

DEEP = 10_000
LONG_NUMBER = b"9" * 5000
CHAT, SESSIONS, *_ = BODY_ROUTES
# What a good body may be answered with; 404: there is no such message to rate.
TAKEN = {200, 201, 204, 404}
FIELDS: tuple[tuple[str, Any], ...] = tuple(
    (field, value) for field in ("widget_id", "message", "conversation_id") for value in (None, 1, 1.5, True, [], ["x"], {}, {"x": 1})
)
# Names that only the server may give a value, and some that mean something elsewhere.
SERVER_OWNED = (
    "model",
    "provider",
    "instructions",
    "system",
    "temperature",
    "max_tokens",
    "limits",
    "org_id",
    "organization",
    "visitor_id",
    "session_id",
    "message_id",
    "role",
    "state",
    "created_at",
    "usage",
    "api_base",
    "api_key",
    "__proto__",
    "constructor",
    "",
    "Message",
    "MESSAGE",
    "message ",
    "widgetId",
)


def not_json() -> Iterable[tuple[str, bytes]]:
    """Bodies that are no JSON object in UTF-8, by what is wrong with them."""
    good = b'{"widget_id": "WIDGET", "message": "hello"}'
    yield from (
        ("nothing", b""),
        ("white space", b" \n"),
        ("a word", b"hello"),
        ("form data", b"message=hello&widget_id=WIDGET"),
        ("xml", b"<message>hello</message>"),
        ("half", good[:-1]),
        ("two values", good + good),
        ("trailing comma", good[:-1] + b",}"),
        ("trailing word", good + b" true"),
        ("comment", b"/* x */" + good),
        ("single quotes", good.replace(b'"', b"'")),
        ("null", b"null"),
        ("a number", b"42"),
        ("a string", b'"hello"'),
        ("a list", b"[" + good + b"]"),
        ("NaN", b"NaN"),
        ("NaN inside", good[:-1] + b', "page": NaN}'),
        ("a byte order mark", b"\xef\xbb\xbf" + good),
        ("UTF-16", good.decode().encode("utf-16")),
        ("UTF-16 without mark", good.decode().encode("utf-16-le")),
        ("UTF-32", good.decode().encode("utf-32")),
        ("Latin-1", good.replace(b"hello", b"h\xe9llo")),
        ("overlong UTF-8", good.replace(b"hello", b"\xc0\xaf")),
        ("a surrogate in UTF-8", good.replace(b"hello", b"\xed\xa0\x80")),
        ("beyond Unicode", good.replace(b"hello", b"\xf5\x80\x80\x80")),
        ("half a character", good.replace(b"hello", b"\xf0\x9f\x98")),
        ("a lone high surrogate", good.replace(b"hello", b"\\ud83d")),
        ("a lone low surrogate", good.replace(b"hello", b"\\ude00")),
        ("surrogates in the wrong order", good.replace(b"hello", b"\\ude00\\ud83d")),
        ("a raw NUL", good.replace(b"hello", b"a\x00b")),
        ("a raw line break", good.replace(b"hello", b"a\nb")),
        ("a NUL behind", good + b"\x00"),
        ("a bad escape", good.replace(b"hello", b"\\x41")),
        ("deep lists", b"[" * DEEP),
        ("deep closed lists", b"[" * DEEP + b"]" * DEEP),
        ("deep objects", b'{"a":' * DEEP + b"1" + b"}" * DEEP),
        ("deep in a field", good[:-1] + b', "page": ' + b"[" * DEEP + b"]" * DEEP + b"}"),
        ("deep instead of a message", b'{"widget_id": "WIDGET", "message": ' + b"[" * DEEP),
        ("a long number", LONG_NUMBER),
        ("a long number as message", b'{"widget_id": "WIDGET", "message": ' + LONG_NUMBER + b"}"),
        ("a long number as page", b'{"widget_id": "WIDGET", "page": ' + LONG_NUMBER + b"}"),
        ("a huge exponent", b'{"widget_id": "WIDGET", "message": 1e999999}'),
        ("a key twice", b'{"widget_id": "WIDGET", "message": "a", "message": "b"}'),
        ("an equal key twice", b'{"widget_id": "WIDGET", "message": "a", "message": "a"}'),
        ("a widget twice", b'{"widget_id": "WIDGET", "widget_id": "WIDGET"}'),
        ("a key twice, once escaped", b'{"widget_id": "WIDGET", "widget\\u005fid": "WIDGET"}'),
        ("a key twice, deeper", b'{"widget_id": "WIDGET", "page": {"url": "a", "url": "b"}}'),
        ("unknown, deeper", b'{"widget_id": "WIDGET", "page": {"url": "a", "cookie": "b"}}'),
        ("a page that is text", b'{"widget_id": "WIDGET", "page": "x"}'),
        ("a page whose parts are numbers", b'{"widget_id": "WIDGET", "page": {"url": 1, "title": 2}}'),
        ("a long page address", b'{"widget_id": "WIDGET", "page": {"url": "' + b"u" * 2049 + b'"}}'),
        ("a long page title", b'{"widget_id": "WIDGET", "page": {"title": "' + b"t" * 301 + b'"}}'),
    )


def refusals(stage: Stage, widget: Any, bodies: Iterable[tuple[str, Any]], allowed: dict[int, set[str]]) -> list[str]:
    """What went wrong on the routes with a body."""
    victor = stage.victor(widget)
    before = contents(stage.store)
    wrong = []
    for name, body in bodies:
        content = body.replace(b"WIDGET", widget.widget_id.encode()) if isinstance(body, bytes) else body
        for route in BODY_ROUTES:
            reply = call(stage, route, widget, victor, body=content, headers={**victor.headers, "content-type": "application/json"})
            fault = wrong_envelope(reply)
            if fault is not None or reply.error not in allowed.get(reply.status, set()):
                wrong.append(f"{name} on {route.path}: {reply.status} {reply.error} {fault}")
    if contents(stage.store) != before:
        wrong.append("rows were written")
    stage.flush()
    if usage_messages(stage.store):
        wrong.append("a message was counted")
    return wrong


def test_what_is_not_the_json_of_the_route_is_refused(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        assert refusals(stage, widget, not_json(), {400: {"invalid_request"}}) == []
        assert {event.type for event in stage.events()} == {"invalid_request"}


def test_wrong_types_are_refused(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        bodies = [
            (f"{field}={value!r}", json.dumps({"widget_id": widget.widget_id, "message": "x", field: value}).encode())
            for field, value in FIELDS
            if value is not None or field == "message"
        ]
        assert refusals(stage, widget, bodies, {400: {"invalid_request"}}) == []


@pytest.mark.parametrize("route", BODY_ROUTES, ids=lambda route: route.path)
def test_fields_that_a_visitor_may_not_set_are_refused_by_name(sqlite_store: Store, route: Any) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        before = contents(sqlite_store)
        for field in SERVER_OWNED:
            reply = call(stage, route, widget, victor, body={**(good_body(route, widget) or {}), field: "x"})
            assert_refused(reply, 400, "invalid_request")
            assert reply.json["details"] == [{"field": "body", "problem": "has an unknown field"}], field
        assert contents(sqlite_store) == before


def test_a_field_name_cannot_write_the_explanation(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        reply = call(stage, CHAT, widget, victor, body={"message": "x", "<b>canary</b> - at `$.canary`": 1})
        assert_refused(reply, 400, "invalid_request")
        assert b"canary" not in reply.body


def test_values_are_never_told_back(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for body in ({"message": ["canary"]}, {"message": "x", "conversation_id": "canary"}, {"message": "x", "widget_id": "canary"}, {"canary": "canary"}):
            assert b"canary" not in call(stage, CHAT, widget, victor, body=body).body


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", "application/json5", "json", "application/jsonp"]
)
def test_other_media_types_are_refused(sqlite_store: Store, kind: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        before = contents(sqlite_store)
        for route in BODY_ROUTES:
            assert_refused(call(stage, route, widget, victor, headers={**victor.headers, "content-type": kind}), 415, "unsupported_media_type")
        assert contents(sqlite_store) == before


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/json;charset=UTF-8"])
def test_json_may_name_its_charset(sqlite_store: Store, kind: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for route in BODY_ROUTES:
            assert call(stage, route, widget, victor, headers={**victor.headers, "content-type": kind}).status in TAKEN


def padded(content: dict[str, Any], size: int) -> bytes:
    """*content* as JSON of exactly *size* bytes."""
    encoded = json.dumps(content).encode()
    return encoded + b" " * (size - len(encoded))


@pytest.mark.parametrize(("length", "cap"), [(2000, 32 * 1024), (2048, 32 * 1024), (2049, 12 * 2049 + 8 * 1024), (8000, 12 * 8000 + 8 * 1024)])
def test_a_body_may_be_as_large_as_the_widgets_messages_need_and_no_byte_larger(sqlite_store: Store, length: int, cap: int) -> None:
    widget = alices_site(sqlite_store, settings={"limits": {**WIDE["limits"], "message_length": length}})
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for route in BODY_ROUTES:
            body = good_body(route, widget) or {}
            assert call(stage, route, widget, victor, body=padded(body, cap)).status in TAKEN
            assert_refused(call(stage, route, widget, victor, body=padded(body, cap + 1)), 413, "payload_too_large")


def test_a_megabyte_is_refused_on_every_route_that_reads_it(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        before = contents(sqlite_store)
        for body in (b"x" * 1_048_576, b"\x00" * 1_048_576, padded({"message": "x"}, 1_048_576), b"[" * 1_048_576, b'{"message": "' + b"a" * 1_048_576 + b'"}'):
            for route in BODY_ROUTES:
                reply = call(stage, route, widget, victor, body=body)
                assert_refused(reply, 413, "payload_too_large")
                assert reply.headers["access-control-allow-origin"] == victor.origin
        assert contents(sqlite_store) == before


@pytest.mark.parametrize("route", [route for route in ROUTES if not route.has_body], ids=lambda route: f"{route.method} {route.path}")
def test_routes_without_a_body_do_not_look_at_one(sqlite_store: Store, route: Any) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    for body in (b"[" * DEEP, b"\xff" * (LARGEST_BODY + 1), b'{"widget_id": "other"}'):
        with on_stage(sqlite_store, generous()) as stage:
            victor = stage.victor(widget)
            reply = call(stage, route, widget, victor, body=body, headers={**victor.headers, "content-type": "text/plain"})
            assert reply.status in {200, 204, 404}


def test_the_json_test_suite_never_breaks_a_route(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        cases = [(name, base64.b64decode(content)) for name, content in corpus("json_test_suite_b64.json").items()]
        assert len(cases) > 300
        assert refusals(stage, widget, cases, {400: {"invalid_request"}, 413: {"payload_too_large"}}) == []


def test_what_the_json_test_suite_rejects_is_rejected_inside_a_field_too(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        cases = [
            (name, b'{"widget_id": "WIDGET", "message": "x", "page": {"title": ' + base64.b64decode(content) + b"}}")
            for name, content in corpus("json_test_suite_b64.json").items()
            if name.startswith("n_")
        ]
        assert refusals(stage, widget, cases, {400: {"invalid_request"}, 413: {"payload_too_large"}}) == []
