"""What form has a value, and what is wrong with one that has not? In words for people, from the JSON Schema of its type.

The one place that explains a refused field, of bodies, of settings and of queries; nothing of the parser's wording is told.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

import msgspec

from chatkeep.errors import Problem

Schema = Mapping[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_PLACE = re.compile(r" - at `(?:key` in `)?\$([^`]*)`$")
_MOST_PROBLEMS = 30
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+|\.\.\.)\]")
# Only a short name of words is told back: it cannot write the explanation, and is no key, token or code that came to the wrong place.
_NAME = re.compile(r"(?=.{1,24}\Z)[a-z][A-Za-z]*(_[a-z]+)*\Z")


def explain(error: msgspec.ValidationError, kind: type, value: Any, *, names_unknown: bool = True) -> tuple[Problem, ...]:
    """Which fields of *value* are not as *kind* wants them, and how they would be. *names_unknown*: also those that *kind* has not.

    *error*: what the parser says of the first one; it stays the word where no field is wrong by itself. A type may have a table ``ELSEWHERE``:
    names that are none of its fields, and what is said to who gives one all the same.
    """
    found = tuple(dict.fromkeys(_wrong_fields(kind, value, "", names_unknown=names_unknown)))[:_MOST_PROBLEMS]
    return found or (_explain_one(error, kind, value, names_unknown=names_unknown),)


def _wrong_fields(kind: Any, value: Any, path: str, *, names_unknown: bool) -> Iterator[Problem]:
    """Every field within *value* that is wrong by itself, at *path*; and of an object with none, what is wrong with the whole."""
    struct = _struct_of(kind)
    if struct is not None and isinstance(value, Mapping):
        fields = {one.encode_name: one for one in msgspec.structs.fields(struct)}
        elsewhere: Mapping[str, str] = getattr(struct, "ELSEWHERE", {}) if names_unknown else {}
        wrong = [
            Problem(f"{path}.{name}".lstrip("."), elsewhere[name]) if name in elsewhere else unknown(name if names_unknown else "", list(fields), path=path)
            for name in value
            if name not in fields
        ]
        for name, one in fields.items():
            below = f"{path}.{name}".lstrip(".")
            if name in value:
                wrong += _wrong_fields(one.type, value[name], below, names_unknown=names_unknown)
            elif one.required and not any(each.problem.endswith(f" did you mean {name}?") for each in wrong):
                wrong.append(Problem(below, f"is missing: it must be {describe(*_schema_of(one.type))}"))
        if wrong:
            yield from wrong
            return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        problem = _explain_one(error, kind, value, names_unknown=names_unknown)
        inner = problem.field if problem.field.startswith("[") else f".{problem.field}"
        yield problem if not path else Problem(path if problem.field == "body" else path + inner, problem.problem)


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """The type of object that *kind* is, or null; ``None`` for everything else."""
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one
    return None


def _explain_one(error: msgspec.ValidationError, kind: Any, value: Any, *, names_unknown: bool) -> Problem:
    """What *error* says of *value*."""
    text = str(error)
    found = _PLACE.search(text)
    steps = _STEP.findall(found[1]) if found else []
    root, schemas = _schema_of(kind)
    schema, inner, path = root, value, ""
    for name, index in steps:
        schema = _below(schema, schemas, name)
        inner = _value_below(inner, name, index)
        # Of an object with names of any kind the parser does not say which one it was.
        path = f"{path}.{name or '*'}".lstrip(".") if name or index == "..." else f"{path}[{index}]"
    whole = _whole(schema, schemas)
    if "properties" in whole and isinstance(inner, Mapping):
        return _wrong_object(text[: found.start()] if found else text, path, whole, inner, schemas, names_unknown=names_unknown)
    return Problem(path or "body", f"must be {describe(schema, schemas)}")


def check_text(name: str, text: str, schema: Schema) -> Problem | None:
    """What is wrong with *text* as the query parameter *name* of *schema*, if anything is."""
    if schema["type"] == "integer":
        most = schema.get("maximum", 2**63)
        fits = text.isascii() and text.isdigit() and len(text) <= len(str(most)) and schema.get("minimum", 0) <= int(text) <= most
    else:
        fits = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)) and text.isprintable()
        fits = fits and text in schema.get("enum", (text,)) and re.search(schema.get("pattern", ""), text) is not None
    return None if fits else Problem(name, f"must be {describe(schema, {})}")


def unknown(name: str, known: Sequence[str], *, what: str = "field", path: str = "") -> Problem:
    """The problem of a name that nothing has, with the nearest one that something has."""
    if not _NAME.match(name):
        return Problem(path or ("body" if what == "field" else "query"), f"has an unknown {what}")
    where = f"{path}." if path else ""
    near = get_close_matches(_plain(name), [_plain(one) for one in known], n=1, cutoff=0.75)
    meant = next((one for one in known if near and _plain(one) == near[0]), None)
    if meant is not None:
        return Problem(f"{where}{name}", f"is no {what} here: did you mean {meant}?")
    return Problem(f"{where}{name}", f"is no {what} here: there {'are ' + ', '.join(known) if known else 'is none'}")


def describe(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    """What a value of *schema* is: ``text of 1 to 200 characters``, ``one of session, domain, identity``, ``a whole number from 1 to 60``."""
    if "$ref" in schema:
        return describe(schemas[_name_of(schema)], schemas)
    if "anyOf" in schema:
        return " or ".join(describe(each, schemas) for each in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(str(each) for each in schema['enum'])}" if len(schema["enum"]) > 1 else str(schema["enum"][0])
    kind = schema.get("type", "")
    if kind in {"integer", "number"}:
        return _number(schema, "a whole number" if kind == "integer" else "a number")
    if kind == "array":
        items = f", each {describe(schema['items'], schemas)}" if schema.get("items") else ""
        return f"a list{_count(schema, 'minItems', 'maxItems', 'items')}{items}"
    return _text(schema) if kind == "string" else {"boolean": "true or false", "object": "an object", "null": "null"}.get(kind, "a value")


def _wrong_object(text: str, path: str, schema: Schema, value: Mapping[str, Any], schemas: Mapping[str, Schema], *, names_unknown: bool) -> Problem:
    """What is wrong with *value*, which is an object as it should be."""
    fields = schema["properties"]
    odd = next((name for name in value if name not in fields), None)
    if "unknown field" in text and odd is not None:
        return unknown(odd if names_unknown else "", list(fields), path=path)
    lacking = next((name for name in schema.get("required", ()) if name not in value), None)
    if lacking is not None:
        return Problem(f"{path}.{lacking}".lstrip("."), f"is missing: it must be {describe(fields[lacking], schemas)}")
    # A rule about several fields, in the words of the type that has it.
    return Problem(path or "body", text)


@cache
def _schema_of(kind: Any) -> tuple[Schema, Mapping[str, Schema]]:
    """The JSON Schema of *kind*, and what its references lead to."""
    (schema,), schemas = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    return schema, schemas


def _below(schema: Schema, schemas: Mapping[str, Schema], name: str) -> Schema:
    """The schema of the field *name*, or of the items."""
    whole = _whole(schema, schemas)
    if name and name in whole.get("properties", {}):
        found: Schema = whole["properties"][name]
        return found
    inner = whole.get("items", whole.get("additionalProperties", {}))
    return inner if isinstance(inner, Mapping) else {}


def _value_below(value: Any, name: str, index: str) -> Any:
    """What *value* holds there."""
    if name:
        return value.get(name) if isinstance(value, Mapping) else None
    is_there = isinstance(value, list) and index.isdigit() and int(index) < len(value)
    return value[int(index)] if is_there else None


def _whole(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """*schema* without reference and without "or null"."""
    while "$ref" in schema or "anyOf" in schema:
        schema = schemas[_name_of(schema)] if "$ref" in schema else next(each for each in schema["anyOf"] if each.get("type") != "null")
    return schema


def _name_of(schema: Schema) -> str:
    """The name that a reference leads to."""
    return str(schema["$ref"]).rpartition("/")[2]


def _text(schema: Schema) -> str:
    """Text, and how much of it."""
    if schema.get("format") == "date-time":
        return "a time with its zone, like 2027-01-31T00:00:00Z"
    examples = schema.get("examples", ())
    noun = schema.get("title", "text")
    if "pattern" in schema and examples:
        return f"{noun} like {' or '.join(map(str, examples))}"
    return f"{noun}{_count(schema, 'minLength', 'maxLength', 'characters')}"


def _number(schema: Schema, noun: str) -> str:
    """A number, and between which it lies."""
    least, most = schema.get("minimum"), schema.get("maximum")
    above = f" above {schema['exclusiveMinimum']:g}" if "exclusiveMinimum" in schema else f" of {least} or more" if least is not None else ""
    if least is not None and most is not None:
        return f"{noun} from {least} to {most}"
    return f"{noun}{above}" + (f"{' and' if above else ''} at most {most}" if most is not None else "")


def _count(schema: Schema, least_name: str, most_name: str, noun: str) -> str:
    """How many, where that is said."""
    least, most = schema.get(least_name, 0), schema.get(most_name)
    if most is None:
        return f" of {least} or more {noun}" if least else ""
    return f" of {least} to {most} {noun}" if least else f" of at most {most} {noun}"


def _plain(name: str) -> str:
    """*name* without what people write differently."""
    return name.replace("_", "").replace("-", "").lower()
