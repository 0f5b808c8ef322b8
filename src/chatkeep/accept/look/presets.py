"""Which looks are ready-made? The eight presets, the fonts, densities, sizes and launcher icons.

Fonts are stacks of what systems bring; nothing is fetched. Icons are paths on a 24 x 24 grid.
"""

from dataclasses import dataclass
from typing import Final

from chatkeep.admit.widget_theme import Density, Font, Icon, Preset, Radius, Scheme, Size


@dataclass(frozen=True, slots=True)
class Tone:
    """One preset in light or in dark. *other* ends the gradients of *accent*; *wash* is how much of it is in the top."""

    surface: str
    text: str
    accent: str
    other: str | None = None
    header: tuple[str, str] | None = None
    bubble: str | None = None
    wash: float = 0.1
    # Opacity of the panel, before contrast asks for more.
    opacity: float = 1.0
    is_flat: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A preset."""

    light: Tone
    dark: Tone
    scheme: Scheme = "auto"
    radius: Radius = 16
    font: Font = "system"


_LIGHT: Final = Tone("#ffffff", "#121828", "#4f46e5", wash=0.08)
_DARK: Final = Tone("#16181f", "#eceef4", "#5f58e8", wash=0.16)

PRESETS: Final[dict[Preset, Ready]] = {
    "default": Ready(_LIGHT, _DARK),
    "dark": Ready(
        Tone("#ffffff", "#101318", "#0b7285", wash=0.06),
        Tone("#0d0f13", "#e8eaee", "#5eead4", "#38bdf8", bubble="#1f2a30", wash=0.07),
        scheme="dark",
    ),
    "ocean": Ready(
        Tone("#fbfdff", "#0b2239", "#0369a1", "#0e7490", header=("#075985", "#0f766e")),
        Tone("#0a1722", "#e3eef6", "#38bdf8", "#2dd4bf", header=("#0c2f47", "#0b4a4c"), bubble="#075985"),
    ),
    "sunset": Ready(
        Tone("#fffaf6", "#33161b", "#c2255c", "#d6450f", header=("#ffc078", "#ff8fa3"), bubble="#ffe1d1"),
        Tone("#1d1218", "#fbeae6", "#ff8a6b", "#f06595", header=("#5c2331", "#7a3b1e"), bubble="#6b2737"),
        radius=24,
    ),
    "forest": Ready(
        Tone("#fcfdf8", "#1b2a20", "#2f6b3f", "#3f7d20", bubble="#dcebd5", wash=0.09),
        Tone("#101812", "#e6efe4", "#86c98e", "#a3b18a", bubble="#234a31", wash=0.12),
    ),
    "purple": Ready(
        Tone("#fdfbff", "#22143a", "#7c3aed", "#c026d3", header=("#6d28d9", "#a21caf")),
        Tone("#171122", "#f0eafa", "#a78bfa", "#e879f9", header=("#3b1a6e", "#5b1763"), bubble="#5b21b6"),
        radius=24,
    ),
    "glassmorphic": Ready(
        Tone("#ffffff", "#0f172a", "#2563eb", "#7c3aed", wash=0.08, opacity=0.8),
        Tone("#10141f", "#f1f5f9", "#7aa2ff", "#a78bfa", wash=0.1, opacity=0.86),
        radius=24,
    ),
    "minimal": Ready(
        Tone("#ffffff", "#18181b", "#18181b", bubble="#f1f1f2", wash=0, is_flat=True),
        Tone("#111112", "#ededee", "#ededee", bubble="#29292b", wash=0, is_flat=True),
        radius=8,
    ),
}

_SANS: Final = "'Noto Sans', sans-serif"
FONTS: Final[dict[Font, str]] = {
    "system": f"-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, {_SANS}",
    "humanist": f"Seravek, 'Gill Sans Nova', Ubuntu, Calibri, Candara, {_SANS}",
    "geometric": f"Avenir, 'Avenir Next', Montserrat, Corbel, 'URW Gothic', {_SANS}",
    "rounded": f"ui-rounded, 'SF Pro Rounded', 'Hiragino Maru Gothic ProN', Nunito, 'Varela Round', {_SANS}",
    "serif": "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, Georgia, 'Noto Serif', serif",
    "mono": "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace",
}

# Text size, space at the sides, space between two turns.
DENSITIES: Final[dict[Density, tuple[str, str, str]]] = {
    "compact": ("14px", "14px", "12px"),
    "comfortable": ("15px", "18px", "18px"),
    "spacious": ("16px", "22px", "26px"),
}

# Width and height of the panel where the screen has room for them.
SIZES: Final[dict[Size, tuple[str, str]]] = {
    "small": ("340px", "520px"),
    "medium": ("380px", "600px"),
    "large": ("440px", "720px"),
}

_BUBBLE: Final = "M12 3.5c-5 0-9 3.4-9 7.7 0 2.4 1.3 4.5 3.3 5.9-.1 1-.5 2.1-1.4 3.1 1.7-.1 3.3-.7 4.6-1.7.8.2 1.6.3 2.5.3 5 0 9-3.4 9-7.7s-4-7.6-9-7.6z"
ICONS: Final[dict[Icon, tuple[str, ...]]] = {
    "chat": (_BUBBLE, "M8.2 10.7v1M12 10.7v1M15.8 10.7v1"),
    "message": ("M6 4.5h12a3 3 0 0 1 3 3v6.5a3 3 0 0 1-3 3h-6l-4.5 3.6V17H6a3 3 0 0 1-3-3V7.5a3 3 0 0 1 3-3z", "M7.5 9h9M7.5 12.7h5.5"),
    "spark": (
        "M10.5 4.5c.7 4.6 2.9 6.8 7.5 7.5-4.6.7-6.8 2.9-7.5 7.5-.7-4.6-2.9-6.8-7.5-7.5 4.6-.7 6.8-2.9 7.5-7.5z",
        "M18.5 3v4.5M16.25 5.25h4.5M19.5 17.5v3M18 19h3",
    ),
    "question": ("M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M9.4 9.4a2.7 2.7 0 1 1 3.9 2.6c-.8.4-1.3 1-1.3 1.9", "M12 16.9v.01"),
    "headset": (
        "M4 15v-3a8 8 0 0 1 16 0v3",
        "M4 14h1.5a1.5 1.5 0 0 1 1.5 1.5v2a1.5 1.5 0 0 1-1.5 1.5A1.5 1.5 0 0 1 4 17.5zM20 14h-1.5a1.5 1.5 0 0 0-1.5 1.5v2a1.5 1.5 0 0 0 1.5 1.5",
        "M20 14v3.5a3 3 0 0 1-3 3h-4",
    ),
    "mail": ("M5 5.5h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2z", "M3.5 7.5l8.5 6 8.5-6"),
}
