"""The migrations make exactly the tables of the catalogue, on both databases, and end where the code says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from chatkeep.errors import Misconfigured
from chatkeep.store import Store, schema
from chatkeep.store.engine import Tx, open_engine, parse_database_url
from chatkeep.store.tables import metadata
from tests.architecture.sources import SOURCE
from tests.servers import Postgres

# The full-text indexes differ by database and are made by hand (store/tables.py says so).
BY_HAND = {"passages_fts", "words", "ix_passages_words"}


def scripts() -> ScriptDirectory:
    """The folder of migrations."""
    config = Config()
    config.set_main_option("script_location", str(SOURCE / "store" / "migrations"))
    return ScriptDirectory.from_config(config)


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether the catalogue is asked about *name*."""
    return kind == "schema" or name is None or not (name in BY_HAND or name.startswith("passages_fts"))


def differences(tx: Tx) -> list[Any]:
    """What the database has that the catalogue has not, and the other way round."""
    options = {"compare_type": True, "compare_server_default": True, "include_name": is_ours}
    return list(compare_metadata(MigrationContext.configure(tx, opts=options), metadata))


def test_the_migrations_make_exactly_the_catalogue(store: Store) -> None:
    assert store.read_now(differences) == []


def test_the_comparison_would_see_a_difference(sqlite_store: Store) -> None:
    sqlite_store.transaction_now(lambda tx: tx.exec_driver_sql("ALTER TABLE widgets ADD COLUMN extra INTEGER"))
    sqlite_store.transaction_now(lambda tx: tx.exec_driver_sql("DROP INDEX ix_sessions_visitor_id"))
    assert len(sqlite_store.read_now(differences)) == 2


def test_the_code_needs_the_newest_migration() -> None:
    assert scripts().get_heads() == [schema.HEAD]
    # Compared as text in store/schema.py, so every revision has the same form.
    assert all(len(script.revision) == 4 and script.revision.isdigit() for script in scripts().walk_revisions())


def test_a_migrated_database_is_at_head(database_url: str) -> None:
    assert schema.find_revision(database_url) == schema.HEAD
    schema.check(database_url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        yield server.new_database("empty_for_schema", is_migrated=False)


def test_an_empty_and_a_newer_database_are_refused_with_the_command_to_run(empty_url: str) -> None:
    assert schema.find_revision(empty_url) is None
    with pytest.raises(Misconfigured, match="run `chatkeep migrate`"):
        schema.check(empty_url)
    schema.migrate(empty_url)
    schema.migrate(empty_url)
    assert schema.find_revision(empty_url) == schema.HEAD
    engine = open_engine(parse_database_url(empty_url), readers=0, is_writer=True)
    with engine.begin() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(Misconfigured, match="newer than this version"):
        schema.check(empty_url)


def migrate_to(database_url: str, revision: str) -> None:
    """Bring the database to *revision*, in this process."""
    config = Config()
    config.set_main_option("script_location", str(SOURCE / "store" / "migrations"))
    config.attributes["database_url"] = database_url
    (command.upgrade if revision == "head" else command.downgrade)(config, revision)


def test_failures_of_the_version_before_stay_and_name_no_account(database_url: str, store: Store) -> None:
    store.close()
    migrate_to(database_url, "0005")
    engine = open_engine(parse_database_url(database_url), readers=0, is_writer=True)
    with engine.begin() as tx:
        tx.exec_driver_sql("INSERT INTO login_failures (subject, created_at) VALUES ('s', 1)")
    migrate_to(database_url, "head")
    with engine.begin() as tx:
        assert tx.exec_driver_sql("SELECT subject, account FROM login_failures").all() == [("s", None)]
        assert differences(tx) == []
    engine.dispose()


def test_a_migration_of_a_large_table_may_take_longer_than_a_statement_of_a_gateway(postgres: Postgres) -> None:
    limits: list[str] = []

    def look(connection: Any, cursor: Any, statement: str, *_more: Any) -> None:
        if statement.lstrip().startswith("CREATE INDEX"):
            cursor.execute("SHOW statement_timeout")
            limits.append(cursor.fetchone()[0])

    event.listen(Engine, "before_cursor_execute", look)
    try:
        migrate_to(postgres.new_database("empty_for_limits", is_migrated=False), "head")
    finally:
        event.remove(Engine, "before_cursor_execute", look)
    assert set(limits) == {"0"}
