"""What can an operator do with widgets? Make, list, change, style, copy, pause, delete, embed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import msgspec

from chatkeep.admit._forms import explain, unknown
from chatkeep.admit.domains import parse_entry
from chatkeep.admit.widget_settings import WidgetSettings
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.errors import InTheWay, NotThere, WrongUsage
from chatkeep.ids import AgentId, OrgId, WidgetId, find_widget_id
from chatkeep.manage.widget_aliases import merge, resolve
from chatkeep.manage.widget_texts import check_texts
from chatkeep.store import Store, Tx
from chatkeep.store.paging import Part
from chatkeep.store.usage import messages_today
from chatkeep.store.widgets import (
    WidgetRow,
    add_widget,
    delete_widget,
    find_widget,
    has_widget_id,
    list_widgets,
    part_of_widgets,
    replace_widget,
)

ACCESS_MODES = ("session", "domain", "identity")
_LONGEST_NAME = 200
_MOST_DOMAINS = 200


@dataclass(frozen=True, slots=True)
class WidgetChange:
    """What to set; ``None`` leaves it as it is. In *settings*, ``None`` means the default again."""

    name: str | None = None
    agent_id: AgentId | None = None
    access_mode: str | None = None
    domains: Sequence[str] | None = None
    settings: Mapping[str, Any] | None = None


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
    widget_id: str | None = None,
) -> WidgetRow:
    """A new, live widget, with an id of the caller's choice if it is free. Raises ``WrongUsage`` for a bad name, domain, mode or setting."""
    _check_mode(access_mode)
    widget = WidgetRow(
        widget_id=_checked_id(widget_id),
        org_id=org,
        agent_id=agent,
        name=_checked_name(name),
        access_mode=access_mode,
        allowed_domains=_checked_domains(domains, development=development),
        settings=_checked_access(checked_settings(_merged({}, resolve(settings or {}))), access_mode),
        is_active=True,
        created_at_ms=int(clock.now().timestamp() * 1000),
    )
    store.transaction_now(_add, org, widget)
    return widget


def change_widget(store: Store, org: OrgId, widget_id: str, wanted: WidgetChange, *, development: bool) -> WidgetRow:
    """The widget with what is given changed; running gateways follow within 2 s. Raises ``WrongUsage``."""

    def change(old: WidgetRow) -> WidgetRow:
        mode = old.access_mode if wanted.access_mode is None else wanted.access_mode
        _check_mode(mode)
        settings = old.settings if wanted.settings is None else _merged(old.settings, resolve(wanted.settings))
        return replace(
            old,
            name=old.name if wanted.name is None else _checked_name(wanted.name),
            agent_id=old.agent_id if wanted.agent_id is None else wanted.agent_id,
            access_mode=mode,
            allowed_domains=old.allowed_domains if wanted.domains is None else _checked_domains(wanted.domains, development=development),
            settings=_checked_access(checked_settings(settings), mode),
        )

    return _edit(store, org, widget_id, change)


def clone_widget(store: Store, clock: Clock, org: OrgId, widget_id: str, *, name: str | None = None) -> WidgetRow:
    """A copy of a widget with an id of its own. Keys of identities and tickets are not copied. Raises ``WrongUsage``."""
    old = get_widget(store, org, widget_id)
    copied = replace(
        old,
        widget_id=WidgetId(new_id("widget")),
        name=_checked_name(f"Copy of {old.name}"[:_LONGEST_NAME] if name is None else name),
        is_active=True,
        created_at_ms=int(clock.now().timestamp() * 1000),
    )
    store.transaction_now(add_widget, org, copied)
    return copied


def set_active(store: Store, org: OrgId, widget_id: str, *, is_active: bool) -> WidgetRow:
    """Pause a widget, or let it go on. Paused: new messages are refused and open streams end within 2 s. Raises ``NotThere``."""
    return _edit(store, org, widget_id, lambda widget: replace(widget, is_active=is_active))


def remove_widget(store: Store, clock: Clock, org: OrgId, widget_id: str) -> None:
    """Delete a widget; its conversations stay until they are erased. Raises ``NotThere``."""
    found = get_widget(store, org, widget_id)
    store.transaction_now(delete_widget, org, found.widget_id, at_ms=int(clock.now().timestamp() * 1000))


def some_widgets(store: Store, org: OrgId, part: Part) -> tuple[list[WidgetRow], int]:
    """Widgets of *org*, oldest first, and how many there are."""
    return store.read_now(part_of_widgets, org, part)


def usage_today(store: Store, clock: Clock, org: OrgId) -> Mapping[WidgetId, int]:
    """Messages of each widget since midnight (UTC)."""
    return store.read_now(messages_today, org, clock.now().date().isoformat())


def update_widget(store: Store, widget: WidgetRow, *, domains: Sequence[str], settings: Mapping[str, Any], development: bool) -> WidgetRow:
    """*widget* with another list and other settings. Raises ``WrongUsage``."""
    listed, wanted = _checked_domains(domains, development=development), checked_settings(settings)
    return _edit(store, widget.org_id, widget.widget_id, lambda old: replace(old, allowed_domains=listed, settings=wanted))


def all_widgets(store: Store, org: OrgId) -> list[WidgetRow]:
    """Every widget of *org*, oldest first."""
    return store.read_now(list_widgets, org)


def get_widget(store: Store, org: OrgId, widget_id: str) -> WidgetRow:
    """The widget of that id in *org*. Raises ``WrongUsage``."""
    return store.read_now(_load, org, widget_id)


def require_tickets(store: Store, org: OrgId, widget_id: str, *, required: bool) -> WidgetRow:
    """The widget, with page tickets required or not. Raises ``WrongUsage``."""
    return _set_in_group(store, org, widget_id, "access", {"require_ticket": required})


def use_frame(store: Store, org: OrgId, widget_id: str, *, on: bool) -> WidgetRow:
    """The widget, with frame mode switched on or off. Raises ``WrongUsage``."""
    return _set_in_group(store, org, widget_id, "features", {"frame": on})


def use_resume(store: Store, org: OrgId, widget_id: str, *, on: bool) -> WidgetRow:
    """The widget, whose visitors go on with their conversation after a reload, or not. Raises ``WrongUsage``."""
    return _set_in_group(store, org, widget_id, "features", {"resume": on})


def style_widget(store: Store, org: OrgId, widget_id: str, *, theme: Mapping[str, Any], launcher: Mapping[str, Any], reset: bool) -> WidgetRow:
    """The widget, looking as before (or, with *reset*, as by default) but for what is named. Raises ``WrongUsage``."""

    def change(widget: WidgetRow) -> WidgetRow:
        before = {} if reset else widget.settings
        look = {"theme": {**before.get("theme", {}), **theme}, "launcher": {**before.get("launcher", {}), **launcher}}
        return replace(widget, settings=checked_settings({**widget.settings, **look}))

    return _edit(store, org, widget_id, change)


def word_widget(store: Store, org: OrgId, widget_id: str, *, own: Mapping[str, Any], texts: Sequence[Sequence[str]], reset: bool) -> WidgetRow:
    """The widget, saying the same as before (or, with *reset*, as by default) but for *own* settings and *texts*.

    *texts* are triples of locale (or ``default``), key and text. Raises ``WrongUsage``.
    """

    def change(widget: WidgetRow) -> WidgetRow:
        forgotten = {"title", "greeting", "suggestions", "disclosure", "locale", "texts"} if reset else set[str]()
        settings = {name: value for name, value in widget.settings.items() if name not in forgotten}
        by_locale = {locale: dict(by_key) for locale, by_key in settings.get("texts", {}).items()}
        for locale, key, text in texts:
            by_locale.setdefault(locale, {})[key] = text
        return replace(widget, settings=checked_settings({**settings, **own, "texts": by_locale}))

    return _edit(store, org, widget_id, change)


def set_features(store: Store, org: OrgId, widget_id: str, features: Mapping[str, Any]) -> WidgetRow:
    """The widget with *features* over those it had; ``consent`` as a whole, or nothing. Raises ``WrongUsage``."""
    return _set_in_group(store, org, widget_id, "features", features)


def snippet(widget: WidgetRow, *, gateway: str, version: str, integrity: str) -> str:
    """The tag for the owner's page: one version, pinned by SRI."""
    return (
        f'<script async src="{escape(gateway)}/widget/v{version}/loader.js" integrity="{integrity}" '
        f'crossorigin="anonymous" data-widget-id="{widget.widget_id}"></script>'
    )


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """*settings* in stored form: only what differs from the defaults. Raises ``WrongUsage``."""
    try:
        resolved = resolve(settings)
        parsed = msgspec.convert(resolved, WidgetSettings)
    except msgspec.ValidationError as error:
        problems = [f"{one.field.removeprefix('body')} {one.problem}".strip() for one in explain(error, WidgetSettings, resolved)]
        msg = f"the widget's settings are not usable: {'; '.join(problems)}"
        raise WrongUsage(msg, field="settings") from None
    check_texts(parsed.texts)
    stored: dict[str, Any] = msgspec.to_builtins(parsed)
    return stored


def _set_in_group(store: Store, org: OrgId, widget_id: str, group: str, values: Mapping[str, Any]) -> WidgetRow:
    """The widget with *values* over those that *group* of its settings had. Raises ``WrongUsage``."""

    def change(widget: WidgetRow) -> WidgetRow:
        settings = {**widget.settings, group: {**widget.settings.get(group, {}), **values}}
        return replace(widget, settings=_checked_access(checked_settings(settings), widget.access_mode))

    return _edit(store, org, widget_id, change)


def _edit(store: Store, org: OrgId, widget_id: str, change: Callable[[WidgetRow], WidgetRow]) -> WidgetRow:
    """What *change* makes of the widget, stored. Nobody else changes it between the reading and the writing. Raises ``WrongUsage``."""

    def edit(tx: Tx) -> WidgetRow:
        changed = change(_load(tx, org, widget_id, to_change=True))
        replace_widget(tx, org, changed)
        return changed

    return store.transaction_now(edit)


def _load(tx: Tx, org: OrgId, widget_id: str, *, to_change: bool = False) -> WidgetRow:
    """The widget of that id in *org*. Raises ``NotThere``."""
    wanted = find_widget_id(widget_id)
    widget = find_widget(tx, org, wanted, to_change=to_change) if wanted is not None else None
    if widget is None:
        msg = f"there is no widget {widget_id!r} in this organization: `chatkeep widgets list` shows all"
        raise NotThere(msg)
    return widget


def _add(tx: Tx, org: OrgId, widget: WidgetRow) -> None:
    """Store a widget whose id is free."""
    if has_widget_id(tx, widget.widget_id):
        raise InTheWay("this widget id is taken: choose another, or leave it out", field="widget_id")
    add_widget(tx, org, widget)


def _checked_id(text: str | None) -> WidgetId:
    """*text* as a widget id, or a new one. Raises ``WrongUsage``."""
    if text is None:
        return WidgetId(new_id("widget"))
    found = find_widget_id(text)
    if found is None:
        raise WrongUsage("a widget id is widget_ and 12 to 64 of a-z, 0-9 and _", field="widget_id")
    return found


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """*old* settings with what *new* says. Raises ``WrongUsage`` for a name that is none, though it only asks for a default."""
    known = WidgetSettings()
    for name, value in new.items():
        if name not in known.__struct_fields__:
            raise _no_setting(name, known.__struct_fields__)
        inner: tuple[str, ...] = getattr(getattr(known, name), "__struct_fields__", ())
        odd = next((one for one in value if one not in inner), None) if inner and isinstance(value, Mapping) else None
        if odd is not None:
            raise _no_setting(odd, inner, path=name)
    return merge(old, new)


def _no_setting(name: str, known: Sequence[str], *, path: str = "") -> WrongUsage:
    """The error about a setting that does not exist."""
    problem = unknown(name, known, what="setting", path=path)
    return WrongUsage(f"the widget's settings are not usable: {problem.field} {problem.problem}", field="settings")


def _check_mode(access_mode: str) -> None:
    """Raise ``WrongUsage`` unless there is such an access mode."""
    if access_mode not in ACCESS_MODES:
        msg = f"the access mode {access_mode!r} does not exist: use {', '.join(ACCESS_MODES)}"
        raise WrongUsage(msg, field="access_mode")


def _checked_access(settings: dict[str, Any], access_mode: str) -> dict[str, Any]:
    """*settings*, unless they ask of visitors without sessions what only sessions have. Raises ``WrongUsage``."""
    if access_mode == "domain" and settings.get("access"):
        msg = "a widget in domain mode has no sessions: proofs, tickets and strict addresses need the access mode session or identity"
        raise WrongUsage(msg, field="settings")
    if access_mode == "domain" and settings.get("features", {}).get("frame"):
        msg = "a widget in domain mode has no sessions: frame mode needs the access mode session or identity"
        raise WrongUsage(msg, field="settings")
    if access_mode == "domain" and settings.get("features", {}).get("resume"):
        msg = "a widget in domain mode has no sessions: to go on after a reload needs the access mode session or identity"
        raise WrongUsage(msg, field="settings")
    return settings


def _checked_name(name: str) -> str:
    """A name that a list can show. Raises ``WrongUsage``."""
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        msg = f"a widget's name has 1 to {_LONGEST_NAME} printable characters"
        raise WrongUsage(msg, field="widget_name")
    return name


def _checked_domains(domains: Sequence[str], *, development: bool) -> tuple[str, ...]:
    """The list in canonical form, each entry once. Raises ``WrongUsage``."""
    if len(domains) > _MOST_DOMAINS:
        raise WrongUsage(f"a widget has at most {_MOST_DOMAINS} domains", field="allowed_domains")
    try:
        return tuple(dict.fromkeys(parse_entry(text, development=development).text for text in domains))
    except WrongUsage as error:
        raise WrongUsage(str(error), field="allowed_domains") from None
