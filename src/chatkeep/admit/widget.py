"""Which widget is meant, and is it live?

Stops: guessing ids, talking to deleted or paused widgets.
Store down: a widget read at most 2 s ago is used; otherwise ``Unavailable``: closed.
"""

import msgspec

from chatkeep.admit._types import Desk, Widget
from chatkeep.admit.domains import parse_allowed_domains
from chatkeep.admit.widget_settings import WidgetSettings
from chatkeep.errors import Reason, Refused
from chatkeep.ids import WidgetId
from chatkeep.store.engine import Tx
from chatkeep.store.organizations import Agent, find_agent
from chatkeep.store.widgets import WidgetRow, find_public_widget


async def load(widget_id: WidgetId, desk: Desk) -> Widget:
    """The live widget of that id. Raises ``Refused`` (``widget_not_found_or_inactive``)."""
    cached = desk.widgets.find(widget_id)
    if cached is not None:
        return cached
    found = await desk.store.read(_find, widget_id)
    if found is None:
        raise Refused(Reason.WIDGET_NOT_FOUND)
    widget = _assemble(*found, development=not desk.settings.is_production)
    desk.widgets.put(widget_id, widget)
    return widget


def _find(tx: Tx, widget_id: WidgetId) -> tuple[WidgetRow, Agent] | None:
    """The widget's row and its agent, unless it is unknown or paused."""
    row = find_public_widget(tx, widget_id)
    if row is None or not row.is_active:
        return None
    agent = find_agent(tx, row.org_id, row.agent_id)
    return (row, agent) if agent is not None else None


def _assemble(row: WidgetRow, agent: Agent, *, development: bool) -> Widget:
    """A widget with defaults filled in."""
    return Widget(
        widget_id=row.widget_id,
        org_id=row.org_id,
        name=row.name,
        access_mode=row.access_mode,
        allowed_domains=parse_allowed_domains(row.allowed_domains, development=development),
        settings=msgspec.convert(row.settings, WidgetSettings),
        agent=agent,
    )
