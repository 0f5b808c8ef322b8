"""The OpenAPI 3.1 document, made from the route tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from chatkeep import __version__
from chatkeep.errors import LimitHit, Reason, Refused, Unavailable
from chatkeep.ids import CONVERSATION_FORM, MESSAGE_FORM, PLACE_FORM, WIDGET_FORM
from chatkeep.web.headers import Surface
from chatkeep.web.problems import WORDINGS, envelope
from chatkeep.web.routes import Audience, Call, Parameter, Reply, Route

_REFERENCE = "#/components/schemas/{name}"
_NO_CONTENT = 204
_TOO_MANY = 429
_EXAMPLE_ID = "abcdefghijklmnopqrstuvwxyz"
_IN_PATH = {
    "widget_id": Parameter("The widget.", {"type": "string", "pattern": WIDGET_FORM, "examples": [f"widget_{_EXAMPLE_ID}"]}),
    "conversation_id": Parameter("A conversation of the visitor's own.", {"type": "string", "pattern": CONVERSATION_FORM, "examples": [f"conv_{_EXAMPLE_ID}"]}),
    "message_id": Parameter(
        "An answer in a conversation of the visitor's own.", {"type": "string", "pattern": MESSAGE_FORM, "examples": [f"msg_{_EXAMPLE_ID}"]}
    ),
    "version": Parameter("A version of the widget.", {"type": "string", "pattern": r"^[0-9A-Za-z.+-]{1,40}$", "examples": [__version__]}),
    "name": Parameter("A file of the widget.", {"type": "string", "pattern": r"^[A-Za-z0-9._-]{1,100}$", "examples": ["loader.js"]}),
}
_ORIGIN = Parameter("The page's origin, as its browser sends it.", {"type": "string", "examples": ["https://shop.example"]})
_PROOF = Parameter("A proof of possession (RFC 9449), for a session that is bound to a key.", {"type": "string"})
_TAG = Parameter("The ETag of what the client has.", {"type": "string"})
_HEADERS: Mapping[str, Parameter] = {
    "X-Request-ID": Parameter("The id of this request, in the error too.", {"type": "string", "pattern": "^req_[a-z2-7]{26}$"}),
    "Retry-After": Parameter("Whole seconds to wait.", {"type": "integer", "minimum": 0}),
    "RateLimit": Parameter("What is left of the limit that refused (draft-ietf-httpapi-ratelimit-headers-10)."),
    "RateLimit-Policy": Parameter("The limit that refused (draft-ietf-httpapi-ratelimit-headers-10)."),
    "ETag": Parameter("Changes whenever the content does."),
}

_SURFACES = {
    Surface.VISITOR_API: "What a visitor's browser calls; with CORS, so that pages of other origins may.",
    Surface.HEALTH: "For probes.",
    Surface.DOCUMENT: "What this API says about itself.",
    Surface.WIDGET_FILES: "The widget's own files, for every page.",
    Surface.FRAME_PAGE: "The page that holds the chat in frame mode.",
}
# Before OpenAPI 3.2 there is no place for an item of a stream: by convention, the schema is that of one event.
_EVENT_STREAM = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "description": "One server-sent event. `start` comes first, then perhaps `sources`, then `delta`s, at last `done` or `error`.",
            "required": ["id", "event", "data"],
            "properties": {
                "id": {
                    "type": "string",
                    "pattern": PLACE_FORM,
                    "description": "The place to resume from: the answer's length in code points so far, and the CRC-32 of that text.",
                },
                "event": {"type": "string", "enum": ["start", "sources", "delta", "done", "error"]},
                "data": {"type": "string", "contentMediaType": "application/json"},
            },
        },
        "example": {"id": "5", "event": "delta", "data": '{"text":"Hello"}'},
    }
}


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
    server_time: int | None = None
    message_id: str | None = None
    block_expires_at: str | None = None
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
        "servers": [{"url": "/", "description": "This gateway."}],
        "tags": [{"name": surface.value, "description": text} for surface, text in _SURFACES.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": {name: _header(header) for name, header in _HEADERS.items()},
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
        "description": " ".join((f"For {route.audience.value}.", route.notes)).strip(),
        "tags": [route.surface.value],
        "parameters": _parameters(route),
        "responses": _responses(route, references),
        "security": [{"session": []}, *([{}] if route.tokenless else [])] if route.audience is Audience.SESSION else [],
    }
    if route.request is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": references[route.request]}}}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    """Path, query and header parameters."""
    in_path = [part.partition("{")[2].removesuffix("}") for part in route.path.split("/") if part.endswith("}")]
    headers = dict(route.headers)
    if route.surface is Surface.VISITOR_API:
        headers["Origin"] = _ORIGIN
    if route.audience is Audience.SESSION:
        headers["DPoP"] = _PROOF
    if route.revalidates:
        headers["If-None-Match"] = _TAG
    named = [("path", name, _IN_PATH[name]) for name in in_path]
    named += [(place, name, parameter) for place, group in (("query", route.query), ("header", headers)) for name, parameter in group.items()]
    return [
        {
            "name": name,
            "in": place,
            "required": place == "path" or parameter is _ORIGIN,
            "description": parameter.text,
            "schema": dict(parameter.schema),
        }
        for place, name, parameter in named
    ]


def _responses(route: Route, references: dict[type, dict[str, Any]]) -> dict[str, Any]:
    """The good answer and every documented error, by status."""
    responses = {str(route.status): _good(route, references)}
    if route.revalidates:
        responses["304"] = {"description": "The client has it already.", "headers": _headers("X-Request-ID", "ETag")}
    for status, text in route.also.items():
        responses[str(status)] = {**_good(route, references), "description": text}
    by_status: dict[int, list[Reason]] = {}
    for reason in route.errors:
        by_status.setdefault(WORDINGS[reason].status, []).append(reason)
    for status, reasons in sorted(by_status.items()):
        responses[str(status)] = _bad(status, list(dict.fromkeys(reasons)), references)
    return responses


def _good(route: Route, references: dict[type, dict[str, Any]]) -> dict[str, Any]:
    """What is answered when all goes well."""
    good: dict[str, Any] = {"description": route.summary + ".", "headers": _headers("X-Request-ID", *(("ETag",) if route.revalidates else ()))}
    good["headers"] |= {name: _header(Parameter(text)) for name, text in route.gives.items()}
    content: dict[str, Any] = {}
    if route.response is not None:
        content["application/json"] = {"schema": references[route.response]}
    elif route.content_type == "text/event-stream":
        content |= _EVENT_STREAM
    elif route.status != _NO_CONTENT:
        content[route.content_type] = {"schema": {"type": "object"} if route.content_type == "application/json" else {"type": "string"}}
    if route.streams:
        content |= _EVENT_STREAM
    content |= {kind: {"schema": {"type": "string"}} for kind in route.also_as}
    return {**good, "content": content} if content else good


def _bad(status: int, reasons: Sequence[Reason], references: dict[type, dict[str, Any]]) -> dict[str, Any]:
    """What is answered for *reasons*, which share a status: the codes, what each means, an example of each."""
    meanings = [f"`{WORDINGS[reason].code}`: {WORDINGS[reason].message}" for reason in reasons]
    more = ("RateLimit", "RateLimit-Policy", "Retry-After") if status == _TOO_MANY else ("Retry-After",) if Reason.SERVICE_UNAVAILABLE in reasons else ()
    examples = {reason.value: {"summary": WORDINGS[reason].message, "value": _example(reason)} for reason in reasons}
    return {
        "description": "\n".join(dict.fromkeys(meanings)),
        "headers": _headers("X-Request-ID", *more),
        "content": {"application/json": {"schema": references[ErrorEnvelope], "examples": examples}},
    }


def _example(reason: Reason) -> dict[str, Any]:
    """An envelope as it would be."""
    error: Refused | Unavailable = Refused(reason)
    if reason is Reason.RATE_LIMIT_EXCEEDED:
        error = Refused(reason, limit=LimitHit("per_hour", 900, 100, 3600))
    elif reason is Reason.SERVICE_UNAVAILABLE:
        error = Unavailable(reason, retry_after=2)
    return envelope(error, f"req_{_EXAMPLE_ID}")


def _headers(*names: str) -> dict[str, Any]:
    """Headers of an answer, by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _header(parameter: Parameter) -> dict[str, Any]:
    """One header of an answer."""
    return {"description": parameter.text, "schema": dict(parameter.schema)}
