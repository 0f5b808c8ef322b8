"""What do all routes of the admin API have in common? How a request is let in, carried out once, and answered.

``operator_route`` and its siblings make a row of the route table of a plain function that
takes ``Asked`` and returns the answer. Database and passwords are slow: such functions
run in a few threads of their own, so that visitors never wait for the office.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Any, ParamSpec, TypeVar

import msgspec

from chatkeep.admit import Arrival, Desk, body, recorded, replay
from chatkeep.admit._forms import check_text
from chatkeep.admit._in_flight import Claim
from chatkeep.admit._types import Seen
from chatkeep.admit.credentials import Operator
from chatkeep.admit.idempotency import KEY_FORM
from chatkeep.admit.office import approach_office, enter_office
from chatkeep.admit.permissions import Permission
from chatkeep.answer import Answers
from chatkeep.clock import Clock
from chatkeep.errors import InTheWay, NotThere, Problem, Reason, Refused, WrongUsage
from chatkeep.ids import OrgId
from chatkeep.mail import Postman
from chatkeep.manage.queries import parse_part
from chatkeep.providers import Roster
from chatkeep.rest.door import Door
from chatkeep.store import Clash, Store
from chatkeep.store.deadline import DEADLINE_SECONDS, until
from chatkeep.store.paging import Part
from chatkeep.store.replays import carried_out, keep_answer
from chatkeep.vault import Vault
from chatkeep.web.headers import Surface
from chatkeep.web.routes import Audience, Call, Parameter, Reply, Route

P = ParamSpec("P")
T = TypeVar("T")

CREATED = 201
ACCEPTED = 202
_THREADS = 4
_FAR = 1_000_000
PAGING: Mapping[str, Parameter] = {
    "page": Parameter("Which part of the list, counted from 1.", {"type": "integer", "minimum": 1, "maximum": _FAR, "default": 1}),
    "limit": Parameter("At most this many rows.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
}
_KEY = Parameter(
    "A retry with the same key is carried out once, and answered the same; what was shown once is null then.", {"type": "string", "pattern": KEY_FORM}
)
_EVERYWHERE = (
    Reason.INVALID_REQUEST,
    Reason.NOT_ACCEPTABLE,
    Reason.MISDIRECTED_REQUEST,
    Reason.RATE_LIMIT_EXCEEDED,
    Reason.INTERNAL_SERVER_ERROR,
    Reason.SERVICE_UNAVAILABLE,
)
_WITH_TOKEN = (
    Reason.AUTHENTICATION_REQUIRED,
    Reason.INVALID_ADMIN_TOKEN,
    Reason.ADMIN_TOKEN_EXPIRED,
    Reason.API_KEY_REJECTED,
    Reason.API_KEY_IN_BROWSER,
    Reason.FORBIDDEN,
)
_WITH_BODY = (Reason.PAYLOAD_TOO_LARGE, Reason.UNSUPPORTED_MEDIA_TYPE)
_CHANGING = (Reason.CONFLICT, Reason.INSUFFICIENT_STORAGE)
_REPEATABLE = (Reason.IDEMPOTENCY_IN_PROGRESS, Reason.IDEMPOTENCY_KEY_REUSED)


class Done(msgspec.Struct):
    """It is done."""

    success: bool
    message: str


@dataclass(frozen=True, slots=True)
class Office:
    """The collaborators that handlers may use."""

    desk: Desk
    answers: Answers
    roster: Roster
    vault: Vault
    postman: Postman
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS, thread_name_prefix="chatkeep-office"))
    door: Door = field(default_factory=Door)

    @property
    def gateway(self) -> str:
        """The address that links and tags name."""
        return self.desk.settings.public_urls[0]

    @property
    def is_development(self) -> bool:
        """Whether loopback pages may be listed."""
        return not self.desk.settings.is_production

    def close(self) -> None:
        """Let the threads end."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.door.close()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in. *body*: as the route's request type; *store*: notes the request's key with what is done."""

    office: Office
    seen: Seen
    call: Call
    store: Store
    body: Any

    @property
    def arrival(self) -> Arrival:
        """The request itself."""
        return self.call.arrival

    @property
    def params(self) -> Mapping[str, str]:
        """Parameters of the path."""
        return self.call.params

    @property
    def query(self) -> Mapping[str, str]:
        """Parameters of the query, all of them known."""
        return self.call.arrival.query

    @property
    def clock(self) -> Clock:
        """What time it is."""
        return self.office.desk.clock

    @property
    def part(self) -> Part:
        """The part of the list that is wanted. Raises ``WrongUsage``."""
        return parse_part(self.query)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What *function* returns, from a thread of the office. Raises ``Unavailable`` when the database keeps it waiting."""
        return await asyncio.get_running_loop().run_in_executor(self.office.threads, _in_time(partial(function, *args, **kwargs)))

    async def run_at_door(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As ``run``, for passwords, and for those who have shown nothing yet: in line, without a place it is ``Unavailable`` at once."""
        return await self.office.door.run(_in_time(partial(function, *args, **kwargs)), buckets=(self.arrival.address.bucket, *self._user))

    @property
    def _user(self) -> Sequence[str]:
        """Who asks, where that is known: nobody has more of the line by coming from many addresses."""
        return ()


@dataclass(frozen=True, slots=True)
class AskedByOperator(Asked):
    """As ``Asked``, by somebody who may."""

    operator: Operator

    @property
    def org(self) -> OrgId:
        """The organization that all this is about."""
        return self.operator.org_id

    @property
    def _user(self) -> Sequence[str]:
        """The user who asks."""
        return (self.operator.person.login.user_id,) if self.operator.person is not None else ()


Work = Callable[[AskedByOperator], Any]
OpenWork = Callable[[Asked], Awaitable[Any]]


def operator_route(office: Office, method: str, path: str, permission: Permission, summary: str, work: Work, response: type, **row: Any) -> Route:
    """A row for operators who may do *permission*; *is_for_people*: not for their programs. *work* runs in a thread, unless it is a coroutine function."""
    errors = (*_errors(method, row), *_WITH_TOKEN, *(() if path.count("{") == 0 else (Reason.NOT_FOUND,)))
    audience = Audience.MEMBER if row.pop("is_for_people", False) else Audience.OPERATOR
    return _row(office, method, path, audience, summary, work, response, permission=permission, errors=errors, **row)


def person_route(office: Office, method: str, path: str, summary: str, work: Work, response: type, **row: Any) -> Route:
    """A row for somebody who is signed in, about what is their own."""
    errors = (*_errors(method, row), *_WITH_TOKEN, *row.pop("errors", ()))
    return _row(office, method, path, Audience.PERSON, summary, work, response, errors=errors, **row)


def open_route(office: Office, method: str, path: str, summary: str, work: OpenWork, response: type, **row: Any) -> Route:
    """A row for somebody without a token. *work* is a coroutine function."""
    errors = (*_EVERYWHERE, Reason.SIGN_IN_BUSY, *_WITH_BODY, *_CHANGING, *row.pop("errors", ()))
    headers = {"Idempotency-Key": Parameter("Welcome; what is done here works once anyway.", {"type": "string", "pattern": KEY_FORM}), **row.pop("headers", {})}
    request = row.get("request")

    async def handle(call: Call) -> Reply:
        seen = approach_office(call.arrival, office.desk, known={})
        with recorded(seen, office.desk), _told():
            asked = Asked(office, seen, call, office.desk.store, _parse(call.arrival, request))
            return Reply(await work(asked), row.get("status", 200))

    handle.__name__ = work.__name__
    return Route(method, path, Audience.ANYBODY_SIGNING_IN, Surface.ADMIN_API, summary, handle, response, errors=errors, headers=headers, **row)


def _row(office: Office, method: str, path: str, audience: Audience, summary: str, work: Work, response: type, **row: Any) -> Route:
    """A row whose handler lets in whoever may, and carries out what they ask once."""
    secrets: Sequence[str] = row.pop("secrets", ())
    query: Mapping[str, Parameter] = {**(PAGING if row.pop("is_paged", False) else {}), **row.pop("query", {})}
    headers = {"Idempotency-Key": _KEY} if method == "POST" else {}
    request, status, permission, is_for_people = row.get("request"), row.get("status", 200), row.get("permission"), audience is not Audience.OPERATOR

    async def handle(call: Call) -> Reply:
        seen, operator = await enter_office(call.arrival, office.desk, permission=permission, known=query, is_for_people=is_for_people)
        with recorded(seen, office.desk), _told():
            if not all(value.isprintable() and value.isascii() for value in call.params.values()):
                raise NotThere("no id looks like this")
            _check_query(call.arrival.query, query)
            parsed = _parse(call.arrival, request, is_optional=not row.get("needs_body", True))
            asked = AskedByOperator(office, seen, call, office.desk.store, parsed, operator)
            if method != "POST":
                return Reply(await _carry_out(asked, work), status)
            found = await replay.claim(call.arrival, operator.org_id, operator.actor, office.desk)
            if isinstance(found, replay.Repeated):
                return Reply(found.answer, status)
            if found is None:
                return Reply(await _carry_out(asked, work), status)
            return Reply(await _carry_out_once(asked, work, found, secrets), status)

    handle.__name__ = work.__name__
    return Route(method, path, audience, Surface.ADMIN_API, summary, handle, response, query=query, headers=headers, **row)


async def _carry_out(asked: AskedByOperator, work: Work) -> Any:
    """What *work* answers."""
    if asyncio.iscoroutinefunction(work):
        return await work(asked)
    return await asked.run(work, asked)


async def _carry_out_once(asked: AskedByOperator, work: Work, claim: Claim, secrets: Sequence[str]) -> Any:
    """As ``_carry_out``, and let the key of the request remember it."""
    desk, org = asked.office.desk, asked.org
    notes = carried_out(org, claim.digest, claim.body_digest, at_ms=int(desk.clock.now().timestamp() * 1000))
    noting = desk.store.noting(*notes)
    try:
        answer = msgspec.to_builtins(await _carry_out(replace(asked, store=noting), work))
        if not noting.has_noted:
            # It stored nothing, but may have asked somebody outside: that is done once, too.
            await desk.store.write(*notes)
        # Their names stay, so that a repeated answer has the form that is documented.
        kept = {name: None if name in secrets else value for name, value in answer.items()}
        await desk.store.transaction(keep_answer, org, claim.digest, kept)
    finally:
        desk.in_flight.release(claim)
    return answer


def _parse(arrival: Arrival, request: type[msgspec.Struct] | None, *, is_optional: bool = False) -> Any:
    """The body, if the route takes one; where it is *is_optional*, nothing is an empty object. Raises ``Refused``, ``WrongUsage``."""
    if request is None:
        return None
    if is_optional and not arrival.body:
        return request()
    parsed = body.parse(arrival, request, names_unknown=True)
    _check_storable([msgspec.to_builtins(parsed)])
    return parsed


def _check_query(given: Mapping[str, str], known: Mapping[str, Parameter]) -> None:
    """Raise ``Refused`` for parameters that are not as their schemas say."""
    found = [check_text(name, text, known[name].schema) for name, text in given.items()]
    wrong = tuple(problem for problem in found if problem is not None)
    if wrong:
        raise Refused(Reason.INVALID_REQUEST, details=wrong)


def _check_storable(values: Iterable[Any]) -> None:
    """Raise ``WrongUsage`` for NUL in any text: databases take it for an end, or for an error."""
    for value in values:
        if isinstance(value, str) and "\0" in value:
            raise WrongUsage("holds a NUL character", field="body")
        if isinstance(value, Mapping):
            _check_storable((*value, *value.values()))
        elif isinstance(value, list):
            _check_storable(value)


class _told:  # noqa: N801 - a context manager that is used like a function
    """What a function of ``manage/`` could not do, as the refusal that says so."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        """Raise the refusal instead."""
        if isinstance(error, NotThere):
            raise Refused(Reason.NOT_FOUND) from None
        if isinstance(error, Clash):
            raise Refused(Reason.CONFLICT) from None
        if isinstance(error, WrongUsage):
            reason = Reason.CONFLICT if isinstance(error, InTheWay) else Reason.INVALID_REQUEST
            raise Refused(reason, details=(Problem(error.field or "body", str(error)),)) from None


def _in_time(work: Callable[[], T]) -> Callable[[], T]:
    """*work*, with the deadline of the database from when it begins."""

    def run() -> T:
        with until(monotonic() + DEADLINE_SECONDS):
            return work()

    return run


def _errors(method: str, row: Mapping[str, Any]) -> tuple[Reason, ...]:
    """What can go wrong with any request of that kind."""
    errors: tuple[Reason, ...] = _EVERYWHERE
    if row.get("request") is not None:
        errors = (*errors, *_WITH_BODY)
    if method != "GET":
        errors = (*errors, *_CHANGING)
    return (*errors, *_REPEATABLE) if method == "POST" else errors
