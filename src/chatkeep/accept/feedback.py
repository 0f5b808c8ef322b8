"""``POST /api/messages/{message_id}/feedback``: was this answer any good?

The latest opinion counts, so a repeated request changes nothing: an idempotency key is
welcome and not needed.
"""

from msgspec import Struct

from chatkeep.accept.contract import ADMISSION_ERRORS
from chatkeep.admit import Desk, body, enter, recorded
from chatkeep.admit.body import FeedbackRequest
from chatkeep.errors import Reason, Refused
from chatkeep.ids import find_message_id
from chatkeep.store.feedback import put_feedback
from chatkeep.web.headers import Surface
from chatkeep.web.routes import Audience, Call, Parameter, Reply, Route


class Success(Struct):
    """It is done."""

    success: bool


def feedback_routes(desk: Desk) -> list[Route]:
    """The rows of this file."""

    async def give_feedback(call: Call) -> Reply:
        entered = await enter(call.arrival, desk, is_activity=True)
        session = entered.session
        with recorded(entered.seen, desk):
            request = body.parse(call.arrival, FeedbackRequest)
            body.check_size(call.arrival, entered.widget)
            comment = body.parse_comment(request.comment)
            message = find_message_id(call.params["message_id"])
            at_ms = int(desk.clock.now().timestamp() * 1000)
            # Unknown, somebody else's and the visitor's own question look the same from outside.
            if message is None or not await desk.store.transaction(
                put_feedback, session.org_id, session.visitor_id, message, rating=request.rating, comment=comment, at_ms=at_ms
            ):
                raise Refused(Reason.NOT_FOUND)
        return Reply(Success(success=True))

    bad_body = (Reason.PAYLOAD_TOO_LARGE, Reason.UNSUPPORTED_MEDIA_TYPE, Reason.INSUFFICIENT_STORAGE)
    return [
        Route(
            "POST",
            "/api/messages/{message_id}/feedback",
            Audience.SESSION,
            Surface.VISITOR_API,
            "Rate an answer",
            give_feedback,
            Success,
            request=FeedbackRequest,
            errors=(*ADMISSION_ERRORS, Reason.NOT_FOUND, *bad_body),
            headers={"Idempotency-Key": Parameter("Welcome and not needed: the latest opinion counts, so a repeated request changes nothing.")},
        )
    ]
