"""What do the parameters of a list mean? Page and limit, moments, yes and no."""

from collections.abc import Mapping
from datetime import UTC, datetime

from chatkeep.errors import WrongUsage
from chatkeep.store.paging import Part

LARGEST_LIMIT = 200
_FARTHEST_PAGE = 1_000_000
_LONGEST_TIME = 40


def parse_part(query: Mapping[str, str]) -> Part:
    """``page`` and ``limit``. Raises ``WrongUsage``."""
    return Part(_parse_number(query, "page", 1, _FARTHEST_PAGE), _parse_number(query, "limit", 50, LARGEST_LIMIT))


def parse_moment(query: Mapping[str, str], name: str) -> int | None:
    """A moment in ms since 1970, if one is given: ISO 8601, days are UTC. Raises ``WrongUsage``."""
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text) if len(text) <= _LONGEST_TIME and text.isascii() else None
        if moment is not None:
            return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise WrongUsage("is a day or a time like 2026-01-31 or 2026-01-31T12:00:00Z", field=name)


def parse_flag(query: Mapping[str, str], name: str) -> bool | None:
    """``true`` or ``false``, if one is given. Raises ``WrongUsage``."""
    text = query.get(name)
    if text not in {None, "true", "false"}:
        raise WrongUsage("is true or false", field=name)
    return None if text is None else text == "true"


def parse_text(query: Mapping[str, str], name: str, *, longest: int = 300) -> str | None:
    """A text to compare with, if one is given. Raises ``WrongUsage``."""
    text = query.get(name)
    if text is not None and (not 1 <= len(text) <= longest or not text.isprintable()):
        raise WrongUsage(f"has 1 to {longest} printable characters", field=name)
    return text


def _parse_number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A whole number from 1 to *most*. Raises ``WrongUsage``."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
        raise WrongUsage(f"is a whole number from 1 to {most}", field=name)
    return int(text)
