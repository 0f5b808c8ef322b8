"""A database that is empty or old: SQLite mends itself, elsewhere the operator is told the one command (drill R17, in part)."""

import json
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from chatkeep.store import schema
from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Visitor, alices_site_in
from tests.servers import Gateway, Postgres, run_cli


@pytest.fixture
def empty_url(postgres: Postgres) -> str:
    """A PostgreSQL database without anything of ours."""
    return postgres.new_database(f"t{uuid.uuid4().hex[:16]}", is_migrated=False)


def _set_revision(url: str, revision: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))


def _tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert row is not None
        count: int = row[0]
        return count


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("widgets", "list"), ("events", "list"), ("knowledge", "list")])
def test_an_empty_postgresql_is_refused_with_the_command_to_run(empty_url: str, tmp_path: Path, command: tuple[str, ...]) -> None:
    done = run_cli(tmp_path, *command, DATABASE_URL=empty_url)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert "chatkeep migrate" in line
    assert schema.HEAD in line
    assert _tables(empty_url) == 0, "refusing changes nothing"


@pytest.mark.parametrize(("revision", "advice"), [("0000", "chatkeep migrate"), ("9999", "install the version")])
def test_an_old_or_newer_postgresql_is_refused(postgres: Postgres, tmp_path: Path, revision: str, advice: str) -> None:
    url = postgres.new_database(f"t{uuid.uuid4().hex[:16]}")
    _set_revision(url, revision)
    done = run_cli(tmp_path, "serve", "--port", "0", DATABASE_URL=url)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert advice in line
    assert revision in line


def test_migrate_then_serve(empty_url: str, tmp_path: Path) -> None:
    done = run_cli(tmp_path, "migrate", "--json", DATABASE_URL=empty_url)
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, {"from": None, "to": schema.HEAD}, "")
    again = run_cli(tmp_path, "migrate", "--json", DATABASE_URL=empty_url)
    assert json.loads(again.stdout) == {"from": schema.HEAD, "to": schema.HEAD}
    _chat(tmp_path / "data", empty_url)


def test_sqlite_migrates_itself(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with Gateway.running(folder) as gateway:
        assert gateway.get("/readyz")[0] == 200
        assert gateway.stop() == 0
    with closing(sqlite3.connect(folder / "chatkeep.db")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(schema.HEAD,)]
    assert folder.stat().st_mode & 0o077 == 0, "for its owner alone"
    _chat(folder, f"sqlite:///{folder / 'chatkeep.db'}")


def test_the_command_that_begins_an_instance_makes_its_database(tmp_path: Path) -> None:
    done = run_cli(tmp_path / "new", "orgs", "create", "Shop", "--json")
    assert (done.returncode, done.stderr) == (0, f"note: made a new database in {tmp_path / 'new'}\n")
    done = run_cli(tmp_path / "new", "widgets", "create", "Help", "--domain", "shop.example", "--json")
    assert json.loads(done.stdout)["widget_id"].startswith("widget_")


def _chat(data_dir: Path, url: str) -> None:
    """It works: a message in, an answer out, both kept."""
    widget_id = alices_site_in(url, settings=ROOMY, provider="fake").widget_id
    with Gateway.running(data_dir, DATABASE_URL=url, **ROOMY_GATEWAY) as gateway:
        victor = Visitor(gateway.port, widget_id, SHOP).open()
        assert victor.say("Hello").json["response"] == "You said: Hello"
        assert [message["state"] for message in victor.history()] == ["complete", "complete"]
        assert gateway.stop() == 0
