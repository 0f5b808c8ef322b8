"""Who is the visitor when nobody has a token? Domain mode: S3's contract.

The visitor is (widget, page's origin, client address); conversations belong to the
address's network (/24, /56), because phones roam within it. Weaker than a session:
whoever shares the network and knows a conversation's id can go on with it. Nothing is
stored here: what is new begins with the message, after the limits.
Stops: nothing that limits and the origin check do not stop.
Store down: a visitor seen at most 2 s ago is known; otherwise ``Unavailable``: closed.
Spec: limits-and-sessions, "Access modes".
"""

import base64

from chatkeep.admit import network
from chatkeep.admit._types import Arrival, Desk, LiveSession, Widget
from chatkeep.admit.domains import Origin
from chatkeep.crypto import keyed_hash, new_id
from chatkeep.errors import Reason, Refused
from chatkeep.ids import ConversationId, SessionId, VisitorId
from chatkeep.store import sessions as rows
from chatkeep.store.sessions import SessionRow
from chatkeep.store.standing import Standing, find_owner


async def load(
    arrival: Arrival, page: Origin, asked_for: ConversationId | None, widget: Widget, desk: Desk
) -> tuple[LiveSession, Standing | None, ConversationId]:
    """The visitor's standing session, the conversation that is *asked_for* (or a new one), and both to be stored if something of them is new."""
    session, is_stored = await _find_session(arrival, page, widget, desk)
    conversation, is_known = asked_for or ConversationId(new_id("conv")), False
    if asked_for is not None:
        owner = await desk.store.read(find_owner, asked_for)
        if owner is not None and owner != session.row.visitor_id:
            raise Refused(Reason.NOT_FOUND)
        is_known = owner is not None
    return session, None if is_stored and is_known else Standing(session.row, conversation, not is_stored, not is_known), conversation


async def _find_session(arrival: Arrival, page: Origin, widget: Widget, desk: Desk) -> tuple[LiveSession, bool]:
    """The standing session of this visitor, and whether it is stored and open."""
    place = f"{widget.widget_id} {page.text} "
    session_id = SessionId("sess_" + _derive(desk, place + arrival.address.bucket))
    cached = desk.sessions.find(session_id)
    if cached is not None:
        return cached, True
    row = await desk.store.read(rows.find_session, widget.widget_id, session_id)
    if row is None:
        visitor = VisitorId("vis_" + _derive(desk, place + network.prefix(arrival.address.text)))
        row, is_stored = _begin(arrival, page, widget, session_id, visitor, desk), False
    else:
        is_stored = row.ended_at_ms is None
    session = LiveSession(row, 0, None, row.active_at_ms, row.address, row.user_agent)
    if is_stored:
        desk.sessions.put(session_id, session)
    return session, is_stored


def _derive(desk: Desk, text: str) -> str:
    """26 characters that stand for *text* and tell nothing of it."""
    return base64.b32encode(bytes.fromhex(keyed_hash(desk.hash_key, "tokenless " + text))).decode("ascii")[:26].lower()


def _begin(arrival: Arrival, page: Origin, widget: Widget, session_id: SessionId, visitor_id: VisitorId, desk: Desk) -> SessionRow:
    """The row that stands for this visitor."""
    now_ms = int(desk.clock.now().timestamp() * 1000)
    return SessionRow(
        session_id=session_id,
        org_id=widget.org_id,
        widget_id=widget.widget_id,
        visitor_id=visitor_id,
        conversation_id=ConversationId(new_id("conv")),
        origin=page.text,
        address=arrival.address.text,
        user_agent=network.user_agent_of(arrival),
        key_thumbprint=None,
        generation=0,
        previous_until_ms=None,
        created_at_ms=now_ms,
        active_at_ms=now_ms,
        ended_at_ms=None,
        end_reason=None,
    )
