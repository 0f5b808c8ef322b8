"""Keys of widgets: what identities and page tickets are checked with. Rows in, frozen rows out."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, insert, or_, select, update

from chatkeep.ids import KeyId, OrgId, WidgetId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import widget_keys

Purpose = Literal["identity", "jwks", "ticket"]


@dataclass(frozen=True, slots=True)
class WidgetKeyRow:
    """A key as stored. *material*: a public JWK, a sealed secret, or the address of a JWKS. Times in ms."""

    key_id: KeyId
    org_id: OrgId
    widget_id: WidgetId
    purpose: Purpose
    kid: str | None
    algorithm: str
    material: str
    created_at_ms: int
    retires_at_ms: int | None

    def is_live(self, at_ms: int) -> bool:
        """Whether it may still check anything."""
        return self.retires_at_ms is None or at_ms < self.retires_at_ms


def add_key(tx: Tx, org: OrgId, key: WidgetKeyRow) -> None:
    """Give a widget of *org* another key."""
    tx.execute(
        insert(widget_keys).values(
            id=key.key_id,
            org_id=org,
            widget_id=key.widget_id,
            purpose=key.purpose,
            kid=key.kid,
            algorithm=key.algorithm,
            material=key.material,
            created_at=key.created_at_ms,
            retires_at=key.retires_at_ms,
        )
    )


def list_keys(tx: Tx, org: OrgId, widget: WidgetId) -> list[WidgetKeyRow]:
    """Every key of *widget* in *org*, retired or not, oldest first."""
    of_widget = (widget_keys.c.org_id == org, widget_keys.c.widget_id == widget)
    rows = tx.execute(select(widget_keys).where(*of_widget).order_by(widget_keys.c.created_at, widget_keys.c.id))
    return [_key(row) for row in rows]


def sealed_widget_keys(tx: Tx) -> list[WidgetKeyRow]:
    """Every key that is a secret. Instance-wide: for changing the keys that seal."""
    return [_key(row) for row in tx.execute(select(widget_keys).where(widget_keys.c.algorithm == "HS256").order_by(widget_keys.c.id))]


def reseal_widget_key(tx: Tx, org: OrgId, key: WidgetKeyRow, new: str) -> bool:
    """Put *new* in the place of what *key* holds, unless that changed meanwhile."""
    one = (widget_keys.c.org_id == org, widget_keys.c.id == key.key_id, widget_keys.c.material == key.material)
    return tx.execute(update(widget_keys).where(*one).values(material=new)).rowcount == 1


def retire_key(tx: Tx, org: OrgId, widget: WidgetId, key: KeyId, *, at_ms: int) -> bool:
    """Let *key* end at *at_ms*, unless it ends sooner; ``False`` when *widget* has no such key."""
    one = (widget_keys.c.org_id == org, widget_keys.c.widget_id == widget, widget_keys.c.id == key)
    if tx.execute(select(widget_keys.c.id).where(*one)).one_or_none() is None:
        return False
    tx.execute(update(widget_keys).where(*one, _ends_after(at_ms)).values(retires_at=at_ms))
    return True


def replace_ticket_keys(tx: Tx, org: OrgId, key: WidgetKeyRow, *, old_until_ms: int) -> None:
    """Give a widget the ticket key *key*; the ones before it end at *old_until_ms*, unless they end sooner."""
    of_widget = (widget_keys.c.org_id == org, widget_keys.c.widget_id == key.widget_id, widget_keys.c.purpose == "ticket")
    tx.execute(update(widget_keys).where(*of_widget, _ends_after(old_until_ms)).values(retires_at=old_until_ms))
    add_key(tx, org, key)


def _key(row: Row[Any]) -> WidgetKeyRow:
    """A row of the table as ``WidgetKeyRow``."""
    return WidgetKeyRow(
        KeyId(row.id), OrgId(row.org_id), WidgetId(row.widget_id), row.purpose, row.kid, row.algorithm, row.material, row.created_at, row.retires_at
    )


def _ends_after(at_ms: int) -> ColumnElement[bool]:
    """Keys that would live longer than *at_ms*."""
    return or_(widget_keys.c.retires_at.is_(None), widget_keys.c.retires_at > at_ms)
