"""Is the model's server named whole?"""

from collections.abc import Iterator

from chatkeep.checks import Finding
from chatkeep.settings import Loaded


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error when a key or an address is set without a model."""
    settings = loaded.settings
    if settings.openai_configured and not settings.openai_model:
        yield Finding("error", "openai_model", "CHATKEEP_OPENAI_MODEL is not set: name the model to ask, as CHATKEEP_OPENAI_BASE_URL's server calls it")
