"""Writes that no guard waits for: notes about a request, not what it asked for."""

import asyncio
import logging

from chatkeep.admit._types import Desk
from chatkeep.store import Write

log = logging.getLogger("chatkeep.admit")


def keep(desk: Desk, write: Write) -> None:
    """Store without waiting."""
    desk.store.write(write).add_done_callback(_note_failure)


def _note_failure(kept: asyncio.Future[None]) -> None:
    """Say that a note was lost."""
    if not kept.cancelled() and kept.exception() is not None:
        log.warning("note_not_stored", extra={"fields": {"reason": type(kept.exception()).__name__}})
