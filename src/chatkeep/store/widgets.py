"""Widgets: rows in, frozen rows out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update

from chatkeep.ids import AgentId, OrgId, WidgetId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import widgets


@dataclass(frozen=True, slots=True)
class WidgetRow:
    """A widget as stored. *settings* holds only what differs from the defaults."""

    widget_id: WidgetId
    org_id: OrgId
    agent_id: AgentId
    name: str
    access_mode: str
    allowed_domains: Sequence[str]
    settings: Mapping[str, Any]
    is_active: bool
    created_at_ms: int


def add_widget(tx: Tx, org: OrgId, widget: WidgetRow) -> None:
    """Make *widget* in *org*."""
    tx.execute(
        insert(widgets).values(
            id=widget.widget_id,
            org_id=org,
            agent_id=widget.agent_id,
            name=widget.name,
            access_mode=widget.access_mode,
            allowed_domains=list(widget.allowed_domains),
            settings=dict(widget.settings),
            is_active=widget.is_active,
            created_at=widget.created_at_ms,
        )
    )


def replace_widget(tx: Tx, org: OrgId, widget: WidgetRow) -> None:
    """Give the widget of that id in *org* another name, list, settings or state."""
    tx.execute(
        update(widgets)
        .where(widgets.c.org_id == org, widgets.c.id == widget.widget_id)
        .values(name=widget.name, allowed_domains=list(widget.allowed_domains), settings=dict(widget.settings), is_active=widget.is_active)
    )


def list_widgets(tx: Tx, org: OrgId) -> list[WidgetRow]:
    """Every widget of *org*, oldest first."""
    return _select(tx, widgets.c.org_id == org)


def find_widget(tx: Tx, org: OrgId, widget: WidgetId) -> WidgetRow | None:
    """The widget of that id in *org*."""
    found = _select(tx, widgets.c.org_id == org, widgets.c.id == widget)
    return found[0] if found else None


def find_public_widget(tx: Tx, widget: WidgetId) -> WidgetRow | None:
    """The widget of that public id, whoever owns it: the one query that learns the tenant."""
    found = _select(tx, widgets.c.id == widget)
    return found[0] if found else None


def _select(tx: Tx, *which: ColumnElement[bool]) -> list[WidgetRow]:
    """The widgets that match, oldest first."""
    rows = tx.execute(select(widgets).where(*which).order_by(widgets.c.created_at, widgets.c.id))
    return [
        WidgetRow(
            WidgetId(row.id),
            OrgId(row.org_id),
            AgentId(row.agent_id),
            row.name,
            row.access_mode,
            tuple(row.allowed_domains),
            row.settings,
            row.is_active,
            row.created_at,
        )
        for row in rows
    ]
