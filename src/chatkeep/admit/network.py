"""Does a session go on from where it was?

A changed network (/24, /56) or browser family is recorded; it is not an end, because
phones roam, unless the widget says ``strict_address``. A challenge will be asked here
once challenges exist. Stops: with ``strict_address``, a stolen token on another network.
Store down: what this process saw last counts; noting a change is ``Unavailable``: closed.
"""

import ipaddress

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


async def compare(arrival: Arrival, session: LiveSession, widget: Widget, desk: Desk) -> None:
    """Record a change of network or browser. Raises ``Refused`` where the widget is strict about the network."""
    address, user_agent = arrival.address.text, user_agent_of(arrival)
    changed = []
    if address != session.address and prefix(address) != prefix(session.address):
        changed.append("address")
    if user_agent != session.user_agent and family(user_agent) != family(session.user_agent):
        changed.append("user_agent")
    if not changed:
        return
    row = session.row
    context = Context(arrival.request_id, row.org_id, row.widget_id, row.session_id, None, row.origin, address, user_agent)
    desk.recorder.record(SessionSteppedUp(" and ".join(changed)), context)
    if "address" in changed and widget.settings.access.strict_address:
        raise Refused(Reason.INVALID_SESSION)
    session.address, session.user_agent = address, user_agent
    await desk.store.transaction(rows.note_step_up, row.org_id, row.session_id, address=address, user_agent=user_agent)


def user_agent_of(arrival: Arrival) -> str:
    """The user agent, fit for a record."""
    return printable(arrival.headers.get("user-agent", ""))[:_USER_AGENT]


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
