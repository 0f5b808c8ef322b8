"""The OpenAPI 3.1 document, made from the route tables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import Struct

from chatkeep import __version__
from chatkeep.admit.permissions import PERMISSIONS, ROLES
from chatkeep.admit.widget_settings import WidgetSettings
from chatkeep.errors import LimitHit, Reason, Refused, Unavailable
from chatkeep.ids import CONVERSATION_FORM, MESSAGE_FORM, PLACE_FORM, WIDGET_FORM
from chatkeep.web.examples import example_of
from chatkeep.web.headers import Surface
from chatkeep.web.meanings import describe_fields
from chatkeep.web.problems import ADVICE, WORDINGS, envelope
from chatkeep.web.reference import reference_routes
from chatkeep.web.routes import Audience, Call, Parameter, Reply, Route

_REFERENCE = "#/components/schemas/{name}"
_NO_CONTENT = 204
_TOO_MANY = 429
_EXAMPLE_ID = "abcdefghijklmnopqrstuvwxyz"
_IN_PATH: dict[str, Parameter] = {
    "widget_id": Parameter("The widget.", {"type": "string", "pattern": WIDGET_FORM, "examples": [f"widget_{_EXAMPLE_ID}"]}),
    "conversation_id": Parameter("A conversation of the caller's own.", {"type": "string", "pattern": CONVERSATION_FORM, "examples": [f"conv_{_EXAMPLE_ID}"]}),
    "message_id": Parameter(
        "An answer in a conversation of the visitor's own.", {"type": "string", "pattern": MESSAGE_FORM, "examples": [f"msg_{_EXAMPLE_ID}"]}
    ),
    "version": Parameter("A version of the widget.", {"type": "string", "pattern": r"^[0-9A-Za-z.+-]{1,40}$", "examples": [__version__]}),
    "name": Parameter("A file of the widget.", {"type": "string", "pattern": r"^[A-Za-z0-9._-]{1,100}$", "examples": ["loader.js"]}),
}
_ORIGIN = Parameter("The page's origin, as its browser sends it.", {"type": "string", "examples": ["https://shop.example"]})
_PROOF = Parameter("A proof of possession (RFC 9449), for a session that is bound to a key.", {"type": "string"})
_HINTS = {"Idempotency-Key": {"title": "a key of your own", "examples": ["3f6c2f0e-7c1a-4b7e-9a51-0d2f7a1e9b44"]}}
_TAG = Parameter("The ETag of what the client has.", {"type": "string"})
_HEADERS: Mapping[str, Parameter] = {
    "X-Request-ID": Parameter("The id of this request, in the error too.", {"type": "string", "pattern": "^req_[a-z2-7]{26}$"}),
    "Retry-After": Parameter("Whole seconds to wait.", {"type": "integer", "minimum": 0}),
    "RateLimit": Parameter("What is left of the limit that refused (draft-ietf-httpapi-ratelimit-headers-10)."),
    "RateLimit-Policy": Parameter("The limit that refused (draft-ietf-httpapi-ratelimit-headers-10)."),
    "ETag": Parameter("Changes whenever the content does."),
}

_OWN_FORM = "^{prefix}_[a-z2-7]{{26}}$"


def _own(prefix: str, text: str) -> Parameter:
    """An id of ours in a path."""
    return Parameter(text, {"type": "string", "pattern": _OWN_FORM.format(prefix=prefix), "examples": [f"{prefix}_{_EXAMPLE_ID}"]})


_IN_PATH |= {
    "agent_id": _own("agent", "An agent of the organization."),
    "provider_id": _own("prov", "A provider that the organization brought."),
    "key_id": _own("key", "An API key."),
    "user_id": _own("usr", "A user."),
    "invitation_id": _own("invite", "An invitation."),
    "block_id": _own("block", "A block."),
    "session_id": _own("sess", "A visitor's session."),
    "login_id": _own("login", "A login of one's own."),
    "token": Parameter(
        "The id of a session or API key, or a token itself.", {"type": "string", "pattern": r"^[\w.-]{1,1536}$", "examples": [f"sess_{_EXAMPLE_ID}"]}
    ),
}
_SCHEMES: Mapping[Audience, str] = {Audience.SESSION: "session", Audience.PERSON: "person", Audience.OPERATOR: "operator", Audience.MEMBER: "person"}

_NOUNS = {
    "auth": "Sign in, stay signed in, and all about one's own account.",
    "members": "Who belongs to the organization.",
    "invitations": "Who is asked to join it.",
    "api-keys": "Keys for programs.",
    "providers": "Models that the organization brings: a server, a model, a key that never comes out again.",
    "agents": "How answers are made: instructions, and whom to ask.",
    "widgets": "What pages embed.",
    "conversations": "What was said.",
    "sessions": "Visitors who are there.",
    "tokens": "Revoke whatever somebody holds.",
    "blocks": "Whom the organization keeps out.",
}
_SURFACES = {
    Surface.VISITOR_API: "What a visitor's browser calls; with CORS, so that pages of other origins may.",
    Surface.HEALTH: "For probes.",
    Surface.DOCUMENT: "What this API says about itself.",
    Surface.WIDGET_FILES: "The widget's own files, for every page.",
    Surface.PAGES: "Pages for people.",
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
        "example": {"id": "5-f7d18982", "event": "delta", "data": '{"text":"Hello"}'},
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
    needs: str | None = None
    details: list[ErrorDetail] | None = None


def build_document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document as JSON values."""
    # What views show of a widget's settings refers to their type.
    wanted: list[type] = [ErrorEnvelope, *([WidgetSettings] if any(route.surface is Surface.ADMIN_API for route in routes) else [])]
    wanted += [kind for route in routes for kind in (route.request, route.response) if kind is not None]
    unique = list(dict.fromkeys(wanted))
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REFERENCE)
    references = dict(zip(unique, schemas, strict=True))
    describe_fields(components)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chatkeep API",
            "version": __version__,
            "description": "The visitor API, which browsers on other people's sites may call, and the admin API, for operators and their programs. "
            "Every error is an `ErrorEnvelope`; `error` is stable.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This gateway."}],
        "tags": _tags(routes),
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": {name: _header(header) for name, header in _HEADERS.items()},
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A visitor's session token."},
                "person": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From `POST /api/admin/auth/token`; 15 minutes."},
                "operator": {"type": "http", "scheme": "bearer", "description": "A person's token, or an API key (`sec_…`) with the scope named."},
            },
        },
    }


def document_routes(routes: Sequence[Route], gateway: str) -> list[Route]:
    """The rows that serve the document of *routes*, themselves included: for programs, and as a page, whose commands call *gateway*."""
    content: list[bytes] = []

    async def read_document(_call: Call) -> Reply:
        return Reply(content=content[0])

    own = Route("GET", "/api/openapi.json", Audience.EVERYBODY, Surface.DOCUMENT, "This document", read_document, None, content_type="application/json")
    # The page is in the document too, and made from it: its row first, its content after.
    pages = reference_routes(build_document([*routes, own]), gateway)
    content.append(msgspec.json.encode(build_document([*routes, own, *pages])))
    return [own, *pages]


def _operation(route: Route, references: dict[type, dict[str, Any]], components: Mapping[str, Any]) -> dict[str, Any]:
    """One method of one path."""
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__.strip("_"),
        "summary": route.summary,
        "description": " ".join((f"For {route.audience.value}.", *_needs(route), route.notes)).strip(),
        "tags": [_tag(route)],
        "parameters": _parameters(route),
        "responses": _responses(route, references, components),
        "security": [{_SCHEMES[route.audience]: []}, *([{}] if route.tokenless else [])] if route.audience in _SCHEMES else [],
    }
    if route.request is not None:
        operation["requestBody"] = {"required": route.needs_body, "content": {"application/json": _shown(references[route.request], components)}}
    return operation


def _needs(route: Route) -> tuple[str, ...]:
    """Which roles and which scope may call it."""
    if route.permission is None:
        return ()
    roles = [role for role in ROLES if route.permission in PERMISSIONS[role]]
    keys = ", and API keys with this scope" if route.audience is Audience.OPERATOR else ""
    return (f"Needs `{route.permission.value}`, which {_listed(roles)} {'has' if len(roles) == 1 else 'have'}{keys}.",)


def _listed(roles: Sequence[str]) -> str:
    """Roles as a sentence has them."""
    first, last = ", ".join(f"`{role}`" for role in roles[:-1]), f"`{roles[-1]}`"
    return f"{first} and {last}" if first else last


def _tag(route: Route) -> str:
    """The group of a route: in the admin API its noun, elsewhere its surface."""
    return route.path.split("/")[3] if route.surface is Surface.ADMIN_API else route.surface.value


def _tags(routes: Sequence[Route]) -> list[dict[str, str]]:
    """The groups that *routes* are in."""
    used = {_tag(route) for route in routes}
    return [{"name": name, "description": text} for name, text in (*_NOUNS.items(), *_SURFACES.items()) if name in used]


def _parameters(route: Route) -> list[dict[str, Any]]:
    """Path, query and header parameters."""
    in_path = [part.partition("{")[2].removesuffix("}") for part in route.path.split("/") if part.endswith("}")]
    headers = {name: replace(header, schema={**header.schema, **_HINTS.get(name, {})}) for name, header in route.headers.items()}
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


def _shown(schema: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """*schema* with an example of it."""
    return {"schema": schema, "example": example_of(schema, components)}


def _responses(route: Route, references: dict[type, dict[str, Any]], components: Mapping[str, Any]) -> dict[str, Any]:
    """The good answer and every documented error, by status."""
    responses = {str(route.status): _good(route, references, components)}
    if route.revalidates:
        responses["304"] = {"description": "The client has it already.", "headers": _headers("X-Request-ID", "ETag")}
    for status, text in route.also.items():
        responses[str(status)] = {**_good(route, references, components), "description": text}
    by_status: dict[int, list[Reason]] = {}
    for reason in route.errors:
        by_status.setdefault(WORDINGS[reason].status, []).append(reason)
    for status, reasons in sorted(by_status.items()):
        responses[str(status)] = _bad(status, list(dict.fromkeys(reasons)), references)
    return responses


def _good(route: Route, references: dict[type, dict[str, Any]], components: Mapping[str, Any]) -> dict[str, Any]:
    """What is answered when all goes well."""
    good: dict[str, Any] = {"description": route.summary + ".", "headers": _headers("X-Request-ID", *(("ETag",) if route.revalidates else ()))}
    good["headers"] |= {name: _header(Parameter(text)) for name, text in route.gives.items()}
    content: dict[str, Any] = {}
    if route.response is not None:
        content["application/json"] = _shown(references[route.response], components)
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
    examples = {reason.value: {"summary": WORDINGS[reason].message, "description": ADVICE[reason], "value": _example(reason)} for reason in reasons}
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
