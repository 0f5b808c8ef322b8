"""The command line in this process: settings come from the environment, answers go to standard output."""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatkeep.cli import main
from tests.servers import SECRET


@dataclass
class Said:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value that it printed."""
        return json.loads(self.out)


@dataclass
class Shell:
    """Where an operator types commands."""

    data_dir: Path

    def run(self, *arguments: str) -> Said:
        """One command."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        with redirect_stdout(out), redirect_stderr(err), suppress(SystemExit):
            try:
                code = main(arguments)
            except SystemExit as left:
                code = int(left.code or 0)
        return Said(code, out.getvalue(), err.getvalue())

    def ask(self, *arguments: str) -> Any:
        """One command with ``--json`` that must succeed; its value."""
        said = self.run(*arguments, "--json")
        assert said.code == 0, said
        assert all(line.startswith("note: ") for line in said.err.splitlines()), said
        assert len(said.out.splitlines()) == 1
        return said.json


def shell_in(data_dir: Path, template: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Shell:
    """A shell with a migrated database and nothing else in its environment."""
    for name in [name for name in os.environ if name.startswith("CHATKEEP_")]:
        monkeypatch.delenv(name)
    data_dir.mkdir()
    (data_dir / "chatkeep.db").write_bytes(template.read_bytes())
    for name, value in {"ENV": "development", "SECRET_KEY": SECRET, "DATA_DIR": str(data_dir), **settings}.items():
        monkeypatch.setenv(f"CHATKEEP_{name}", value)
    return Shell(data_dir)
