"""Did the request come over HTTPS, to a name that is ours?

Stops: sniffing and tampering on the way; host confusion (DNS rebinding, wrong routing).
Store down: not consulted.
"""

from chatkeep.admit._types import Arrival, Desk
from chatkeep.admit.domains import LOOPBACK_HOSTS
from chatkeep.errors import Reason, Refused


def check(arrival: Arrival, desk: Desk) -> None:
    """Raise ``Refused`` (``https_required``, ``misdirected_request``) unless both hold."""
    if desk.settings.is_production and not arrival.is_https:
        raise Refused(Reason.HTTPS_REQUIRED)
    if arrival.host not in desk.own_hosts and not _is_loopback_in_development(arrival, desk):
        raise Refused(Reason.MISDIRECTED_REQUEST)


def _is_loopback_in_development(arrival: Arrival, desk: Desk) -> bool:
    """Development relaxes exactly this: any loopback Host, any port (spec: settings.md)."""
    host = arrival.host.rpartition(":")[0] if not arrival.host.endswith("]") and ":" in arrival.host else arrival.host
    return not desk.settings.is_production and host in LOOPBACK_HOSTS
