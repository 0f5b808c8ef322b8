"""Which index does SQLite look rows up by?

Without statistics it takes all indexes for equally good, and may walk every message of
an organization to find those of one conversation. PostgreSQL counts by itself.
"""

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class unsought(FunctionElement[Any]):  # noqa: N801 - reads like a function of SQL
    """A column that rows are compared by and never looked up by: another condition of the query finds fewer."""

    inherit_cache = True


@compiles(unsought)
def _render(element: unsought, compiler: SQLCompiler, **options: Any) -> str:
    """The column as it is."""
    return compiler.process(element.clauses, **options)


@compiles(unsought, "sqlite")
def _render_for_sqlite(element: unsought, compiler: SQLCompiler, **options: Any) -> str:
    """With a unary plus: https://www.sqlite.org/optoverview.html, "Disqualifying WHERE Clause Terms Using Unary-+"."""
    return f"+{compiler.process(element.clauses, **options)}"
