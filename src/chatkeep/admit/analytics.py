"""What may a page report of its widget, and may it be kept?

Stops: free text, personal data and endless rows where only counts are wanted: the names
are a closed list, the properties few, flat and short. A visitor who asks not to be
tracked (``DNT``, ``Sec-GPC``) is answered like any other, and nothing is kept.
Store down: not consulted; rows are written later, in batches. Spec: events-and-alerts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatkeep.admit._types import Arrival, Desk, Widget
from chatkeep.admit.domains import Origin
from chatkeep.errors import invalid
from chatkeep.ids import WIDGET_FORM
from chatkeep.store.analytics import AnalyticsRow

_DAY = timedelta(hours=24)
_LARGEST = 1e15
_KEY_FORM = r"^[a-z][a-z0-9_]{0,39}$"
_KEY = re.compile(_KEY_FORM.removesuffix("$") + r"\Z", re.ASCII)
_VALUE_FORM = r"^[^\u0000-\u001f\u007f-\u009f]*$"
_VALUE = re.compile(_VALUE_FORM.removesuffix("$") + r"\Z")

Name = Literal[
    "widget_opened",
    "message_sent",
    "answer_received",
    "suggestion_used",
    "feedback_given",
    "lead_captured",
    "signup_prompt_shown",
    "signup_prompt_dismissed",
    "signup_started",
    "email_verified",
    "login",
    "logout",
    "chat_saved",
    "anonymous_to_identified",
    "handoff_requested",
    "goal_reached",
    "widget_error",
]
_Key = Annotated[str, Meta(extra_json_schema={"pattern": _KEY_FORM})]
_Text = Annotated[str, Meta(max_length=100, extra_json_schema={"pattern": _VALUE_FORM})]
_Number = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]


class PageEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happened in the widget. An *at* more than a day off is replaced by the time of receipt."""

    name: Name
    at: Annotated[datetime, Meta(tz=True, description="RFC 3339 with its offset.")]
    props: Annotated[dict[_Key, _Text | _Number | bool], Meta(max_length=8)] = {}


class EventsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /api/events``."""

    widget_id: Annotated[str, Meta(extra_json_schema={"pattern": WIDGET_FORM})]
    events: Annotated[list[PageEvent], Meta(min_length=1, max_length=20)]


@dataclass(frozen=True, slots=True)
class Reported:
    """What a listed page reported: rows to keep, none when its visitor asked not to be tracked."""

    widget: Widget
    rows: tuple[AnalyticsRow, ...]


def parse(arrival: Arrival, page: Origin, widget: Widget, request: EventsRequest, desk: Desk) -> Reported:
    """The rows of *request*. Raises ``Refused`` for a property of the wrong form."""
    for number, event in enumerate(request.events):
        for key, value in event.props.items():
            if not _KEY.match(key) or (isinstance(value, str) and not _VALUE.match(value)):
                raise invalid(f"events[{number}].props", "has a name or a value of the wrong form")
    if _asks_not_to_be_tracked(arrival):
        return Reported(widget, ())
    now = desk.clock.now()
    rows = (
        AnalyticsRow(
            org_id=widget.org_id,
            widget_id=widget.widget_id,
            name=event.name,
            origin=page.text,
            at_ms=_milliseconds(event.at if abs(event.at - now) <= _DAY else now),
            props=_plain(event.props),
            created_at_ms=_milliseconds(now),
        )
        for event in request.events
    )
    return Reported(widget, tuple(rows))


def _asks_not_to_be_tracked(arrival: Arrival) -> bool:
    """Do Not Track (W3C) or Global Privacy Control."""
    return "1" in (arrival.headers.get("dnt"), arrival.headers.get("sec-gpc"))


def _plain(props: Mapping[str, str | float | bool]) -> dict[str, str | float | bool]:
    """*props* with whole numbers as such."""
    return {key: int(value) if isinstance(value, float) and value.is_integer() else value for key, value in props.items()}


def _milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp() * 1000)
