"""Is the database one that survives the machine? (A57)"""

from collections.abc import Iterator

from chatkeep.checks import Finding
from chatkeep.errors import Misconfigured
from chatkeep.settings import Loaded
from chatkeep.store.engine import parse_database_url


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error for an address that cannot be used, a warning for SQLite in production."""
    settings = loaded.settings
    try:
        url = parse_database_url(settings.effective_database_url)
    except Misconfigured as problem:
        yield Finding("error", "database_url", str(problem))
        return
    if settings.is_production and url.get_backend_name() == "sqlite":
        yield Finding(
            "warning", "database_url", "CHATKEEP_DATABASE_URL is SQLite: fine for one machine with backups; set postgresql://user:password@host/name to grow"
        )
