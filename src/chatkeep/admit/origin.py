"""Is the page that embeds the widget one that its owner listed?

Stops: another site embedding a copied widget id. Not what is not a browser: that can
forge ``Origin``; limits stop it. ``Referer`` is never read for this decision.
Store down: not consulted; the widget is already loaded.
"""

from chatkeep.admit._types import Arrival, Desk, Widget
from chatkeep.admit.domains import Origin
from chatkeep.errors import Reason, Refused, invalid


def check_form(arrival: Arrival) -> Origin:
    """The request's origin. Absent, ``null``, repeated or non-canonical is refused before any read."""
    if "origin" in arrival.repeated:
        raise invalid("origin", "must be sent once")
    if arrival.origin is None:
        raise Refused(Reason.DOMAIN_NOT_AUTHORIZED)
    return arrival.origin


def check(origin: Origin, widget: Widget, desk: Desk) -> None:
    """Raise ``Refused`` unless the widget's list covers *origin*, and the instance's ceiling too."""
    if not widget.allowed_domains.covers(origin):
        raise Refused(Reason.DOMAIN_NOT_AUTHORIZED)
    if desk.ceiling is not None and not desk.ceiling.covers(origin):
        raise Refused(Reason.DOMAIN_NOT_AUTHORIZED)
