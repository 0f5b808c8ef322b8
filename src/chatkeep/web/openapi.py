"""The OpenAPI 3.1 document, made from the route tables."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from chatkeep import __version__
from chatkeep.errors import Reason
from chatkeep.web.headers import Surface
from chatkeep.web.problems import WORDINGS
from chatkeep.web.routes import Audience, Call, Reply, Route

_REFERENCE = "#/components/schemas/{name}"


class ErrorDetail(Struct):
    """One field's problem."""

    field: str
    problem: str


class ErrorEnvelope(Struct, omit_defaults=True):
    """What every error answers."""

    success: bool
    error: str
    message: str
    request_id: str
    retry_after: int | None = None
    limit_type: str | None = None
    action: str | None = None
    usage: dict[str, int | str] | None = None
    details: list[ErrorDetail] | None = None


def build_document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document as JSON values."""
    wanted: list[type] = [ErrorEnvelope]
    wanted += [kind for route in routes for kind in (route.request, route.response) if kind is not None]
    unique = list(dict.fromkeys(wanted))
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REFERENCE)
    references = dict(zip(unique, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chatkeep visitor API",
            "version": __version__,
            "description": "What browsers on other people's sites may call. Every error is an `ErrorEnvelope`; `error` is stable.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": surface.value} for surface in Surface],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A session token."}},
        },
    }


def document_routes(routes: Sequence[Route]) -> list[Route]:
    """The row that serves the document of *routes*, itself included."""
    content: list[bytes] = []

    async def read_document(_call: Call) -> Reply:
        return Reply(content=content[0])

    own = Route("GET", "/api/openapi.json", Audience.EVERYBODY, Surface.DOCUMENT, "This document", read_document, None, content_type="application/json")
    content.append(msgspec.json.encode(build_document([*routes, own])))
    return [own]


def _operation(route: Route, references: dict[type, dict[str, Any]]) -> dict[str, Any]:
    """One method of one path."""
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__.strip("_"),
        "summary": route.summary,
        "description": f"For {route.audience.value}.",
        "tags": [route.surface.value],
        "parameters": _parameters(route),
        "responses": _responses(route, references),
        "security": [{"session": []}] if route.audience is Audience.SESSION else [],
    }
    if route.request is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": references[route.request]}}}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    """Path, query and header parameters."""
    in_path = [part[1:-1] for part in route.path.replace("/v{", "/{").split("/") if part.startswith("{")]
    found = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in in_path]
    for place, named in (("query", route.query), ("header", route.headers)):
        found += [{"name": name, "in": place, "required": False, "description": text, "schema": {"type": "string"}} for name, text in named.items()]
    return found


def _responses(route: Route, references: dict[type, dict[str, Any]]) -> dict[str, Any]:
    """The good answer and every documented error, by status."""
    good: dict[str, Any] = {"description": route.summary}
    if route.response is not None:
        good["content"] = {"application/json": {"schema": references[route.response]}}
    elif route.status != 204:  # noqa: PLR2004 - No Content
        good["content"] = {route.content_type: {}}
    if route.streams:
        good["content"]["text/event-stream"] = {"schema": {"type": "string", "description": "Events start, sources, delta, done, error."}}
    responses = {str(route.status): good}
    by_status: dict[int, list[Reason]] = {}
    for reason in route.errors:
        by_status.setdefault(WORDINGS[reason].status, []).append(reason)
    for status, reasons in sorted(by_status.items()):
        codes = ", ".join(f"`{WORDINGS[reason].code}`" for reason in reasons)
        responses[str(status)] = {"description": codes, "content": {"application/json": {"schema": references[ErrorEnvelope]}}}
    return responses
