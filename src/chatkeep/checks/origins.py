"""Do the allowed origins name real origins, and no wildcard? (A18, A19)"""

from collections.abc import Iterator

from chatkeep.admit.domains import find_origin
from chatkeep.checks import Finding
from chatkeep.settings import Loaded, split_list

_EXAMPLE = "write whole origins like https://shop.example, separated by commas"


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error for each kind of bad entry."""
    for text in split_list(loaded.settings.allowed_origins):
        origin = find_origin(text)
        if "*" in text:
            yield Finding("error", "allowed_origins", f"CHATKEEP_ALLOWED_ORIGINS holds a wildcard: {_EXAMPLE}")
        elif origin is None:
            yield Finding("error", "allowed_origins", f"CHATKEEP_ALLOWED_ORIGINS holds something that is not an origin: {_EXAMPLE}")
        elif origin.scheme != "https" and (loaded.settings.is_production or not origin.is_loopback):
            yield Finding("error", "allowed_origins", f"CHATKEEP_ALLOWED_ORIGINS holds an http origin: {_EXAMPLE}")
