"""Which colours can be read on which?

WCAG 2.2: relative luminance and contrast ratio (1 to 21); AA asks 4.5 of text and 3 of controls.
Colours are ``#rrggbb``, shares 0 to 1. Ratios are those of the rounded colours that are sent.
"""

from collections.abc import Iterable
from functools import lru_cache

BLACK = "#000000"
WHITE = "#ffffff"
_STEPS = 40
# Up to here, sRGB is a straight line.
_STRAIGHT = 0.04045


@lru_cache(maxsize=4096)
def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1."""
    red, green, blue = (_linear(value / 255) for value in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The ratio of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def worst(colour: str, grounds: Iterable[str]) -> float:
    """The lowest ratio of *colour* on any of *grounds*."""
    return min(contrast(colour, ground) for ground in grounds)


def mix(one: str, other: str, share: float) -> str:
    """*share* of *other* in *one*: also what is seen of *other* laid over *one* with that opacity."""
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(_parts(one), _parts(other), strict=True))


def pole(ground: str) -> str:
    """Black or white, whichever is better read on *ground* (never below 4.58)."""
    return max(WHITE, BLACK, key=lambda one: contrast(one, ground))


def opposite(one: str) -> str:
    """The other pole."""
    return BLACK if one == WHITE else WHITE


def moved(colour: str, towards: str, grounds: Iterable[str], wanted: float) -> str:
    """*colour*, moved to *towards* only as far as *wanted* contrast on all of *grounds* needs."""
    held = tuple(grounds)
    tries = (mix(colour, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next((tried for tried in tries if worst(tried, held) >= wanted), towards)


def ramp(one: str, other: str) -> tuple[str, ...]:
    """Colours along a gradient. Between its ends it may be darker than both of them."""
    return tuple(mix(one, other, step / 16) for step in range(17))


def _parts(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(value: float) -> float:
    """One channel without the display's gamma (sRGB)."""
    return value / 12.92 if value <= _STRAIGHT else ((value + 0.055) / 1.055) ** 2.4
