"""Is this address, session, visitor or page banned, or has it just been warned too often?

Stops: whoever goes on after being refused. Three warnings within ten minutes are a
block of five, doubled for each repeat within a day, up to a day. Origin refusals never
warn: any page could lock a visitor out of the real site that way. Part of the one
limits call. Spec: limits-and-sessions, "Warnings and blocks".
Store down: blocks known to this process hold; new ones hold here and are lost with it.
"""

import asyncio
import logging

from chatkeep.admit._ban_list import DAY_MS, WARNING_MS, Blocks, Subject
from chatkeep.admit._notes import keep
from chatkeep.admit._types import Desk, Seen
from chatkeep.audit import Context
from chatkeep.audit.catalogue import BlockCreated
from chatkeep.clock import iso_ms
from chatkeep.crypto import new_id
from chatkeep.errors import Reason, Refused
from chatkeep.ids import BlockId, OrgId
from chatkeep.store import Tx
from chatkeep.store import blocks as rows
from chatkeep.store.blocks import BlockKind, BlockRow, WarningRow

_FOREVER_RETRY_SECONDS = 86_400
_POLL_SECONDS = 1.0
# Automatic blocks are stamped by the clock of the process that made them.
_CLOCKS_DIFFER_MS = 30_000
# Refusals that an honest client does not cause, unless they say `is_honest`: a wrong clock, a proof sent twice by the browser.
_BAD_CREDENTIALS = frozenset({Reason.INVALID_SESSION, Reason.INVALID_PROOF, Reason.INVALID_IDENTITY})

log = logging.getLogger("chatkeep.blocks")


def check(seen: Seen, desk: Desk) -> None:
    """Raise ``Refused`` (``temporarily_blocked``) when a block holds for anything that is known of the arrival."""
    if seen.widget is None:
        return
    now_ms = _now_ms(desk)
    block = desk.bans.find(_subjects(seen, seen.widget.org_id), seen.arrival.address.text, now_ms)
    if block is None:
        return
    if block.ends_at_ms is None:
        raise Refused(Reason.TEMPORARILY_BLOCKED, retry_after=_FOREVER_RETRY_SECONDS, shown={"block_expires_at": None})
    seconds = -(-(block.ends_at_ms - now_ms) // 1000)
    raise Refused(Reason.TEMPORARILY_BLOCKED, retry_after=seconds, shown={"block_expires_at": iso_ms(block.ends_at_ms)})


def note_refusal(refusal: Refused, seen: Seen, desk: Desk, context: Context) -> None:
    """Warn whoever caused *refusal*, if it is of the kind that warns; block them when it was one too many."""
    if seen.widget is None:
        return
    now_ms = _now_ms(desk)
    for subject in _warned(refusal, seen, seen.widget.org_id, desk):
        if desk.bans.find([subject], subject.value, now_ms) is not None:
            # In shadow mode the blocked go on: each of their refusals would leave rows.
            continue
        keep(desk, rows.new_warning(WarningRow(subject.org_id, subject.kind, subject.value, now_ms)))
        if desk.bans.warn(subject, now_ms, block_after=desk.settings.auto_block_after_warnings):
            _block(subject, desk, context, now_ms)


async def keep_current(desk: Desk) -> None:
    """Take over what other processes and the command line changed; every second until cancelled."""
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        try:
            await read_all(desk)
        except Exception:
            # The outermost edge of this task: it must go on, whatever the database says.
            log.exception("blocks_not_read")


async def read_all(desk: Desk, *, with_warnings: bool = False) -> None:
    """Read blocks and exemptions if they changed, all of them only once; at the start also the warnings that still count."""
    now_ms = _now_ms(desk)
    revision = await desk.store.read(rows.revision)
    if revision != desk.bans.revision:
        if desk.bans.read_at_ms is None:
            desk.bans.replace(await desk.store.read(_read_blocks, now_ms - DAY_MS))
        else:
            desk.bans.update(await desk.store.read(rows.changed_blocks, desk.bans.read_at_ms - _CLOCKS_DIFFER_MS))
        desk.bans.exempt(await desk.store.read(rows.all_exemptions))
        desk.bans.revision = revision
    desk.bans.read_at_ms = now_ms
    if with_warnings:
        desk.bans.recall(await desk.store.read(rows.warnings_since, now_ms - WARNING_MS))


def _read_blocks(tx: Tx, since_ms: int) -> Blocks:
    """Every block that counts, in order: made in a reader thread, because there may be very many."""
    return Blocks(rows.blocks_since(tx, since_ms))


def _subjects(seen: Seen, org: OrgId) -> list[Subject]:
    """Everything about the arrival that a block could name."""
    arrival, session = seen.arrival, seen.session
    subjects = [Subject(org, "address", arrival.address.bucket), Subject(org, "address", arrival.address.text)]
    page = seen.page or arrival.origin
    if page is not None:
        subjects.append(Subject(org, "domain", page.host))
    if session is not None:
        subjects += [Subject(org, "session", session.session_id), Subject(org, "visitor", session.visitor_id)]
    return subjects


def _warned(refusal: Refused, seen: Seen, org: OrgId, desk: Desk) -> list[Subject]:
    """Whom *refusal* warns: address and session, the session alone, or nobody."""
    # One forger in an office or behind a carrier's gateway must not lock out all who share its address.
    is_shared = desk.bans.factor(org, seen.arrival.address.text) != 1
    address = [] if is_shared else [Subject(org, "address", seen.arrival.address.bucket)]
    session = [Subject(org, "session", seen.session.session_id)] if seen.session is not None else []
    if refusal.reason in _BAD_CREDENTIALS and not refusal.note.get("is_honest"):
        return [*address, *session]
    if refusal.reason is not Reason.RATE_LIMIT_EXCEEDED or refusal.limit is None or refusal.limit.limit_type in {"interval", "concurrency"}:
        return []
    layer = refusal.note.get("layer")
    if layer in {"address", "sessions"}:
        return [*address, *session]
    return session if layer in {"session", "visitor"} else []


def _block(subject: Subject, desk: Desk, context: Context, now_ms: int) -> None:
    """Block *subject*: five minutes, doubled for each repeat within a day, up to a day."""
    minutes = desk.settings.cooldown_period_minutes * 2 ** min(desk.bans.repeats(subject, now_ms), 16)
    kind: BlockKind = "session" if subject.kind == "session" else "address"
    ends_at_ms = min(now_ms + minutes * 60_000, now_ms + DAY_MS)
    block = BlockRow(BlockId(new_id("block")), subject.org_id, kind, subject.value, "warned too often", True, now_ms, ends_at_ms)
    desk.bans.add(block)
    keep(desk, rows.new_block(block))
    desk.recorder.record(BlockCreated(kind, is_automatic=True, seconds=(ends_at_ms - now_ms) // 1000), context)


def _now_ms(desk: Desk) -> int:
    """Wall time in ms."""
    return int(desk.clock.now().timestamp() * 1000)
