"""What do the routes of the visitor API have in common? Parts of answers, errors, parameters."""

from msgspec import Struct

from chatkeep.errors import Reason
from chatkeep.ids import PLACE_FORM
from chatkeep.web.routes import Parameter

PLACE = Parameter("The id of the last event that arrived: only what comes after it is sent.", {"type": "string", "pattern": PLACE_FORM})

ADMISSION_ERRORS = (
    Reason.INVALID_REQUEST,
    Reason.INVALID_WIDGET_ID,
    Reason.SESSION_REQUIRED,
    Reason.INVALID_SESSION,
    Reason.SESSION_REVOKED,
    Reason.TOKEN_EXPIRED,
    Reason.PROOF_REQUIRED,
    Reason.INVALID_PROOF,
    Reason.DOMAIN_NOT_AUTHORIZED,
    Reason.WIDGET_NOT_FOUND,
    Reason.NOT_ACCEPTABLE,
    Reason.SESSION_EXPIRED,
    Reason.MISDIRECTED_REQUEST,
    Reason.RATE_LIMIT_EXCEEDED,
    Reason.TEMPORARILY_BLOCKED,
    Reason.INTERNAL_SERVER_ERROR,
    Reason.SERVICE_UNAVAILABLE,
)


class UsagePart(Struct):
    """What a visitor has left today."""

    messages_remaining_today: int
    reset_at: str
