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
    except Refused as refusal:
        final = refusal if seen.is_counted else _count_early(refusal, seen, desk)
        hit = final.limit
        length, cause = final.note.get("length"), final.note.get("cause")
        event = event_for(
            final.reason,
            length=length if isinstance(length, int) else None,
            limit_type=hit.limit_type if hit else None,
            referer=_referer_origin(seen.arrival),
            cause=cause if isinstance(cause, str) else None,
        )
        org = final.note.get("org_id")
        if isinstance(org, str):
            # An API key that is no good still says whose it was.
            seen.office = OrgId(org)
        context = context_of(seen)
        desk.recorder.record(event, context)
        blocks.note_refusal(final, seen, desk, context)
        if seen.widget is not None:
            desk.recorder.count(seen.widget.org_id, seen.widget.widget_id, refusals=1)
        raise final from None
    except Unavailable as unavailable:
        desk.recorder.record(event_for(unavailable.reason), context_of(seen))
        raise


def _count_early(refusal: Refused, seen: Seen, desk: Desk) -> Refused:
    """*refusal*, or what its bucket says when that is empty."""
    arrival = seen.arrival
    org = seen.widget.org_id if seen.widget else None
    if refusal.reason is Reason.DOMAIN_NOT_AUTHORIZED:
        buckets = limits.refused_origin_buckets(arrival.address)
    elif org is None:
        buckets = limits.early_buckets(arrival.address, desk)
    else:
        buckets = limits.address_buckets(arrival.address, org, desk)
    try:
        limits.spend(buckets, seen, desk)
    except Refused as too_many:
        return too_many
    return refusal


def _referer_origin(arrival: Arrival) -> str | None:
    """The referer cut to its origin, for the record alone."""
    text = arrival.headers.get("referer")
    if not text:
        return None
    parts = text.split("/", 3)
    return printable("/".join(parts[:3]))[:300]
