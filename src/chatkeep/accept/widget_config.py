"""``GET /api/widgets/{widget_id}/config``: what a page may know of its widget.

An allow-list schema: a setting is public only if it is a field here.
"""

from typing import Any

import msgspec
from msgspec import Struct

from chatkeep import __version__
from chatkeep.accept.look import LauncherLook, Look, resolve_launcher, resolve_theme
from chatkeep.admit import Desk, enter_openly
from chatkeep.admit._types import Widget
from chatkeep.admit.widget_settings import Consent, Content
from chatkeep.crypto import content_digest
from chatkeep.errors import Reason
from chatkeep.web.etags import is_known
from chatkeep.web.headers import CONFIG_CACHE, Surface
from chatkeep.web.routes import Audience, Call, Reply, Route


class PublicLimits(Struct):
    """What the widget needs to be polite: code points a message, ms between two."""

    message_length: int
    interval_ms: int


class PublicFeatures(Struct):
    """What this widget has besides a plain chat. *texts*: the owner's, by locale or ``default``, then by key; *tickets*: a session needs one; others as set."""

    texts: dict[str, dict[str, str]]
    tickets: bool
    frame: bool
    resume: bool
    feedback: bool
    transcript: bool
    analytics: bool
    masking: bool
    consent: Consent | None


class WidgetConfig(Struct):
    """The public settings of a widget."""

    widget_id: str
    version: str
    access_mode: str
    title: str
    greeting: str
    suggestions: list[str]
    disclosure: str
    locale: str
    theme: Look
    launcher: LauncherLook
    content: Content
    limits: PublicLimits
    features: PublicFeatures
    # The address of the page that holds the chat, in frame mode.
    frame_url: str | None


def public_config(widget: Widget, desk: Desk) -> bytes:
    """The public settings of *widget* as JSON."""
    own = widget.settings
    offered = {name: getattr(own.features, name) for name in own.features.__struct_fields__}
    config = WidgetConfig(
        widget_id=widget.widget_id,
        version=__version__,
        access_mode=widget.access_mode,
        title=own.title,
        greeting=own.greeting,
        suggestions=own.suggestions,
        disclosure=own.disclosure,
        locale=own.locale,
        theme=resolve_theme(own.theme, own.launcher.color),
        launcher=resolve_launcher(own.launcher),
        content=own.content,
        limits=PublicLimits(own.limits.message_length, own.limits.interval_ms),
        features=PublicFeatures(texts=own.texts, tickets=own.access.require_ticket, **offered),
        frame_url=f"{desk.settings.frame_urls[0]}/widget/frame/{widget.widget_id}" if own.features.frame else None,
    )
    return msgspec.json.encode(config)


def config_routes(desk: Desk) -> list[Route]:
    """The rows of this file."""

    async def read_config(call: Call) -> Reply:
        content = public_config(await enter_openly(call.arrival, call.params["widget_id"], desk), desk)
        tag = f'"{content_digest(content)[:32]}"'
        headers: tuple[tuple[str, str], ...] = (("etag", tag),)
        if is_known(call.arrival.headers, tag):
            return Reply(status=304, headers=headers, cache=CONFIG_CACHE)
        return Reply(content=content, headers=headers, cache=CONFIG_CACHE)

    errors: tuple[Any, ...] = (
        Reason.INVALID_WIDGET_ID,
        Reason.DOMAIN_NOT_AUTHORIZED,
        Reason.WIDGET_NOT_FOUND,
        Reason.NOT_ACCEPTABLE,
        Reason.MISDIRECTED_REQUEST,
        Reason.RATE_LIMIT_EXCEEDED,
        Reason.INTERNAL_SERVER_ERROR,
        Reason.SERVICE_UNAVAILABLE,
    )
    return [
        Route(
            "GET",
            "/api/widgets/{widget_id}/config",
            Audience.LISTED_PAGE,
            Surface.VISITOR_API,
            "Read the widget's public settings",
            read_config,
            WidgetConfig,
            errors=errors,
            revalidates=True,
        )
    ]
