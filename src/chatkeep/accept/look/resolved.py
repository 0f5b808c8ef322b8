"""What does the widget get to draw with? The owner's tokens over their preset, as final values."""

from dataclasses import replace
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from chatkeep.accept.look.colour import mix, pole
from chatkeep.accept.look.palette import palette
from chatkeep.accept.look.presets import DENSITIES, FONTS, ICONS, PRESETS, SIZES, Ready, Tone
from chatkeep.admit.widget_theme import Launcher, Position, Scheme, Style, Theme


class Look(Struct, frozen=True):
    """CSS custom properties by name: ``shape`` always, and ``light`` or ``dark`` as the scheme says."""

    scheme: Scheme
    position: Position
    shape: dict[str, str]
    light: dict[str, str]
    dark: dict[str, str]


class LauncherLook(Struct, frozen=True):
    """The button: ``icon`` is SVG paths on a 24 x 24 grid."""

    label: str | None
    style: Style
    icon: tuple[str, ...]


@lru_cache(maxsize=256)
def resolve_theme(theme: Theme, launcher_color: str | None) -> Look:
    """The final values of *theme*, in light and in dark."""
    ready = PRESETS[theme.preset]
    return Look(
        scheme=theme.scheme or ready.scheme,
        position=theme.position,
        shape=_shape(theme, ready),
        light=palette(_owned(ready.light, theme, theme.surface, theme.text), launcher=launcher_color),
        dark=palette(_owned(ready.dark, theme, theme.dark_surface, theme.dark_text), launcher=launcher_color),
    )


def resolve_launcher(launcher: Launcher) -> LauncherLook:
    """The final values of *launcher*."""
    label = (launcher.label or "").strip() or None
    fitting: Literal["pill", "round"] = "pill" if label else "round"
    return LauncherLook(label=label, style=launcher.style or fitting, icon=ICONS[launcher.icon])


def _shape(theme: Theme, ready: Ready) -> dict[str, str]:
    """What does not depend on light and dark."""
    letters, side, turn = DENSITIES[theme.density]
    width, height = SIZES[theme.size]
    return {
        "--r": f"{theme.radius or ready.radius}px",
        "--fs": letters,
        "--side": side,
        "--turn": turn,
        "--w": width,
        "--h": height,
        "--font": FONTS[theme.font or ready.font],
    }


def _owned(tone: Tone, theme: Theme, surface: str | None, text: str | None) -> Tone:
    """*tone* with the owner's colours. An accent of the owner's also takes the place of what matched the preset's."""
    if theme.accent:
        # A flat look keeps its quiet bubbles.
        bubble = tone.bubble if tone.is_flat else None
        tone = replace(tone, accent=theme.accent, other=None, bubble=bubble, header=tone.header and _band(theme.accent))
    if theme.header:
        tone = replace(tone, header=_band(theme.header))
    if surface:
        tone = replace(tone, surface=surface, text=mix(pole(surface), surface, 0.07))
    return replace(tone, bubble=theme.bubble or tone.bubble, text=text or tone.text)


def _band(colour: str) -> tuple[str, str]:
    """A header of one colour: a quiet gradient."""
    return colour, mix(colour, pole(colour), 0.1)
