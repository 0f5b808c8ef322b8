"""What is said and noted when a connection is refused before there is a request?

The same envelope, headers and event as everywhere else; ``protocol.py`` says why.
"""

from collections.abc import Callable

from msgspec import json

from chatkeep.admit import Desk
from chatkeep.admit.domains import find_origin
from chatkeep.audit import Context, event_for
from chatkeep.crypto import new_id
from chatkeep.errors import Reason, Refused, Unavailable
from chatkeep.web.cors import answer_headers
from chatkeep.web.headers import Surface, policy
from chatkeep.web.problems import envelope, status_of
from chatkeep.web.protocol import WireAnswer, WireFault, WireProblem

_CROWDED_RETRY_SECONDS = 5
_REASONS = {
    WireFault.MALFORMED: Reason.INVALID_REQUEST,
    WireFault.HEADERS_TOO_LARGE: Reason.HEADERS_TOO_LARGE,
    WireFault.URL_TOO_LONG: Reason.URL_TOO_LONG,
    WireFault.BODY_TOO_LARGE: Reason.PAYLOAD_TOO_LARGE,
    WireFault.LATE: Reason.REQUEST_TIMEOUT,
}


def refuse_on_wire(problem: WireProblem) -> WireAnswer:
    """The answer to *problem*."""
    return _answer(problem, new_id("req"))


def refuse_and_record(desk: Desk) -> Callable[[WireProblem], WireAnswer]:
    """As ``refuse_on_wire``, and an event for each. The peer is the address: no header can be believed here."""

    def refuse(problem: WireProblem) -> WireAnswer:
        request_id = new_id("req")
        peer = problem.peer[0] if problem.peer else None
        domain = problem.origins[0].decode("latin-1") if problem.origins else None
        desk.recorder.record(event_for(_error(problem).reason), Context(request_id=request_id, domain=domain, address=peer))
        return _answer(problem, request_id)

    return refuse


def _answer(problem: WireProblem, request_id: str) -> WireAnswer:
    """Envelope and headers."""
    error = _error(problem)
    headers = [
        *policy(Surface.VISITOR_API, is_https=False),
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id.encode()),
    ]
    if problem.target.startswith(b"/api/"):
        origin = find_origin(problem.origins[0].decode("latin-1")) if len(problem.origins) == 1 else None
        headers += answer_headers(origin)
    if isinstance(error, Unavailable):
        headers.append((b"retry-after", b"%d" % _CROWDED_RETRY_SECONDS))
    return WireAnswer(status_of(error), headers, json.encode(envelope(error, request_id)))


def _error(problem: WireProblem) -> Refused | Unavailable:
    """What went wrong, in our words."""
    if problem.fault is WireFault.CROWDED:
        return Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=_CROWDED_RETRY_SECONDS)
    return Refused(_REASONS[problem.fault])
