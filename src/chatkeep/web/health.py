"""Does the process live, and can it work?

``/livez`` says that the event loop turns; ``/readyz`` also asks the database. Both
without a session, an origin or a limit: probes have none.
"""

from msgspec import Struct
from sqlalchemy import text

from chatkeep.errors import Unavailable
from chatkeep.store import Store, Tx
from chatkeep.web.headers import Surface
from chatkeep.web.routes import Audience, Call, Reply, Route


class Health(Struct):
    """How it goes; *failing* names the parts that do not work."""

    status: str
    failing: list[str]


def health_routes(store: Store) -> list[Route]:
    """The rows of this file."""

    async def live(_call: Call) -> Reply:
        return Reply({"status": "ok", "failing": []})

    async def ready(_call: Call) -> Reply:
        try:
            await store.read(_ask)
        except Unavailable:
            return Reply({"status": "unavailable", "failing": ["database"]}, 503)
        return Reply({"status": "ok", "failing": []})

    face = Surface.HEALTH
    return [
        Route("GET", "/livez", Audience.EVERYBODY, face, "The process lives", live, Health),
        Route("GET", "/readyz", Audience.EVERYBODY, face, "The process can work", ready, Health, also={503: "Something that is needed does not work."}),
    ]


def _ask(tx: Tx) -> None:
    """The smallest question that only a working database answers."""
    tx.execute(text("SELECT 1"))
