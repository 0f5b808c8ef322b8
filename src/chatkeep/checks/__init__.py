"""Is this configuration safe to run? One file per question; each says what it found.

``serve`` refuses to start on an error and logs the warnings; ``chatkeep check`` prints
all of them. A new check is a new file with a ``check(loaded)``: it is found by itself.
"""

import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from chatkeep.errors import Misconfigured
from chatkeep.settings import Loaded


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or could be better. *message* holds the variable and the way out, never a value."""

    severity: Literal["error", "warning"]
    setting: str
    message: str


def run_checks(loaded: Loaded) -> list[Finding]:
    """Every finding, errors first."""
    found: list[Finding] = []
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        findings: Iterator[Finding] = import_module(f"{__name__}.{module}").check(loaded)
        found.extend(findings)
    return sorted(found, key=lambda finding: finding.severity != "error")


def refuse_errors(findings: list[Finding]) -> None:
    """Raise ``Misconfigured`` with the first error, in one line that says whether there are more."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        more = " (`chatkeep check` lists all findings)" if len(errors) > 1 else ""
        raise Misconfigured(errors[0].message + more)
