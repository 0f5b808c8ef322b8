"""2. May this arrival reach a model?

The whole policy, as three doors: ``admit`` for a message, ``open_session``, and
``enter`` for every other visitor route (``enter_openly`` where no session is needed).
Guards stand one a line in the order of the spec (visitor-api, "Order of admission");
each returns what it learned or raises ``Refused``. This is the only place that makes an
``Admitted``, and ``recorded`` the only place where a refusal is recorded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chatkeep.admit import body, conversation, limits, origin, session, transport, widget
from chatkeep.admit._types import Admitted, Arrival, Desk, Entered, LiveSession, Seen, Widget
from chatkeep.audit import Context, event_for
from chatkeep.audit.catalogue import SessionCreated, SessionEnded, SessionRefreshed
from chatkeep.audit.redact import printable
from chatkeep.crypto import new_id
from chatkeep.errors import Reason, Refused, Unavailable, Usage, invalid
from chatkeep.ids import ConversationId, SessionId, VisitorId
from chatkeep.store import sessions as rows
from chatkeep.store.sessions import Circumstances, SessionRow

__all__ = [
    "Admitted",
    "Arrival",
    "Desk",
    "Entered",
    "OpenedSession",
    "admit",
    "end_session",
    "enter",
    "enter_openly",
    "open_session",
    "recorded",
    "refresh_session",
    "refuse",
]


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session's newest token, and what its visitor may still do today (only when just opened)."""

    token: str
    expires_in: int
    row: SessionRow
    server_time: int
    usage: Usage | None


async def admit(arrival: Arrival, desk: Desk) -> Admitted:
    """Let a message in, or raise ``Refused`` and leave a record of why."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        transport.check(arrival, desk)
        page = origin.check_form(arrival)
        body.check_headers(arrival)
        request = body.parse(arrival, body.ChatRequest)
        asked_for = body.parse_conversation_id(request.conversation_id) if request.conversation_id is not None else None
        claims = session.parse_token(arrival, desk) if "authorization" in arrival.headers else None
        seen.widget = await widget.load(body.named_widget(arrival, request.widget_id, claims.wid if claims else None), desk)
        # Before all that the widget's settings judge: what a foreign page sends must not spend its visitor's bucket.
        origin.check(page, seen.widget, desk)
        body.check_size(arrival, seen.widget)
        text = body.parse_message(request.message, seen.widget)
        live = await session.load(claims or session.parse_token(arrival, desk), arrival, seen.widget, desk)
        seen.session = live.row
        seen.conversation_id = await conversation.load(asked_for, live, desk)
        seen.is_counted = True
        usage, held = await limits.spend_message(arrival, seen.widget, live, seen.conversation_id, desk)
    live.active_at_ms = _now_ms(desk)
    return Admitted(
        request_id=arrival.request_id,
        org_id=seen.widget.org_id,
        widget=seen.widget,
        agent=seen.widget.agent,
        session_id=live.row.session_id,
        visitor_id=live.row.visitor_id,
        conversation_id=seen.conversation_id,
        text=text,
        wants_stream=limits.wants_stream(arrival),
        usage=usage,
        held=held,
        session=live.row,
        context=context_of(seen),
    )


async def open_session(arrival: Arrival, desk: Desk) -> OpenedSession:
    """Give a visitor of a listed page a session, or raise ``Refused`` and leave a record of why."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        transport.check(arrival, desk)
        page = origin.check_form(arrival)
        body.check_headers(arrival)
        request = body.parse(arrival, body.SessionRequest)
        seen.widget = await widget.load(body.named_widget(arrival, request.widget_id, None), desk)
        origin.check(page, seen.widget, desk)
        body.check_size(arrival, seen.widget)
        if seen.widget.access_mode != "session":
            raise invalid("widget_id", "this widget's access mode does not open sessions")
        seen.is_counted = True
        address = arrival.address
        limits.spend([*limits.address_buckets(address, seen.widget.org_id, desk), *limits.session_buckets(address, seen.widget.org_id, desk)], desk)
        live = _new_session(seen.widget, page.text, desk)
        seen.session = live.row
        await desk.store.write(*rows.opening(live.row, _circumstances(arrival, request)))
    desk.sessions.put(live.row.session_id, live)
    token, seconds = session.sign(live, seen.widget, desk)
    desk.recorder.record(SessionCreated(), context_of(seen))
    return OpenedSession(token, seconds, live.row, _now_ms(desk) // 1000, await limits.usage_of_new_session(seen.widget, live, desk))


async def refresh_session(arrival: Arrival, desk: Desk) -> OpenedSession:
    """Give a session its next token. A retry whose first answer was lost gets the same generation again."""
    seen = Seen(arrival)
    live = await _enter(seen, desk, grace_seconds=session.GRACE_SECONDS)
    claims = session.parse_token(arrival, desk)
    known = seen.widget
    if known is None:  # pragma: no cover - _enter sets it or raises
        raise Refused(Reason.INVALID_SESSION)
    if claims.gen == live.generation:
        until_ms = _now_ms(desk) + session.GRACE_SECONDS * 1000
        rotated = await desk.store.transaction(rows.rotate, known.org_id, live.row.session_id, from_generation=claims.gen, previous_until_ms=until_ms)
        if not rotated:
            # Another process was faster, or the session has just ended: ask the database anew.
            desk.sessions.drop(live.row.session_id)
            raise Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=1)
        live.generation, live.previous_until_ms = claims.gen + 1, until_ms
    token, seconds = session.sign(live, known, desk)
    desk.recorder.record(SessionRefreshed(), context_of(seen))
    return OpenedSession(token, seconds, live.row, _now_ms(desk) // 1000, None)


async def end_session(arrival: Arrival, desk: Desk) -> SessionId:
    """End the visitor's own session. The caller ends what streams in it."""
    seen = Seen(arrival)
    live = await _enter(seen, desk)
    await desk.store.transaction(rows.end_session, live.row.org_id, live.row.session_id, at_ms=_now_ms(desk), reason="visitor")
    desk.sessions.drop(live.row.session_id)
    desk.recorder.record(SessionEnded(), context_of(seen))
    return live.row.session_id


async def enter(arrival: Arrival, desk: Desk, *, asked_for: str | None = None) -> Entered:
    """Let a visitor use a route of their own; with *asked_for*, only their own conversation."""
    seen = Seen(arrival)
    live = await _enter(seen, desk, asked_for=asked_for)
    if seen.widget is None:  # pragma: no cover - _enter sets it or raises
        raise Refused(Reason.INVALID_SESSION)
    return Entered(seen, seen.widget, live.row)


async def enter_openly(arrival: Arrival, widget_text: str, desk: Desk) -> Widget:
    """Let a listed page read the widget's public settings."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        transport.check(arrival, desk)
        page = origin.check_form(arrival)
        body.check_headers(arrival)
        found = seen.widget = await widget.load(body.parse_widget_id(widget_text), desk)
        origin.check(page, found, desk)
        seen.is_counted = True
        limits.spend(limits.static_buckets(arrival.address), desk)
    return found


def refuse(arrival: Arrival, reason: Reason, desk: Desk) -> None:
    """Refuse what no route takes (404, 405), with its record. Raises ``Refused``."""
    with recorded(Seen(arrival), desk):
        raise Refused(reason)


def context_of(seen: Seen) -> Context:
    """Who, where and in which request, as far as it is known."""
    arrival = seen.arrival
    return Context(
        request_id=arrival.request_id,
        org_id=seen.widget.org_id if seen.widget else None,
        widget_id=seen.widget.widget_id if seen.widget else None,
        session_id=seen.session.session_id if seen.session else None,
        conversation_id=seen.conversation_id,
        domain=arrival.origin_text,
        address=arrival.address.text,
        user_agent=arrival.headers.get("user-agent"),
    )


async def _enter(seen: Seen, desk: Desk, *, grace_seconds: int = 0, asked_for: str | None = None) -> LiveSession:
    """The guards that every route with a session shares."""
    arrival = seen.arrival
    with recorded(seen, desk):
        transport.check(arrival, desk)
        page = origin.check_form(arrival)
        body.check_headers(arrival)
        wanted = body.parse_conversation_id(asked_for) if asked_for is not None else None
        claims = session.parse_token(arrival, desk)
        seen.widget = await widget.load(body.named_widget(arrival, None, claims.wid), desk)
        origin.check(page, seen.widget, desk)
        live = await session.load(claims, arrival, seen.widget, desk, grace_seconds=grace_seconds)
        seen.session = live.row
        seen.is_counted = True
        limits.spend(limits.address_buckets(arrival.address, seen.widget.org_id, desk), desk)
        seen.conversation_id = await conversation.load(wanted, live, desk)
    return live


@contextmanager
def recorded(seen: Seen, desk: Desk) -> Iterator[None]:
    """The one place where a refusal is recorded; before the limits call it first spends its own bucket."""
    try:
        yield
    except Refused as refusal:
        final = refusal if seen.is_counted else _count_early(refusal, seen, desk)
        hit = final.limit
        length = final.note.get("length")
        event = event_for(
            final.reason,
            length=length if isinstance(length, int) else None,
            limit_type=hit.limit_type if hit else None,
            referer=_referer_origin(seen.arrival),
        )
        desk.recorder.record(event, context_of(seen))
        if seen.widget is not None:
            desk.recorder.count(seen.widget.org_id, seen.widget.widget_id, refusals=1)
        raise final from None
    except Unavailable as unavailable:
        desk.recorder.record(event_for(unavailable.reason), context_of(seen))
        raise


def _count_early(refusal: Refused, seen: Seen, desk: Desk) -> Refused:
    """*refusal*, or what its bucket says when that is empty."""
    arrival = seen.arrival
    org = seen.widget.org_id if seen.widget else None
    is_origin = refusal.reason is Reason.DOMAIN_NOT_AUTHORIZED
    buckets = limits.refused_origin_buckets(arrival.address) if is_origin else limits.address_buckets(arrival.address, org, desk)
    try:
        limits.spend(buckets, desk)
    except Refused as too_many:
        return too_many
    return refusal


def _new_session(known: Widget, page: str, desk: Desk) -> LiveSession:
    """A session that nobody has used."""
    now = _now_ms(desk)
    row = SessionRow(
        session_id=SessionId(new_id("sess")),
        org_id=known.org_id,
        widget_id=known.widget_id,
        visitor_id=VisitorId(new_id("vis")),
        conversation_id=ConversationId(new_id("conv")),
        origin=page,
        generation=0,
        previous_until_ms=None,
        created_at_ms=now,
        active_at_ms=now,
        ended_at_ms=None,
        end_reason=None,
    )
    return LiveSession(row, 0, None, now)


def _circumstances(arrival: Arrival, request: body.SessionRequest) -> Circumstances:
    """Where the visitor comes from; the page's address without query and fragment, which may hold secrets."""
    page = request.page
    url = page.url.partition("#")[0].partition("?")[0] if page else None
    return Circumstances(
        address=arrival.address.text,
        user_agent=printable(arrival.headers.get("user-agent", ""))[:256],
        page_url=printable(url) if url else None,
        page_title=printable(page.title) if page and page.title else None,
    )


def _referer_origin(arrival: Arrival) -> str | None:
    """The referer cut to its origin, for the record alone."""
    text = arrival.headers.get("referer")
    if not text:
        return None
    parts = text.split("/", 3)
    return printable("/".join(parts[:3]))[:300]


def _now_ms(desk: Desk) -> int:
    """Wall time in ms."""
    return int(desk.clock.now().timestamp() * 1000)
