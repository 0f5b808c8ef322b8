"""Alembic's entry: one connection, one transaction, our table catalogue."""

from alembic import context

from chatkeep.store.engine import open_engine, parse_database_url
from chatkeep.store.tables import metadata


def run() -> None:
    """Run the migrations that the database has not seen."""
    engine = open_engine(parse_database_url(context.config.attributes["database_url"]), readers=0, is_writer=True)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # An index of a large table takes longer than any statement of a gateway may.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        context.run_migrations()
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("ANALYZE")  # PostgreSQL does it by itself
    engine.dispose()


run()
