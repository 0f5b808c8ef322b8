"""Analytics events: what happened in widgets, without who."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import insert

from chatkeep.ids import OrgId, WidgetId
from chatkeep.store.tables import analytics_events
from chatkeep.store.writer import Write


@dataclass(frozen=True, slots=True)
class AnalyticsRow:
    """One event of a page. *at_ms*: when it happened; *created_at_ms*: when it came here."""

    org_id: OrgId
    widget_id: WidgetId
    name: str
    origin: str
    at_ms: int
    props: Mapping[str, str | float | bool]
    created_at_ms: int


_insert = insert(analytics_events)


def new_analytics_event(row: AnalyticsRow) -> Write:
    """The write that stores *row*."""
    return Write(
        _insert,
        {
            "org_id": row.org_id,
            "widget_id": row.widget_id,
            "name": row.name,
            "origin": row.origin,
            "at": row.at_ms,
            "props": dict(row.props),
            "created_at": row.created_at_ms,
        },
    )
