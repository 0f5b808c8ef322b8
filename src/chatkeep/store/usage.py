"""Usage: what each widget did on each UTC day."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from chatkeep.ids import OrgId, WidgetId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import usage


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What to add to a widget's day, or what a widget's day holds."""

    org_id: OrgId
    widget_id: WidgetId
    day: str
    messages: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    refusals: int = 0


def add_usage(tx: Tx, rows: Sequence[UsageRow]) -> None:
    """Add *rows* to what is there. Instance-wide: each row names its tenant."""
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    for row in rows:
        counts = {"messages": row.messages, "tokens_in": row.tokens_in, "tokens_out": row.tokens_out, "refusals": row.refusals}
        statement = insert(usage).values(widget_id=row.widget_id, day=row.day, org_id=row.org_id, **counts)
        summed = {name: usage.c[name] + statement.excluded[name] for name in counts}
        tx.execute(statement.on_conflict_do_update(index_elements=[usage.c.widget_id, usage.c.day], set_=summed))


def messages_today(tx: Tx, org: OrgId, day: str) -> dict[WidgetId, int]:
    """How many messages each widget of *org* has had on *day*."""
    rows = tx.execute(select(usage.c.widget_id, usage.c.messages).where(usage.c.org_id == org, usage.c.day == day))
    return {WidgetId(row.widget_id): row.messages for row in rows}


def list_usage(tx: Tx, org: OrgId, widget: WidgetId) -> list[UsageRow]:
    """Every day of *widget* in *org*, newest first."""
    rows = tx.execute(select(usage).where(usage.c.org_id == org, usage.c.widget_id == widget).order_by(usage.c.day.desc()))
    return [UsageRow(OrgId(r.org_id), WidgetId(r.widget_id), r.day, r.messages, r.tokens_in, r.tokens_out, r.refusals) for r in rows]
