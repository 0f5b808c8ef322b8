"""Which security events exist? The closed catalogue: one class each.

The fields of a class are the event's typed details: lengths, codes and counts, never
text that a person wrote. Spec: events-and-alerts, "Event catalogue".
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from chatkeep.errors import Reason

Severity = Literal["info", "notice", "warning", "high"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something a security team may want to know."""

    type: ClassVar[str]
    severity: ClassVar[Severity]
    aliases: ClassVar[tuple[str, ...]] = ()
    # Equal events within a minute become one row with a count; these are told apart by it.
    folds: ClassVar[bool] = True

    def details(self) -> dict[str, Any]:
        """What is special about this one."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class SessionCreated(Event):
    """A visitor may talk now."""

    type = "session_created"
    severity = "info"
    aliases = ("SESSION_CREATED",)
    folds = False


@dataclass(frozen=True, slots=True)
class SessionRefreshed(Event):
    """A session got its next token; *is_resumed*: under another key, with a resume handle, because the page was loaded anew."""

    type = "session_refreshed"
    severity = "info"
    is_resumed: bool = False


@dataclass(frozen=True, slots=True)
class SessionEnded(Event):
    """A visitor ended a session."""

    type = "session_ended"
    severity = "info"
    folds = False


@dataclass(frozen=True, slots=True)
class InvalidSession(Event):
    """A session that is missing, not ours, of another place, or over."""

    type = "invalid_session"
    severity = "warning"
    aliases = ("INVALID_SESSION_ID",)
    reason: str


@dataclass(frozen=True, slots=True)
class InvalidToken(Event):
    """A token of ours that is too old, or an operator's that is missing or not valid."""

    type = "invalid_token"
    severity = "warning"
    reason: str


@dataclass(frozen=True, slots=True)
class TokenReuse(Event):
    """A token that was replaced came back without proof: the session was revoked."""

    type = "token_reuse"
    severity = "high"


@dataclass(frozen=True, slots=True)
class InvalidProof(Event):
    """A proof of possession that is missing, broken, of another key or request, or used before."""

    type = "invalid_proof"
    severity = "warning"
    reason: str


@dataclass(frozen=True, slots=True)
class IdentityRejected(Event):
    """A host's identity token or page ticket that is missing, forged, too old, used before, or whose keys cannot be had; *cause* is a code."""

    type = "identity_rejected"
    severity = "warning"
    cause: str


@dataclass(frozen=True, slots=True)
class SessionSteppedUp(Event):
    """A session goes on from another network or browser family; *changed* says which."""

    type = "session_stepped_up"
    severity = "warning"
    changed: str


@dataclass(frozen=True, slots=True)
class SessionSwept(Event):
    """Sessions that ended by idling or by age, *ended* in one go."""

    type = "session_swept"
    severity = "info"
    aliases = ("SESSION_CLEANUP",)
    folds = False
    ended: int


@dataclass(frozen=True, slots=True)
class DomainNotAllowed(Event):
    """A page that the widget's owner did not list. *referer* is cut to its origin; it decides nothing."""

    type = "domain_not_allowed"
    severity = "warning"
    aliases = ("domain_mismatch", "CORS_BLOCKED")
    referer: str | None = None


@dataclass(frozen=True, slots=True)
class WidgetNotFound(Event):
    """A well-formed widget id that is unknown, deleted or paused."""

    type = "widget_not_found"
    severity = "notice"


@dataclass(frozen=True, slots=True)
class InvalidWidgetId(Event):
    """A widget id without the form of one."""

    type = "invalid_widget_id"
    severity = "notice"


@dataclass(frozen=True, slots=True)
class RateLimitExceeded(Event):
    """Too much, by one limit."""

    type = "rate_limit_exceeded"
    severity = "notice"
    aliases = ("rate_limit", "RATE_LIMIT_EXCEEDED")
    limit_type: str
    # A layer in shadow mode: counted and recorded, but let through.
    would_refuse: bool = False


@dataclass(frozen=True, slots=True)
class Blocked(Event):
    """Somebody who is blocked tried again."""

    type = "blocked"
    severity = "warning"


@dataclass(frozen=True, slots=True)
class BlockCreated(Event):
    """A block began; *seconds* ``None``: until it is lifted."""

    type = "block_created"
    severity = "warning"
    folds = False
    kind: str
    is_automatic: bool
    seconds: int | None


@dataclass(frozen=True, slots=True)
class BlockLifted(Event):
    """An operator lifted a block."""

    type = "block_lifted"
    severity = "warning"
    folds = False
    block_id: str


@dataclass(frozen=True, slots=True)
class MessageTooLong(Event):
    """A message over the widget's length, in code points."""

    type = "message_too_long"
    severity = "notice"
    length: int


@dataclass(frozen=True, slots=True)
class InvalidRequest(Event):
    """A request that no honest client sends."""

    type = "invalid_request"
    severity = "notice"
    reason: str


@dataclass(frozen=True, slots=True)
class IdempotencyConflict(Event):
    """An idempotency key that came back while it was being carried out, or with another body."""

    type = "idempotency_conflict"
    severity = "notice"
    reason: str


@dataclass(frozen=True, slots=True)
class HttpsRequired(Event):
    """Plain HTTP where only HTTPS is served."""

    type = "https_required"
    severity = "warning"


@dataclass(frozen=True, slots=True)
class LoginSucceeded(Event):
    """Somebody signed in to the office."""

    type = "login_succeeded"
    severity = "info"
    folds = False
    user_id: str


@dataclass(frozen=True, slots=True)
class LoginFailed(Event):
    """Address or password was wrong; nobody says which."""

    type = "login_failed"
    severity = "warning"


@dataclass(frozen=True, slots=True)
class LoginLocked(Event):
    """An attempt to sign in after too many failures; the password was not looked at."""

    type = "login_locked"
    severity = "warning"


@dataclass(frozen=True, slots=True)
class MfaFailed(Event):
    """The password was right, the second factor missing, wrong or used before."""

    type = "mfa_failed"
    severity = "warning"
    cause: str


@dataclass(frozen=True, slots=True)
class ApiKeyUsedFirst(Event):
    """An API key was used for the first time."""

    type = "api_key_used_first"
    severity = "info"
    folds = False
    key_id: str


@dataclass(frozen=True, slots=True)
class ApiKeyRejected(Event):
    """An API key that is unknown, revoked, expired, of another network, or sent by a browser."""

    type = "api_key_rejected"
    severity = "warning"
    aliases = ("API_KEY_VALIDATION",)
    cause: str


@dataclass(frozen=True, slots=True)
class ChatMessageProcessed(Event):
    """A message was answered. Lengths in code points."""

    type = "chat_message_processed"
    severity = "info"
    aliases = ("CHAT_MESSAGE_PROCESSED",)
    folds = False
    provider: str
    message_length: int
    answer_length: int
    finish_reason: str


@dataclass(frozen=True, slots=True)
class ChatError(Event):
    """A message that was admitted got no whole answer."""

    type = "chat_error"
    severity = "warning"
    aliases = ("CHAT_ERROR",)
    reason: str


@dataclass(frozen=True, slots=True)
class ProviderFailed(Event):
    """A provider gave up on one question; *status* and *code* are its server's own, where it answered."""

    type = "provider_failed"
    severity = "warning"
    provider: str
    failure: str
    status: int | None = None
    code: str | None = None
    host: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderFellBack(Event):
    """The next provider of the chain answered."""

    type = "provider_fell_back"
    severity = "warning"
    provider: str


@dataclass(frozen=True, slots=True)
class ConfigUnsafe(Event):
    """The gateway runs with a setting that it warns about."""

    type = "config_unsafe"
    severity = "warning"
    folds = False
    setting: str


@dataclass(frozen=True, slots=True)
class StoreUnavailable(Event):
    """The database is away or full."""

    type = "store_unavailable"
    severity = "warning"
    reason: str


def event_for(reason: Reason, *, length: int | None = None, limit_type: str | None = None, referer: str | None = None, cause: str | None = None) -> Event:
    """The one event that a refusal with *reason* is recorded as."""
    if reason is Reason.RATE_LIMIT_EXCEEDED:
        return RateLimitExceeded(limit_type or "unknown")
    if reason is Reason.MESSAGE_TOO_LONG:
        return MessageTooLong(length or 0)
    if reason is Reason.DOMAIN_NOT_AUTHORIZED:
        return DomainNotAllowed(referer)
    if reason in _CAUSED:
        return _CAUSED[reason](cause or "unknown")
    return _EVENT_OF[reason]


_CAUSED: dict[Reason, Callable[[str], Event]] = {
    Reason.INVALID_IDENTITY: IdentityRejected,
    Reason.SECOND_FACTOR_REQUIRED: MfaFailed,
    Reason.SECOND_FACTOR_WRONG: MfaFailed,
    Reason.API_KEY_REJECTED: ApiKeyRejected,
    Reason.API_KEY_IN_BROWSER: ApiKeyRejected,
}

_EVENT_OF: dict[Reason, Event] = {
    Reason.INVALID_WIDGET_ID: InvalidWidgetId(),
    Reason.WIDGET_NOT_FOUND: WidgetNotFound(),
    Reason.HTTPS_REQUIRED: HttpsRequired(),
    Reason.TEMPORARILY_BLOCKED: Blocked(),
    Reason.SESSION_REQUIRED: InvalidSession(Reason.SESSION_REQUIRED),
    Reason.INVALID_SESSION: InvalidSession(Reason.INVALID_SESSION),
    Reason.INVALID_CREDENTIALS: LoginFailed(),
    Reason.PASSWORD_NOT_CONFIRMED: LoginFailed(),
    Reason.LOGIN_LOCKED: LoginLocked(),
    Reason.AUTHENTICATION_REQUIRED: InvalidToken(Reason.AUTHENTICATION_REQUIRED),
    Reason.INVALID_ADMIN_TOKEN: InvalidToken(Reason.INVALID_ADMIN_TOKEN),
    Reason.ADMIN_TOKEN_EXPIRED: InvalidToken(Reason.ADMIN_TOKEN_EXPIRED),
    Reason.SESSION_REVOKED: InvalidSession(Reason.SESSION_REVOKED),
    Reason.SESSION_EXPIRED: InvalidSession(Reason.SESSION_EXPIRED),
    Reason.TOKEN_EXPIRED: InvalidToken(Reason.TOKEN_EXPIRED),
    Reason.IDEMPOTENCY_IN_PROGRESS: IdempotencyConflict(Reason.IDEMPOTENCY_IN_PROGRESS),
    Reason.IDEMPOTENCY_KEY_REUSED: IdempotencyConflict(Reason.IDEMPOTENCY_KEY_REUSED),
    Reason.PROOF_REQUIRED: InvalidProof(Reason.PROOF_REQUIRED),
    Reason.INVALID_PROOF: InvalidProof(Reason.INVALID_PROOF),
    Reason.KEY_SET_UNAVAILABLE: IdentityRejected("key_set_unavailable"),
    Reason.PROCESSING_ERROR: ChatError(Reason.PROCESSING_ERROR),
    Reason.PROCESSING_TIMEOUT: ChatError(Reason.PROCESSING_TIMEOUT),
    Reason.INTERNAL_SERVER_ERROR: ChatError(Reason.INTERNAL_SERVER_ERROR),
    Reason.SIGN_IN_BUSY: RateLimitExceeded("sign_in_line"),
    Reason.SERVICE_UNAVAILABLE: StoreUnavailable(Reason.SERVICE_UNAVAILABLE),
    Reason.INSUFFICIENT_STORAGE: StoreUnavailable(Reason.INSUFFICIENT_STORAGE),
    **{
        reason: InvalidRequest(reason)
        for reason in (
            Reason.INVALID_REQUEST,
            Reason.REQUEST_TIMEOUT,
            Reason.PAYLOAD_TOO_LARGE,
            Reason.UNSUPPORTED_MEDIA_TYPE,
            Reason.METHOD_NOT_ALLOWED,
            Reason.NOT_ACCEPTABLE,
            Reason.MISDIRECTED_REQUEST,
            Reason.HEADERS_TOO_LARGE,
            Reason.URL_TOO_LONG,
            Reason.INVALID_CONVERSATION_ID,
            Reason.MESSAGE_EMPTY,
            Reason.NOT_FOUND,
            Reason.FORBIDDEN,
            Reason.CONFLICT,
        )
    },
}


def event_types() -> dict[str, type[Event]]:
    """Every event by its type and by its aliases."""
    found: dict[str, type[Event]] = {}
    for event in Event.__subclasses__():
        for name in (event.type, *event.aliases):
            found[name] = event
    return found
