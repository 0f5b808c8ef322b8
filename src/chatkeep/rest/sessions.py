"""``/api/admin/sessions`` and ``/api/admin/tokens``: who talks, and how to stop it."""

from msgspec import Struct

from chatkeep.admit.permissions import Permission
from chatkeep.errors import Reason, Refused, WrongUsage
from chatkeep.ids import WIDGET_FORM, SessionId, VisitorId, find_widget_id
from chatkeep.manage import visits
from chatkeep.manage.queries import parse_flag, parse_text
from chatkeep.manage.views import VisitView, visit_view
from chatkeep.rest.contract import AskedByOperator, Done, Office, operator_route
from chatkeep.web.routes import Parameter, Route


class VisitList(Struct):
    """A part of the visitors' sessions, newest first."""

    success: bool
    sessions: list[VisitView]
    total: int
    page: int
    limit: int


WIDGET = Parameter("Only of this widget.", {"type": "string", "pattern": WIDGET_FORM, "title": "a widget id", "examples": ["widget_our_shop_2026"]})
VISITOR = Parameter("Only of this visitor.", {"type": "string", "minLength": 1, "maxLength": 80})

_SOON = "Holds at once in the process that answers, and within 2 s on every process, open streams included."


def session_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    every, read, write = "/api/admin/sessions", Permission.SESSIONS_READ, Permission.SESSIONS_WRITE
    query = {
        "widget_id": WIDGET,
        "visitor_id": VISITOR,
        "is_open": Parameter("`true`: only those that can still be used; `false`: only those that ended.", {"type": "string", "enum": ["true", "false"]}),
    }
    return [
        operator_route(office, "GET", every, read, "List visitors' sessions", list_sessions, VisitList, is_paged=True, query=query),
        operator_route(office, "DELETE", f"{every}/{{session_id}}", write, "Revoke a visitor's session", revoke_session, Done, notes=_SOON),
        operator_route(
            office,
            "DELETE",
            "/api/admin/tokens/{token}",
            write,
            "Revoke a session or an API key",
            revoke_token,
            Done,
            notes="Takes the id of a session or API key (preferred), or a token itself, which no log shows. An API key needs `api_keys:write` as well. "
            + _SOON,
        ),
    ]


def list_sessions(asked: AskedByOperator) -> VisitList:
    """A part of the sessions."""
    part, widget_text, visitor = asked.part, asked.query.get("widget_id"), parse_text(asked.query, "visitor_id", longest=80)
    widget = find_widget_id(widget_text) if widget_text is not None else None
    if widget_text is not None and widget is None:
        raise WrongUsage("is not a widget id", field="widget_id")
    rows, total = visits.some_visits(
        asked.store,
        asked.org,
        part,
        widget=widget,
        visitor=VisitorId(visitor) if visitor is not None else None,
        is_open=parse_flag(asked.query, "is_open"),
    )
    is_masked = asked.operator.sees_masks
    return VisitList(success=True, sessions=[visit_view(row, is_masked=is_masked) for row in rows], total=total, page=part.page, limit=part.limit)


async def revoke_session(asked: AskedByOperator) -> Done:
    """Revoke a session. This process follows at once, others within two seconds."""
    session = SessionId(asked.params["session_id"])
    await asked.run(visits.revoke_session, asked.store, asked.clock, asked.org, session)
    asked.office.desk.sessions.drop(session)
    return Done(success=True, message="Session revoked successfully")


async def revoke_token(asked: AskedByOperator) -> Done:
    """Revoke what a token stands for (S3's shape). This process follows at once, others within two seconds."""
    token = asked.params["token"]
    if visits.find_token_kind(token) == "api_key" and Permission.API_KEYS_WRITE not in asked.operator.permissions:
        raise Refused(Reason.FORBIDDEN, shown={"needs": Permission.API_KEYS_WRITE.value})
    session = await asked.run(visits.revoke_token, asked.store, asked.clock, asked.org, token, asked.office.desk.token_key)
    if session is not None:
        asked.office.desk.sessions.drop(session)
    return Done(success=True, message="Token revoked successfully")
