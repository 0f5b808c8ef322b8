"""The API reference for people: one page, made from the OpenAPI document.

Built as a tree of nodes, never as text, so that nothing in the document can become
markup; no script, no file of another host.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from chatkeep.web.examples import example_of
from chatkeep.web.pages import HTML, page_route
from chatkeep.web.routes import Route

PATH = "/api/reference"


def reference_routes(document: Mapping[str, Any]) -> list[Route]:
    """The row that serves the page."""
    return [page_route(PATH, "reference", HTML, "The API reference as a page", build_page(document))]


def build_page(document: Mapping[str, Any]) -> bytes:
    """The page about *document*."""
    html = ET.Element("html", lang="en")
    head = _add(html, "head")
    _add(head, "meta", charset="utf-8")
    _add(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _add(head, "title", f"{document['info']['title']} {document['info']['version']}")
    _add(head, "link", rel="stylesheet", href="/account/pages.css")
    main = _add(_add(html, "body"), "main")
    _add(main, "h1", f"{document['info']['title']} {document['info']['version']}")
    _add(main, "p", document["info"]["description"])
    _first_steps(main)
    nav = _add(main, "nav")
    for tag in document["tags"]:
        found = [each for each in _operations(document) if tag["name"] in each[2]["tags"]]
        if not found:
            continue
        _add(nav, "h2", tag["name"].replace("_", " "))
        listing = _add(nav, "ul")
        _add(main, "h2", tag["name"].replace("_", " "))
        _add(main, "p", tag["description"])
        for method, path, operation in found:
            _add(_add(listing, "li"), "a", f"{method} {path}", href=f"#{operation['operationId']}")
            _operation(main, method, path, operation, document)
    written: bytes = ET.tostring(html, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + written


def _first_steps(main: ET.Element) -> None:
    """How a program begins."""
    _add(main, "p", "A program signs in with an API key (make one with chatkeep keys create, or below), a person with an address and a password:")
    sign_in = "curl -X POST https://chat.example/api/admin/auth/token -H 'Content-Type: application/json' \\\n"
    sign_in += '  -d \'{"email": "alice@shop.example", "password": "…"}\'\n\n'
    _add(main, "pre", sign_in + "curl https://chat.example/api/admin/widgets -H 'Authorization: Bearer …'")
    line = _add(main, "p", "The same for programs: ")
    _add(line, "a", "openapi.json", href="/api/openapi.json")


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every operation with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _operation(main: ET.Element, method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """All about one operation."""
    section = _add(main, "section", id=operation["operationId"])
    title = _add(section, "h3")
    _add(title, "code", method, **{"class": "method"})
    _add(title, "code", path)
    _prose(_add(section, "p"), f"{operation['summary']}. {operation['description']}")
    if operation["parameters"]:
        rows = [(each["name"], each["in"] + (", required" if each["required"] else ""), each["description"]) for each in operation["parameters"]]
        _table(section, ("parameter", "in", "meaning"), rows)
    if "requestBody" in operation:
        _example(section, "Request", operation["requestBody"]["content"]["application/json"]["schema"], document)
    for status, response in operation["responses"].items():
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if status.startswith("2") and schema is not None:
            _example(section, f"Answer {status}", schema, document)
    _table(section, ("status", "meaning"), [(status, response["description"]) for status, response in operation["responses"].items()])


def _example(section: ET.Element, title: str, schema: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """What a value of *schema* looks like."""
    _add(section, "p", f"{title}:")
    _add(section, "pre", json.dumps(example_of(schema, document["components"]["schemas"]), indent=2, ensure_ascii=False))


def _table(section: ET.Element, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A table; lines of a cell stay lines."""
    table = _add(section, "table")
    line = _add(_add(table, "thead"), "tr")
    for head in heads:
        _add(line, "th", head, scope="col")
    body = _add(table, "tbody")
    for row in rows:
        line = _add(body, "tr")
        for number, cell in enumerate(row):
            place = _add(line, "td")
            for each in cell.splitlines():
                _prose(_add(place, "code" if number == 0 else "div"), each)


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
