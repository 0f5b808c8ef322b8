"""Which texts are hostile? Those of ``answers.txt``, one a line, in families."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("answers.txt")
_NAMED = {"n": "\n", "r": "\r", "t": "\t"}
_ADDRESS = re.compile(r"!?\[[^\]]*\]\(<?(.*?)>?\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile text."""

    family: str
    text: str

    @property
    def address(self) -> str:
        """The address of a link that is the whole text; else the text itself."""
        found = _ADDRESS.fullmatch(self.text)
        return found[1] if found else self.text


@cache
def hostile_cases() -> tuple[Case, ...]:
    """Every case, in the order of the file. ``widget/test/hostile.ts`` reads it in the same way."""
    _introduction, *families = re.split(r"^## ", _FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = []
    for part in families:
        family, *lines = part.split("\n")
        found += [Case(family, _expand(line)) for line in lines if line]
    return tuple(found)


def _expand(line: str) -> str:
    """The text that a line stands for."""
    characters = re.sub(r"⟦([nrt]|[\da-f]+)⟧", lambda mark: _NAMED.get(mark[1]) or chr(int(mark[1], 16)), line)
    return re.sub(r"⟦(\d+)×(.*?)⟧", lambda mark: mark[2] * int(mark[1]), characters, flags=re.DOTALL)
