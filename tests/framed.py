"""The frame of a widget in frame mode, as a browser holds it."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from tests.cast import SHOP, Reply, Stage

OWN = "http://localhost:8000"
FRAME: dict[str, Any] = {"features": {"frame": True}}
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


@dataclass
class Frame:
    """What a browser holds of the frame page, embedded by *page*."""

    stage: Stage
    widget_id: str
    page: str = SHOP
    session: dict[str, Any] = field(default_factory=dict)

    def load(self, **headers: str) -> Reply:
        """The frame page, as a browser asks for it: without ``Origin``."""
        return self.stage.call("GET", f"/widget/frame/{self.widget_id}", headers={"sec-fetch-dest": "iframe", **headers})

    def ticket(self) -> str:
        reply = self.load()
        assert reply.status == 200, reply.body
        return attributes_of(reply)["ticket"]

    def open(self, ticket: str | None, *, page: str | None = None, origin: str | None = OWN, headers: dict[str, str] | None = None, **more: Any) -> Reply:
        """Ask for a session. *more* is added to the body."""
        body = {"widget_id": self.widget_id, "page": {"url": f"{page or self.page}/cart"}, **more}
        body |= {"ticket": ticket} if ticket is not None else {}
        sent = {"origin": origin} if origin is not None else {}
        return self.stage.call("POST", "/api/sessions", headers={**sent, **(headers or {})}, body=body)

    def opened(self, **more: Any) -> "Frame":
        reply = self.open(self.ticket(), **more)
        assert reply.status == 201, reply.body
        self.session = reply.json
        return self

    @property
    def headers(self) -> dict[str, str]:
        return {"origin": OWN, "authorization": f"Bearer {self.session['session_token']}"}

    @property
    def reading(self) -> dict[str, str]:
        """Headers of a GET to the own origin: browsers leave ``Origin`` out."""
        return {**SAME_ORIGIN, "authorization": f"Bearer {self.session['session_token']}"}

    def say(self, text: str, **headers: str) -> Reply:
        return self.stage.call("POST", "/api/chat", headers={**self.headers, **headers}, body={"message": text, "widget_id": self.widget_id})

    def read(self, **headers: str) -> Reply:
        path = f"/api/conversations/{self.session['conversation_id']}/messages"
        return self.stage.call("GET", path, headers=headers or self.reading)


def attributes_of(page: Reply) -> dict[str, str]:
    """The values that the frame page holds."""
    return {name: unescape(value) for name, value in re.findall(r'data-([a-z]+)="([^"]*)"', page.body.decode())}
