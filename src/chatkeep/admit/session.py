"""Whose session is this, does it still live, and does it belong here?

Stops: forged, foreign, stolen-and-moved and outlived tokens. A token is bound to its
widget and origin; the database's row decides whether the session lives.
Store down: a session read at most 2 s ago is used; otherwise ``Unavailable``: closed.
Spec: limits-and-sessions, "Session". Proof of possession has a guard of its own.
"""

from chatkeep.admit._types import Arrival, Desk, LiveSession, Widget
from chatkeep.crypto.tokens import SessionClaims, load_session_token, sign_session_token
from chatkeep.errors import Reason, Refused
from chatkeep.ids import SessionId
from chatkeep.store import sessions as rows

# An unbound session's token is refreshed at most this long after it expired; a token
# that was replaced works as long, unless its successor was used before.
GRACE_SECONDS = 60
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


def parse_token(arrival: Arrival, desk: Desk) -> SessionClaims:
    """What the request's bearer token says (RFC 6750). Raises ``Refused``."""
    header = arrival.headers.get("authorization")
    if header is None:
        raise Refused(Reason.SESSION_REQUIRED)
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(Reason.INVALID_SESSION)
    return load_session_token(token.strip(), desk.token_key)


async def load(claims: SessionClaims, arrival: Arrival, widget: Widget, desk: Desk, *, grace_seconds: int = 0) -> LiveSession:
    """The live session that *claims* speaks of. Raises ``Refused`` with what the client should do."""
    if claims.wid != widget.widget_id or arrival.origin is None or claims.origin != arrival.origin.text:
        raise Refused(Reason.INVALID_SESSION)
    session = await find(claims.sid, widget, desk)
    if session is None or session.row.origin != claims.origin:
        raise Refused(Reason.INVALID_SESSION)
    now_ms = int(desk.clock.now().timestamp() * 1000)
    _check_lives(session, widget, desk, now_ms)
    _check_generation(claims, session, now_ms)
    if claims.exp * 1000 + grace_seconds * 1000 <= now_ms:
        raise Refused(Reason.TOKEN_EXPIRED)
    if claims.gen == session.generation and session.previous_until_ms is not None:
        # First use of the newest token: the one before it ends now.
        session.previous_until_ms = None
        await desk.store.transaction(rows.confirm_generation, widget.org_id, session.row.session_id, claims.gen)
    return session


async def find(session_id: SessionId, widget: Widget, desk: Desk) -> LiveSession | None:
    """The session as this process knows it, or as the database does."""
    cached = desk.sessions.find(session_id)
    if cached is not None:
        return cached if cached.row.widget_id == widget.widget_id else None
    row = await desk.store.read(rows.find_session, widget.widget_id, session_id)
    if row is None:
        return None
    session = LiveSession(row, row.generation, row.previous_until_ms, row.active_at_ms)
    desk.sessions.put(session_id, session)
    return session


def sign(session: LiveSession, widget: Widget, desk: Desk) -> tuple[str, int]:
    """A token for *session*'s newest generation, and its life in seconds."""
    now = int(desk.clock.now().timestamp())
    seconds = widget.settings.limits.token_minutes * 60
    row = session.row
    claims = SessionClaims(row.session_id, row.widget_id, row.origin, now, now + seconds, session.generation)
    return sign_session_token(claims, desk.token_key), seconds


def _check_lives(session: LiveSession, widget: Widget, desk: Desk, now_ms: int) -> None:
    """Raise ``Refused`` when the session ended: by hand, by age, or by idling."""
    if session.row.ended_at_ms is not None:
        raise Refused(Reason.SESSION_EXPIRED if session.row.end_reason in {"idle", "age"} else Reason.SESSION_REVOKED)
    age_ms = now_ms - session.row.created_at_ms
    idle_ms = now_ms - session.active_at_ms
    if age_ms >= desk.settings.session_max_age_hours * _HOUR_MS or idle_ms >= widget.settings.limits.idle_minutes * _MINUTE_MS:
        raise Refused(Reason.SESSION_EXPIRED)


def _check_generation(claims: SessionClaims, session: LiveSession, now_ms: int) -> None:
    """Raise ``Refused`` for a token that was replaced, unless its successor is still on the way."""
    if claims.gen == session.generation:
        return
    until_ms = session.previous_until_ms
    if claims.gen != session.generation - 1 or until_ms is None or now_ms >= until_ms:
        raise Refused(Reason.TOKEN_EXPIRED)
