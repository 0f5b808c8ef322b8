"""Can the data folder be made and written?"""

import os
from collections.abc import Iterator
from pathlib import Path

from chatkeep.checks import Finding
from chatkeep.settings import Loaded, Settings


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error when something must be kept there and cannot. Nothing is made to find out."""
    settings = loaded.settings
    if not _is_needed(settings):
        return
    place = _nearest(settings.data_path)
    if not place.is_dir():
        yield Finding("error", "data_dir", "CHATKEEP_DATA_DIR is inside something that is not a folder: name a folder that can be made")
    elif not os.access(place, os.W_OK | os.X_OK):
        yield Finding("error", "data_dir", "CHATKEEP_DATA_DIR cannot be written by this user: change its owner (chown), or name another folder")


def _is_needed(settings: Settings) -> bool:
    """Whether the database or a secret of its own is kept there: with PostgreSQL in production, a read-only machine will do."""
    return not settings.database_url or not (settings.is_production or settings.secret_key)


def _nearest(path: Path) -> Path:
    """*path*, or the first above it that exists."""
    # Not Path.exists(): that raises where a folder above may not be entered.
    return next((each for each in (path, *path.parents) if os.path.lexists(each)), path)
