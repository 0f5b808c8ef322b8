"""What may a request say about the settings of a widget? Their own types, with everything left out or null at will, and S3's names.

Made from ``WidgetSettings`` and ``ALIASES``, so that a new setting is in the API, its document and its errors by itself.
"""

from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from chatkeep.admit.widget_settings import WidgetSettings
from chatkeep.manage.widget_aliases import ALIASES

# Texts by locale and key: null takes one of them back, or all of a locale.
_Texts = dict[str, dict[str, str | None] | None]


def given_settings(settings: Struct | None) -> dict[str, Any] | None:
    """What *settings* name, as values."""
    found: dict[str, Any] | None = msgspec.to_builtins(settings)
    return found


def _loose(kind: type[Struct], name: str, more: Mapping[str, Any]) -> type[Struct]:
    """*kind*, of which everything may be left out, or be null for its default; with *more* fields of these types."""
    own = {field.encode_name: _loose_group(field.type) for field in msgspec.structs.fields(kind)}
    fields = [(field, typed | UnsetType | None, UNSET) for field, typed in own.items()] + [(field, typed, UNSET) for field, typed in more.items()]
    told = {"__doc__": f"{(kind.__doc__ or '').strip()} What is left out stays; null means the default again."}
    return msgspec.defstruct(name, fields, frozen=True, forbid_unknown_fields=True, namespace=told, module=__name__)


def _loose_group(typed: Any) -> Any:
    """*typed*; where it is a group of settings, in its loose form."""
    group = next((one for one in (typed, *get_args(typed)) if isinstance(one, type) and issubclass(one, Struct)), None)
    if group is not None:
        return _loose(group, f"{group.__name__.removeprefix('Widget')}Change", {})
    return _Texts if typed == dict[str, dict[str, str]] else typed


def _alias(place: str) -> Any:
    """The type of the setting at *place*, for its other name."""
    typed = reduce(_field, place.split("."), WidgetSettings)
    default: object = reduce(getattr, place.split("."), WidgetSettings())
    said = f" By default {msgspec.json.encode(default).decode()}." if default not in (None, "") else ""
    return Annotated[typed | UnsetType | None, Meta(description=f"S3's name of `{place}`; give one of the two.{said}")]


def _field(kind: Any, name: str) -> Any:
    """The type of the field *name* of *kind*."""
    return next(field.type for field in msgspec.structs.fields(kind) if field.encode_name == name)


if TYPE_CHECKING:
    SettingsChange = Struct
else:
    _aliases = {alias: _alias(place) for alias, place in ALIASES.items() if alias != place}
    SettingsChange = _loose(WidgetSettings, "SettingsChange", _aliases)
