"""What can be set on one widget, within which clamps, and what holds by default?

Spec: limits-and-sessions (limits, session). How a widget looks: ``widget_theme.py``. A stored widget
keeps only what differs; unknown or out-of-range values are refused on save.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatkeep.admit.widget_theme import Launcher, Theme

Text = Annotated[str, Meta(max_length=400)]


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


class Content(Struct, frozen=True, forbid_unknown_fields=True):
    """Which texts may be HTML, which the widget cleans before it shows them, and whose pictures are loaded, in Markdown too, over HTTPS."""

    html_answers: bool = False
    html_greeting: bool = False
    image_hosts: Annotated[
        list[Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?$", title="a host", examples=["images.example"])]],
        Meta(max_length=10),
    ] = []


Layer = Literal["address", "config", "sessions", "session", "visitor", "widget_domain", "conversation", "concurrency", "blocks"]


class Access(Struct, frozen=True, forbid_unknown_fields=True):
    """How strictly a session is bound."""

    require_proof: bool = False
    strict_address: bool = False
    require_ticket: bool = False


class Consent(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a visitor is asked before the first message. *text* may be empty (the widget has its own); *link*: where it says more."""

    text: Annotated[str, Meta(max_length=600)] = ""
    link: Annotated[str, Meta(max_length=500, pattern=r"^(https?://[!-~]+)?$", title="an address", examples=["https://shop.example/privacy"])] = ""
    required: bool = True


class Features(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a widget offers besides questions and answers.

    *frame*: the chat runs in a frame of the gateway's origin, out of reach for the page. *resume*: a visitor who
    reloads the page goes on with the conversation, by a handle in the tab's ``sessionStorage``.
    """

    frame: bool = False
    resume: bool = False
    feedback: bool = True
    transcript: bool = True
    # Usage events of the widget; browsers that ask not to be tracked send none in any case.
    analytics: bool = True
    # Card and account numbers that the visitor typed are shown as dots.
    masking: bool = True
    consent: Consent | None = None


class WidgetSettings(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that an owner can set on a widget besides its name, domains and agent."""

    # An empty text is said by the widget, in the visitor's language.
    title: Annotated[str, Meta(max_length=60)] = ""
    greeting: Text = ""
    suggestions: Annotated[list[Annotated[str, Meta(min_length=1, max_length=120)]], Meta(max_length=6)] = []
    disclosure: Text = ""
    # `auto`: the language of the page, else one that the visitor reads.
    locale: Annotated[
        str, Meta(pattern=r"^(auto|[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*)$", max_length=35, title="a language tag", examples=["auto", "de", "pt-BR"])
    ] = "auto"
    # By locale or `default`, then by key (manage/widget_texts.py).
    texts: dict[str, dict[str, str]] = {}
    theme: Theme = Theme()
    launcher: Launcher = Launcher()
    content: Content = Content()
    limits: WidgetLimits = WidgetLimits()
    access: Access = Access()
    features: Features = Features()
    # Layers that only record what they would refuse; those of the whole instance cannot be named.
    shadow: list[Layer] = []

    @property
    def body_cap(self) -> int:
        """The largest request body in bytes (spec: visitor-api, 413)."""
        return max(32 * 1024, 12 * self.limits.message_length + 8 * 1024)


LARGEST_BODY = 12 * 8000 + 8 * 1024
