"""Does the chat in frames live on a host of its own? (frame mode)"""

from collections.abc import Iterator

from chatkeep.admit.domains import find_origin
from chatkeep.checks import Finding
from chatkeep.settings import Loaded

_EXAMPLE = "set it to a host that only this gateway uses, like https://chat-frame.example.com"


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error for what is no origin that browsers may use; in production a warning when it shares its host."""
    settings = loaded.settings
    text = settings.widget_url
    origin = find_origin(text.rstrip("/"))
    if text and origin is None:
        yield Finding("error", "widget_url", f"CHATKEEP_WIDGET_URL is not an address without a path: {_EXAMPLE}")
    elif not settings.is_production:
        return
    elif origin is not None and origin.scheme != "https":
        yield Finding("error", "widget_url", f"CHATKEEP_WIDGET_URL is not https: {_EXAMPLE}")
    elif settings.public_url and (origin is None or origin.host in {found.host for url in settings.public_urls if (found := find_origin(url)) is not None}):
        yield Finding(
            "warning",
            "widget_url",
            f"CHATKEEP_WIDGET_URL is not a host of its own: frame mode keeps the page out of the chat, but the chat not out of the dashboard; {_EXAMPLE}",
        )
