"""Which colours does the widget draw with, so that every text and control on every ground reaches WCAG AA?

First the grounds are settled, so that black or white is readable on each; then every
colour that stands on them moves towards that pole, only as far as its worst ground needs.
"""

from dataclasses import dataclass

from chatkeep.accept.look.colour import BLACK, WHITE, contrast, mix, moved, opposite, pole, ramp, worst
from chatkeep.accept.look.presets import Tone

# A hair above AA: browsers round once more when they lay translucent colours over each other.
_TEXT = 4.6
_CONTROL = 3.1
# What the better of black and white keeps on the panel and on its tinted rows: room for secondary text and links.
_ROOM = 7.0
_TINTED_ROOM = 5.5
_HOVER = 0.08
_HEAD_HOVER = 0.12


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled thing (button, bubble, header): its gradient, and what is written on it."""

    one: str
    other: str
    ink: str

    @property
    def gradient(self) -> str:
        """As a CSS image."""
        return f"linear-gradient(140deg, {self.one}, {self.other})"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the panel is made of. *seen* is the surface over whatever may lie behind it, *washed* the same with the wash on top."""

    surface: str
    pole: str
    opacity: float
    seen: tuple[str, ...]
    washed: tuple[str, ...]
    wash: tuple[str, str]
    soft: str
    tint: str
    bad_soft: str

    @property
    def is_dark(self) -> bool:
        """Whether light text stands on it."""
        return self.pole == WHITE

    @property
    def every(self) -> tuple[str, ...]:
        """All grounds of running text."""
        return (*self.seen, *self.washed, self.soft, self.tint, self.bad_soft)


def palette(tone: Tone, *, launcher: str | None = None) -> dict[str, str]:
    """The custom properties of *tone*, by name; *launcher* is the button's own colour, if it has one."""
    fill = _fill(tone)
    ground = _ground(tone, fill)
    written = _written(tone, ground)
    bubble = _filled(moved(tone.bubble, ground.pole, [ground.surface], 1.1)) if tone.bubble else fill
    call = _filled(launcher) if launcher else fill
    return {
        "--scheme": "dark" if ground.is_dark else "light",
        "--bg": ground.surface,
        "--pane": _clear(ground.surface, ground.opacity),
        "--blur": "none" if ground.opacity == 1 else "blur(24px) saturate(1.6)",
        "--wash": ground.wash[0],
        "--wash2": ground.wash[1],
        "--soft": ground.soft,
        "--tint": ground.tint,
        "--bad-soft": ground.bad_soft,
        "--hover": _clear(ground.pole, _HOVER),
        **written,
        "--lift": _lift(tone, ground),
        "--fill": fill.one,
        "--fill2": fill.other,
        "--ink": fill.ink,
        "--said": bubble.one,
        "--said-ink": bubble.ink,
        "--call": call.gradient,
        "--call-ink": call.ink,
        **_head(tone, fill, ground, written),
    }


def _fill(tone: Tone) -> Filled:
    """The accent as a fill: far enough from the surface to be seen as one."""
    surface, towards = _settled(tone.surface)
    distance = 2.4 if towards == WHITE else 1.6
    one = moved(tone.accent, towards, [surface], distance)
    if tone.is_flat:
        return _filled(one, one)
    return _filled(one, moved(tone.other, towards, [surface], distance) if tone.other else None)


def _filled(one: str, other: str | None = None, *, hover: float = 0.0) -> Filled:
    """*one* to *other* with an ink that is read all along, also under a veil of the ink (*hover*).

    Without *other*, the gradient goes away from the ink, where contrast can only rise.
    """

    def lowest(ink: str, start: str, end: str) -> float:
        along = ramp(start, end)
        return worst(ink, (*along, *(mix(step, ink, hover) for step in along)))

    ends = (one, other or one)
    ink = next((ink for ink in (WHITE, "#111827", BLACK) if lowest(ink, *ends) >= _TEXT), None)
    if ink is None:
        ink = max(WHITE, BLACK, key=lambda candidate: lowest(candidate, *ends))
        away = opposite(ink)
        tries = ((mix(ends[0], away, step / 40), mix(ends[1], away, step / 40)) for step in range(41))
        ends = next(tried for tried in tries if lowest(ink, *tried) >= _TEXT)
    return Filled(ends[0], ends[1] if other else mix(ends[0], WHITE if ink != WHITE else BLACK, 0.16), ink)


def _settled(surface: str) -> tuple[str, str]:
    """*surface*, out of the mid tones on which nothing but black or white can be read; and which of them."""
    towards = pole(surface)
    return moved(surface, opposite(towards), [towards], _ROOM), towards


def _ground(tone: Tone, fill: Filled) -> Ground:
    """The panel's surface and the tinted rows on it."""
    surface, towards = _settled(tone.surface)
    opacity = next(
        (share for share in (tone.opacity + step / 50 for step in range(50)) if share < 1 and worst(towards, _behind(surface, share)) >= _ROOM),
        1.0,
    )
    seen = (surface, *_behind(surface, opacity)) if opacity < 1 else (surface,)
    wash = next(share for share in _less(tone.wash) if worst(towards, _washed(seen, fill, share)) >= _TINTED_ROOM)
    is_dark = towards == WHITE
    return Ground(
        surface=surface,
        pole=towards,
        opacity=opacity,
        seen=seen,
        washed=_washed(seen, fill, wash),
        wash=(_clear(fill.one, wash), _clear(fill.other, wash)),
        soft=_tinted(surface, mix(towards, fill.one, 0.3), 0.08 if is_dark else 0.05, towards),
        tint=_tinted(surface, fill.one, 0.14 if is_dark else 0.08, towards),
        bad_soft=_tinted(surface, "#f04438", 0.2 if is_dark else 0.07, towards),
    )


def _written(tone: Tone, ground: Ground) -> dict[str, str]:
    """What stands on the panel: text, links, marks, borders."""
    hovered = [mix(below, ground.pole, _HOVER) for below in (*ground.seen, *ground.washed)]
    text = moved(tone.text, ground.pole, (*ground.every, *hovered), _TEXT)
    bad = "#ffa198" if ground.is_dark else "#b42318"
    return {
        "--text": text,
        "--muted": moved(mix(text, ground.surface, 0.32), ground.pole, ground.every, _TEXT),
        "--line": mix(ground.surface, text, 0.15 if ground.is_dark else 0.12),
        "--edge": moved(mix(text, ground.surface, 0.55), ground.pole, (*ground.seen, *ground.washed), _CONTROL),
        "--accent": moved(tone.accent, ground.pole, ground.every, _TEXT),
        "--bad": moved(bad, ground.pole, ground.every, _TEXT),
    }


def _head(tone: Tone, fill: Filled, ground: Ground, written: dict[str, str]) -> dict[str, str]:
    """The header: a band of its own colours, or the top of the panel."""
    if tone.header is None:
        return {
            "--head": "none",
            "--head-ink": written["--text"],
            "--head-muted": written["--muted"],
            "--head-hover": _clear(ground.pole, _HOVER),
            "--mark": fill.gradient,
            "--mark-ink": fill.ink,
        }
    band = _filled(*tone.header, hover=_HEAD_HOVER)
    along = ramp(band.one, band.other)
    veil = _clear(band.ink, _HEAD_HOVER)
    return {
        "--head": band.gradient,
        "--head-ink": band.ink,
        "--head-muted": moved(mix(band.ink, band.one, 0.2), band.ink, along, _TEXT),
        "--head-hover": veil,
        "--mark": f"linear-gradient({veil}, {veil})",
        "--mark-ink": band.ink,
    }


def _lift(tone: Tone, ground: Ground) -> str:
    """The panel's shadow and hairline."""
    if tone.is_flat:
        hairline = mix(ground.surface, ground.pole, 0.2 if ground.is_dark else 0.14)
        return f"0 0 0 1px {hairline}, 0 12px 32px -12px #0000003d"
    glint = ", inset 0 1px 0 #ffffff40, inset 0 0 0 1px #ffffff26" if ground.opacity < 1 else ""
    if ground.is_dark:
        return f"0 0 0 1px #ffffff1a, 0 20px 48px -8px #000000a6{glint}"
    return f"0 0 0 1px #1018280f, 0 4px 8px -2px #1018281a, 0 20px 48px -8px #10182842{glint}"


def _behind(surface: str, opacity: float) -> tuple[str, str]:
    """*surface* over black and over white: every page behind it gives something in between, channel by channel."""
    return mix(BLACK, surface, opacity), mix(WHITE, surface, opacity)


def _washed(seen: tuple[str, ...], fill: Filled, share: float) -> tuple[str, ...]:
    """*seen* under one wash, under the other, and under both."""
    first = [mix(below, fill.one, share) for below in seen]
    return (*first, *(mix(below, fill.other, share) for below in (*seen, *first)))


def _tinted(surface: str, colour: str, share: float, towards: str) -> str:
    """*surface* with as much of *colour* as leaves it readable, at most *share*."""
    tries = (mix(surface, colour, less) for less in _less(share))
    return next(tried for tried in tries if contrast(towards, tried) >= _TINTED_ROOM)


def _less(share: float) -> list[float]:
    """*share*, three quarters, half, a quarter, none."""
    return [share * part / 4 for part in range(4, -1, -1)]


def _clear(colour: str, opacity: float) -> str:
    """*colour* with that opacity, as ``#rrggbbaa``."""
    return colour if opacity == 1 else f"{colour}{round(opacity * 255):02x}"
