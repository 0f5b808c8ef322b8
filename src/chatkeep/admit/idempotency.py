"""Was this very request carried out before?

Stops: a retry that is charged, stored or answered twice. Not a guard against attackers.
Scope is the session; when opening one, the widget, origin, and key or address. Spec:
visitor-api, "Idempotency". Refusals and failures free the key, because only what was
done is remembered.
Store down: ``Unavailable``: closed, as nobody knows whether it was done.
"""

import asyncio
import re
from dataclasses import dataclass

from chatkeep.admit._in_flight import Claim
from chatkeep.admit._key_book import KeyBook
from chatkeep.admit._types import Arrival, Desk, LiveSession
from chatkeep.crypto import content_digest, keyed_hash
from chatkeep.errors import Reason, Refused, invalid
from chatkeep.ids import MessageId, OrgId
from chatkeep.store.idempotency import KeyRow, find_key
from chatkeep.store.messages import StoredAnswer, find_answer

KEY_FORM = r"^[\x21-\x7e]{1,255}$"
_FORM = re.compile(KEY_FORM.removesuffix("$") + r"\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Known:
    """A request that was carried out before (*stored*), or is right now. *row*: what its key stands for."""

    message_id: MessageId | None
    row: KeyRow | None
    stored: StoredAnswer | None = None


async def load(arrival: Arrival, session: LiveSession, desk: Desk) -> Claim | Known | None:
    """What is known of this message: nothing (its key is claimed now), or its answer. ``None`` without a key."""
    row = session.row
    found = await claim(arrival, row.org_id, row.session_id, desk, session.book)
    if not isinstance(found, Known) or found.row is None or found.message_id is None:
        return found
    stored = await desk.store.read(find_answer, row.org_id, row.visitor_id, found.message_id)
    if stored is None and session.book is not None and session.book.is_whole:
        # Its conversation was erased, and by another process.
        session.book.close()
        return await load(arrival, session, desk)
    return Known(found.message_id, found.row, stored)


async def claim(arrival: Arrival, org: OrgId, scope: str, desk: Desk, book: KeyBook | None = None) -> Claim | Known | None:
    """The request's key, newly taken, or what it stands for already; ``None`` without a key. Raises ``Refused``."""
    text = arrival.headers.get("idempotency-key")
    if text is None:
        return None
    if not _FORM.match(text):
        raise invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters")
    digest = keyed_hash(desk.hash_key, f"{len(scope)}:{scope}:{text}")
    body_digest = content_digest(arrival.body)
    other = desk.in_flight.find(digest)
    if other is not None:
        _check_same(other.body_digest, body_digest)
        return _known(await asyncio.shield(other.known), body_digest) or Known(other.message_id, None)
    taken = desk.in_flight.claim(digest, body_digest, book)
    at_ms = int(desk.clock.now().timestamp() * 1000)
    try:
        row = book.find(digest, at_ms=at_ms) if book is not None and book.is_whole else await desk.store.read(find_key, org, digest, at_ms=at_ms)
    except BaseException:
        desk.in_flight.release(taken)
        raise
    taken.known.set_result(row)
    if row is None:
        return taken
    desk.in_flight.release(taken)
    return _known(row, body_digest)


def _known(row: KeyRow | None, body_digest: str) -> Known | None:
    """What a stored key stands for. Raises ``Refused`` when it came with another body."""
    if row is None:
        return None
    _check_same(row.body_digest, body_digest)
    return Known(row.message_id, row)


def _check_same(stored: str, body_digest: str) -> None:
    """Raise ``Refused`` when a key comes back with another body."""
    if stored != body_digest:
        raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)


def in_progress(message_id: MessageId | None) -> Refused:
    """The refusal of a request whose twin is still being answered; the client may join that answer's stream."""
    return Refused(Reason.IDEMPOTENCY_IN_PROGRESS, retry_after=1, shown={"message_id": message_id} if message_id else {})
