"""What tests share: real databases, each test with one of its own.

A piece that is missing on the machine is a visible skip, and with ``CI=true`` a failure.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from chatkeep.store import Store, schema
from tests.servers import Postgres, find_postgres


def missing(what: str, remedy: str = "run tests/install-servers as root") -> NoReturn:
    """Skip because *what* is not on this machine; fail instead where everything must be."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must have everything")
    pytest.skip(f"{what} is missing: {remedy}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of our own, on a free port, with its own data folder."""
    if find_postgres() is None:
        missing("PostgreSQL")
    with Postgres.running() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that a test may stop without harm to others."""
    if find_postgres() is None:
        missing("PostgreSQL")
    with Postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "chatkeep.db"
    schema.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database: every test that asks for it runs on each kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        copy = tmp_path / "chatkeep.db"
        copy.write_bytes(template.read_bytes())
        return f"sqlite:///{copy}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database(f"t{uuid.uuid4().hex[:16]}")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store over ``database_url``."""
    opened = Store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite alone, for tests that are not about the database."""
    copy = tmp_path / "own.db"
    copy.write_bytes(sqlite_template.read_bytes())
    opened = Store(f"sqlite:///{copy}")
    yield opened
    opened.close()
