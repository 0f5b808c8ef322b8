"""Which part of a list is wanted, and how many rows does it have in all?"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select

from chatkeep.store.engine import Tx


@dataclass(frozen=True, slots=True)
class Part:
    """The *page*-th *limit* rows of a list, counted from 1."""

    page: int = 1
    limit: int = 50


def part_of(tx: Tx, query: Select[Any], part: Part) -> tuple[list[Row[Any]], int]:
    """The rows of *query* (ordered, and naming its tenant) that *part* asks for, and how many there are in all. Instance-wide: knows no table."""
    total: int = tx.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    rows = tx.execute(query.limit(part.limit).offset((part.page - 1) * part.limit)).all()
    return list(rows), total
