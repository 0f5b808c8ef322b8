"""2. May this arrival reach a model?

The whole policy, as three doors: ``admit`` for a message, ``open_session``, and
``enter`` for every other visitor route (``enter_openly`` where no session is needed).
Guards stand one a line in the order of the spec (visitor-api, "Order of admission");
each returns what it learned or raises ``Refused``. This is the only place that makes an
``Admitted``, and ``record.py`` the only place where a refusal is recorded.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from chatkeep.admit import (
    analytics,
    body,
    conversation,
    frame,
    idempotency,
    identity,
    limits,
    network,
    origin,
    proof,
    resume,
    session,
    ticket,
    tokenless,
    transport,
    widget,
)
from chatkeep.admit._seen import context_of
from chatkeep.admit._types import Admitted, Arrival, Desk, Entered, LiveSession, Replayed, Seen, Widget
from chatkeep.admit.domains import Origin
from chatkeep.admit.record import recorded
from chatkeep.audit.catalogue import SessionCreated, SessionEnded, SessionRefreshed
from chatkeep.errors import Reason, Refused, Unavailable, Usage, invalid
from chatkeep.ids import ConversationId, SessionId
from chatkeep.limits import Taken
from chatkeep.store import sessions as rows
from chatkeep.store.sessions import SessionRow
from chatkeep.store.standing import Standing

__all__ = [
    "Admitted",
    "Arrival",
    "Desk",
    "Entered",
    "OpenedSession",
    "Replayed",
    "admit",
    "end_session",
    "enter",
    "enter_files",
    "enter_frame",
    "enter_openly",
    "enter_reporting",
    "open_session",
    "read_along",
    "recorded",
    "refresh_session",
    "refuse",
    "usage_of",
]


_Load = Callable[[session.Shown, Arrival, Widget, Desk], Awaitable[session.Holder]]


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session's newest token, what its visitor may still do today (only when just opened), and what resumes it (where the widget has that)."""

    token: str
    expires_in: int
    row: SessionRow
    server_time: int
    usage: Usage | None
    resume: str | None


async def admit(arrival: Arrival, desk: Desk) -> Admitted | Replayed:
    """Let a message in, or find that it was let in before; or raise ``Refused`` and leave a record of why."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        transport.check(arrival, desk)
        seen.page = frame.find_page(arrival, desk)
        page = seen.page or origin.check_form(arrival)
        body.check_headers(arrival)
        request = body.parse(arrival, body.ChatRequest)
        asked_for = body.parse_conversation_id(request.conversation_id) if request.conversation_id is not None else None
        # In domain mode nobody has a token: a message without one must name its widget itself.
        in_token = session.widget_of(arrival, request.widget_id, desk) if "authorization" in arrival.headers else None
        seen.widget = await widget.load(body.named_widget(arrival, request.widget_id, in_token), desk)
        # Before all that the widget's settings judge: what a foreign page sends must not spend its visitor's bucket.
        origin.check(page, seen.widget, desk)
        body.check_size(arrival, seen.widget)
        text = body.parse_message(request.message, seen.widget)
        holder, chosen, standing = await _find_sender(seen, seen.widget, page, asked_for, desk)
        frame.check(seen.page, holder.live.row, seen.widget)
        live, proven = holder.live, holder.proof
        known = await idempotency.load(arrival, live, desk)
        seen.is_counted = True
        if isinstance(known, idempotency.Known):
            usage = await limits.usage_left(seen.widget, live, desk)
            if known.stored is None or not known.stored.is_unfinished:
                limits.spend_entering(seen, seen.widget, proven, desk)
                network.follow(holder.move, arrival, live, desk)
                return Replayed(seen, seen.widget, live, known.message_id, known.stored, limits.wants_stream(arrival), usage)
            chosen = seen.conversation_id = known.stored.conversation_id
            if known.stored.was_left:
                usage, held = await limits.spend_message(seen, seen.widget, live, chosen, proven, desk)
            else:
                # Charged before, but a provider is asked again: not faster than for new messages.
                held = limits.spend_again(seen, seen.widget, live, proven, desk)
        else:
            seen.claim = known
            usage, held = await limits.spend_message(seen, seen.widget, live, chosen, proven, desk, standing)
        network.follow(holder.move, arrival, live, desk)
    live.active_at_ms = max(live.active_at_ms, _now_ms(desk))
    return Admitted(
        seen=seen,
        widget=seen.widget,
        session=live.row,
        conversation_id=chosen,
        text=text,
        wants_stream=limits.wants_stream(arrival),
        usage=usage,
        held=held,
        claim=seen.claim,
        is_first=limits.is_first(chosen, seen.widget, desk),
        redo=known.stored if isinstance(known, idempotency.Known) else None,
        standing=standing,
        context=context_of(seen),
    )


async def open_session(arrival: Arrival, desk: Desk) -> OpenedSession:
    """Give a visitor of a listed page a session, or raise ``Refused`` and leave a record of why."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        transport.check(arrival, desk)
        asked = origin.check_form(arrival)
        body.check_headers(arrival)
        request = body.parse(arrival, body.SessionRequest)
        seen.widget = await widget.load(body.named_widget(arrival, request.widget_id, None), desk)
        framing = frame.find_ticket(request, arrival, seen.widget, desk)
        seen.page, page = (framing.page, framing.page) if framing is not None else (None, asked)
        origin.check(page, seen.widget, desk)
        frame.check(framing, None, seen.widget)
        body.check_size(arrival, seen.widget)
        if seen.widget.access_mode == "domain":
            raise invalid("widget_id", "this widget's access mode does not open sessions")
        bound = proof.parse(arrival, desk)
        if bound is None and seen.widget.settings.access.require_proof:
            raise Refused(Reason.PROOF_REQUIRED)
        vouched = await identity.load(request.identity, seen.widget, desk)
        ticketed = await ticket.load(request.ticket if framing is None else request.page_ticket, page, seen.widget, desk)
        permits = [permit for permit in (framing.once if framing is not None else None, ticketed) if permit is not None]
        known = await idempotency.claim(arrival, seen.widget.org_id, session.scope(arrival, asked, seen.widget, bound), desk)
        if isinstance(known, idempotency.Known):
            seen.is_counted = True
            limits.spend_entering(seen, seen.widget, bound, desk)
            live = await session.reload(known, bound, seen.widget, desk)
        elif request.resume is not None:
            seen.claim = known
            found = await resume.load(request.resume, arrival, page.text, bound, vouched, seen.widget, desk)
            seen.session, seen.is_counted = found.live.row, True
            limits.spend_entering(seen, seen.widget, bound, desk)
            live = await resume.take(found, permits, known, desk)
            network.follow(found.move, arrival, live, desk)
        else:
            seen.claim, seen.is_counted = known, True
            taken = limits.spend_opening(seen, seen.widget, bound, desk)
            begun = session.begin(arrival, page, seen.widget, bound, desk)
            with _given_back(taken, desk):
                live = await session.keep(begun, body.page_of(request), vouched, permits, known, desk)
        seen.session = live.row
        handle = await resume.offer(arrival, live, bound.thumbprint if bound is not None else None, seen.widget, desk)
    if seen.claim is not None:
        desk.in_flight.release(seen.claim)
    desk.sessions.put(live.row.session_id, live)
    # Signed anew for a repeated request too: tokens are never stored.
    token, seconds = session.sign(live, seen.widget, desk, frame=frame.origin_of(seen))
    is_repeated, is_resumed = isinstance(known, idempotency.Known), request.resume is not None
    if not is_repeated:
        desk.recorder.record(SessionRefreshed(is_resumed=True) if is_resumed else SessionCreated(), context_of(seen))
    # A known visitor may have talked today, on another device.
    is_unknown = vouched is None and not is_repeated and not is_resumed
    usage_now = limits.usage_of_new_session if is_unknown else limits.usage_left
    return OpenedSession(token, seconds, live.row, _now_ms(desk) // 1000, await usage_now(seen.widget, live, desk), handle)


async def refresh_session(arrival: Arrival, desk: Desk) -> OpenedSession:
    """Give a session its next token. A retry whose first answer was lost gets the same generation again."""
    seen = Seen(arrival)
    shown, known, live = await _enter(seen, desk, session.load_for_refresh)
    with recorded(seen, desk):
        if not await session.rotate(shown, live, desk):
            # Another process was faster, or the session has just ended: the database knows more next time.
            raise Unavailable(Reason.SERVICE_UNAVAILABLE, retry_after=1)
        handle = await resume.offer(arrival, live, shown.claims.cnf.jkt if shown.claims.cnf is not None else None, known, desk)
    token, seconds = session.sign(live, known, desk, frame=frame.origin_of(seen))
    desk.recorder.record(SessionRefreshed(), context_of(seen))
    return OpenedSession(token, seconds, live.row, _now_ms(desk) // 1000, None, handle)


async def end_session(arrival: Arrival, desk: Desk) -> SessionId:
    """End the visitor's own session. The caller ends what streams in it."""
    seen = Seen(arrival)
    _, _, live = await _enter(seen, desk)
    live.is_ended = True
    with recorded(seen, desk):
        try:
            await desk.store.transaction(rows.end_session, live.row.org_id, live.row.session_id, at_ms=_now_ms(desk), reason="visitor")
        except Unavailable:
            live.is_ended = False
            raise
    desk.sessions.drop(live.row.session_id)
    desk.recorder.record(SessionEnded(), context_of(seen))
    return live.row.session_id


async def enter(
    arrival: Arrival, desk: Desk, *, asked_for: str | None = None, is_activity: bool = False, is_erasing: bool = False, also_as: Sequence[str] = ()
) -> Entered:
    """Let a visitor use a route of their own; with *asked_for*, only their own conversation.

    *is_activity* keeps the session awake; *is_erasing*: also after its end, with its key; *also_as*: what the route answers with beside JSON.
    """
    seen = Seen(arrival)
    load = session.load_for_erasing if is_erasing else session.load
    _, known, live = await _enter(seen, desk, load, asked_for=asked_for, also_as=also_as)
    if is_activity:
        live.active_at_ms = _now_ms(desk)
        await desk.store.write(rows.activity(live.row, live.active_at_ms))
    return Entered(seen, known, live)


def read_along(seen: Seen, widget: Widget, session: SessionRow, desk: Desk) -> Taken:
    """Let one more reader into an answer that is there; what is returned must be given back when they go. Raises ``Refused``."""
    with recorded(seen, desk):
        return limits.spend_reading(seen, widget, session, desk)


async def usage_of(entered: Entered, desk: Desk) -> Usage:
    """What a visitor has left today."""
    return await limits.usage_left(entered.widget, entered.live, desk)


async def enter_openly(arrival: Arrival, widget_text: str, desk: Desk) -> Widget:
    """Let a listed page read the widget's public settings."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        transport.check(arrival, desk)
        seen.page = frame.find_page(arrival, desk)
        page = seen.page or origin.check_form(arrival)
        body.check_headers(arrival)
        found = seen.widget = await widget.load(body.parse_widget_id(widget_text), desk)
        origin.check(page, found, desk)
        seen.is_counted = True
        limits.spend(limits.config_buckets(arrival.address, found.org_id, desk), seen, desk)
    return found


async def enter_reporting(arrival: Arrival, desk: Desk) -> analytics.Reported:
    """Let a listed page report what happened in its widget."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        transport.check(arrival, desk)
        seen.page = frame.find_page(arrival, desk)
        page = seen.page or origin.check_form(arrival)
        body.check_headers(arrival)
        request = body.parse(arrival, analytics.EventsRequest)
        seen.widget = await widget.load(body.named_widget(arrival, request.widget_id, None), desk)
        origin.check(page, seen.widget, desk)
        body.check_size(arrival, seen.widget)
        reported = analytics.parse(arrival, page, seen.widget, request, desk)
        seen.is_counted = True
        limits.spend_entering(seen, seen.widget, None, desk)
    return reported


async def enter_frame(arrival: Arrival, widget_text: str, desk: Desk) -> frame.FramePage:
    """Let a browser load the page of a widget's frame. Which pages may show it is for the browser to hold: it gets their list."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        transport.check(arrival, desk)
        seen.widget = await widget.load(body.parse_widget_id(widget_text), desk)
        seen.is_counted = True
        # Before anything is refused: any page can ask for it in its visitor's name, which must not spend that one's requests.
        limits.spend(limits.frame_buckets(arrival.address, seen.widget.org_id, desk), seen, desk)
        return frame.issue(arrival, seen.widget, desk)


def enter_files(arrival: Arrival, desk: Desk) -> None:
    """Let anybody fetch the widget's files: they hold no secrets, only bytes."""
    seen = Seen(arrival, is_counted=True)
    with recorded(seen, desk):
        transport.check(arrival, desk)
        limits.spend(limits.file_buckets(arrival, desk), seen, desk)


def refuse(arrival: Arrival, reason: Reason, desk: Desk) -> None:
    """Refuse what no route takes (404, 405), with its record. Raises ``Refused``."""
    with recorded(Seen(arrival), desk):
        raise Refused(reason)


async def _find_sender(
    seen: Seen, known: Widget, page: Origin, asked_for: ConversationId | None, desk: Desk
) -> tuple[session.Holder, ConversationId, Standing | None]:
    """Whose message it is, in which conversation, and what domain mode has to store with it. Writes nothing."""
    arrival, standing = seen.arrival, None
    if known.access_mode == "domain":
        live, standing, chosen = await tokenless.load(arrival, page, asked_for, known, desk)
        holder = session.Holder(live, None, None)
        seen.session = live.row
    else:
        holder = await session.load(session.parse(arrival, desk), arrival, known, desk)
        seen.session = holder.live.row
        chosen = await conversation.load_for_message(asked_for, holder.live, desk)
    seen.conversation_id = chosen
    return holder, chosen, standing


@contextmanager
def _given_back(taken: Taken, desk: Desk) -> Iterator[None]:
    """Give back what an opening took when it comes to nothing: a ticket that was used, or a store that is away."""
    try:
        yield
    except (Refused, Unavailable) as problem:
        if not (isinstance(problem, Unavailable) and problem.in_doubt):
            desk.limits.give_back(taken)
        raise


async def _enter(
    seen: Seen, desk: Desk, load: _Load = session.load, *, asked_for: str | None = None, also_as: Sequence[str] = ()
) -> tuple[session.Shown, Widget, LiveSession]:
    """The guards that every route with a session shares."""
    arrival = seen.arrival
    with recorded(seen, desk):
        transport.check(arrival, desk)
        seen.page = frame.find_page(arrival, desk)
        page = seen.page or origin.check_form(arrival)
        body.check_headers(arrival, also_as)
        wanted = body.parse_conversation_id(asked_for) if asked_for is not None else None
        known = seen.widget = await widget.load(body.named_widget(arrival, None, session.widget_of(arrival, None, desk)), desk)
        origin.check(page, known, desk)
        if known.access_mode == "domain":
            # Also a token from before the widget changed its mode.
            raise Refused(Reason.SESSION_REQUIRED)
        shown = session.parse(arrival, desk)
        holder = await load(shown, arrival, known, desk)
        live = holder.live
        seen.session = live.row
        frame.check(seen.page, live.row, known)
        seen.is_counted = True
        limits.spend_entering(seen, known, holder.proof, desk)
        network.follow(holder.move, arrival, live, desk)
        seen.conversation_id = await conversation.load(wanted, live, desk)
    return shown, known, live


def _now_ms(desk: Desk) -> int:
    """Wall time in ms."""
    return int(desk.clock.now().timestamp() * 1000)
