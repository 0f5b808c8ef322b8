"""Does a session go on from where it was?

A changed network (/24, /56) or browser family is recorded; it is not an end, because
phones roam, unless the widget says ``strict_address``. A challenge will be asked here
once challenges exist. Stops: with ``strict_address``, a stolen token on another network.
Store down: what this process saw last counts; a change that cannot be stored is noted again.
"""

import ipaddress
from dataclasses import dataclass

from chatkeep.admit._notes import keep
from chatkeep.admit._types import Arrival, Desk, LiveSession, Widget
from chatkeep.audit.catalogue import SessionSteppedUp
from chatkeep.audit.recorder import Context
from chatkeep.audit.redact import printable
from chatkeep.errors import Reason, Refused
from chatkeep.store import sessions as rows

_USER_AGENT = 256
# In this order: Edge and Opera also say Chrome, Chrome also says Safari; Android also says Linux, iPhones say Mac OS X.
_FAMILIES = ("Edg", "OPR", "SamsungBrowser", "Firefox", "FxiOS", "CriOS", "Chrome", "Safari")
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")


@dataclass(frozen=True, slots=True)
class Move:
    """A session that goes on from elsewhere: *what* changed, and where it is now."""

    what: str
    address: str
    user_agent: str


def compare(arrival: Arrival, session: LiveSession, widget: Widget, desk: Desk) -> Move | None:
    """What changed of network and browser, if anything. Raises ``Refused`` where the widget is strict about the network."""
    address, user_agent = arrival.address.text, user_agent_of(arrival)
    changed = []
    if address != session.address and prefix(address) != prefix(session.address):
        changed.append("address")
    if user_agent != session.user_agent and family(user_agent) != family(session.user_agent):
        changed.append("user_agent")
    if not changed:
        return None
    move = Move(" and ".join(changed), address, user_agent)
    if "address" in changed and widget.settings.access.strict_address:
        _record(move, arrival, session, desk)
        # Token and key are right: phones roam, and all who roam to one carrier share its address.
        raise Refused(Reason.INVALID_SESSION, note={"is_honest": True})
    return move


def follow(move: Move | None, arrival: Arrival, session: LiveSession, desk: Desk) -> None:
    """Note a change, once the limits let the request through."""
    if move is None:
        return
    _record(move, arrival, session, desk)
    session.address, session.user_agent = move.address, move.user_agent
    keep(desk, rows.move(session.row, address=move.address, user_agent=move.user_agent))


def _record(move: Move, arrival: Arrival, session: LiveSession, desk: Desk) -> None:
    """One event that says what changed."""
    row = session.row
    context = Context(arrival.request_id, row.org_id, row.widget_id, row.session_id, None, row.origin, move.address, move.user_agent)
    desk.recorder.record(SessionSteppedUp(move.what), context)


def user_agent_of(arrival: Arrival) -> str:
    """The user agent, fit for a record."""
    return printable_agent(arrival.headers.get("user-agent", ""))


def printable_agent(text: str) -> str:
    """A user agent, fit for a record."""
    return printable(text)[:_USER_AGENT]


def prefix(address: str) -> str:
    """The network that *address* is bound to: /24 of IPv4, /56 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 56), strict=False))  # noqa: PLR2004 - IPv4


def family(user_agent: str) -> tuple[str, str]:
    """Browser family and system: what stays the same when a browser updates itself."""
    browser = next((name for name in _FAMILIES if f"{name}/" in user_agent), "other")
    return browser, next((name for name in _SYSTEMS if name in user_agent), "other")
