"""Is this conversation the visitor's own?

Stops: reading or writing somebody else's conversation. Somebody else's and an unknown
one are the same answer: 404.
Store down: the conversation that the session opened is known; any other is ``Unavailable``.
"""

from chatkeep.admit._types import Desk, LiveSession
from chatkeep.errors import Reason, Refused
from chatkeep.ids import ConversationId
from chatkeep.store.engine import Tx
from chatkeep.store.erasing import was_erased
from chatkeep.store.messages import owns_conversation
from chatkeep.store.sessions import SessionRow


async def load(wanted: ConversationId | None, session: LiveSession, desk: Desk) -> ConversationId:
    """*wanted*, or the session's own when none was named. Raises ``Refused`` (``not_found``)."""
    own = session.row.conversation_id
    if wanted is None or wanted == own:
        return own
    if not await desk.store.read(owns_conversation, session.row.org_id, session.row.visitor_id, wanted):
        raise Refused(Reason.NOT_FOUND)
    return wanted


async def load_for_message(wanted: ConversationId | None, session: LiveSession, desk: Desk) -> ConversationId:
    """As ``load``; a message for a conversation that its visitor has erased goes to the one that took its place."""
    own = session.row.conversation_id
    if wanted is None or wanted == own:
        return own
    found = await desk.store.read(_find, session.row, wanted)
    if found is None:
        raise Refused(Reason.NOT_FOUND)
    return found


def _find(tx: Tx, session: SessionRow, wanted: ConversationId) -> ConversationId | None:
    """*wanted*, what took its place, or nothing that is the visitor's."""
    if owns_conversation(tx, session.org_id, session.visitor_id, wanted):
        return wanted
    return session.conversation_id if was_erased(tx, session.org_id, session.visitor_id, wanted) else None
