"""What can go wrong, in one small tree.

``Refused`` is policy: recorded, explained, never a bug. ``Unavailable`` is a part that
is down. ``Misconfigured`` stops the start. Anything else is a bug. No HTTP in here:
``web/problems.py`` gives each reason its status and its words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The closed list of stable error codes (spec: visitor-api, "Error envelope")."""

    INVALID_REQUEST = "invalid_request"
    REQUEST_TIMEOUT = "request_timeout"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    MISDIRECTED_REQUEST = "misdirected_request"
    HEADERS_TOO_LARGE = "headers_too_large"
    URL_TOO_LONG = "url_too_long"
    INVALID_WIDGET_ID = "invalid_widget_id"
    INVALID_CONVERSATION_ID = "invalid_conversation_id"
    MESSAGE_TOO_LONG = "message_too_long"
    MESSAGE_EMPTY = "message_empty"
    HTTPS_REQUIRED = "https_required"
    DOMAIN_NOT_AUTHORIZED = "domain_not_authorized"
    WIDGET_NOT_FOUND = "widget_not_found_or_inactive"
    NOT_FOUND = "not_found"
    SESSION_REQUIRED = "session_required"
    INVALID_SESSION = "invalid_session"
    SESSION_REVOKED = "session_revoked"
    PROOF_REQUIRED = "proof_required"
    INVALID_PROOF = "invalid_proof"
    INVALID_IDENTITY = "invalid_identity"
    AUTHENTICATION_REQUIRED = "authentication_required"
    INVALID_ADMIN_TOKEN = "invalid_token"  # noqa: S105 - an error code, not a secret
    ADMIN_TOKEN_EXPIRED = "admin_token_expired"  # noqa: S105 - as above
    API_KEY_REJECTED = "api_key_rejected"
    API_KEY_IN_BROWSER = "api_key_in_browser"
    INVALID_CREDENTIALS = "invalid_credentials"
    PASSWORD_NOT_CONFIRMED = "password_not_confirmed"  # noqa: S105 - an error code, not a secret
    SECOND_FACTOR_REQUIRED = "second_factor_required"
    SECOND_FACTOR_WRONG = "second_factor_wrong"
    LOGIN_LOCKED = "login_locked"
    FORBIDDEN = "forbidden"
    CONFLICT = "conflict"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - an error code, not a secret
    SESSION_EXPIRED = "session_expired"
    IDEMPOTENCY_IN_PROGRESS = "idempotency_in_progress"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    TEMPORARILY_BLOCKED = "temporarily_blocked"
    PROCESSING_ERROR = "processing_error"
    PROCESSING_TIMEOUT = "processing_timeout"
    SERVICE_UNAVAILABLE = "service_unavailable"
    SIGN_IN_BUSY = "sign_in_busy"
    KEY_SET_UNAVAILABLE = "key_set_unavailable"
    INSUFFICIENT_STORAGE = "insufficient_storage"
    INTERNAL_SERVER_ERROR = "internal_server_error"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field of a request; both parts may be shown to anyone."""

    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a visitor has left today: *messages_remaining_today*, until *reset_at* (ISO 8601, UTC)."""

    messages_remaining_today: int
    reset_at: str


@dataclass(frozen=True, slots=True)
class LimitHit:
    """Which limit refused: seconds to wait (rounded up), type, quota, window in seconds, way out."""

    limit_type: str
    retry_after: int
    quota: int
    window_seconds: int
    action: str | None = None


class ChatkeepError(Exception):
    """The root of everything that is raised on purpose."""


class Refused(ChatkeepError):  # noqa: N818 - a past participle is a proof (house style)
    """Policy says no. Carries what the caller may know and what the record needs."""

    def __init__(
        self,
        reason: Reason,
        *,
        details: tuple[Problem, ...] = (),
        limit: LimitHit | None = None,
        usage: Usage | None = None,
        retry_after: int | None = None,
        shown: Mapping[str, str | int | None] | None = None,
        note: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.details = details
        self.limit = limit
        self.usage = usage
        self.retry_after = retry_after if limit is None else limit.retry_after
        # More public parts of the envelope: server_time, message_id.
        self.shown = shown or {}
        self.note = note or {}


class Unavailable(ChatkeepError):  # noqa: N818 - reads as the state it reports
    """A part that is needed is down, full or late. *retry_after* is in seconds.

    *in_doubt*: what was asked for may have been done, or may yet be: nobody answered in time.
    """

    def __init__(self, reason: Reason, *, retry_after: int | None = None, in_doubt: bool = False) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.retry_after = retry_after
        self.in_doubt = in_doubt


class Misconfigured(ChatkeepError):  # noqa: N818 - reads as the state it reports
    """A setting is missing or unsafe: the message names the variable and the way out, never the value."""


class WrongUsage(ChatkeepError):  # noqa: N818 - reads as the state it reports
    """An operator asked for something that cannot be; the message says what to do instead, *field* which part of it is meant."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotThere(WrongUsage):
    """What an operator named does not exist, or belongs to somebody else: nobody can tell which."""


class InTheWay(WrongUsage):
    """Something that exists already stands against what an operator asked for."""


def invalid(field: str, problem: str) -> Refused:
    """The refusal of one bad field."""
    return Refused(Reason.INVALID_REQUEST, details=(Problem(field, problem),))
