"""A visitor who reloads the page, and whoever has their handle."""

from typing import Any

from chatkeep.store import Store, tables
from chatkeep.store.widgets import WidgetRow
from tests.cast import SHOP, Reply, Stage, alices_site, development
from tests.prover import BoundVisitor, Key

HELP = "https://help.example"
SITES = ("shop.example", "help.example")
RESUME: dict[str, Any] = {"features": {"resume": True}}
QUICK: dict[str, Any] = {"limits": {"interval_ms": 0, "per_session": 3}}
PLENTY = development(limit_address_per_minute=10_000, limit_address_per_hour=100_000, limit_sessions_per_address_per_hour=10_000)
REFUSED = [{"field": "resume", "problem": "does not work, or not any more: open a session without it"}]


def site(stage: Stage, **settings: Any) -> WidgetRow:
    return alices_site(stage.store, domains=SITES, settings={**RESUME, **QUICK, **settings})


def visit(stage: Stage, widget: WidgetRow, **more: Any) -> BoundVisitor:
    """A visitor who has said something, and holds a handle."""
    victor = BoundVisitor(stage, widget.widget_id, SHOP, **more).open()
    assert victor.say("remember me").status == 200
    return victor


def ask(stage: Stage, widget: WidgetRow, handle: str, key: Key | None, *, origin: str = SHOP, peer: str = "198.51.100.7", **more: Any) -> Reply:
    """Ask to go on with the session of *handle*; *more* is added to the body."""
    headers = {"origin": origin, **({"dpop": key.prove(stage, "POST", "/api/sessions")} if key else {})}
    return stage.call("POST", "/api/sessions", headers=headers, body={"widget_id": widget.widget_id, "resume": handle, **more}, peer=peer)


def reload(victor: BoundVisitor, widget: WidgetRow, **more: Any) -> BoundVisitor:
    """The visitor after a reload of the page: another key, the same session."""
    key = Key()
    reply = ask(victor.stage, widget, victor.session["resume"], key, peer=more.get("peer", victor.peer))
    assert reply.status == 201, reply.body
    return BoundVisitor(victor.stage, widget.widget_id, SHOP, key=key, session=reply.json, peer=more.get("peer", victor.peer))


def history(victor: BoundVisitor) -> list[str]:
    reply = victor.request("GET", f"/api/conversations/{victor.session['conversation_id']}/messages")
    assert reply.status == 200, reply.body
    return [message["text"] for message in reply.json["messages"] if message["role"] == "visitor"]


def assert_no(reply: Reply) -> None:
    """The one refusal of every handle that is not good."""
    assert (reply.status, reply.error, reply.json["details"]) == (410, "session_expired", REFUSED), reply.body
    assert set(reply.json) == {"success", "error", "message", "request_id", "details"}


def sessions(store: Store) -> list[Any]:
    return list(store.read_now(lambda tx: tx.execute(tables.sessions.select()).all()))
