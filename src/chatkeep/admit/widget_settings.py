"""What can be set on one widget, within which clamps, and what holds by default?

Spec: limits-and-sessions (limits, session), widget.md (appearance). A stored widget
keeps only what differs; unknown or out-of-range values are refused on save.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=400)]
_Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]


class WidgetLimits(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Quotas of one widget. Per visitor unless the name says otherwise."""

    per_minute: Annotated[int, Meta(ge=1, le=60)] = 10
    per_hour: Annotated[int, Meta(ge=5, le=1000)] = 100
    per_day: Annotated[int, Meta(ge=10, le=10_000)] = 200
    interval_ms: Annotated[int, Meta(ge=0, le=10_000)] = 2000
    per_session: Annotated[int, Meta(ge=1, le=10_000)] = 50
    per_conversation: Annotated[int, Meta(ge=10, le=500)] = 100
    widget_per_hour: Annotated[int, Meta(ge=1, le=10_000_000)] = 600
    widget_per_day: Annotated[int, Meta(ge=1, le=100_000_000)] = 1000
    streams_per_session: Annotated[int, Meta(ge=1, le=100)] = 3
    streams_per_widget: Annotated[int, Meta(ge=1, le=100_000)] = 50
    message_length: Annotated[int, Meta(ge=1, le=8000)] = 2000
    token_minutes: Annotated[int, Meta(ge=1, le=60)] = 15
    idle_minutes: Annotated[int, Meta(ge=10, le=120)] = 30

    def __post_init__(self) -> None:
        """A longer window can never allow less than a shorter one."""
        if not self.per_minute <= self.per_hour <= self.per_day:
            msg = "per_minute <= per_hour <= per_day must hold"
            raise ValueError(msg)


class Theme(Struct, frozen=True, forbid_unknown_fields=True):
    """How the widget looks: typed values only, no free CSS."""

    scheme: Literal["auto", "light", "dark"] = "auto"
    accent: _Colour = "#4f46e5"
    position: Literal["bottom-right", "bottom-left"] = "bottom-right"
    radius: Literal[8, 16, 24] = 16


class Launcher(Struct, frozen=True, forbid_unknown_fields=True):
    """The button that opens the panel."""

    label: Annotated[str, Meta(max_length=40)] | None = None


Layer = Literal["address", "sessions", "session", "visitor", "widget_domain", "conversation", "concurrency", "blocks"]


class Access(Struct, frozen=True, forbid_unknown_fields=True):
    """How strictly a session is bound."""

    require_proof: bool = False
    strict_address: bool = False
    require_ticket: bool = False


class WidgetSettings(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that an owner can set on a widget besides its name, domains and agent."""

    title: Annotated[str, Meta(min_length=1, max_length=60)] = "Chat with us"
    greeting: Text = "Hello! How can we help you today?"
    suggestions: Annotated[list[Annotated[str, Meta(min_length=1, max_length=120)]], Meta(max_length=6)] = []
    disclosure: Text = "Answers are made by an AI and may be wrong."
    locale: Annotated[str, Meta(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$")] = "en"
    theme: Theme = Theme()
    launcher: Launcher = Launcher()
    limits: WidgetLimits = WidgetLimits()
    access: Access = Access()
    # Layers that only record what they would refuse.
    shadow: list[Layer] = []

    @property
    def body_cap(self) -> int:
        """The largest request body in bytes (spec: visitor-api, 413)."""
        return max(32 * 1024, 12 * self.limits.message_length + 8 * 1024)


LARGEST_BODY = 12 * 8000 + 8 * 1024
