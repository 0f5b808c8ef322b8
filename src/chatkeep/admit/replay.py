"""Was this operator's request carried out before?

Stops: a retry that makes a thing twice. Scope is the organization, the actor and the route. What was made
and the note of it are one transaction (``Store.noting``); the answer is kept without its
secrets. Refusals and failures free the key. Spec: visitor-api, "Idempotency".
Store down: ``Unavailable``: closed.
"""

import re
from dataclasses import dataclass
from typing import Any

from chatkeep.admit._in_flight import Claim
from chatkeep.admit._types import Arrival, Desk
from chatkeep.admit.idempotency import KEY_FORM, in_progress
from chatkeep.crypto import content_digest, keyed_hash
from chatkeep.errors import Reason, Refused, invalid
from chatkeep.ids import OrgId
from chatkeep.store.replays import find_replay

_FORM = re.compile(KEY_FORM.removesuffix("$") + r"\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Repeated:
    """A request that was carried out before, and what was answered."""

    answer: Any


async def claim(arrival: Arrival, org: OrgId, actor: str, desk: Desk) -> Claim | Repeated | None:
    """The request's key, newly taken, or what was answered; ``None`` without a key. Raises ``Refused``. The caller releases the claim."""
    text = arrival.headers.get("idempotency-key")
    if text is None:
        return None
    if not _FORM.match(text):
        raise invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters")
    digest = keyed_hash(desk.hash_key, f"office:{org}:{actor}:{len(arrival.route)}:{arrival.route}:{text}")
    # Keyed: a body may hold a password, and whoever has the rows must not be able to try out guesses.
    body_digest = keyed_hash(desk.hash_key, f"body:{content_digest(arrival.body)}")
    other = desk.in_flight.find(digest)
    if other is not None:
        _check_same(other.body_digest, body_digest)
        raise in_progress(None)
    taken = desk.in_flight.claim(digest, body_digest, None)
    try:
        row = await desk.store.read(find_replay, org, digest, at_ms=int(desk.clock.now().timestamp() * 1000))
    except BaseException:
        desk.in_flight.release(taken)
        raise
    if row is None:
        return taken
    desk.in_flight.release(taken)
    _check_same(row.body_digest, body_digest)
    if row.answer is None:
        # Carried out, and the process ended before it could answer: nobody makes it twice.
        raise in_progress(None)
    return Repeated(row.answer)


def _check_same(stored: str, body_digest: str) -> None:
    """Raise ``Refused`` when a key comes back with another body."""
    if stored != body_digest:
        raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
