"""``chatkeep`` with other patience: the same program, with constants that a test chose.

``python tests/launch.py '{"chatkeep.answer.consult": {"FIRST_BYTE_SECONDS": 0.5}}' serve …``
sets module attributes; a key with a colon (``"chatkeep.cli.serving:WireLimits"``) names
something callable, and its values become keyword arguments of every call. For deadlines
that no operator may set, and that no test wants to sit through.
"""

import json
import sys
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from chatkeep.cli import main


def tune(tuned: Mapping[str, Mapping[str, Any]]) -> None:
    """Set what *tuned* says; a name that does not exist is a mistake of the test."""
    for place, values in tuned.items():
        module_name, _, name = place.partition(":")
        module = import_module(module_name)
        if name:
            setattr(module, name, partial(getattr(module, name), **values))
            continue
        for attribute, value in values.items():
            getattr(module, attribute)
            setattr(module, attribute, value)


if __name__ == "__main__":
    tune(json.loads(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
