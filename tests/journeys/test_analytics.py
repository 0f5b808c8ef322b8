"""What pages report of their widgets: a closed list, few short facts, nothing where the visitor asks for that."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from chatkeep.admit.analytics import Name
from chatkeep.clock import iso
from chatkeep.store import Store
from chatkeep.store.tables import analytics_events, widgets
from chatkeep.store.widgets import WidgetRow
from tests.cast import EVIL, NOON, SHOP, Reply, Stage, alices_site, on_stage

AT = iso(NOON)


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    with on_stage(store) as opened:
        yield opened


@pytest.fixture
def widget(stage: Stage) -> WidgetRow:
    return alices_site(stage.store)


def report(stage: Stage, widget: WidgetRow, *events: Any, origin: str = SHOP, **headers: str) -> Reply:
    return stage.call("POST", "/api/events", headers={"origin": origin, **headers}, body={"widget_id": widget.widget_id, "events": list(events)})


def kept(stage: Stage) -> list[Row[Any]]:
    """What is stored, in order."""
    stage.flush()
    return list(stage.store.read_now(lambda tx: tx.execute(select(analytics_events).order_by(analytics_events.c.seq)).all()))


def test_what_a_page_reports_is_kept_without_who(stage: Stage, widget: WidgetRow) -> None:
    props = {"launcher": "bubble", "seconds": 3, "share": 0.5, "first": True}
    reply = report(stage, widget, {"name": "widget_opened", "at": AT, "props": props}, {"name": "message_sent", "at": "2026-01-15T13:30:00+02:00"})
    assert (reply.status, reply.body, reply.headers["access-control-allow-origin"]) == (204, b"", SHOP)
    opened, sent = kept(stage)
    noon_ms = int(NOON.timestamp() * 1000)
    assert (opened.name, opened.widget_id, opened.org_id, opened.origin) == ("widget_opened", widget.widget_id, widget.org_id, SHOP)
    assert (opened.at, opened.created_at, opened.props) == (noon_ms, noon_ms, props)
    assert (sent.name, sent.at, sent.props) == ("message_sent", noon_ms - 30 * 60_000, {})
    assert set(opened._fields) == {"seq", "org_id", "widget_id", "name", "origin", "at", "props", "created_at"}
    assert stage.events() == []


def test_every_name_of_the_list_is_taken_and_no_other(stage: Stage, widget: WidgetRow) -> None:
    names = Name.__args__
    assert len(names) == 17
    assert report(stage, widget, *({"name": name, "at": AT} for name in names)).status == 204
    assert [row.name for row in kept(stage)] == list(names)
    for name in ("widget_loaded", "page_view", "", "Widget_Opened"):
        assert report(stage, widget, {"name": name, "at": AT}).error == "invalid_request"


@pytest.mark.parametrize("header", ["dnt", "sec-gpc"])
def test_nothing_is_kept_of_a_visitor_who_asks_not_to_be_tracked(stage: Stage, widget: WidgetRow, header: str) -> None:
    assert report(stage, widget, {"name": "widget_opened", "at": AT}, **{header: "1"}).status == 204
    assert kept(stage) == []
    assert report(stage, widget, {"name": "widget_opened", "at": AT}, **{header: "0"}).status == 204
    assert len(kept(stage)) == 1


@pytest.mark.parametrize("hours", [-25, 25, -24 * 365 * 2000, 24 * 365 * 7000])
def test_a_clock_that_is_a_day_off_is_not_believed(stage: Stage, widget: WidgetRow, hours: int) -> None:
    claimed = {-24 * 365 * 2000: "0001-01-01T00:00:00+14:00", 24 * 365 * 7000: "9999-12-31T23:59:59-14:00"}.get(hours) or iso(NOON + timedelta(hours=hours))
    assert report(stage, widget, {"name": "widget_opened", "at": claimed}, {"name": "login", "at": iso(NOON + timedelta(hours=24))}).status == 204
    assert [row.at - int(NOON.timestamp() * 1000) for row in kept(stage)] == [0, 24 * 3_600_000]


@pytest.mark.parametrize(
    "event",
    [
        {"name": "widget_opened"},
        {"at": AT},
        {"name": "widget_opened", "at": "yesterday"},
        {"name": "widget_opened", "at": 1768478400},
        {"name": "widget_opened", "at": "2026-01-15T12:00:00"},
        {"name": "widget_opened", "at": AT, "visitor_id": "vis_x"},
        {"name": "widget_opened", "at": AT, "props": {f"p{number}": 1 for number in range(9)}},
        {"name": "widget_opened", "at": AT, "props": {"text": "x" * 101}},
        {"name": "widget_opened", "at": AT, "props": {"nested": {"a": 1}}},
        {"name": "widget_opened", "at": AT, "props": {"list": [1]}},
        {"name": "widget_opened", "at": AT, "props": {"nothing": None}},
        {"name": "widget_opened", "at": AT, "props": {"large": 1e300}},
        {"name": "widget_opened", "at": AT, "props": {"control": "a\x00b"}},
        {"name": "widget_opened", "at": AT, "props": {"line": "a\n"}},
        {"name": "widget_opened", "at": AT, "props": {"Upper": 1}},
        {"name": "widget_opened", "at": AT, "props": {"line\n": 1}},
        {"name": "widget_opened", "at": AT, "props": {"": 1}},
        {"name": "widget_opened", "at": AT, "props": {"k" * 41: 1}},
        "widget_opened",
    ],
    ids=lambda event: str(event)[:60],
)
def test_a_report_of_the_wrong_form_is_refused_whole_with_one_event(stage: Stage, widget: WidgetRow, event: Any) -> None:
    reply = report(stage, widget, {"name": "widget_opened", "at": AT}, event)
    assert (reply.status, reply.error) == (400, "invalid_request")
    assert kept(stage) == []
    assert [(row.type, row.count) for row in stage.events()] == [("invalid_request", 1)]


@pytest.mark.parametrize("many", [0, 21])
def test_a_report_holds_one_to_twenty_events(stage: Stage, widget: WidgetRow, many: int) -> None:
    assert report(stage, widget, *[{"name": "widget_opened", "at": AT}] * many).error == "invalid_request"
    assert report(stage, widget, *[{"name": "widget_opened", "at": AT}] * 20).status == 204
    assert len(kept(stage)) == 20


def test_only_a_listed_page_may_report(stage: Stage, widget: WidgetRow) -> None:
    event = {"name": "widget_opened", "at": AT}
    assert report(stage, widget, event, origin=EVIL).error == "domain_not_authorized"
    body = {"widget_id": widget.widget_id, "events": [event]}
    assert stage.call("POST", "/api/events", body=body).error == "domain_not_authorized"
    assert stage.call("POST", "/api/events", headers={"origin": SHOP}, body={**body, "widget_id": "widget_" + "a" * 26}).error == "widget_not_found_or_inactive"
    assert kept(stage) == []


@pytest.mark.parametrize("kind", ["text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", ""])
def test_a_report_without_preflight_is_refused(stage: Stage, widget: WidgetRow, kind: str) -> None:
    assert report(stage, widget, {"name": "widget_opened", "at": AT}, **{"content-type": kind}).error == "unsupported_media_type"


def test_a_huge_report_is_refused(stage: Stage, widget: WidgetRow) -> None:
    padding = b" " * 40_000
    body = padding + b'{"widget_id": "%s", "events": [{"name": "login", "at": "%s"}]}' % (widget.widget_id.encode(), AT.encode())
    assert stage.call("POST", "/api/events", headers={"origin": SHOP}, body=body).error == "payload_too_large"


def test_reports_take_from_the_limit_of_their_address(stage: Stage, widget: WidgetRow) -> None:
    statuses = [report(stage, widget, {"name": "widget_opened", "at": AT}).status for _ in range(stage.gateway.desk.settings.limit_address_per_minute + 1)]
    assert set(statuses[:-1]) == {204}
    assert statuses[-1] == 429


def test_a_widget_that_is_deleted_meanwhile_costs_only_its_own_rows(stage: Stage, widget: WidgetRow) -> None:
    other = alices_site(stage.store)
    for one in (other, widget):
        assert report(stage, one, {"name": "widget_opened", "at": AT}).status == 204
    stage.store.transaction_now(lambda tx: tx.execute(widgets.delete().where(widgets.c.id == other.widget_id)))
    assert [row.widget_id for row in kept(stage)] == [widget.widget_id]


def test_what_cannot_wait_is_dropped(stage: Stage, widget: WidgetRow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatkeep.audit.recorder._REPORTED_ROWS", 3)
    assert report(stage, widget, *[{"name": "login", "at": AT}] * 2).status == 204
    assert report(stage, widget, *[{"name": "logout", "at": AT}] * 2).status == 204
    assert [row.name for row in kept(stage)] == ["login", "login", "logout"]
