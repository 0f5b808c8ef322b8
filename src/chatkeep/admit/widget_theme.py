"""What may an owner say about how a widget looks?

Spec: widget.md (theming). Typed values from closed lists and colours as ``#rrggbb``; no CSS.
What is not said comes from the preset. ``accept/look`` makes the final values of these.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$", title="a colour", description="a colour as #rrggbb", examples=["#0f766e"])]
Preset = Literal["default", "dark", "ocean", "sunset", "forest", "purple", "glassmorphic", "minimal"]
Scheme = Literal["auto", "light", "dark"]
Radius = Literal[8, 16, 24]
Density = Literal["compact", "comfortable", "spacious"]
Font = Literal["system", "humanist", "geometric", "rounded", "serif", "mono"]
Size = Literal["small", "medium", "large"]
Position = Literal["bottom-right", "bottom-left", "top-right", "top-left"]
Style = Literal["round", "square", "pill", "text"]
Icon = Literal["chat", "message", "spark", "question", "headset", "mail"]


class Theme(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the widget looks. ``None`` leaves a value to the preset.

    A colour may be any: what is drawn is moved away from it only as far as WCAG AA needs.
    """

    preset: Preset = "default"
    scheme: Scheme | None = None
    # Buttons, links and all that stands out, in light and in dark.
    accent: Colour | None = None
    header: Colour | None = None
    # The visitor's own messages.
    bubble: Colour | None = None
    surface: Colour | None = None
    text: Colour | None = None
    dark_surface: Colour | None = None
    dark_text: Colour | None = None
    radius: Radius | None = None
    density: Density = "comfortable"
    font: Font | None = None
    size: Size = "medium"
    position: Position = "bottom-right"


class Launcher(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The button that opens the panel. Without a style, it is a pill where there is a label and round where not."""

    label: Annotated[str, Meta(max_length=40)] | None = None
    style: Style | None = None
    icon: Icon = "chat"
    color: Colour | None = None

    def __post_init__(self) -> None:
        """What is made of words needs some."""
        if self.style in ("pill", "text") and not (self.label or "").strip():
            msg = f"the launcher style {self.style} shows a label: give it one, or choose round or square"
            raise ValueError(msg)
