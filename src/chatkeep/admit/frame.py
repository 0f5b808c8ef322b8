"""Does our own frame ask, and which page embeds it?

In frame mode the chat runs on an origin of the gateway's, which no list names. Stops:
everything else that says it is of that origin: a session is opened there with a frame
ticket alone, which only the frame page holds (60 s, once), and later requests show that
session's token. What the lists judge is the embedding page. That a browser shows the
frame on listed pages only is the work of the frame page's ``frame-ancestors``; what is
not a browser can name any listed page, as it can forge ``Origin``: limits stop it.
Stops also, where frame mode is on, whoever would be a visitor without a frame: a script
on the page has the page's origin and sees the visitor's identity, and nothing else
keeps it from a session that reads what is said in the frame.
Store down: not consulted; the ticket is used up when the session is stored, or not at
all: closed. Spec: widget.md, "Frame mode"; visitor-api, "CORS".
"""

from dataclasses import dataclass

from chatkeep.admit import session
from chatkeep.admit._types import Arrival, Desk, Seen, Widget
from chatkeep.admit.body import SessionRequest
from chatkeep.admit.domains import LOOPBACK_HOSTS, Origin, find_origin, find_origin_of
from chatkeep.admit.identity import Cause, check_audience, refusal, single_use
from chatkeep.crypto import new_nonce
from chatkeep.crypto.tokens import FrameClaims, find_frame_ticket, sign_frame_ticket
from chatkeep.errors import Problem, Reason, Refused, invalid
from chatkeep.store.openings import SingleUse
from chatkeep.store.sessions import SessionRow

TICKET_SECONDS = 60


@dataclass(frozen=True, slots=True)
class FramePage:
    """What the frame page is made of: its widget, its ticket, and who may embed it (CSP host sources)."""

    widget: Widget
    ticket: str
    ancestors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Framing:
    """The page that embeds the frame, and the frame ticket, to be used up when the session opens."""

    page: Origin
    once: SingleUse


def issue(arrival: Arrival, widget: Widget, desk: Desk) -> FramePage:
    """A new ticket for *widget*'s frame. Raises ``Refused`` (404) unless the widget has frame mode, here."""
    is_here = arrival.host in desk.frame_hosts or not desk.settings.is_production
    if not widget.settings.features.frame or not is_here:
        raise Refused(Reason.NOT_FOUND)
    expires_at = int(desk.clock.now().timestamp()) + TICKET_SECONDS
    ticket = sign_frame_ticket(FrameClaims(widget.widget_id, new_nonce(), expires_at), desk.token_key)
    return FramePage(widget, ticket, widget.allowed_domains.sources(desk.ceiling))


def find_page(arrival: Arrival, desk: Desk) -> Origin | None:
    """The page that embeds our frame, as the token of the frame's session names it; ``None`` when anybody else asks. Raises ``Refused``.

    Only the token's signature is looked at: whether its session lives is the question of ``session.py``.
    """
    # Browsers name no origin in a GET to the own one.
    is_same_origin = arrival.origin_text is None and arrival.method == "GET" and arrival.headers.get("sec-fetch-site") == "same-origin"
    if not is_same_origin and not _is_own(arrival, desk):
        return None
    if "authorization" not in arrival.headers:
        raise Refused(Reason.DOMAIN_NOT_AUTHORIZED)
    claims = session.parse(arrival, desk).claims
    page = find_origin(claims.page) if claims.page is not None else None
    if page is None or (arrival.origin is not None and arrival.origin.text != claims.origin):
        raise Refused(Reason.DOMAIN_NOT_AUTHORIZED)
    return page


def find_ticket(request: SessionRequest, arrival: Arrival, widget: Widget, desk: Desk) -> Framing | None:
    """What lets our frame open a session; ``None`` when anybody else asks. Raises ``Refused``."""
    if not _is_own(arrival, desk):
        return None
    if request.ticket is None or not widget.settings.features.frame:
        raise Refused(Reason.DOMAIN_NOT_AUTHORIZED)
    claims = find_frame_ticket(request.ticket, desk.token_key)
    if claims is None:
        raise refusal("ticket", Cause.SIGNATURE)
    check_audience(claims.wid, widget, field="ticket")
    if claims.exp <= desk.clock.now().timestamp():
        raise refusal("ticket", Cause.EXPIRED)
    page = find_origin_of(request.page.url) if request.page is not None else None
    if page is None:
        raise invalid("page.url", "must be the address of the page that embeds the frame")
    return Framing(page, single_use("frame", claims.jti, claims.exp, widget, desk))


def check(framing: Origin | Framing | None, session: SessionRow | None, widget: Widget) -> None:
    """Raise ``Refused`` when frame mode is on and the arrival is not framed.

    *session*: one that a page opened before goes on until it ends, unless its visitor is known: such a visitor's sessions share conversations.
    """
    if framing is not None or not widget.settings.features.frame:
        return
    if session is None or session.is_vouched or widget.access_mode == "domain":
        raise Refused(Reason.DOMAIN_NOT_AUTHORIZED, details=(Problem("origin", "this widget talks in its frame only: load the page again"),))


def origin_of(seen: Seen) -> str | None:
    """The gateway's own origin that the frame's requests come from, for its token; ``None`` outside a frame."""
    return seen.arrival.origin.text if seen.page is not None and seen.arrival.origin is not None else None


def _is_own(arrival: Arrival, desk: Desk) -> bool:
    """Whether the request says that it comes from a page of this gateway."""
    origin = arrival.origin
    if origin is None:
        return False
    if origin.text in desk.own_urls:
        return True
    # Development takes any loopback Host, so this gateway's origin is whatever it was called by.
    return not desk.settings.is_production and origin.host in LOOPBACK_HOSTS and origin.text == f"http://{arrival.host}"
