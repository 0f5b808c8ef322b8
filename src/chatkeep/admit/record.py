"""What does a refusal leave behind? Exactly one event, and something spent.

The one place where refusals are recorded. A refusal before the limits call spends only
its own bucket: the address, or for a foreign origin a bucket that is no visitor's.
Spec: visitor-api, "Order of admission"; events-and-alerts.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from chatkeep.admit import blocks, limits
from chatkeep.admit._seen import context_of
from chatkeep.admit._types import Arrival, Desk, Seen
from chatkeep.audit import event_for
from chatkeep.audit.redact import printable
from chatkeep.errors import Reason, Refused, Unavailable
from chatkeep.ids import OrgId


@contextmanager
def recorded(seen: Seen, desk: Desk) -> Iterator[None]:
    """The one place where a refusal is recorded; before the limits call it first spends its own bucket."""
    try:
        with _noted(seen, desk):
            yield
    except BaseException:
        # Only what was done is remembered: a refusal or a failure frees the key.
        if seen.claim is not None:
            desk.in_flight.release(seen.claim)
        raise


@contextmanager
def _noted(seen: Seen, desk: Desk) -> Iterator[None]:
    """Record a refusal, and whatever is down."""
    try:
        yield
    except Unavailable as unavailable:
        desk.recorder.record(event_for(unavailable.reason), context_of(seen))
        raise
    except Exception as error:
        # Also a bug, which goes on to the edge: whoever finds one must not have it for nothing.
        final = error if seen.is_counted else _count_early(error, seen, desk)
        if isinstance(final, Refused):
            _record(final, seen, desk)
        if final is error:
            raise
        raise final from None


def _record(refusal: Refused, seen: Seen, desk: Desk) -> None:
    """One event that says what was refused, and a warning where one is due."""
    hit = refusal.limit
    length, cause = refusal.note.get("length"), refusal.note.get("cause")
    event = event_for(
        refusal.reason,
        length=length if isinstance(length, int) else None,
        limit_type=hit.limit_type if hit else None,
        referer=_referer_origin(seen.arrival),
        cause=cause if isinstance(cause, str) else None,
    )
    org = refusal.note.get("org_id")
    if isinstance(org, str) and seen.office is None:
        # An API key that is no good, or a password, still says whose it was to be.
        seen.office = OrgId(org)
    context = context_of(seen)
    desk.recorder.record(event, context)
    blocks.note_refusal(refusal, seen, desk, context)
    if seen.widget is not None:
        desk.recorder.count(seen.widget.org_id, seen.widget.widget_id, refusals=1)


def _count_early(error: Exception, seen: Seen, desk: Desk) -> Exception:
    """*error*, or what its bucket says when that is empty."""
    arrival = seen.arrival
    org = seen.widget.org_id if seen.widget else None
    if isinstance(error, Refused) and error.reason is Reason.DOMAIN_NOT_AUTHORIZED:
        buckets = limits.refused_origin_buckets(arrival.address)
    elif org is None:
        buckets = limits.early_buckets(arrival.address, desk)
    else:
        buckets = limits.address_buckets(arrival.address, org, desk)
    try:
        limits.spend(buckets, seen, desk)
    except Refused as too_many:
        return too_many
    return error


def _referer_origin(arrival: Arrival) -> str | None:
    """The referer cut to its origin, for the record alone."""
    text = arrival.headers.get("referer")
    if not text:
        return None
    parts = text.split("/", 3)
    return printable("/".join(parts[:3]))[:300]
