"""Can several processes count together? Not on the in-process limit store."""

from collections.abc import Iterator

from chatkeep.checks import Finding
from chatkeep.settings import Loaded


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error for more than one worker, and for Redis, which does not exist here yet."""
    if loaded.settings.workers > 1:
        yield Finding("error", "workers", "CHATKEEP_WORKERS is more than 1, and limits are counted in one process: set CHATKEEP_WORKERS=1")
    if loaded.settings.redis_url:
        yield Finding("error", "redis_url", "CHATKEEP_REDIS_URL is set, and Redis is not supported yet: unset CHATKEEP_REDIS_URL")
