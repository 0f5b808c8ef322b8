"""Which idempotency keys is this process carrying out right now?"""

import asyncio
from dataclasses import dataclass, field

from chatkeep.crypto import new_id
from chatkeep.ids import MessageId
from chatkeep.store.idempotency import KeyRow


@dataclass(slots=True)
class Claim:
    """A key that is being carried out by this process. *known* resolves when the database was asked."""

    digest: str
    body_digest: str
    message_id: MessageId
    known: asyncio.Future[KeyRow | None] = field(repr=False)


class InFlight:
    """The keys that this process is carrying out, so that parallel retries wait for one another."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}

    def find(self, digest: str) -> Claim | None:
        """The claim on that key."""
        return self._claims.get(digest)

    def claim(self, digest: str, body_digest: str) -> Claim:
        """Take the key. The caller releases it."""
        claim = Claim(digest, body_digest, MessageId(new_id("msg")), asyncio.get_running_loop().create_future())
        self._claims[digest] = claim
        return claim

    def release(self, claim: Claim) -> None:
        """Give the key back: it was carried out and remembered, or refused."""
        if self._claims.get(claim.digest) is claim:
            del self._claims[claim.digest]
        if not claim.known.done():
            claim.known.set_result(None)
