"""The types that carry a message along its path.

``Arrival`` is what came in; ``Desk`` is what a guard may use; ``Admitted`` is the proof
that every guard let the message pass (made only in ``admit/__init__.py``; held by a test).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from chatkeep.admit._ban_list import BanList
from chatkeep.admit._cache import Cache
from chatkeep.admit._in_flight import Claim, InFlight
from chatkeep.admit._key_book import KeyBook
from chatkeep.admit._key_ring import KeyRing
from chatkeep.admit.domains import AllowedDomains, Origin
from chatkeep.admit.widget_settings import WidgetSettings
from chatkeep.audit import Context, Recorder
from chatkeep.clock import Clock
from chatkeep.crypto.office_tokens import OfficeKey
from chatkeep.crypto.tokens import TokenKey
from chatkeep.egress import Egress
from chatkeep.errors import Usage
from chatkeep.ids import ConversationId, MessageId, OrgId, SessionId, WidgetId
from chatkeep.limits import LimitStore, Taken
from chatkeep.settings import Settings
from chatkeep.store import Store
from chatkeep.store.messages import StoredAnswer
from chatkeep.store.organizations import Agent
from chatkeep.store.sessions import SessionRow
from chatkeep.store.standing import Standing


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """Where a request came from: the address, what limits count by, and the wider net around it (IPv6)."""

    text: str
    bucket: str
    wide_bucket: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request, read but not judged. *headers* have lower-case names; *repeated* names came more than once."""

    request_id: str
    caller_request_id: str | None
    method: str
    route: str
    address: ClientAddress
    is_https: bool
    host: str
    origin_text: str | None
    origin: Origin | None
    headers: Mapping[str, str]
    repeated: frozenset[str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Widget:
    """A widget with everything that judging and answering need of it."""

    widget_id: WidgetId
    org_id: OrgId
    name: str
    access_mode: str
    allowed_domains: AllowedDomains
    settings: WidgetSettings
    agent: Agent


@dataclass(slots=True)
class LiveSession:
    """A session in the cache; this process keeps it current, the database is asked again every 2 s."""

    row: SessionRow
    generation: int
    previous_until_ms: int | None
    active_at_ms: int
    address: str
    user_agent: str
    # Ended here, perhaps not committed yet: nothing more is let in.
    is_ended: bool = False
    # All idempotency keys that it used, when it was opened here.
    book: KeyBook | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """The collaborators that a guard may use.

    *own_urls*: all addresses of this gateway; *own_hosts*: what ``Host`` may say, *frame_hosts* where the frame page is asked for;
    *started_at*: seconds since 1970.
    """

    settings: Settings
    clock: Clock
    store: Store
    limits: LimitStore
    recorder: Recorder
    token_key: TokenKey
    office_key: OfficeKey
    ceiling: AllowedDomains | None
    own_urls: frozenset[str]
    own_hosts: frozenset[str]
    frame_hosts: frozenset[str]
    started_at: int
    hash_key: bytes
    in_flight: InFlight
    bans: BanList
    egress: Egress
    keys: KeyRing
    widgets: "Cache[WidgetId, Widget]"
    sessions: "Cache[SessionId, LiveSession]"


@dataclass(slots=True)
class Seen:
    """What is known of an arrival so far: the context of the record that a refusal leaves."""

    arrival: Arrival
    # The page that embeds the widget, where it is not the one that asks: our own frame asks for it.
    page: Origin | None = None
    widget: Widget | None = None
    # The organization of an operator; visitors have a widget's.
    office: OrgId | None = None
    session: SessionRow | None = None
    conversation_id: ConversationId | None = None
    # The idempotency key that this arrival holds; a refusal gives it back.
    claim: Claim | None = None
    # Whether the limits were asked already; if not, a refusal spends its own bucket.
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message that may reach a model. *held*: what it took of the limits; gauges among it are released when its answer ends."""

    seen: Seen
    widget: Widget
    session: SessionRow
    conversation_id: ConversationId
    text: str
    wants_stream: bool
    usage: Usage
    held: Taken
    context: Context
    # The idempotency key of the request, to be remembered with the message and then given back.
    claim: Claim | None
    # No earlier message: nothing to remind a model of.
    is_first: bool
    # An answer that was interrupted and is asked for again: made anew in its place, charged before.
    redo: StoredAnswer | None
    # Domain mode: what is stored with the message because nobody opened it before.
    standing: Standing | None

    @property
    def request_id(self) -> str:
        """The id of the request that brought it."""
        return self.seen.arrival.request_id

    @property
    def org_id(self) -> OrgId:
        """The tenant."""
        return self.widget.org_id

    @property
    def agent(self) -> Agent:
        """How the answer is made."""
        return self.widget.agent


@dataclass(frozen=True, slots=True)
class Replayed:
    """A message that was admitted before: its answer is *stored*, or only just begun (``None``)."""

    seen: Seen
    widget: Widget
    live: LiveSession
    message_id: MessageId | None
    stored: StoredAnswer | None
    wants_stream: bool
    usage: Usage

    @property
    def session(self) -> SessionRow:
        """The session as stored."""
        return self.live.row


@dataclass(frozen=True, slots=True)
class Entered:
    """A visitor who may use the other routes, for what is their own."""

    seen: Seen
    widget: Widget
    live: LiveSession

    @property
    def session(self) -> SessionRow:
        """The session as stored."""
        return self.live.row
