"""Widgets: rows in, frozen rows out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update

from chatkeep.ids import AgentId, OrgId, WidgetId
from chatkeep.store.engine import Tx
from chatkeep.store.paging import Part, part_of
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
        .values(
            agent_id=widget.agent_id,
            name=widget.name,
            access_mode=widget.access_mode,
            allowed_domains=list(widget.allowed_domains),
            settings=dict(widget.settings),
            is_active=widget.is_active,
        )
    )


def delete_widget(tx: Tx, org: OrgId, widget: WidgetId, *, at_ms: int) -> bool:
    """Let nothing find the widget any more, and end what streams in it; ``False`` when there is none. What was said in it stays until it is erased."""
    one = (widgets.c.org_id == org, widgets.c.id == widget, widgets.c.deleted_at.is_(None))
    return tx.execute(update(widgets).where(*one).values(deleted_at=at_ms, is_active=False)).rowcount == 1


def has_widget_id(tx: Tx, widget: WidgetId) -> bool:
    """Whether a widget has, or had, that public id. Instance-wide: ids are unique over all tenants."""
    return tx.execute(select(widgets.c.id).where(widgets.c.id == widget)).first() is not None


def part_of_widgets(tx: Tx, org: OrgId, part: Part) -> tuple[list[WidgetRow], int]:
    """Widgets of *org*, oldest first, and how many there are."""
    query = select(widgets).where(widgets.c.org_id == org, widgets.c.deleted_at.is_(None)).order_by(widgets.c.created_at, widgets.c.id)
    rows, total = part_of(tx, query, part)
    return [_widget(row) for row in rows], total


def list_widgets(tx: Tx, org: OrgId) -> list[WidgetRow]:
    """Every widget of *org*, oldest first."""
    return _select(tx, widgets.c.org_id == org)


def find_widget(tx: Tx, org: OrgId, widget: WidgetId, *, to_change: bool = False) -> WidgetRow | None:
    """The widget of that id in *org*; *to_change*: nobody else changes it until the transaction ends."""
    found = _select(tx, widgets.c.org_id == org, widgets.c.id == widget, to_change=to_change)
    return found[0] if found else None


def find_public_widget(tx: Tx, widget: WidgetId) -> WidgetRow | None:
    """The widget of that public id. Instance-wide: the query that learns the tenant of a visitor."""
    found = _select(tx, widgets.c.id == widget)
    return found[0] if found else None


def _select(tx: Tx, *which: ColumnElement[bool], to_change: bool = False) -> list[WidgetRow]:
    """The widgets that match, oldest first."""
    query = select(widgets).where(*which, widgets.c.deleted_at.is_(None)).order_by(widgets.c.created_at, widgets.c.id)
    return [_widget(row) for row in tx.execute(query.with_for_update(key_share=True) if to_change else query)]


def _widget(row: Row[Any]) -> WidgetRow:
    """A row of the table as ``WidgetRow``."""
    return WidgetRow(
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
