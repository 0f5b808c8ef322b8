"""What tests of admission share: every visitor route, generous limits, what a refusal must look like."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from chatkeep.crypto import new_id
from chatkeep.ids import AgentId, OrgId
from chatkeep.manage.widgets import create_widget
from chatkeep.settings import Settings
from chatkeep.store import Store, Tx
from chatkeep.store.organizations import Agent, add_agent, add_organization
from chatkeep.store.tables import metadata
from chatkeep.store.widgets import WidgetRow
from chatkeep.web.problems import WORDINGS
from tests.cast import SHOP, HeldClock, Reply, Stage, StageVisitor, development

KNOWN_ERRORS = {wording.code for wording in WORDINGS.values()}
UNKNOWN_WIDGET = "widget_" + "a" * 26
UNKNOWN_CONVERSATION = "conv_" + "a" * 26
UNKNOWN_MESSAGE = "msg_" + "a" * 26
# Limits that no test meets by accident.
WIDE: dict[str, Any] = {
    "limits": {
        "per_minute": 60,
        "per_hour": 1000,
        "per_day": 10_000,
        "interval_ms": 0,
        "per_session": 10_000,
        "per_conversation": 500,
        "widget_per_hour": 1_000_000,
        "widget_per_day": 1_000_000,
    }
}


def generous(**settings: Any) -> Settings:
    """Settings whose address limits no test meets by accident, and where only a thousand warnings are a block."""
    many = {"limit_address_per_minute": 1_000_000, "limit_address_per_hour": 1_000_000, "limit_sessions_per_address_per_hour": 1_000_000}
    return development(**{**many, "auto_block_after_warnings": 1000, **settings})


@dataclass(frozen=True)
class VisitorRoute:
    """One route of the visitor face. *path* may hold ``{widget}``, ``{conversation}`` and ``{message}``."""

    method: str
    path: str
    has_body: bool = False
    needs_session: bool = True


ROUTES = (
    VisitorRoute("POST", "/api/chat", has_body=True),
    VisitorRoute("GET", "/api/chat/{message}/stream"),
    VisitorRoute("DELETE", "/api/chat/{message}/stream"),
    VisitorRoute("POST", "/api/sessions", has_body=True, needs_session=False),
    VisitorRoute("POST", "/api/sessions/refresh"),
    VisitorRoute("DELETE", "/api/sessions/current"),
    VisitorRoute("GET", "/api/conversations/{conversation}/messages"),
    VisitorRoute("GET", "/api/conversations/{conversation}/export"),
    VisitorRoute("DELETE", "/api/conversations/{conversation}"),
    VisitorRoute("POST", "/api/messages/{message}/feedback", has_body=True),
    VisitorRoute("POST", "/api/events", has_body=True, needs_session=False),
    VisitorRoute("GET", "/api/widgets/{widget}/config", needs_session=False),
)
SESSION_ROUTES = tuple(route for route in ROUTES if route.needs_session)
BODY_ROUTES = tuple(route for route in ROUTES if route.has_body)


def path_of(route: VisitorRoute, widget: WidgetRow, victor: StageVisitor | None = None, *, message: str = UNKNOWN_MESSAGE) -> str:
    """The path of *route* for a visitor's own things."""
    conversation = victor.session["conversation_id"] if victor else UNKNOWN_CONVERSATION
    return route.path.format(widget=widget.widget_id, conversation=conversation, message=message)


def good_body(route: VisitorRoute, widget: WidgetRow) -> dict[str, Any] | None:
    """A body that *route* takes."""
    if not route.has_body:
        return None
    own = {"widget_id": widget.widget_id}
    match route.path:
        case "/api/chat":
            return {**own, "message": "hello"}
        case "/api/events":
            return {**own, "events": [{"name": "widget_opened", "at": "2026-01-15T12:00:00Z"}]}
        case "/api/messages/{message}/feedback":
            return {"rating": "up"}
        case _:
            return own


def call(stage: Stage, route: VisitorRoute, widget: WidgetRow, victor: StageVisitor | None, **more: Any) -> Reply:
    """*route* as *victor* would call it; *more* replaces headers or body."""
    headers = victor.headers if victor else {"origin": SHOP}
    return stage.call(route.method, path_of(route, widget, victor), **{"headers": headers, "body": good_body(route, widget), **more})


def contents(store: Store) -> dict[str, list[Row[Any]]]:
    """Every row of every table but the record of what happened."""

    def read(tx: Tx) -> dict[str, list[Row[Any]]]:
        kept = [table for table in metadata.sorted_tables if table.name not in {"security_events", "usage", "warnings"}]
        return {table.name: list(tx.execute(select(table).order_by(*table.primary_key))) for table in kept}

    return store.read_now(read)


def warned(store: Store) -> set[tuple[str, str, str]]:
    """Organization, kind and value of all who were warned."""
    table = metadata.tables["warnings"]
    return {(row.org_id, row.kind, row.value) for row in store.read_now(lambda tx: tx.execute(select(table)).all())}


def usage_messages(store: Store) -> int:
    """How many messages were counted as answered."""
    usage = metadata.tables["usage"]
    return sum(row.messages for row in store.read_now(lambda tx: tx.execute(select(usage)).all()))


def wrong_envelope(reply: Reply) -> str | None:
    """What is wrong with a refusal's answer, or ``None``."""
    if reply.headers.get("content-type") != "application/json":
        return f"content type {reply.headers.get('content-type')}"
    body = reply.json
    faults = {
        "status": reply.status < 400 or reply.status == 500,
        "envelope": body.get("success") is not False or body.get("error") not in KNOWN_ERRORS or not body.get("message"),
        "request id": body.get("request_id") != reply.headers.get("x-request-id") or not body["request_id"].startswith("req_"),
        "keys": bool(set(body) - {"success", "error", "message", "request_id", "retry_after", "limit_type", "action", "usage", "details"}),
        "content-length": int(reply.headers["content-length"]) != len(reply.body),
    }
    return ", ".join(name for name, is_wrong in faults.items() if is_wrong) or None


def assert_refused(reply: Reply, status: int, error: str) -> None:
    """The right status and code, in a whole envelope."""
    assert (reply.status, reply.error, wrong_envelope(reply)) == (status, error, None), reply.body


def another_organizations_site(store: Store, name: str, **choices: Any) -> WidgetRow:
    """A widget like Alice's, of another organization of the same instance."""
    org = OrgId(new_id("org"))
    agent = Agent(AgentId(new_id("agent")), org, "default", "Help.", ("fake",), has_knowledge=False)

    def add(tx: Tx) -> None:
        add_organization(tx, org, name, at_ms=1)
        add_agent(tx, org, agent, at_ms=1)

    store.transaction_now(add)
    return create_widget(store, HeldClock(), org, agent.agent_id, name=name, development=True, **{"domains": ("shop.example",), **choices})
