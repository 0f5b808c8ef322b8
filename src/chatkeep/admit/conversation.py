"""Is this conversation the visitor's own?

Stops: reading or writing somebody else's conversation. Somebody else's and an unknown
one are the same answer: 404.
Store down: the conversation that the session opened is known; any other is ``Unavailable``.
"""

from chatkeep.admit._types import Desk, LiveSession
from chatkeep.errors import Reason, Refused
from chatkeep.ids import ConversationId
from chatkeep.store.messages import owns_conversation


async def load(wanted: ConversationId | None, session: LiveSession, desk: Desk) -> ConversationId:
    """*wanted*, or the session's own when none was named. Raises ``Refused`` (``not_found``)."""
    own = session.row.conversation_id
    if wanted is None or wanted == own:
        return own
    if not await desk.store.read(owns_conversation, session.row.org_id, session.row.visitor_id, wanted):
        raise Refused(Reason.NOT_FOUND)
    return wanted
