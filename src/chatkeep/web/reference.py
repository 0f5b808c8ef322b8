"""The API reference for people: one page, made from the OpenAPI document.

Built as a tree of nodes, never as text, so that nothing in the document can become
markup; no file of another host. It is whole without its script, which adds copying and finding.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from chatkeep.admit._forms import describe
from chatkeep.admit.permissions import PERMISSIONS, ROLES, Permission
from chatkeep.web.curl import command_of
from chatkeep.web.examples import example_of
from chatkeep.web.first_steps import first_steps
from chatkeep.web.pages import HTML, page_route
from chatkeep.web.routes import Route

PATH = "/api/reference"
# What an error must be part of, to be told once for all of the admin API.
_ADMIN = "/api/admin/"
Operation = Mapping[str, Any]


class Field(NamedTuple):
    """A row of a table of fields; *note*: where it is, and whether it must be there."""

    name: str
    note: str
    schema: Mapping[str, Any]
    meaning: str


def reference_routes(document: Mapping[str, Any], gateway: str) -> list[Route]:
    """The row that serves the page. *gateway*: its own address, for commands."""
    return [page_route(PATH, "reference", HTML, "The API reference as a page", build_page(document, gateway))]


def build_page(document: Mapping[str, Any], gateway: str) -> bytes:
    """The page about *document*."""
    html = ET.Element("html", lang="en")
    head = _add(html, "head")
    _add(head, "meta", charset="utf-8")
    _add(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    title = f"{document['info']['title']} {document['info']['version']}"
    _add(head, "title", title)
    _add(head, "link", rel="icon", href="/account/mark.svg", type="image/svg+xml")
    _add(head, "link", rel="stylesheet", href="/account/pages.css")
    _add(head, "link", rel="stylesheet", href="/account/reference.css")
    _add(head, "script", type="module", src="/account/reference.js")
    body = _add(html, "body", **{"class": "reference"})
    _add(body, "a", "Skip to the content", href="#content", **{"class": "skip"})
    nav = _add(body, "nav", **{"aria-label": "Contents"})
    main = _add(body, "main", id="content", tabindex="-1")
    _add(main, "h1", title)
    _prose(_add(main, "p"), document["info"]["description"])
    line = _add(main, "p", "The same for programs: ")
    _add(line, "a", "openapi.json", href="/api/openapi.json")
    _begin(main, gateway)
    _roles(main)
    shared = _shared_errors(document)
    _errors_of_all(main, shared)
    _contents(nav, document)
    for tag, found in _groups(document):
        _add(main, "h2", _noun(tag["name"]), id=f"group-{tag['name']}")
        _prose(_add(main, "p"), tag["description"])
        for method, path, operation in found:
            _operation(main, method, path, operation, document, shared)
    _types(main, document)
    written: bytes = ET.tostring(html, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + written


def _begin(main: ET.Element, gateway: str) -> None:
    """How somebody begins."""
    _add(main, "h2", "First steps", id="first-steps")
    text = "Paste these into a terminal (bash), one after the other. Every command below uses the same variables: "
    text += "`CHATKEEP`, the gateway's address, `TOKEN`, what you signed in with or an API key, and ids such as `WIDGET_ID`."
    _prose(_add(main, "p"), text)
    for number, step in enumerate(first_steps(gateway), 1):
        _add(main, "h3", f"{number}. {step.name}")
        _prose(_add(main, "p"), step.text)
        _code(main, step.commands, "bash step")


def _roles(main: ET.Element) -> None:
    """Who may do what."""
    _add(main, "h2", "Roles and scopes", id="roles")
    text = "Each permission is also a scope that an API key can have. A key does no more than its scopes say, and no more than whoever made it may do."
    _prose(_add(main, "p"), text)
    lines = _table(main, ("Permission or scope", "Roles"))
    for permission in Permission:
        line = _add(lines, "tr")
        _add(_add(line, "th", scope="row"), "code", permission.value)
        _add(line, "td", ", ".join(role for role in reversed(ROLES) if permission in PERMISSIONS[role]), **{"data-head": "Roles"})


def _contents(nav: ET.Element, document: Mapping[str, Any]) -> None:
    """Links to all that is here."""
    listing = _add(nav, "ul")
    for name, where in (("First steps", "first-steps"), ("Roles and scopes", "roles"), ("Errors of every request", "errors"), ("Types", "types")):
        _add(_add(listing, "li"), "a", name, href=f"#{where}")
    for tag, found in _groups(document):
        _add(_add(nav, "p"), "a", _noun(tag["name"]), href=f"#group-{tag['name']}")
        listing = _add(nav, "ul")
        for method, path, operation in found:
            link = _add(_add(listing, "li"), "a", href=f"#{operation['operationId']}", title=f"{method} {path}")
            link.text = operation["summary"]


def _groups(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], list[tuple[str, str, Operation]]]]:
    """Every tag with its operations, each as method, path, operation."""
    every = [(method.upper(), path, operation) for path, methods in document["paths"].items() for method, operation in methods.items()]
    for tag in document["tags"]:
        yield tag, [each for each in every if tag["name"] in each[2]["tags"]]


def _operation(main: ET.Element, method: str, path: str, operation: Operation, document: Mapping[str, Any], shared: Mapping[str, Any]) -> None:
    """All about one operation."""
    schemas = document["components"]["schemas"]
    section = _add(main, "section", id=operation["operationId"], **{"aria-labelledby": f"{operation['operationId']}-name", "class": "operation"})
    title = _add(section, "h3", id=f"{operation['operationId']}-name")
    _add(title, "a", operation["summary"], href=f"#{operation['operationId']}")
    route = _add(section, "p", **{"class": "route"})
    _add(route, "code", method, **{"class": "method"})
    _add(route, "code", path)
    _prose(_add(section, "p"), operation["description"])
    if operation["parameters"]:
        _add(section, "h4", "Parameters")
        words = ("optional", "required")
        rows = [Field(each["name"], f"{each['in']}, {words[each['required']]}", each["schema"], each["description"]) for each in operation["parameters"]]
        _fields(section, rows, schemas)
    if "requestBody" in operation:
        _add(section, "h4", "Request body" if operation["requestBody"]["required"] else "Request body, which may be left out")
        _object(section, operation["requestBody"]["content"]["application/json"]["schema"], schemas)
    _add(section, "h4", "Command")
    _code(section, command_of(method, path, operation), "bash command")
    for status, response in operation["responses"].items():
        if status < "4":
            _answer(section, status, response, schemas)
    own = {key: row for key, row in _errors(operation).items() if not path.startswith(_ADMIN) or key not in shared}
    if own:
        _add(section, "h4", "Errors")
        _error_table(section, own)
    if path.startswith(_ADMIN):
        _add(_add(section, "p", "And the "), "a", "errors of every request", href="#errors").tail = "."


def _answer(section: ET.Element, status: str, response: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    """One good answer: its fields, and an example."""
    _add(section, "h4", f"Answer {status}")
    content = response.get("content", {})
    if "application/json" not in content or "$ref" not in content["application/json"]["schema"]:
        kinds = ", ".join(f"`{kind}`" for kind in content)
        _prose(_add(section, "p"), f"{response['description']} {f'As {kinds}.' if kinds else 'Without a body.'}")
        return
    shown = content["application/json"]
    _object(section, shown["schema"], schemas)
    details = _add(section, "details")
    _add(details, "summary", "Example")
    _code(details, json.dumps(shown["example"], indent=2, ensure_ascii=False), "json")
    more = [kind for kind in content if kind != "application/json"]
    if more:
        _prose(_add(section, "p"), "Also as " + ", ".join(f"`{kind}`" for kind in more) + ".")


def _object(section: ET.Element, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    """What an object is for, and its fields."""
    whole = schemas[_name(schema)] if "$ref" in schema else schema
    if whole.get("description"):
        _prose(_add(section, "p"), _plain(whole["description"]))
    required = whole.get("required", ())
    # What is asked takes no other field; what is answered may leave some out.
    words = ("optional", "required") if whole.get("additionalProperties") is False else ("may be missing", "")
    fields = whole.get("properties", {}).items()
    rows = [Field(name, words[name in required], inner, inner.get("description", "")) for name, inner in fields]
    if rows:
        _fields(section, rows, schemas)


def _fields(section: ET.Element, rows: Sequence[Field], schemas: Mapping[str, Any]) -> None:
    """A table of fields."""
    lines = _table(section, ("Field", "Value", "Default", "Meaning"))
    for row in rows:
        line = _add(lines, "tr")
        first = _add(line, "th", scope="row")
        _add(first, "code", row.name)
        if row.note:
            _add(first, "small", row.note)
        value = _add(line, "td", describe(row.schema, schemas), **{"data-head": "Value"})
        inner = _inner_type(row.schema, schemas)
        if inner:
            value.text = f"{value.text}: "
            _add(value, "a", inner, href=f"#type-{inner}")
        default = _add(line, "td", **{"data-head": "Default"})
        if row.schema.get("default") is not None:
            _add(default, "code", json.dumps(row.schema["default"], ensure_ascii=False))
        _prose(_add(line, "td", **{"data-head": "Meaning"}), row.meaning)


def _types(main: ET.Element, document: Mapping[str, Any]) -> None:
    """Every object that others hold, once."""
    schemas = document["components"]["schemas"]
    held = {_inner_type(field, schemas) for schema in schemas.values() for field in schema.get("properties", {}).values()}
    _add(main, "h2", "Types", id="types")
    for name in sorted(held - {None}, key=str):
        section = _add(main, "section", id=f"type-{name}", **{"aria-labelledby": f"type-{name}-name"})
        _add(_add(section, "h3", id=f"type-{name}-name"), "a", str(name), href=f"#type-{name}")
        _object(section, schemas[name], schemas)
        details = _add(section, "details")
        _add(details, "summary", "Example")
        _code(details, json.dumps(example_of({"$ref": f"/{name}"}, schemas), indent=2, ensure_ascii=False), "json")


def _inner_type(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str | None:
    """The object that *schema* holds or lists, if it is one with fields."""
    if "$ref" in schema:
        return _name(schema) if "properties" in schemas[_name(schema)] else None
    inner = [*schema.get("anyOf", ()), *([schema["items"]] if schema.get("items") else [])]
    return next((found for each in inner if (found := _inner_type(each, schemas)) is not None), None)


def _errors(operation: Operation) -> dict[str, tuple[str, str, str, str]]:
    """Every error of *operation* by its name: status, code, meaning, what to do."""
    found = {}
    for status, response in operation["responses"].items():
        for name, each in response.get("content", {}).get("application/json", {}).get("examples", {}).items():
            found[name] = (status, each["value"]["error"], each["summary"], each["description"])
    return found


def _shared_errors(document: Mapping[str, Any]) -> dict[str, tuple[str, str, str, str]]:
    """The errors that (almost) every request to the admin API can meet: those that a plain reading one names."""
    every = [_errors(operation) for path, methods in document["paths"].items() if path.startswith(_ADMIN) for operation in methods.values()]
    if not every:
        return {}
    token = [errors for errors in every if "authentication_required" in errors]
    return {name: row for name, row in (token or every)[0].items() if all(name in errors for errors in token or every)}


def _errors_of_all(main: ET.Element, shared: Mapping[str, tuple[str, str, str, str]]) -> None:
    """What can go wrong anywhere in the admin API."""
    if not shared:
        return
    _add(main, "h2", "Errors of every request", id="errors")
    text = "Every error is an object with `success` (false), `error`, `message` and `request_id`; programs read `error`, and `details` names each wrong field. "
    _prose(_add(main, "p"), text + "Any request to the admin API can meet these; signing in needs no token, and meets none of 401 and 403 for want of one:")
    _error_table(main, shared)


def _error_table(section: ET.Element, rows: Mapping[str, tuple[str, str, str, str]]) -> None:
    """A table of errors."""
    lines = _table(section, ("Error", "Meaning", "What to do"))
    for status, code, meaning, advice in rows.values():
        line = _add(lines, "tr")
        first = _add(line, "th", f"{status} ", scope="row")
        _add(first, "code", code)
        _prose(_add(line, "td", **{"data-head": "Meaning"}), meaning)
        _prose(_add(line, "td", **{"data-head": "What to do"}), advice)


def _table(section: ET.Element, heads: tuple[str, ...]) -> ET.Element:
    """The body of a new table."""
    table = _add(section, "table")
    line = _add(_add(table, "thead"), "tr")
    for head in heads:
        _add(line, "th", head, scope="col")
    return _add(table, "tbody")


def _code(section: ET.Element, text: str, kind: str) -> None:
    """A block of code, which can be scrolled and copied by keyboard."""
    _add(section, "pre", text, tabindex="0", **{"class": kind})


def _noun(name: str) -> str:
    """A group's name as a heading."""
    return name.replace("_", " ").replace("-", " ").capitalize().replace("Api", "API").replace(" api", " API")


def _name(schema: Mapping[str, Any]) -> str:
    """The name that a reference leads to."""
    return str(schema["$ref"]).rpartition("/")[2]


def _plain(text: str) -> str:
    """A docstring of ours, with its marks as the page has them."""
    return " ".join(text.replace("``", "`").replace("*", "`").split())


def _prose(node: ET.Element, text: str) -> None:
    """*text* in *node*; what stands between back-ticks as code."""
    first, *rest = text.split("`")
    node.text = first
    for number, part in enumerate(rest):
        if number % 2 == 0:
            _add(node, "code", part)
        else:
            node[-1].tail = part


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    """A new node in *parent*."""
    node = ET.SubElement(parent, tag, attributes)
    node.text = text
    return node
