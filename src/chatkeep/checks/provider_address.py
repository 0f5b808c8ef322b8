"""Is the model's server named by an address that can be called?"""

from collections.abc import Iterator

from chatkeep.checks import Finding
from chatkeep.errors import Misconfigured
from chatkeep.providers.openai import parse_base_url
from chatkeep.settings import Loaded


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error for what is no http address; a warning for that of one call instead of the base."""
    text = loaded.settings.openai_base_url
    if not text:
        return
    try:
        url = parse_base_url(text)
    except Misconfigured as problem:
        yield Finding("error", "openai_base_url", str(problem))
        return
    if url.rstrip("/").endswith("/chat/completions"):
        yield Finding("warning", "openai_base_url", "CHATKEEP_OPENAI_BASE_URL ends in /chat/completions: write the base address, ending in /v1")
