"""A command and somebody else make the same thing at the same moment: the command says so, and ends with 1."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from chatkeep.store import Store
from chatkeep.store.users import UserRow, add_user
from tests.cli.office import Shell, shell_in
from tests.rest.cast import PASSWORD, hashed
from tests.servers import Postgres

BOB = "bob@shop.example"


@pytest.fixture
def url(postgres: Postgres) -> str:
    """SQLite has one writer: what is looked at there stays so until it is written."""
    return postgres.new_database(f"t{uuid.uuid4().hex[:16]}")


@pytest.fixture
def shell(url: str, tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch, DATABASE_URL=url)


@pytest.fixture
def faster(url: str) -> Iterator[None]:
    """Somebody who makes Bob's account when a command has looked, and is about to."""
    theirs = UserRow("usr_theirs", BOB, "", hashed(), 1, 1, None, None, None, 1)
    begun: list[str] = []

    def overtake(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT INTO users") and not begun:
            begun.append(statement)
            with closing(Store(url)) as other:
                other.transaction_now(add_user, theirs)

    event.listen(Engine, "before_cursor_execute", overtake)
    yield
    event.remove(Engine, "before_cursor_execute", overtake)
    assert begun


def test_who_is_overtaken_is_told_to_look_and_try_again(shell: Shell, faster: None, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    said = shell.run("users", "create", BOB, "--password-file", str(file), "--json")
    assert (said.code, said.json["error"]) == (1, "conflict")
    assert "try again" in said.json["message"]
    again = shell.run("users", "create", BOB, "--password-file", str(file), "--json")
    assert (again.code, again.json["error"]) == (1, "conflict")
    assert BOB in again.json["message"]
