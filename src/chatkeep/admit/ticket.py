"""Did the host's server let this very page open a chat?

Stops: clients that merely forge ``Origin``: without a ticket from the host's backend they
open no session. A ticket is a JWT of kind ``ck-ticket`` (HS256, the widget's ticket
secret), for one widget and one origin, at most 60 s old, and works once. Not a person
who loads the page to get a ticket: limits stop those. Spec: limits-and-sessions.
Store down: keys read at most 2 s ago are used, otherwise ``Unavailable``: closed.
"""

import math

from msgspec import Struct

from chatkeep.admit._types import Desk, Widget
from chatkeep.admit.domains import Origin
from chatkeep.admit.identity import Cause, check_audience, is_id, parse_token, refusal, single_use
from chatkeep.crypto.host_tokens import find_claims, is_signed_by
from chatkeep.store.openings import SingleUse

KIND = "ck-ticket"
LONGEST_LIFE_SECONDS = 60
# Less than for identities: it adds to the ticket's life.
_LEEWAY_SECONDS = 10


class _Claims(Struct, frozen=True, forbid_unknown_fields=True):
    """What a ticket says: nothing but this."""

    aud: str
    origin: str
    jti: str
    iat: int | float
    exp: int | float


async def load(text: str | None, page: Origin, widget: Widget, desk: Desk) -> SingleUse | None:
    """The ticket's nonce, to be used up when the session opens; ``None`` where no ticket is required. Raises ``Refused``."""
    if not widget.settings.access.require_ticket:
        # Not looked at, so that a host can begin to send tickets before they are required.
        return None
    token = parse_token(text, field="ticket")
    if token.kind != KIND or token.algorithm != "HS256":
        raise refusal("ticket", Cause.MALFORMED)
    if not any(is_signed_by(token, key) for key in await desk.keys.ticket_keys(widget.org_id, widget.widget_id)):
        raise refusal("ticket", Cause.SIGNATURE)
    claims = find_claims(token, _Claims)
    if claims is None or not is_id(claims.jti) or not (math.isfinite(claims.exp) and math.isfinite(claims.iat)):
        raise refusal("ticket", Cause.CLAIMS)
    check_audience(claims.aud, widget, field="ticket")
    if claims.origin != page.text:
        raise refusal("ticket", Cause.ORIGIN)
    _check_times(claims, desk.clock.now().timestamp())
    return single_use("ticket", claims.jti, claims.exp, widget, desk)


def _check_times(claims: _Claims, now: float) -> None:
    """Raise ``Refused`` unless the ticket lives now, and for no more than a minute."""
    if claims.exp <= now:
        raise refusal("ticket", Cause.EXPIRED)
    if claims.exp - claims.iat > LONGEST_LIFE_SECONDS:
        raise refusal("ticket", Cause.LIFETIME)
    if claims.iat > now + _LEEWAY_SECONDS:
        raise refusal("ticket", Cause.NOT_YET)
