"""Which sessions are over without anybody here having said so?

Those that were ended by another process, or bound to another key, leave the cache
within a second.
Idle and old sessions are refused at their next use anyway; this ends them in the
database too, once a minute, so that lists and counts are true. What is remembered only
to be recognized, and has expired, goes with them.
"""

import asyncio
import logging

import msgspec

from chatkeep.admit._ban_list import DAY_MS, WARNING_MS
from chatkeep.admit._types import Desk
from chatkeep.admit.widget_settings import WidgetSettings
from chatkeep.audit import Context
from chatkeep.audit.catalogue import SessionSwept
from chatkeep.errors import Unavailable
from chatkeep.store import sessions as rows
from chatkeep.store.blocks import forget_blocks, forget_warnings
from chatkeep.store.idempotency import forget_old_keys
from chatkeep.store.logins import forget_failures, forget_old_logins
from chatkeep.store.mailed_codes import forget_old_codes
from chatkeep.store.openings import forget_used_values
from chatkeep.store.replays import forget_old_replays
from chatkeep.store.widgets import find_public_widget

_SWEEP_SECONDS = 60.0
_FOLLOW_SECONDS = 1.0
# Failures to sign in count for 15 minutes; a login that is over still says for a while which places are known.
_FAILURES_MS = 3_600_000
_LOGINS_MS = 90 * 86_400_000
# What counts for a day is kept a little longer: clocks of processes differ.
_BLOCKS_KEPT_MS = DAY_MS + 3_600_000
# Endings are stamped by the clock of whoever made them.
_CLOCKS_DIFFER_MS = 30_000

log = logging.getLogger("chatkeep.sweep")


async def follow_endings(desk: Desk) -> None:
    """Drop sessions from the cache that were ended or resumed elsewhere, every second; so that the others need no reading. Until cancelled."""
    since_ms = int(desk.clock.now().timestamp() * 1000)
    while True:
        now_ms = int(desk.clock.now().timestamp() * 1000)
        try:
            for session_id, generation in await desk.store.read(rows.changed_since, since_ms - _CLOCKS_DIFFER_MS):
                cached = desk.sessions.find(session_id)
                # A session that was resumed here is known here.
                if cached is not None and (generation is None or cached.generation < generation):
                    desk.sessions.drop(session_id)
            # Unless this is said again and again, old sessions are not trusted: nobody could tell who was revoked.
            desk.sessions.watch()
            since_ms = now_ms
        except Exception:
            # The outermost edge of this task: it must go on, whatever the database says.
            log.exception("endings_not_followed")
        await asyncio.sleep(_FOLLOW_SECONDS)


async def sweep_sessions(desk: Desk) -> None:
    """Sweep once a minute until cancelled."""
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        try:
            await sweep_once(desk)
        except Unavailable as error:
            log.warning("sessions_not_swept", extra={"fields": {"reason": error.reason.value}})
        except Exception:
            # The outermost edge of this task: it must go on, whatever the database says.
            log.exception("sessions_not_swept")


async def sweep_once(desk: Desk) -> int:
    """End what is over; returns how many sessions that were."""
    at_ms = int(desk.clock.now().timestamp() * 1000)
    await desk.store.transaction(forget_used_values, at_ms=at_ms)
    await desk.store.transaction(forget_old_keys, at_ms=at_ms)
    await desk.store.transaction(forget_warnings, at_ms - WARNING_MS)
    await desk.store.transaction(forget_old_replays, at_ms=at_ms)
    await desk.store.transaction(forget_old_codes, at_ms=at_ms)
    await desk.store.transaction(forget_failures, before_ms=at_ms - _FAILURES_MS)
    await desk.store.transaction(forget_old_logins, before_ms=at_ms - _LOGINS_MS)
    await desk.store.transaction(forget_blocks, at_ms - _BLOCKS_KEPT_MS)
    desk.bans.forget(at_ms)
    born_before_ms = at_ms - desk.settings.session_max_age_hours * 3_600_000
    total = 0
    for widget_id in await desk.store.read(rows.widgets_with_open_sessions):
        widget = await desk.store.read(find_public_widget, widget_id)
        if widget is None or widget.access_mode == "domain":
            # The sessions of domain mode stand for addresses, not for visits.
            continue
        idle_minutes = msgspec.convert(widget.settings, WidgetSettings).limits.idle_minutes
        ended = await desk.store.transaction(rows.sweep, widget_id, at_ms=at_ms, idle_since_ms=at_ms - idle_minutes * 60_000, born_before_ms=born_before_ms)
        if ended:
            total += ended
            desk.recorder.record(SessionSwept(ended), Context(org_id=widget.org_id, widget_id=widget_id))
    return total
