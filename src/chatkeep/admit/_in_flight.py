"""Which idempotency keys is this process carrying out right now?"""

import asyncio
from dataclasses import dataclass, field

from chatkeep.admit._key_book import KeyBook
from chatkeep.crypto import new_id
from chatkeep.ids import MessageId
from chatkeep.store.idempotency import KeyRow


@dataclass(slots=True)
class Claim:
    """A key that is being carried out by this process. *known* resolves when it is clear what it stands for."""

    digest: str
    body_digest: str
    message_id: MessageId
    known: asyncio.Future[KeyRow | None] = field(repr=False)
    book: KeyBook | None = None

    def note(self, row: KeyRow | None) -> None:
        """Say what was stored under the key; ``None``: nothing, because somebody else was faster."""
        if self.book is None:
            return
        if row is not None:
            self.book.add(row)
        else:
            self.book.close()


class InFlight:
    """The keys that this process is carrying out, so that parallel retries wait for one another."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}

    def find(self, digest: str) -> Claim | None:
        """The claim on that key."""
        return self._claims.get(digest)

    def claim(self, digest: str, body_digest: str, book: KeyBook | None) -> Claim:
        """Take the key. The caller releases it."""
        claim = Claim(digest, body_digest, MessageId(new_id("msg")), asyncio.get_running_loop().create_future(), book)
        self._claims[digest] = claim
        return claim

    def release(self, claim: Claim) -> None:
        """Give the key back: it was carried out and remembered, or refused."""
        if self._claims.get(claim.digest) is claim:
            del self._claims[claim.digest]
        if not claim.known.done():
            claim.known.set_result(None)
