"""May a visitor whose page was loaded anew go on with the session that they had?

With the newest handle of that session, from the same widget and origin, within 30
minutes, once, and with another key: the old one died with the page. The session stays
the same row, so its counters, its blocks and its end by age go on; all tokens of the old
key are dead. Stops: handles that are used, expired, foreign, or of another widget or
origin (all of that is in the hash, so none of it can be told apart); with access mode
identity, whoever is not that visitor. Does not stop: script running in the page, which
can read the handle as it can read the chat.
Every refusal is the same one, and warns nobody: browsers bring back pages whose handle
was used. Store down: ``Unavailable``: closed; the handle is used when its use is stored.
Spec: limits-and-sessions, "Session"; docs/decisions/0009.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chatkeep.admit import identity, network, session
from chatkeep.admit._in_flight import Claim
from chatkeep.admit._types import Arrival, Desk, LiveSession, Widget
from chatkeep.admit.identity import Identity
from chatkeep.crypto import keyed_hash, new_resume_handle
from chatkeep.crypto.proof import Proof
from chatkeep.errors import Problem, Reason, Refused
from chatkeep.store import resumes as rows
from chatkeep.store.openings import SingleUse

LIFE_MS = 30 * 60_000


@dataclass(frozen=True, slots=True)
class Resumable:
    """A handle that is good so far: the session, the key that it is to be bound to, and whether its visitor has moved."""

    digest: str
    live: LiveSession
    thumbprint: str
    vouched: Identity | None
    move: network.Move | None


async def load(handle: str, arrival: Arrival, page: str, bound: Proof | None, vouched: Identity | None, widget: Widget, desk: Desk) -> Resumable:
    """The session that *handle* resumes on *page* (an origin). Writes nothing. Raises ``Refused``."""
    if bound is None or not widget.settings.features.resume:
        raise _refusal()
    digest = _digest(handle, arrival, page, widget, desk)
    found = await desk.store.read(rows.find_resumable, widget.org_id, digest, at_ms=_now_ms(desk))
    if found is None or (vouched is not None and vouched.visitor.subject != found.subject):
        raise _refusal()
    try:
        live = await session.load_living(found.session_id, widget, desk)
        move = network.compare(arrival, live, widget, desk)
    except Refused:
        raise _refusal() from None
    return Resumable(digest, live, bound.thumbprint, vouched, move)


async def take(found: Resumable, tickets: Sequence[SingleUse], claim: Claim | None, desk: Desk) -> LiveSession:
    """Use the handle up, and bind its session to the new key. Raises ``Refused`` when somebody was faster."""
    live, vouched = found.live, found.vouched
    row = await desk.store.transaction(
        rows.resume_session,
        live.row.org_id,
        live.row.widget_id,
        found.digest,
        thumbprint=found.thumbprint,
        at_ms=_now_ms(desk),
        known=vouched.visitor if vouched is not None else None,
        once=[*tickets, *([vouched.once] if vouched is not None and vouched.once is not None else [])],
        key=session.key_row(claim, live, desk),
    )
    if row is None:
        raise _refusal()
    if isinstance(row, SingleUse):
        raise identity.refusal("ticket" if row in tickets else "identity", identity.Cause.USED)
    # In place: whoever holds this object now must see that their key is not the session's any more.
    live.row, live.generation, live.previous_until_ms, live.active_at_ms = row, row.generation, None, row.active_at_ms
    desk.sessions.put(row.session_id, live)
    return live


async def offer(arrival: Arrival, live: LiveSession, thumbprint: str | None, widget: Widget, desk: Desk) -> str | None:
    """The session's newest handle, for whoever holds the key of *thumbprint*; ``None`` where there are none, and without a key."""
    if thumbprint is None or not widget.settings.features.resume:
        return None
    handle, row = new_resume_handle(), live.row
    digest = _digest(handle, arrival, row.origin, widget, desk)
    until_ms = _now_ms(desk) + LIFE_MS
    is_kept = await desk.store.transaction(rows.keep_handle, row.org_id, row.session_id, thumbprint=thumbprint, digest=digest, until_ms=until_ms)
    return handle if is_kept else None


def _digest(handle: str, arrival: Arrival, page: str, widget: Widget, desk: Desk) -> str:
    """*handle* as it is stored: with where it belongs, so that it is nothing anywhere else."""
    asked = arrival.origin.text if arrival.origin is not None else ""
    return keyed_hash(desk.hash_key, f"resume {widget.widget_id} {asked} {page} {handle}")


def _refusal() -> Refused:
    """What is said about every handle that is not good."""
    return Refused(Reason.SESSION_EXPIRED, details=(Problem("resume", "does not work, or not any more: open a session without it"),))


def _now_ms(desk: Desk) -> int:
    """Wall time in ms."""
    return int(desk.clock.now().timestamp() * 1000)
