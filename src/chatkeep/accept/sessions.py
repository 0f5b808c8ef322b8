"""Sessions: a visitor's short-lived right to talk. Open, refresh, end."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from chatkeep.accept.contract import ADMISSION_ERRORS, UsagePart
from chatkeep.admit import Desk, OpenedSession, end_session, open_session, refresh_session
from chatkeep.admit.body import SessionRequest
from chatkeep.admit.idempotency import KEY_FORM
from chatkeep.answer import Answers
from chatkeep.errors import Reason
from chatkeep.web.headers import Surface
from chatkeep.web.problems import usage_part
from chatkeep.web.routes import Audience, Call, Parameter, Reply, Route


class RefreshedSessionReply(Struct, kw_only=True):
    """A session's newest token. *expires_in* in seconds, *server_time* in seconds since 1970.

    *resume*: the session's newest resume handle, for 30 minutes, where the widget has that feature and the session a key.
    """

    session_token: str
    expires_in: int
    session_id: str
    conversation_id: str
    server_time: int
    resume: str | UnsetType = UNSET


class SessionReply(RefreshedSessionReply, kw_only=True):
    """A new session, and what its visitor has left today."""

    usage: UsagePart


def session_routes(desk: Desk, answers: Answers) -> list[Route]:
    """The rows of this file."""

    async def open_one(call: Call) -> Reply:
        return Reply(_value(await open_session(call.arrival, desk)), 201)

    async def refresh(call: Call) -> Reply:
        return Reply(_value(await refresh_session(call.arrival, desk)))

    async def end(call: Call) -> Reply:
        answers.stop_session(await end_session(call.arrival, desk))
        return Reply(status=204)

    face = Surface.VISITOR_API
    bad_body = (Reason.PAYLOAD_TOO_LARGE, Reason.UNSUPPORTED_MEDIA_TYPE, Reason.INSUFFICIENT_STORAGE)
    vouched = (Reason.INVALID_IDENTITY, Reason.KEY_SET_UNAVAILABLE)
    repeated = (Reason.IDEMPOTENCY_IN_PROGRESS, Reason.IDEMPOTENCY_KEY_REUSED)
    opening = tuple(reason for reason in ADMISSION_ERRORS if reason not in {Reason.SESSION_REQUIRED, Reason.INVALID_SESSION, Reason.TOKEN_EXPIRED})
    return [
        Route(
            "POST",
            "/api/sessions",
            Audience.LISTED_PAGE,
            face,
            "Open a session",
            open_one,
            SessionReply,
            request=SessionRequest,
            status=201,
            errors=(*opening, *vouched, *repeated, *bad_body),
            headers={
                "DPoP": Parameter("A proof of possession (RFC 9449): binds the session to its key."),
                "Idempotency-Key": Parameter("A retry with the same key gets the same session.", {"type": "string", "pattern": KEY_FORM}),
            },
        ),
        Route("POST", "/api/sessions/refresh", Audience.SESSION, face, "Get the session's next token", refresh, RefreshedSessionReply, errors=ADMISSION_ERRORS),
        Route("DELETE", "/api/sessions/current", Audience.SESSION, face, "End the session", end, None, status=204, errors=ADMISSION_ERRORS),
    ]


def _value(opened: OpenedSession) -> dict[str, Any]:
    """A session as its visitor sees it."""
    value: dict[str, Any] = {
        "session_token": opened.token,
        "expires_in": opened.expires_in,
        "session_id": opened.row.session_id,
        "conversation_id": opened.row.conversation_id,
        "server_time": opened.server_time,
    }
    if opened.resume is not None:
        value["resume"] = opened.resume
    if opened.usage is not None:
        value["usage"] = usage_part(opened.usage)
    return value
