"""What can an operator do with widgets? Make, list, show, style, embed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import msgspec

from chatkeep.admit.domains import parse_entry
from chatkeep.admit.widget_settings import WidgetSettings
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.errors import WrongUsage
from chatkeep.ids import AgentId, OrgId, WidgetId, find_widget_id
from chatkeep.manage.allowed import explained
from chatkeep.manage.widget_texts import check_texts
from chatkeep.store import Store
from chatkeep.store.widgets import WidgetRow, add_widget, find_widget, list_widgets, replace_widget

ACCESS_MODES = ("session", "domain", "identity")
_LONGEST_NAME = 200


def create_widget(
    store: Store,
    clock: Clock,
    org: OrgId,
    agent: AgentId,
    *,
    name: str,
    domains: Sequence[str],
    development: bool,
    access_mode: str = "session",
    settings: Mapping[str, Any] | None = None,
) -> WidgetRow:
    """A new, live widget. Raises ``WrongUsage`` for a bad name, domain, mode or setting."""
    if access_mode not in ACCESS_MODES:
        msg = f"the access mode {access_mode!r} does not exist: use {', '.join(ACCESS_MODES)}"
        raise WrongUsage(msg)
    widget = WidgetRow(
        widget_id=WidgetId(new_id("widget")),
        org_id=org,
        agent_id=agent,
        name=_checked_name(name),
        access_mode=access_mode,
        allowed_domains=_checked_domains(domains, development=development),
        settings=_checked_access(checked_settings(settings or {}), access_mode),
        is_active=True,
        created_at_ms=int(clock.now().timestamp() * 1000),
    )
    store.transaction_now(add_widget, org, widget)
    return widget


def update_widget(store: Store, widget: WidgetRow, *, domains: Sequence[str], settings: Mapping[str, Any], development: bool) -> WidgetRow:
    """*widget* with another list and other settings. Raises ``WrongUsage``."""
    changed = replace(widget, allowed_domains=_checked_domains(domains, development=development), settings=checked_settings(settings))
    store.transaction_now(replace_widget, widget.org_id, changed)
    return changed


def all_widgets(store: Store, org: OrgId) -> list[WidgetRow]:
    """Every widget of *org*, oldest first."""
    return store.read_now(list_widgets, org)


def get_widget(store: Store, org: OrgId, widget_id: str) -> WidgetRow:
    """The widget of that id in *org*. Raises ``WrongUsage``."""
    wanted = find_widget_id(widget_id)
    widget = store.read_now(find_widget, org, wanted) if wanted is not None else None
    if widget is None:
        msg = f"there is no widget {widget_id!r} in this organization: `chatkeep widgets list` shows all"
        raise WrongUsage(msg)
    return widget


def require_tickets(store: Store, org: OrgId, widget_id: str, *, required: bool) -> WidgetRow:
    """The widget, with page tickets required or not. Raises ``WrongUsage``."""
    widget = get_widget(store, org, widget_id)
    access = {**widget.settings.get("access", {}), "require_ticket": required}
    changed = replace(widget, settings=_checked_access(checked_settings({**widget.settings, "access": access}), widget.access_mode))
    store.transaction_now(replace_widget, org, changed)
    return changed


def use_frame(store: Store, org: OrgId, widget_id: str, *, on: bool) -> WidgetRow:
    """The widget, with frame mode switched on or off. Raises ``WrongUsage``."""
    widget = get_widget(store, org, widget_id)
    features = {**widget.settings.get("features", {}), "frame": on}
    changed = replace(widget, settings=_checked_access(checked_settings({**widget.settings, "features": features}), widget.access_mode))
    store.transaction_now(replace_widget, org, changed)
    return changed


def style_widget(store: Store, org: OrgId, widget_id: str, *, theme: Mapping[str, Any], launcher: Mapping[str, Any], reset: bool) -> WidgetRow:
    """The widget, looking as before (or, with *reset*, as by default) but for what is named. Raises ``WrongUsage``."""
    widget = get_widget(store, org, widget_id)
    before = {} if reset else widget.settings
    look = {"theme": {**before.get("theme", {}), **theme}, "launcher": {**before.get("launcher", {}), **launcher}}
    changed = replace(widget, settings=checked_settings({**widget.settings, **look}))
    store.transaction_now(replace_widget, org, changed)
    return changed


def word_widget(store: Store, org: OrgId, widget_id: str, *, own: Mapping[str, str], texts: Sequence[Sequence[str]], reset: bool) -> WidgetRow:
    """The widget, saying the same as before (or, with *reset*, as by default) but for *own* settings and *texts*.

    *texts* are triples of locale (or ``default``), key and text. Raises ``WrongUsage``.
    """
    widget = get_widget(store, org, widget_id)
    forgotten = {"title", "greeting", "disclosure", "locale", "texts"} if reset else set[str]()
    settings = {name: value for name, value in widget.settings.items() if name not in forgotten}
    by_locale = {locale: dict(by_key) for locale, by_key in settings.get("texts", {}).items()}
    for locale, key, text in texts:
        by_locale.setdefault(locale, {})[key] = text
    changed = replace(widget, settings=checked_settings({**settings, **own, "texts": by_locale}))
    store.transaction_now(replace_widget, org, changed)
    return changed


def snippet(widget: WidgetRow, *, gateway: str, version: str, integrity: str) -> str:
    """The tag for the owner's page: one version, pinned by SRI."""
    return (
        f'<script async src="{escape(gateway)}/widget/v{version}/loader.js" integrity="{integrity}" '
        f'crossorigin="anonymous" data-widget-id="{widget.widget_id}"></script>'
    )


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """*settings* in stored form: only what differs from the defaults. Raises ``WrongUsage``."""
    try:
        parsed = msgspec.convert(settings, WidgetSettings)
    except msgspec.ValidationError as error:
        msg = f"the widget's settings are not usable: {explained(error)}"
        raise WrongUsage(msg) from None
    check_texts(parsed.texts)
    stored: dict[str, Any] = msgspec.to_builtins(parsed)
    return stored


def _checked_access(settings: dict[str, Any], access_mode: str) -> dict[str, Any]:
    """*settings*, unless they ask of visitors without sessions what only sessions have. Raises ``WrongUsage``."""
    if access_mode == "domain" and settings.get("access"):
        msg = "a widget in domain mode has no sessions: proofs, tickets and strict addresses need the access mode session or identity"
        raise WrongUsage(msg)
    if access_mode == "domain" and settings.get("features", {}).get("frame"):
        msg = "a widget in domain mode has no sessions: frame mode needs the access mode session or identity"
        raise WrongUsage(msg)
    return settings


def _checked_name(name: str) -> str:
    """A name that a list can show. Raises ``WrongUsage``."""
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        msg = f"a widget's name has 1 to {_LONGEST_NAME} printable characters"
        raise WrongUsage(msg)
    return name


def _checked_domains(domains: Sequence[str], *, development: bool) -> tuple[str, ...]:
    """The list in canonical form, each entry once. Raises ``WrongUsage``."""
    return tuple(dict.fromkeys(parse_entry(text, development=development).text for text in domains))
