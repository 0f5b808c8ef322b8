"""Whose session is this, does it still live, and does it belong here?

Stops: forged, foreign, stolen-and-moved and outlived tokens. A token is bound to its
widget and origin, and to a key when the session was opened with one; the database's row
decides whether the session lives. A replaced token that comes back without proof is a
stolen one: the session is revoked.
Store down: a session read at most 2 s ago is used; otherwise ``Unavailable``: closed.
Spec: limits-and-sessions, "Session".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chatkeep.admit import identity, network, proof
from chatkeep.admit._in_flight import Claim
from chatkeep.admit._key_book import KeyBook
from chatkeep.admit._types import Arrival, Desk, LiveSession, Widget
from chatkeep.admit.domains import Origin
from chatkeep.admit.idempotency import Known, in_progress
from chatkeep.admit.identity import Identity
from chatkeep.audit.catalogue import TokenReuse
from chatkeep.audit.recorder import Context
from chatkeep.crypto import new_id
from chatkeep.crypto.proof import Proof
from chatkeep.crypto.tokens import Confirmation, SessionClaims, load_session_token, sign_session_token
from chatkeep.errors import Reason, Refused, Unavailable
from chatkeep.ids import ConversationId, SessionId, VisitorId, WidgetId
from chatkeep.store import Clash, Write, openings
from chatkeep.store import idempotency as keys
from chatkeep.store import sessions as rows
from chatkeep.store.openings import SingleUse
from chatkeep.store.sessions import Page, SessionRow

# An unbound session's token is refreshed at most this long after it expired; a token
# that was replaced works as long, unless its successor was used before.
GRACE_SECONDS = 60
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Shown:
    """The token that a request shows: signed by us, not yet compared with anything."""

    token: str
    claims: SessionClaims


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever shows a session's token: the session, their proof where it is bound, and whether they have moved."""

    live: LiveSession
    proof: Proof | None
    move: network.Move | None


def widget_of(arrival: Arrival, in_body: str | None, desk: Desk) -> WidgetId | None:
    """The widget that the token names. A token that is not ours names none: it is refused after the widget is known, if anything else names one."""
    if "authorization" not in arrival.headers and (in_body is not None or "x-widget-id" in arrival.headers):
        return None
    try:
        return parse(arrival, desk).claims.wid
    except Refused:
        if in_body is None and "x-widget-id" not in arrival.headers:
            raise
        return None


def parse(arrival: Arrival, desk: Desk) -> Shown:
    """The request's bearer token (RFC 6750). Raises ``Refused``."""
    header = arrival.headers.get("authorization")
    if header is None:
        raise Refused(Reason.SESSION_REQUIRED)
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Refused(Reason.INVALID_SESSION)
    return Shown(token, load_session_token(token, desk.token_key))


def begin(arrival: Arrival, page: Origin, widget: Widget, bound: Proof | None, desk: Desk) -> LiveSession:
    """A session that nobody has used, bound to the key of *bound* if there is one. Not stored yet."""
    now = _now_ms(desk)
    row = SessionRow(
        session_id=SessionId(new_id("sess")),
        org_id=widget.org_id,
        widget_id=widget.widget_id,
        visitor_id=VisitorId(new_id("vis")),
        conversation_id=ConversationId(new_id("conv")),
        origin=page.text,
        address=arrival.address.text,
        user_agent=network.user_agent_of(arrival),
        key_thumbprint=bound.thumbprint if bound is not None else None,
        generation=0,
        previous_until_ms=None,
        created_at_ms=now,
        active_at_ms=now,
        ended_at_ms=None,
        end_reason=None,
    )
    session = _enliven(row)
    session.book = KeyBook()
    return session


async def keep(session: LiveSession, page: Page, vouched: Identity | None, tickets: Sequence[SingleUse], claim: Claim | None, desk: Desk) -> LiveSession:
    """Store a session that was begun, as its visitor's. Raises ``Refused`` when what let it in was used before."""
    row = session.row
    if vouched is None and not tickets:
        try:
            await desk.store.write(*rows.opening(row, page), *remembering(claim, session, desk))
        except Clash:
            # Another process was faster with its idempotency key: it is known next time.
            raise Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=1) from None
        return session
    once = [*tickets, *([vouched.once] if vouched is not None and vouched.once is not None else [])]
    known = vouched.visitor if vouched is not None else None
    opened = await desk.store.transaction(openings.open_session, row.org_id, row, page, known=known, once=once, key=key_row(claim, session, desk))
    if isinstance(opened, SingleUse):
        raise identity.refusal("ticket" if opened in tickets else "identity", identity.Cause.USED)
    session.row, session.active_at_ms = opened, opened.active_at_ms
    return session


def scope(arrival: Arrival, asked: Origin, widget: Widget, bound: Proof | None) -> str:
    """Within what an idempotency key of an opening means the same request: widget, origin, and key or address."""
    return " ".join((widget.widget_id, asked.text, bound.thumbprint if bound is not None else arrival.address.bucket))


def remembering(claim: Claim | None, session: LiveSession, desk: Desk) -> tuple[Write, ...]:
    """The writes that remember what the request's idempotency key opened."""
    row = key_row(claim, session, desk)
    return keys.remembering(session.row.org_id, row) if row is not None else ()


def key_row(claim: Claim | None, session: LiveSession, desk: Desk) -> keys.KeyRow | None:
    """What the request's idempotency key stands for from now on."""
    return keys.KeyRow(claim.digest, claim.body_digest, None, session.row.session_id, _now_ms(desk)) if claim is not None else None


async def reload(known: Known, bound: Proof | None, widget: Widget, desk: Desk) -> LiveSession:
    """The session that a repeated request opened before. Raises ``Refused`` while that one is on its way, or when it ended."""
    opened = known.row.session_id if known.row is not None else None
    session = await _find(opened, widget, desk) if opened is not None else None
    if session is None:
        raise in_progress(None)
    _check_lives(session, widget, desk)
    _check_is_bound_to(bound.thumbprint if bound is not None else None, session)
    return session


async def load_living(session_id: SessionId, widget: Widget, desk: Desk) -> LiveSession:
    """The session of that id. Raises ``Refused`` when there is none, or it ended."""
    session = await _find(session_id, widget, desk)
    if session is None:
        raise Refused(Reason.INVALID_SESSION)
    _check_lives(session, widget, desk)
    return session


async def load(shown: Shown, arrival: Arrival, widget: Widget, desk: Desk) -> Holder:
    """The holder of the token. Raises ``Refused`` with what the client should do."""
    holder = await _load(shown, arrival, widget, desk)
    session, claims, now_ms = holder.live, shown.claims, _now_ms(desk)
    if claims.gen != session.generation and not _is_grace(claims, session, now_ms):
        await _end_if_stolen(arrival, session, widget, desk)
        raise Refused(Reason.TOKEN_EXPIRED)
    if claims.exp * 1000 <= now_ms:
        raise Refused(Reason.TOKEN_EXPIRED)
    if claims.gen == session.generation and session.previous_until_ms is not None:
        # First use of the newest token: the one before it ends now.
        session.previous_until_ms = None
        await desk.store.transaction(rows.confirm_generation, widget.org_id, session.row.session_id, claims.gen)
    return holder


async def load_for_refresh(shown: Shown, arrival: Arrival, widget: Widget, desk: Desk) -> Holder:
    """As ``load``, for a token that may be old: with the session's key, any will do until the session ends."""
    holder = await _load(shown, arrival, widget, desk)
    if holder.proof is not None:
        return holder
    session, claims, now_ms = holder.live, shown.claims, _now_ms(desk)
    if claims.gen != session.generation and not _is_grace(claims, session, now_ms):
        await _end_if_stolen(arrival, session, widget, desk)
        raise Refused(Reason.TOKEN_EXPIRED)
    if (claims.exp + GRACE_SECONDS) * 1000 <= now_ms:
        raise Refused(Reason.TOKEN_EXPIRED)
    return holder


async def load_for_erasing(shown: Shown, arrival: Arrival, widget: Widget, desk: Desk) -> Holder:
    """As ``load``, and who holds a session's key after it ended, however it did: what was said in it is theirs to erase as long as its row is there."""
    return await (load if shown.claims.cnf is None else _load_of_key)(shown, arrival, widget, desk)


async def rotate(shown: Shown, session: LiveSession, desk: Desk) -> bool:
    """Move *session* on by one generation, once: a retry whose answer was lost gets the same one again. ``False``: lost a race."""
    if shown.claims.gen != session.generation:
        return True
    until_ms = _now_ms(desk) + GRACE_SECONDS * 1000
    row = session.row
    rotated = await desk.store.transaction(rows.rotate, row.org_id, row.session_id, from_generation=session.generation, previous_until_ms=until_ms)
    if not rotated:
        if session.generation == shown.claims.gen + 1:
            # The same refresh came twice at the same time: both get the new token.
            return True
        desk.sessions.drop(row.session_id)
        return False
    session.generation, session.previous_until_ms = shown.claims.gen + 1, until_ms
    if desk.sessions.find(row.session_id) is not session:
        # Read or erased while this was being committed: nobody here knows all of it.
        desk.sessions.drop(row.session_id)
    return True


def sign(session: LiveSession, widget: Widget, desk: Desk, *, frame: str | None) -> tuple[str, int]:
    """A token for *session*'s newest generation, and its life in seconds. *frame*: the own origin, when its requests come from our frame."""
    now = int(desk.clock.now().timestamp())
    seconds = widget.settings.limits.token_minutes * 60
    row = session.row
    bound = Confirmation(row.key_thumbprint) if row.key_thumbprint is not None else None
    page = row.origin if frame is not None else None
    claims = SessionClaims(row.session_id, row.widget_id, frame or row.origin, now, now + seconds, session.generation, bound, page)
    return sign_session_token(claims, desk.token_key), seconds


def _enliven(row: SessionRow) -> LiveSession:
    """*row* as the cache holds it."""
    return LiveSession(row, row.generation, row.previous_until_ms, row.active_at_ms, row.address, row.user_agent)


async def _load(shown: Shown, arrival: Arrival, widget: Widget, desk: Desk) -> Holder:
    """The holder of *shown*: alive, in its place, and with its key."""
    session = await _load_in_place(shown, arrival, widget, desk)
    _check_lives(session, widget, desk)
    return await _hold(shown, arrival, session, widget, desk)


async def _load_of_key(shown: Shown, arrival: Arrival, widget: Widget, desk: Desk) -> Holder:
    """The holder of the key in *shown*, alive or not."""
    return await _hold(shown, arrival, await _load_in_place(shown, arrival, widget, desk), widget, desk)


async def _hold(shown: Shown, arrival: Arrival, session: LiveSession, widget: Widget, desk: Desk) -> Holder:
    """Whoever shows *shown*, with the key of *session* where it has one."""
    claims = shown.claims
    _check_is_bound_to(claims.cnf.jkt if claims.cnf is not None else None, session)
    found = await _check_key(shown, arrival, session, widget, desk)
    return Holder(session, found, network.compare(arrival, session, widget, desk))


async def _load_in_place(shown: Shown, arrival: Arrival, widget: Widget, desk: Desk) -> LiveSession:
    """The session of *shown*, where it belongs."""
    claims = shown.claims
    if claims.wid != widget.widget_id or not _is_at_home(claims, arrival):
        raise Refused(Reason.INVALID_SESSION)
    session = await _find(claims.sid, widget, desk)
    if session is not None and claims.gen > session.generation:
        # A token that is newer than what is remembered here.
        desk.sessions.drop(claims.sid)
        session = await _find(claims.sid, widget, desk)
    if session is None or session.row.origin != (claims.page or claims.origin):
        raise Refused(Reason.INVALID_SESSION)
    return session


def _is_at_home(claims: SessionClaims, arrival: Arrival) -> bool:
    """Whether the request comes from where the token belongs."""
    # Only GETs of our own frame get here without an origin.
    return claims.page is not None if arrival.origin is None else claims.origin == arrival.origin.text


async def _find(session_id: SessionId, widget: Widget, desk: Desk) -> LiveSession | None:
    """The session as this process knows it, or as the database does."""
    cached = desk.sessions.find(session_id)
    if cached is not None:
        return cached if cached.row.widget_id == widget.widget_id else None
    drops = desk.sessions.drops
    row = await desk.store.read(rows.find_session, widget.widget_id, session_id)
    # One object a session: who came at the same time may have put it there, and changed it since.
    cached = desk.sessions.find(session_id)
    if cached is not None:
        return cached if cached.row.widget_id == widget.widget_id else None
    if row is None:
        return None
    session = _enliven(row)
    if desk.sessions.drops == drops:
        # What was dropped while it was read may have been this one, as it was before.
        desk.sessions.put(session_id, session)
    return session


def _check_lives(session: LiveSession, widget: Widget, desk: Desk) -> None:
    """Raise ``Refused`` when the session ended: by hand, by age, or by idling."""
    if session.is_ended:
        raise Refused(Reason.SESSION_REVOKED)
    if session.row.ended_at_ms is not None:
        raise Refused(Reason.SESSION_EXPIRED if session.row.end_reason in {"idle", "age"} else Reason.SESSION_REVOKED)
    now_ms = _now_ms(desk)
    age_ms = now_ms - session.row.created_at_ms
    idle_ms = now_ms - session.active_at_ms
    if widget.access_mode == "identity" and not session.row.is_vouched:
        # Opened before the widget began to ask who its visitors are.
        raise Refused(Reason.SESSION_EXPIRED)
    if age_ms >= desk.settings.session_max_age_hours * _HOUR_MS or idle_ms >= widget.settings.limits.idle_minutes * _MINUTE_MS:
        raise Refused(Reason.SESSION_EXPIRED)


def _check_is_bound_to(thumbprint: str | None, session: LiveSession) -> None:
    """Raise ``Refused`` when *session* went on with another key (resume.py): for who holds the one before, it is over. No theft: a copied tab does that."""
    if thumbprint != session.row.key_thumbprint:
        raise Refused(Reason.SESSION_REVOKED)


async def _check_key(shown: Shown, arrival: Arrival, session: LiveSession, widget: Widget, desk: Desk) -> Proof | None:
    """The proof of a bound session, ``None`` for an unbound one. Raises ``Refused``."""
    thumbprint = session.row.key_thumbprint
    if thumbprint is None:
        if widget.settings.access.require_proof:
            raise Refused(Reason.PROOF_REQUIRED)
        return None
    try:
        return proof.load(arrival, thumbprint, shown.token, desk)
    except Refused as refusal:
        is_old = shown.claims.gen != session.generation and not _is_grace(shown.claims, session, _now_ms(desk))
        # A wrong clock is no theft: it is told our time, and comes back with a proof that counts.
        if is_old and not refusal.note.get("is_honest"):
            await _end_stolen(arrival, session, widget, desk)
        raise


def _is_grace(claims: SessionClaims, session: LiveSession, now_ms: int) -> bool:
    """Whether a replaced token still works because its successor may be on the way."""
    until_ms = session.previous_until_ms
    return claims.gen == session.generation - 1 and until_ms is not None and now_ms < until_ms


async def _end_if_stolen(arrival: Arrival, session: LiveSession, widget: Widget, desk: Desk) -> None:
    """A replaced token without proof: of an unbound session, whoever shows it may be a thief."""
    if session.row.key_thumbprint is None:
        await _end_stolen(arrival, session, widget, desk)


async def _end_stolen(arrival: Arrival, session: LiveSession, widget: Widget, desk: Desk) -> None:
    """Revoke *session* and say why. Raises ``Refused`` (``session_revoked``)."""
    row = session.row
    session.is_ended = True
    address, user_agent = arrival.address.text, arrival.headers.get("user-agent")
    context = Context(arrival.request_id, row.org_id, widget.widget_id, row.session_id, None, row.origin, address, user_agent)
    # First of all: a theft is told also when the database is away.
    desk.recorder.record(TokenReuse(), context)
    await desk.store.transaction(rows.end_session, row.org_id, row.session_id, at_ms=_now_ms(desk), reason="revoked")
    desk.sessions.drop(row.session_id)
    raise Refused(Reason.SESSION_REVOKED)


def _now_ms(desk: Desk) -> int:
    """Wall time in ms."""
    return int(desk.clock.now().timestamp() * 1000)
