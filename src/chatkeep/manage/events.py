"""What happened? Security events for operators."""

from chatkeep.audit import event_types
from chatkeep.clock import Clock
from chatkeep.errors import WrongUsage
from chatkeep.ids import OrgId
from chatkeep.store import Store
from chatkeep.store.events import EventRow, list_events

_HOUR_MS = 3_600_000
MOST_HOURS = 24 * 366 * 10
MOST_EVENTS = 100_000


def recent_events(store: Store, clock: Clock, org: OrgId, *, event_type: str | None, hours: float, limit: int) -> list[EventRow]:
    """The newest events of *org* and of nobody's, newest first. *event_type* may be an alias. Raises ``WrongUsage``."""
    if not 0 < hours <= MOST_HOURS or not 0 < limit <= MOST_EVENTS:
        msg = f"ask for more than 0 and at most {MOST_HOURS} hours, and for 1 to {MOST_EVENTS} events"
        raise WrongUsage(msg)
    types: tuple[str, ...] = ()
    if event_type is not None:
        known = event_types()
        if event_type not in known:
            msg = f"there is no event type {event_type!r}; known are: {', '.join(sorted({event.type for event in known.values()}))}"
            raise WrongUsage(msg)
        types = (known[event_type].type,)
    since_ms = int(clock.now().timestamp() * 1000 - hours * _HOUR_MS)
    # The command line is for operators of the instance: they also see what came before a tenant was known.
    return store.read_now(list_events, org, types=types, since_ms=since_ms, limit=limit, with_unknown=True)
