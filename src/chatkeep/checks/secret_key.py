"""Are the signing secrets there, strong, and not copied from a tutorial? (A55, A56, A59)"""

from collections.abc import Iterator

from chatkeep.checks import Finding
from chatkeep.crypto.strength import find_weakness
from chatkeep.settings import Loaded, split_list

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
    yield from _check_previous(loaded)


def _check_previous(loaded: Loaded) -> Iterator[Finding]:
    """An error for one that is no secret key; a warning as long as there is one: what it sealed can be opened with it."""
    name, variable = "secret_key_previous", "CHATKEEP_SECRET_KEY_PREVIOUS"
    previous = split_list(loaded.settings.secret_key_previous)
    weakness = next((found for found in map(find_weakness, previous) if found is not None), None)
    if loaded.settings.secret_key in previous:
        yield Finding("error", name, f"{variable} holds CHATKEEP_SECRET_KEY itself: set it to the one before, or remove it")
    elif weakness is not None:
        yield Finding("error", name, f"{variable} holds a key that is {weakness}: set it to the CHATKEEP_SECRET_KEY before this one, whole")
    elif previous:
        yield Finding("warning", name, f"{variable} is set: when every process has the new key, remove it and run `chatkeep keys rotate`")
