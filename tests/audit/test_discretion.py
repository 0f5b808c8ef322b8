"""What is recorded and logged holds no text of a visitor, no token, and nothing that breaks a line or colours a terminal."""

import json
import logging
import queue

import pytest

from chatkeep.audit.logs import _WAITING_LINES, _DroppingHandler, _JsonFormatter, _TextFormatter
from chatkeep.audit.redact import printable
from chatkeep.store import Store
from chatkeep.store.events import EventRow
from tests.admit.cast import ROUTES, WIDE, call, generous
from tests.cast import EVIL, SHOP, Stage, StageVisitor, alices_site, on_stage

CANARY = "canary-7f3a"
NASTY = "a\r\nSet-Cookie: x=1\x1b[31mred\x1b]0;title\x07\x00\x85\u2028\u202e"
WIRE = NASTY.replace("\r\n", "").replace("\x00", "").encode("utf-8").decode("latin-1")


def everything_wrong(stage: Stage, victor: StageVisitor) -> None:
    """Canaries in every place that a caller fills, through every route, well and badly."""
    widget = victor.widget
    token = f"{CANARY}.{CANARY}.{CANARY}"
    victor.say(f"my {CANARY} secret")
    victor.say(f"my {CANARY} secret", accept="text/event-stream")
    victor.say(CANARY * 400)
    victor.say(f"\x00{CANARY}")
    headers = {
        "origin": SHOP,
        "authorization": f"Bearer {token}",
        "dpop": CANARY,
        "cookie": f"session={CANARY}",
        "idempotency-key": CANARY,
        "x-api-key": CANARY,
        "referer": f"{SHOP}/{CANARY}?{CANARY}#{CANARY}",
    }
    for route in ROUTES:
        call(stage, route, widget, victor, headers=headers)
        call(stage, route, widget, victor, headers={**headers, "origin": EVIL})
    for body in (b'{"message": "' + CANARY.encode(), {"message": CANARY, CANARY: CANARY}, {"message": [CANARY]}, {"message": CANARY, "widget_id": CANARY}):
        stage.call("POST", "/api/chat", headers=victor.headers, body=body)
    page = {"widget_id": widget.widget_id, "page": {"url": f"{SHOP}/a?{CANARY}#{CANARY}", "title": "A page"}}
    assert stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body=page).status == 201
    stage.call("GET", f"/api/conversations/{victor.session['conversation_id']}/messages?before={CANARY}&x={CANARY}", headers=victor.headers)


def text_of(records: list[logging.LogRecord]) -> str:
    """Every line in both forms, with everything that is attached to it."""
    lines = [form.format(record) for record in records for form in (_JsonFormatter(), _TextFormatter())]
    return "\n".join([*lines, *(repr(record.__dict__) for record in records)])


def text_of_events(events: list[EventRow]) -> str:
    """Every event, whole."""
    return "\n".join(repr(event) for event in events)


def test_a_text_line_leaves_out_what_is_not_known() -> None:
    record = logging.LogRecord("chatkeep", logging.WARNING, "", 0, "provider_failed", None, None)
    record.fields = {"status": None, "code": "", "count": 0, "host": "models.example"}
    assert _TextFormatter().format(record).endswith("provider_failed code= count=0 host=models.example")


def test_no_event_and_no_log_line_holds_a_message_or_a_token(sqlite_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        everything_wrong(stage, victor)
        events = text_of_events(stage.events(quiet=False))
        token = victor.session["session_token"]
    lines = text_of([record for record in caplog.records if record.name.startswith("chatkeep")])
    assert "domain_not_allowed" in lines
    assert "message_too_long" in events
    for text in (events, lines):
        assert CANARY not in text
        assert token not in text
        assert token.rpartition(".")[2] not in text


def test_a_log_line_of_an_event_has_no_address_but_its_hash(sqlite_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        stage.call("POST", "/api/sessions", headers={"origin": EVIL}, body={"widget_id": widget.widget_id}, peer="203.0.113.77")
        (event,) = stage.events()
        assert (event.address, len(event.address_hash or "")) == ("203.0.113.77", 32)
    lines = text_of(caplog.records)
    assert "203.0.113.77" not in lines
    assert event.address_hash in lines


@pytest.mark.parametrize("place", ["user-agent", "origin", "referer", "x-request-id", "x-forwarded-for", "host"])
def test_line_breaks_and_terminal_codes_come_to_nothing(store: Store, place: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    widget = alices_site(store)
    with on_stage(store) as stage:
        headers = {"origin": EVIL, place: WIRE}
        assert stage.call("POST", "/api/sessions", headers=headers, body={"widget_id": widget.widget_id}).status in {403, 421}
        (event,) = stage.events()
        kept = [text for text in (event.user_agent, event.domain, event.details.get("referer"), event.request_id) if text]
        assert all(text.isprintable() for text in kept), kept
    for record in caplog.records:
        line = _TextFormatter().format(record)
        assert line.isprintable()
        assert "\n" not in _JsonFormatter().format(record)


def test_long_headers_are_cut_before_they_are_kept(store: Store) -> None:
    widget = alices_site(store)
    with on_stage(store) as stage:
        headers = {"origin": "https://" + "a" * 5000, "user-agent": "u" * 5000, "referer": "https://" + "r" * 5000}
        stage.call("POST", "/api/sessions", headers=headers, body={"widget_id": widget.widget_id})
        (event,) = stage.events()
        assert (len(event.user_agent or ""), len(event.domain or ""), len(event.details["referer"])) == (256, 300, 300)


def test_what_is_not_printable_becomes_a_question_mark() -> None:
    assert printable(NASTY) == "a??Set-Cookie: x=1?[31mred?]0;title?????"
    assert printable("Grüße 你好 🙂") == "Grüße 你好 🙂"


def test_json_lines_are_one_object_each_with_the_fields_that_logs_promise() -> None:
    record = logging.LogRecord("chatkeep.http", logging.INFO, "x", 1, "request", None, None)
    record.fields = {"request_id": "req_x", "path": NASTY}
    line = _JsonFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert {"timestamp", "level", "service", "event", "request_id", "path"} == set(json.loads(line))


def test_a_stuck_reader_of_the_log_stalls_nobody() -> None:
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(_WAITING_LINES)
    handler = _DroppingHandler(waiting)
    for number in range(_WAITING_LINES + 3):
        handler.handle(logging.LogRecord("chatkeep", logging.INFO, "x", 1, "line %d", (number,), None))
    assert (waiting.qsize(), handler.dropped) == (_WAITING_LINES, 3)
