"""Are the signing secrets there, strong, and not copied from a tutorial? (A55, A56, A59)"""

from collections.abc import Iterator

from chatkeep.checks import Finding
from chatkeep.crypto.strength import find_weakness
from chatkeep.settings import Loaded

_MAKE = "make one with `openssl rand -base64 48`"


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error for a missing or weak secret; in development a missing one is made."""
    settings = loaded.settings
    for name in ("secret_key", "widget_token_secret", "admin_jwt_secret"):
        variable = "CHATKEEP_" + name.upper()
        value = getattr(settings, name)
        if value:
            weakness = find_weakness(value)
            if weakness is not None:
                yield Finding("error", name, f"{variable} is {weakness}: {_MAKE}")
        elif name == "secret_key" and settings.is_production:
            yield Finding("error", name, f"{variable} is not set: {_MAKE}; to try it on this machine alone, set CHATKEEP_ENV=development")
