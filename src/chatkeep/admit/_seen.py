"""Who, where and in which request: the context of every record about an arrival."""

from chatkeep.admit._types import Seen
from chatkeep.audit import Context


def context_of(seen: Seen) -> Context:
    """Who, where and in which request, as far as it is known."""
    arrival = seen.arrival
    return Context(
        request_id=arrival.request_id,
        org_id=seen.widget.org_id if seen.widget else seen.office,
        widget_id=seen.widget.widget_id if seen.widget else None,
        session_id=seen.session.session_id if seen.session else None,
        conversation_id=seen.conversation_id,
        domain=seen.page.text if seen.page else arrival.origin_text,
        address=arrival.address.text,
        user_agent=arrival.headers.get("user-agent"),
    )
