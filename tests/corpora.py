"""Public test data that is not in this repository: folder ``CORPORA_DIR``, skipped where it is absent."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("CORPORA_DIR") or Path(__file__).parents[1] / ".." / "shared" / "corpora")


def corpus(name: str) -> Any:
    """The JSON file *name*, or a skip that says what is missing."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"{name} is not in CORPORA_DIR: public test data, used where it is present")
    return json.loads(path.read_text(encoding="utf-8"))
