"""``POST /api/events``: what happened in widgets, for counts without people."""

from chatkeep.admit import Desk, enter_reporting
from chatkeep.admit.analytics import EventsRequest
from chatkeep.errors import Reason
from chatkeep.web.headers import Surface
from chatkeep.web.routes import Audience, Call, Parameter, Reply, Route


def report_routes(desk: Desk) -> list[Route]:
    """The rows of this file."""

    async def report_events(call: Call) -> Reply:
        reported = await enter_reporting(call.arrival, desk)
        desk.recorder.report(reported.rows)
        return Reply(status=204)

    no_tracking = Parameter("`1`: the events are taken and nothing is kept.", {"type": "string", "enum": ["0", "1"]})
    return [
        Route(
            "POST",
            "/api/events",
            Audience.LISTED_PAGE,
            Surface.VISITOR_API,
            "Report what happened in the widget",
            report_events,
            None,
            request=EventsRequest,
            status=204,
            errors=(
                Reason.INVALID_REQUEST,
                Reason.INVALID_WIDGET_ID,
                Reason.DOMAIN_NOT_AUTHORIZED,
                Reason.WIDGET_NOT_FOUND,
                Reason.NOT_ACCEPTABLE,
                Reason.PAYLOAD_TOO_LARGE,
                Reason.UNSUPPORTED_MEDIA_TYPE,
                Reason.MISDIRECTED_REQUEST,
                Reason.RATE_LIMIT_EXCEEDED,
                Reason.INTERNAL_SERVER_ERROR,
                Reason.SERVICE_UNAVAILABLE,
            ),
            headers={"DNT": no_tracking, "Sec-GPC": no_tracking},
            notes="Kept in batches, within a second; an event that cannot be kept is not missed.",
        )
    ]
