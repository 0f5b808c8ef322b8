"""Does the gateway know its own address, and is it an https one? (A08, A19)"""

from collections.abc import Iterator

from chatkeep.admit.domains import find_origin
from chatkeep.checks import Finding
from chatkeep.settings import Loaded

_EXAMPLE = "set it to where browsers reach the gateway, like https://chat.example.com"


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error when it is missing in production, or is not an origin that browsers may use."""
    settings = loaded.settings
    if settings.is_production and not settings.public_url:
        yield Finding("error", "public_url", f"CHATKEEP_PUBLIC_URL is not set: {_EXAMPLE}; to try it on this machine alone, set CHATKEEP_ENV=development")
        return
    for text in settings.public_urls:
        origin = find_origin(text)
        if origin is None:
            yield Finding("error", "public_url", f"CHATKEEP_PUBLIC_URL is not an address without a path: {_EXAMPLE}")
        elif settings.is_production and origin.scheme != "https":
            yield Finding("error", "public_url", f"CHATKEEP_PUBLIC_URL is not https: {_EXAMPLE}")
