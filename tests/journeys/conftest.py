"""What journeys with real processes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.upstream import Upstream


@pytest.fixture
def data_dir(tmp_path: Path, sqlite_template: Path) -> Path:
    """A gateway's data folder with a migrated, empty database."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "chatkeep.db").write_bytes(sqlite_template.read_bytes())
    return folder


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """An OpenAI-compatible server of its own for each test."""
    server = Upstream()
    try:
        yield server
    finally:
        server.stop()
