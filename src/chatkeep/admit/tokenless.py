"""Who is the visitor when nobody has a token? Domain mode: S3's contract.

The visitor is (widget, page's origin, client address); conversations belong to the
address's network (/24, /56), because phones roam within it. Weaker than a session:
whoever shares the network and knows a conversation's id can go on with it.
Stops: nothing that limits and the origin check do not stop.
Store down: a visitor seen at most 2 s ago is known; otherwise ``Unavailable``: closed.
Spec: limits-and-sessions, "Access modes".
"""

import base64
from contextlib import suppress

from chatkeep.admit import network
from chatkeep.admit._types import Arrival, Desk, LiveSession, Widget
from chatkeep.admit.domains import Origin
from chatkeep.crypto import keyed_hash, new_id
from chatkeep.ids import ConversationId, SessionId, VisitorId
from chatkeep.store import Clash
from chatkeep.store import sessions as rows
from chatkeep.store.sessions import SessionRow
from chatkeep.store.standing import open_standing


async def load(arrival: Arrival, page: Origin, widget: Widget, desk: Desk) -> LiveSession:
    """The standing session of this visitor, made at the first message."""
    place = f"{widget.widget_id} {page.text} "
    session_id = SessionId("sess_" + _derive(desk, place + arrival.address.bucket))
    cached = desk.sessions.find(session_id)
    if cached is not None:
        return cached
    row = await desk.store.read(rows.find_session, widget.widget_id, session_id)
    if row is None:
        row = _begin(arrival, page, widget, session_id, VisitorId("vis_" + _derive(desk, place + network.prefix(arrival.address.text))), desk)
        # Where the visitor's first two messages came at the same time, both find the same.
        with suppress(Clash):
            await desk.store.transaction(open_standing, row)
    session = LiveSession(row, 0, None, row.active_at_ms, row.address, row.user_agent)
    desk.sessions.put(session_id, session)
    return session


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
