"""Which status and which words does an error get? The only place that knows.

One envelope for every face (spec: visitor-api, "Error envelope"). ``message`` is plain
English for people; programs read ``error``. Nothing of the inside is ever in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chatkeep.errors import LimitHit, Problem, Reason, Refused, Unavailable, Usage


@dataclass(frozen=True, slots=True)
class Wording:
    """How one reason is told: HTTP status, stable code, sentence."""

    status: int
    code: str
    message: str


def _words(reason: Reason, status: int, message: str, code: str | None = None) -> tuple[Reason, Wording]:
    """One row of the table."""
    return reason, Wording(status, code or reason.value, message)


WORDINGS: Mapping[Reason, Wording] = dict(
    (
        _words(Reason.INVALID_REQUEST, 400, "The request could not be understood."),
        _words(Reason.REQUEST_TIMEOUT, 408, "The request took too long to arrive.", "invalid_request"),
        _words(Reason.PAYLOAD_TOO_LARGE, 413, "The request is too large."),
        _words(Reason.UNSUPPORTED_MEDIA_TYPE, 415, "Send the request as application/json."),
        _words(Reason.METHOD_NOT_ALLOWED, 405, "This address does not take that method."),
        _words(Reason.NOT_ACCEPTABLE, 406, "Answers come as application/json or text/event-stream."),
        _words(Reason.MISDIRECTED_REQUEST, 421, "This host is not served here."),
        _words(Reason.HEADERS_TOO_LARGE, 431, "The request's headers are too large."),
        _words(Reason.URL_TOO_LONG, 414, "The request's address is too long.", "headers_too_large"),
        _words(Reason.INVALID_WIDGET_ID, 400, "This is not a widget id."),
        _words(Reason.INVALID_CONVERSATION_ID, 400, "This is not a conversation id."),
        _words(Reason.MESSAGE_TOO_LONG, 400, "The message is too long."),
        _words(Reason.MESSAGE_EMPTY, 400, "The message is empty."),
        _words(Reason.HTTPS_REQUIRED, 403, "Use https."),
        _words(Reason.DOMAIN_NOT_AUTHORIZED, 403, "This website is not allowed to use this chat."),
        _words(Reason.WIDGET_NOT_FOUND, 404, "This chat is switched off at the moment."),
        _words(Reason.NOT_FOUND, 404, "There is nothing here."),
        _words(Reason.SESSION_REQUIRED, 401, "Open a session first."),
        _words(Reason.INVALID_SESSION, 401, "This session is not valid. Open a new one."),
        _words(Reason.SESSION_REVOKED, 401, "This session was ended. Open a new one."),
        _words(Reason.PROOF_REQUIRED, 401, "This session needs a proof of possession."),
        _words(Reason.INVALID_PROOF, 401, "The proof of possession does not fit. Check the clock and sign a new one."),
        _words(Reason.INVALID_IDENTITY, 401, "Your sign-in could not be confirmed. Load the page again."),
        _words(Reason.TOKEN_EXPIRED, 401, "This token is too old. Refresh the session."),
        _words(Reason.AUTHENTICATION_REQUIRED, 401, "Send a token, as Authorization: Bearer and the token."),
        _words(Reason.INVALID_ADMIN_TOKEN, 401, "This token is not valid, or no longer. Sign in again."),
        _words(Reason.ADMIN_TOKEN_EXPIRED, 401, "This token is too old. Ask for the next one.", "token_expired"),
        _words(Reason.API_KEY_REJECTED, 401, "This API key is not valid here.", "invalid_token"),
        _words(Reason.API_KEY_IN_BROWSER, 403, "API keys are for servers: a browser would show this one to everybody. Revoke it."),
        _words(Reason.INVALID_CREDENTIALS, 401, "Email address or password is wrong."),
        # 403: the token is as good as before, and the client keeps it.
        _words(Reason.PASSWORD_NOT_CONFIRMED, 403, "Your current password is wrong.", "invalid_credentials"),
        _words(Reason.SECOND_FACTOR_REQUIRED, 401, "Send the code of your authenticator app, or a recovery code."),
        _words(Reason.SECOND_FACTOR_WRONG, 401, "This code is not right, or was used already.", "second_factor_required"),
        _words(Reason.LOGIN_LOCKED, 429, "Too many attempts to sign in.", "rate_limit_exceeded"),
        _words(Reason.FORBIDDEN, 403, "You may not do this."),
        _words(Reason.CONFLICT, 409, "Something that exists already is in the way."),
        _words(Reason.SESSION_EXPIRED, 410, "This session has ended. Open a new one."),
        _words(Reason.IDEMPOTENCY_IN_PROGRESS, 409, "This very request is being answered right now."),
        _words(Reason.IDEMPOTENCY_KEY_REUSED, 422, "This idempotency key was used for another request."),
        _words(Reason.RATE_LIMIT_EXCEEDED, 429, "Too many messages."),
        _words(Reason.TEMPORARILY_BLOCKED, 429, "Sending is paused for a while."),
        _words(Reason.PROCESSING_ERROR, 502, "The assistant could not answer. Please try again."),
        _words(Reason.PROCESSING_TIMEOUT, 504, "The answer took too long. Please try again.", "processing_error"),
        _words(Reason.SERVICE_UNAVAILABLE, 503, "The chat is not available right now. Please try again."),
        _words(Reason.SIGN_IN_BUSY, 503, "Many people are signing in at the moment. Please try again shortly.", "service_unavailable"),
        _words(Reason.KEY_SET_UNAVAILABLE, 503, "Your sign-in cannot be confirmed right now. Please try again.", "service_unavailable"),
        _words(Reason.INSUFFICIENT_STORAGE, 507, "The chat cannot store anything right now. Please try again later."),
        _words(Reason.INTERNAL_SERVER_ERROR, 500, "Something went wrong on our side."),
    )
)


# What to do next, for those who write programs against the API: for the document, its page and the errors' page.
ADVICE: Mapping[Reason, str] = {
    Reason.INVALID_REQUEST: "`details` names each field and what it may be: mend it and send the request again.",
    Reason.REQUEST_TIMEOUT: "Send the whole request at once.",
    Reason.PAYLOAD_TOO_LARGE: "Send less.",
    Reason.UNSUPPORTED_MEDIA_TYPE: "Send the header `Content-Type: application/json`.",
    Reason.METHOD_NOT_ALLOWED: "The header `Allow` names the methods.",
    Reason.NOT_ACCEPTABLE: "Leave `Accept` out, or name `application/json`.",
    Reason.MISDIRECTED_REQUEST: "Call the gateway by an address of CHATKEEP_PUBLIC_URL.",
    Reason.HEADERS_TOO_LARGE: "Send fewer or shorter headers.",
    Reason.URL_TOO_LONG: "Shorten the address.",
    Reason.INVALID_WIDGET_ID: "Copy the id from `chatkeep widgets list`.",
    Reason.INVALID_CONVERSATION_ID: "Use the `conversation_id` that a session or an answer named.",
    Reason.MESSAGE_TOO_LONG: "Shorten it to the widget's `limits.message_length`.",
    Reason.MESSAGE_EMPTY: "Write something.",
    Reason.HTTPS_REQUIRED: "Call the https address; behind a proxy, set CHATKEEP_TRUSTED_PROXIES.",
    Reason.DOMAIN_NOT_AUTHORIZED: "Add the page's domain to the widget's `allowed_domains`.",
    Reason.WIDGET_NOT_FOUND: "Check the id, and whether the widget is paused or deleted.",
    Reason.NOT_FOUND: "Check the address and the id: what belongs to another organization is not shown either.",
    Reason.SESSION_REQUIRED: "`POST /api/sessions`, and send its token.",
    Reason.INVALID_SESSION: "`POST /api/sessions` for a new one.",
    Reason.SESSION_REVOKED: "`POST /api/sessions` for a new one.",
    Reason.PROOF_REQUIRED: "Send the header `DPoP`, signed by the session's key.",
    Reason.INVALID_PROOF: "Sign a new one; `server_time` is the gateway's clock.",
    Reason.INVALID_IDENTITY: "`details` says what does not fit; have the site sign a new one.",
    Reason.TOKEN_EXPIRED: "`POST /api/sessions/refresh`.",
    Reason.AUTHENTICATION_REQUIRED: "Send the header `Authorization: Bearer` with an access token or an API key.",
    Reason.INVALID_ADMIN_TOKEN: "Sign in again with `POST /api/admin/auth/token`.",
    Reason.ADMIN_TOKEN_EXPIRED: "`POST /api/admin/auth/refresh` with the refresh token.",
    Reason.API_KEY_REJECTED: "Check that it is whole, neither revoked nor expired, and used from a network that it names.",
    Reason.API_KEY_IN_BROWSER: "Call from a server, without `Origin` and `Sec-Fetch-Mode`; revoke this key.",
    Reason.INVALID_CREDENTIALS: "Check both; `POST /api/admin/auth/password/forgot` sends a mail.",
    Reason.PASSWORD_NOT_CONFIRMED: "Send the password that holds now as `current_password`; the token goes on.",
    Reason.SECOND_FACTOR_REQUIRED: "Send `totp_code` or `recovery_code` beside the password.",
    Reason.SECOND_FACTOR_WRONG: "Wait for the app's next code, check the clock of its device, or send another recovery code.",
    Reason.LOGIN_LOCKED: "Wait `retry_after` seconds.",
    Reason.FORBIDDEN: "`needs` names the permission: use a key with that scope, or ask an owner for another role.",
    Reason.CONFLICT: "`details` says what is in the way: choose another name, or change that first.",
    Reason.SESSION_EXPIRED: "`POST /api/sessions` for a new one.",
    Reason.IDEMPOTENCY_IN_PROGRESS: "Wait a moment, and send the same request with the same key.",
    Reason.IDEMPOTENCY_KEY_REUSED: "Use a new key for a new request.",
    Reason.RATE_LIMIT_EXCEEDED: "Wait `retry_after` seconds.",
    Reason.TEMPORARILY_BLOCKED: "Wait `retry_after` seconds.",
    Reason.PROCESSING_ERROR: "Try again; `POST /api/admin/providers/{provider_id}/test` says what is wrong with a provider.",
    Reason.PROCESSING_TIMEOUT: "Try again, or choose a faster model.",
    Reason.SERVICE_UNAVAILABLE: "Wait `retry_after` seconds, and try again with the same `Idempotency-Key`.",
    Reason.SIGN_IN_BUSY: "Wait `retry_after` seconds, and try again.",
    Reason.KEY_SET_UNAVAILABLE: "Try again; whoever runs the site checks its key set's address.",
    Reason.INSUFFICIENT_STORAGE: "Whoever runs the gateway makes room on its disk.",
    Reason.INTERNAL_SERVER_ERROR: "Give `request_id` to whoever runs the gateway: its log says more.",
}


def status_of(error: Refused | Unavailable) -> int:
    """The HTTP status of *error*."""
    return WORDINGS[error.reason].status


def retry_after_of(error: Refused | Unavailable) -> int | None:
    """Whole seconds to wait, where waiting helps."""
    return error.retry_after


def envelope(error: Refused | Unavailable, request_id: str) -> dict[str, Any]:
    """The body that tells *error*."""
    wording = WORDINGS[error.reason]
    body: dict[str, Any] = {"success": False, "error": wording.code, "message": wording.message, "request_id": request_id}
    retry_after = retry_after_of(error)
    if retry_after is not None:
        body["retry_after"] = retry_after
    if isinstance(error, Refused):
        if error.limit is not None:
            body.update(_limit_parts(error.limit))
        if error.usage is not None:
            body["usage"] = usage_part(error.usage)
        body.update(error.shown)
        if error.details:
            body["details"] = [_detail(problem) for problem in error.details]
    return body


def usage_part(usage: Usage) -> dict[str, Any]:
    """Usage as every answer carries it."""
    return {"messages_remaining_today": usage.messages_remaining_today, "reset_at": usage.reset_at}


def rate_headers(limit: LimitHit) -> list[tuple[str, str]]:
    """``Retry-After``, and the fields of draft-ietf-httpapi-ratelimit-headers-10."""
    headers = [("retry-after", str(limit.retry_after)), ("ratelimit", f'"{limit.limit_type}";r=0;t={limit.retry_after}')]
    window = f";w={limit.window_seconds}" if limit.window_seconds else ""
    return [*headers, ("ratelimit-policy", f'"{limit.limit_type}";q={limit.quota}{window}')]


def _limit_parts(limit: LimitHit) -> dict[str, Any]:
    """What a limited visitor is told."""
    parts: dict[str, Any] = {"message": _limit_message(limit), "limit_type": limit.limit_type}
    if limit.action is not None:
        parts["action"] = limit.action
    return parts


def _limit_message(limit: LimitHit) -> str:
    """A sentence that says what to do."""
    if limit.action == "new_session":
        return "This session has had all its messages. Start a new one."
    if limit.action == "new_conversation":
        return "This conversation is full. Start a new one."
    if limit.limit_type == "concurrency":
        return "Too many answers at once. Wait for one to end."
    if limit.limit_type == "login":
        return f"Too many attempts to sign in. Try again in {_duration(limit.retry_after)}."
    if limit.limit_type == "sessions_per_address":
        return f"Too many new chats from this network. Try again in {_duration(limit.retry_after)}."
    return f"Too many messages. Try again in {_duration(limit.retry_after)}."


def _duration(seconds: int) -> str:
    """*seconds* as people say it, rounded up."""
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds > size:
            count = -(-seconds // size)
            return f"{count} {name}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _detail(problem: Problem) -> dict[str, str]:
    """One field's problem."""
    return {"field": problem.field, "problem": problem.problem}
