"""Resume handles against real gateways: two processes, ``kill -9``, and a database that goes away."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chatkeep.clock import SystemClock
from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Reply, Visitor, alices_site_in
from tests.prover import Key
from tests.servers import PATIENCE, Gateway, Postgres, end

RESUME: dict[str, Any] = {**ROOMY, "features": {"resume": True}}
NOW: Any = SimpleNamespace(clock=SystemClock())


class Bound:
    """A visitor with a key, who can ask any gateway."""

    def __init__(self, widget_id: str) -> None:
        self.key = Key()
        self.widget_id = widget_id
        self.session: dict[str, Any] = {}

    def ask(self, gateway: Gateway, method: str, path: str, body: Any = None) -> Reply:
        """One request with its proof."""
        visitor = Visitor(gateway.port, self.widget_id, SHOP, session=self.session)
        proof = self.key.prove(NOW, method, path, self.session.get("session_token"), htu=gateway.url + path)
        return visitor.request(method, path, body, DPoP=proof)

    def open(self, gateway: Gateway, **more: str) -> Reply:
        reply = self.ask(gateway, "POST", "/api/sessions", {"widget_id": self.widget_id, **more})
        self.session = reply.json if reply.status == 201 else {}
        return reply

    def history(self, gateway: Gateway) -> Reply:
        return self.ask(gateway, "GET", f"/api/conversations/{self.session['conversation_id']}/messages")

    def said(self, gateway: Gateway) -> list[str]:
        reply = self.history(gateway)
        assert reply.status == 200, reply.body
        return [message["text"] for message in reply.json["messages"] if message["role"] == "visitor"]


def test_every_process_lets_the_key_before_go_and_a_restart_forgets_nothing(data_dir: Path, database_url: str, tmp_path: Path) -> None:
    widget_id = alices_site_in(database_url, settings=RESUME, provider="fake").widget_id
    settings = {**ROOMY_GATEWAY, "DATABASE_URL": database_url}
    beside = tmp_path / "beside"
    beside.mkdir(mode=0o700)
    first = Gateway.start(data_dir, **settings)
    try:
        with Gateway.running(beside, **settings) as second:
            before, after, again = Bound(widget_id), Bound(widget_id), Bound(widget_id)
            assert before.open(first).status == 201
            assert before.ask(first, "POST", "/api/chat", {"message": "remember me"}).status == 200
            assert before.said(second) == ["remember me"]
            assert after.open(first, resume=before.session["resume"]).status == 201
            assert before.history(first).error == "session_revoked"
            until = time.monotonic() + PATIENCE
            while (reply := before.history(second)).status == 200:
                assert time.monotonic() < until, "the other process never hears of it"
            assert reply.error == "session_revoked"
            assert after.said(second) == ["remember me"]
            first.kill()
            assert again.open(second, resume=after.session["resume"]).status == 201
            first = Gateway.start(data_dir, **settings)
            assert again.said(first) == ["remember me"]
            assert after.history(first).error == "session_revoked"
            assert Bound(widget_id).open(first, resume=after.session["resume"]).error == "session_expired"
    finally:
        end(first.process)


def test_a_handle_outlives_a_database_that_was_away(own_postgres: Postgres, data_dir: Path) -> None:
    url = own_postgres.new_database("away")
    widget_id = alices_site_in(url, settings=RESUME, provider="fake").widget_id
    with Gateway.running(data_dir, DATABASE_URL=url, **ROOMY_GATEWAY) as gateway:
        before, after = Bound(widget_id), Bound(widget_id)
        assert before.open(gateway).status == 201
        assert before.ask(gateway, "POST", "/api/chat", {"message": "remember me"}).status == 200
        handle = before.session["resume"]
        own_postgres.halt()
        assert after.open(gateway, resume=handle).error == "service_unavailable"
        own_postgres.launch()
        until = time.monotonic() + PATIENCE
        while (reply := after.open(gateway, resume=handle)).status == 503:
            assert time.monotonic() < until, "the database never comes back"
        assert reply.status == 201
        assert after.said(gateway) == ["remember me"]
