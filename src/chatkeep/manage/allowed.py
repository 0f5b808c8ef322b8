"""What may a widget's setting be? For the options of the command line."""

from functools import cache

from msgspec import inspect

from chatkeep.admit.widget_settings import WidgetSettings


def choices_of(kind: inspect.Type) -> tuple[str | int, ...]:
    """The closed list that *kind* is, if it is one."""
    kind = _bare(kind)
    return tuple(one for one in kind.values if isinstance(one, str | int)) if isinstance(kind, inspect.LiteralType) else ()


def meaning_of(kind: inspect.Type) -> str | None:
    """What *kind* is called, if it has a name for people."""
    kind = _bare(kind)
    return (kind.extra_json_schema or {}).get("description") if isinstance(kind, inspect.Metadata) else None


def fields_of(name: str) -> dict[str, inspect.Type]:
    """The settings in the group *name* (``theme``, ``launcher``), by name."""
    kind = _kind_at([name])
    return {field.name: field.type for field in kind.fields} if isinstance(kind, inspect.StructType) else {}


@cache
def _root() -> inspect.Type:
    """All settings of a widget."""
    return inspect.type_info(WidgetSettings)


def _kind_at(path: list[str]) -> inspect.Type:
    """The type of the setting at *path*, or of the last one that exists on the way; a list stands for its items."""
    kind = _root()
    for name in path:
        fields = {field.name: field.type for field in kind.fields} if isinstance(kind, inspect.StructType) else {}
        kind = fields.get(name, kind)
    return kind.item_type if isinstance(kind, inspect.ListType) else kind


def _bare(kind: inspect.Type) -> inspect.Type:
    """*kind* without "or nothing"."""
    if isinstance(kind, inspect.UnionType):
        return next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    return kind
