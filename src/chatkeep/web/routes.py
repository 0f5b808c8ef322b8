"""What is a route? One row of a face's table.

Starlette's routes, the OpenAPI document and the audience tests are all made from these
rows; a row without an audience cannot be written.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chatkeep.admit import Arrival
from chatkeep.admit.permissions import Permission
from chatkeep.errors import Reason
from chatkeep.web.headers import Surface


class Audience(StrEnum):
    """Who may call a route."""

    EVERYBODY = "everybody"
    LISTED_PAGE = "a page that the widget lists"
    SESSION = "a visitor with a session of that page"
    ANYBODY_SIGNING_IN = "somebody who wants to sign in"
    PERSON = "an operator who has signed in, for what is their own"
    OPERATOR = "an operator of the organization, or an API key of theirs"
    MEMBER = "an operator of the organization who has signed in; no API key"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers: a value to be JSON, or bytes of *content_type*."""

    value: Any = None
    status: int = 200
    content: bytes | None = None
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    cache: str = "no-store"
    # Which pages may embed it (CSP host sources); looked at on the surface of frames alone.
    ancestors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventStream:
    """What a handler answers with an event stream; *left* is called when the reader goes before its end."""

    events: AsyncIterator[bytes]
    left: Callable[[], None]


Disconnected = Callable[[Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Call:
    """An arrival, its path parameters, and a way to be told when the reader goes."""

    arrival: Arrival
    params: Mapping[str, str]
    when_gone: Disconnected


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query or header parameter: what it is for, and its form as JSON Schema."""

    text: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


Handler = Callable[[Call], Awaitable[Reply | EventStream]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    audience: Audience
    surface: Surface
    summary: str
    handler: Handler
    response: type | None
    request: type | None = None
    # Whether the body of a request must be there; all of its fields may be left out where not.
    needs_body: bool = True
    status: int = 200
    streams: bool = False
    errors: Sequence[Reason] = ()
    query: Mapping[str, Parameter] = field(default_factory=dict)
    headers: Mapping[str, Parameter] = field(default_factory=dict)
    content_type: str = "application/json"
    # Text forms in which the answer comes as well.
    also_as: Sequence[str] = ()
    # Further statuses that answer with the same type, and when.
    also: Mapping[int, str] = field(default_factory=dict)
    # Headers of the good answer, beyond those of every answer.
    gives: Mapping[str, str] = field(default_factory=dict)
    # Whether a client that names the ETag it has may be answered 304.
    revalidates: bool = False
    # Whether widgets in access mode domain take it without a session.
    tokenless: bool = False
    # What an operator must be allowed to do.
    permission: Permission | None = None
    notes: str = ""

    def __post_init__(self) -> None:
        """A route for operators says what they must be allowed to do, and no other route does."""
        if (self.permission is not None) is not (self.audience in {Audience.OPERATOR, Audience.MEMBER}):
            msg = f"{self.method} {self.path}: a permission belongs to the audiences OPERATOR and MEMBER, and to no other"
            raise TypeError(msg)
