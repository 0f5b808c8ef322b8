"""Can others on the machine read the secret files? Is any variable a typing error?"""

from collections.abc import Iterator
from pathlib import Path

from chatkeep.checks import Finding
from chatkeep.settings import Loaded

_OTHERS_MAY_READ = 0o004


def check(loaded: Loaded) -> Iterator[Finding]:
    """A warning each: containers mount secrets for everybody, and an unknown variable harms nothing."""
    for name, path in loaded.files.items():
        if Path(path).stat().st_mode & _OTHERS_MAY_READ:
            variable = f"CHATKEEP_{name.upper()}_FILE"
            yield Finding("warning", name, f"{variable} names a file that every user of the machine can read: chmod 600 it")
    for variable in loaded.unknown:
        yield Finding("warning", variable, f"{variable} is not a setting of this version: check its spelling (`chatkeep check` lists all)")
