"""Is it too much? Every rate layer, in one atomic call.

Stops: floods, cost, one visitor crowding out the others. A refused message takes
nothing from any layer. Spec: limits-and-sessions, "Rate limits".
Store down: in process, cannot be; a counter that must be rebuilt from a database that
is away is ``Unavailable``: closed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from chatkeep.admit import blocks, proof
from chatkeep.admit._seen import context_of
from chatkeep.admit._types import Arrival, ClientAddress, Desk, LiveSession, Seen, Widget
from chatkeep.admit.domains import find_origin
from chatkeep.admit.widget_settings import Layer
from chatkeep.audit.catalogue import RateLimitExceeded
from chatkeep.clock import iso, next_midnight
from chatkeep.crypto.proof import Proof
from chatkeep.errors import LimitHit, Reason, Refused, Usage
from chatkeep.ids import ConversationId, OrgId
from chatkeep.limits import Bucket, Counter, Gauge, Once, Refusal, Sliding, Taken, Window
from chatkeep.store.messages import count_for_limits
from chatkeep.store.sessions import SessionRow
from chatkeep.store.standing import Standing

MINUTE = 60.0
HOUR = 3600.0
_STATIC_PER_MINUTE = 600
_OFFICE_PER_MINUTE = 1200
_REFUSED_ORIGINS_PER_MINUTE = 60
_GLOBAL_FACTOR = 10
# Instead of a scope: all of them together.
_ALL, _ALL_EXEMPT = "*", "*exempt"
_NO_LIMIT = 2**31
# Whoever comes back does so while the gateway still holds the connection that broke.
_READERS_PER_STREAM = 4
_WIDE_FACTOR = 4  # an IPv6 /48 holds 65,536 networks of the /64 that one customer gets


# Which layer a bucket is of, by the first part of its key: for warnings and for shadow mode.
_LAYERS: dict[str, Layer] = {
    "addr": "address",
    "config": "config",
    "frame": "config",
    "sess": "sessions",
    "vis": "visitor",
    "visday": "visitor",
    "dom": "widget_domain",
    "domday": "widget_domain",
    "sessmsg": "session",
    "convmsg": "conversation",
    "str": "concurrency",
    "read": "concurrency",
}


def address_buckets(address: ClientAddress, org: OrgId, desk: Desk) -> list[Bucket]:
    """Requests of one address: within one organization, and ten times that over all of them; exempt networks have more, or no limit of one."""
    minute, hour = desk.settings.limit_address_per_minute, desk.settings.limit_address_per_hour
    nets = [(address.bucket, 1)] + ([(address.wide_bucket, _WIDE_FACTOR)] if address.wide_bucket else [])
    scopes = _scopes("addr", org, desk.bans.factor(org, address.text))
    return [Sliding(f"{scope}:{net}", _address_windows(minute * times * wide, hour * times * wide)) for scope, times in scopes for net, wide in nets]


def _scopes(layer: str, scope: str, factor: int) -> list[tuple[str, int]]:
    """Beginnings of keys, and how many times the usual quota each has: *scope*'s own, and the instance's ceiling over all scopes.

    No tenant lifts the ceiling. What an exemption lets through has one of its own, so that it takes nothing from other tenants.
    """
    own = [(f"{layer}:{scope}", factor)] if factor else []
    return [*own, (f"{layer}:{_ALL if factor == 1 else _ALL_EXEMPT}", _GLOBAL_FACTOR)]


@lru_cache(maxsize=64)
def _address_windows(minute: int, hour: int) -> tuple[Window, ...]:
    """The windows of one address, made once for each pair of quotas."""
    return Window("per_minute", minute, MINUTE), Window("per_hour", hour, HOUR)


def file_buckets(arrival: Arrival, desk: Desk) -> list[Bucket]:
    """Widget files: plenty, but not endless. Each page's apart, as far as browsers name it: any page can load them in its visitor's name."""
    page = arrival.origin.text if arrival.origin is not None else "-"
    # Files belong to no tenant: an exemption by any of them counts.
    return _static("file", page, arrival.address, desk.bans.factor(None, arrival.address.text))


def config_buckets(address: ClientAddress, org: OrgId, desk: Desk) -> list[Bucket]:
    """Public settings: as many, apart from files, because only listed pages get here."""
    return _static("config", org, address, desk.bans.factor(org, address.text))


def frame_buckets(address: ClientAddress, org: OrgId, desk: Desk) -> list[Bucket]:
    """Pages of frames: as many, apart from the others, because any page can load them."""
    return _static("frame", org, address, desk.bans.factor(org, address.text))


def _static(layer: str, scope: str, address: ClientAddress, factor: int) -> list[Bucket]:
    """One minute window within *scope*, and its ceiling."""
    return [bucket for name, times in _scopes(layer, scope, factor) for bucket in _per_minute(name, address, _STATIC_PER_MINUTE * times)]


def office_buckets(address: ClientAddress) -> list[Bucket]:
    """Requests to the admin API: plenty for programs, not endless."""
    return _per_minute("office", address, _OFFICE_PER_MINUTE)


def early_buckets(address: ClientAddress, desk: Desk) -> list[Bucket]:
    """Refusals before a widget is known have a bucket of their own: any page can cause them in its visitor's name."""
    return _per_minute("early", address, desk.settings.limit_address_per_minute * _GLOBAL_FACTOR)


def refused_origin_buckets(address: ClientAddress) -> list[Bucket]:
    """Refused origins have a bucket of their own, so that a foreign page cannot use up a visitor's real one."""
    return _per_minute("origin", address, _REFUSED_ORIGINS_PER_MINUTE)


def session_buckets(address: ClientAddress, org: OrgId, desk: Desk) -> list[Bucket]:
    """New sessions of one address."""
    factor = desk.bans.factor(org, address.text)
    if factor == 0:
        return []
    quota = desk.settings.limit_sessions_per_address_per_hour * factor
    buckets: list[Bucket] = [Sliding(f"sess:{org}:{address.bucket}", (Window("sessions_per_address", quota, HOUR),))]
    if address.wide_bucket:
        buckets.append(Sliding(f"sess:{org}:{address.wide_bucket}", (Window("sessions_per_address", quota * _WIDE_FACTOR, HOUR),)))
    return buckets


def spend(buckets: list[Bucket], seen: Seen, desk: Desk, day: Sequence[Counter] = ()) -> Taken:
    """The one limits call: blocks, replay, and one from each of *buckets*, or nothing. Returns what was taken, but for requests of the address.

    Raises ``Refused``, with what the counters of the *day* leave.
    """
    shadow = seen.widget.settings.shadow if seen.widget is not None else []
    _check_blocks(seen, shadow, desk)
    now = desk.clock.monotonic()
    enforced = [bucket for bucket in buckets if layer_of(bucket.key) not in shadow] if shadow else buckets
    refusal = desk.limits.spend(enforced, now)
    if refusal is not None:
        raise _refused(refusal, _usage(day, desk, desk.clock.now()) if day else None, desk)
    taken = enforced
    if shadow:
        taken = enforced + _spend_shadow([bucket for bucket in buckets if layer_of(bucket.key) in shadow], seen, desk, now)
    return Taken(tuple(bucket for bucket in taken if not isinstance(bucket, Once) and not bucket.key.startswith("addr:")), now)


def spend_opening(seen: Seen, widget: Widget, proven: Proof | None, desk: Desk) -> Taken:
    """Take one new session from its layers. Raises ``Refused``."""
    address = seen.arrival.address
    return spend([*_proofs(proven), *address_buckets(address, widget.org_id, desk), *session_buckets(address, widget.org_id, desk)], seen, desk)


def spend_entering(seen: Seen, widget: Widget, proven: Proof | None, desk: Desk) -> None:
    """Take one request that is no message from its layers. Raises ``Refused``."""
    spend([*_proofs(proven), *address_buckets(seen.arrival.address, widget.org_id, desk)], seen, desk)


def spend_again(seen: Seen, widget: Widget, session: LiveSession, proven: Proof | None, desk: Desk) -> Taken:
    """Take what an answer costs that is made anew for a message charged before: rates and streams, no counter. Raises ``Refused``."""
    gauges = _gauges(widget, session) if wants_stream(seen.arrival) else []
    return spend([*_proofs(proven), *address_buckets(seen.arrival.address, widget.org_id, desk), *_sliding(widget, session, desk), *gauges], seen, desk)


async def spend_message(
    seen: Seen, widget: Widget, session: LiveSession, conversation: ConversationId, proven: Proof | None, desk: Desk, standing: Standing | None = None
) -> tuple[Usage, Taken]:
    """Take one message from every layer. Returns what is left today and what was taken. *standing*: what begins with it."""
    arrival, now = seen.arrival, desk.clock.now()
    day = _day_counters(widget, session, now)
    plain = _plain_counters(widget, session, conversation)
    counters = [*day, *plain]
    begins = [plain[1]] if standing is not None and standing.is_conversation_new else []
    begins += [day[0], plain[0]] if standing is not None and standing.is_session_new else []
    if desk.limits.unknown([counter for counter in counters if counter not in begins], desk.clock.monotonic()):
        # Rows are read only for whoever may write at all.
        _check_blocks(seen, widget.settings.shadow, desk)
        await _rebuild(counters, widget, session, conversation, desk, now, begins=begins)
    gauges = _gauges(widget, session) if wants_stream(arrival) else []
    buckets = [*_proofs(proven), *address_buckets(arrival.address, widget.org_id, desk), *_sliding(widget, session, desk), *counters, *gauges]
    held = spend(buckets, seen, desk, day)
    return _usage(day, desk, now), held


def is_first(conversation: ConversationId, widget: Widget, desk: Desk) -> bool:
    """Whether the message that was just taken is the conversation's first: then there is no history to read."""
    quota = widget.settings.limits.per_conversation
    return desk.limits.left(Counter(f"convmsg:{conversation}", "per_conversation", quota)) == quota - 1


async def usage_left(widget: Widget, session: LiveSession, desk: Desk) -> Usage:
    """What the visitor has left today, without taking anything."""
    now = desk.clock.now()
    counters = [*_day_counters(widget, session, now), *_plain_counters(widget, session, session.row.conversation_id)]
    if desk.limits.unknown(counters, desk.clock.monotonic()):
        await _rebuild(counters, widget, session, session.row.conversation_id, desk, now)
    return _usage(counters[:2], desk, now)


async def usage_of_new_session(widget: Widget, session: LiveSession, desk: Desk) -> Usage:
    """What a visitor has today before the first message. Counters of a new session are known to be zero."""
    now = desk.clock.now()
    visitor, domain = _day_counters(widget, session, now)
    plain = _plain_counters(widget, session, session.row.conversation_id)
    desk.limits.seed({counter.key: 0 for counter in (visitor, *plain)}, desk.clock.monotonic())
    if desk.limits.unknown([domain], desk.clock.monotonic()):
        # Not known to be zero: other visitors may have talked today, before this process began.
        await _rebuild([visitor, domain, *plain], widget, session, session.row.conversation_id, desk, now)
    return _usage((visitor, domain), desk, now)


def _per_minute(name: str, address: ClientAddress, quota: int) -> list[Bucket]:
    """One minute window for an address and the wider net around it."""
    return _windowed(name, address, Window("per_minute", quota, MINUTE))


def hourly(name: str, address: ClientAddress, quota: int) -> list[Bucket]:
    """As ``_per_minute``, for an hour."""
    return _windowed(name, address, Window("per_hour", quota, HOUR))


def _windowed(name: str, address: ClientAddress, window: Window) -> list[Bucket]:
    """One window for an address, and one for the wider net around it."""
    buckets: list[Bucket] = [Sliding(f"{name}:{address.bucket}", (window,))]
    if address.wide_bucket:
        buckets.append(Sliding(f"{name}:{address.wide_bucket}", (replace(window, quota=window.quota * _WIDE_FACTOR),)))
    return buckets


def _sliding(widget: Widget, session: LiveSession, desk: Desk) -> list[Bucket]:
    """Message windows of the visitor, and of the widget on that page's origin."""
    limits, settings = widget.settings.limits, desk.settings
    of_visitor = _visitor_windows(limits.per_minute, limits.per_hour, limits.interval_ms, settings.limit_default, settings.limit_default_window)
    return [
        Sliding(f"vis:{_limited(widget, session)}", of_visitor),
        Sliding(f"dom:{widget.widget_id}:{_domain(widget, session.row.origin)}", _widget_windows(limits.widget_per_hour)),
    ]


@lru_cache(maxsize=64)
def _visitor_windows(minute: int, hour: int, interval_ms: int, default: int, default_window: int) -> tuple[Window, ...]:
    """The windows of one visitor, made once for each set of quotas; 0 is off for the last three."""
    windows = [Window("per_minute", minute, MINUTE), Window("per_hour", hour, HOUR)]
    if interval_ms:
        windows.append(Window("interval", 1, interval_ms / 1000))
    if default:
        windows.append(Window("per_window", default, float(default_window)))
    return tuple(windows)


@lru_cache(maxsize=64)
def _widget_windows(hour: int) -> tuple[Window, ...]:
    """The window of one widget on one page, made once for each quota."""
    return (Window("per_hour", hour, HOUR),)


def _day_counters(widget: Widget, session: LiveSession, now: datetime) -> tuple[Counter, Counter]:
    """Messages of this UTC day: the visitor's, and the widget's on that page's origin."""
    limits = widget.settings.limits
    day = now.date().toordinal()
    left = (next_midnight(now) - now).total_seconds()
    return (
        Counter(f"visday:{_limited(widget, session)}:{day}", "per_day", limits.per_day, left),
        Counter(f"domday:{widget.widget_id}:{_domain(widget, session.row.origin)}:{day}", "per_day", limits.widget_per_day, left),
    )


def _domain(widget: Widget, page: str) -> str:
    """The allow-list entry that *page* is under. Whoever forges an origin could name ever new subdomains: they share."""
    origin = find_origin(page)
    entry = widget.allowed_domains.find(origin) if origin is not None else None
    return entry.text if entry is not None else page


def _limited(widget: Widget, session: LiveSession) -> str:
    """Whom the visitor's limits count: the visitor; in domain mode the address, for which its standing session stands."""
    return session.row.session_id if widget.access_mode == "domain" else session.row.visitor_id


def _plain_counters(widget: Widget, session: LiveSession, conversation: ConversationId) -> tuple[Counter, Counter]:
    """Messages of the session and of the conversation, where waiting does not help. In domain mode a session has no end, and no quota."""
    limits, is_tokenless = widget.settings.limits, widget.access_mode == "domain"
    return (
        Counter(f"sessmsg:{session.row.session_id}", "per_session", _NO_LIMIT if is_tokenless else limits.per_session, action="new_session"),
        Counter(f"convmsg:{conversation}", "per_conversation", limits.per_conversation, action="new_conversation"),
    )


def spend_reading(seen: Seen, widget: Widget, session: SessionRow, desk: Desk) -> Taken:
    """Take the place of one more reader of answers that are there; returns what to give back. Raises ``Refused``."""
    limits = widget.settings.limits
    return spend(
        [
            Gauge(f"read:{session.session_id}", "concurrency", _READERS_PER_STREAM * limits.streams_per_session),
            Gauge(f"read:{widget.widget_id}", "concurrency", _READERS_PER_STREAM * limits.streams_per_widget),
        ],
        seen,
        desk,
    )


def _gauges(widget: Widget, session: LiveSession) -> list[Bucket]:
    """Streams that run at the same time."""
    limits = widget.settings.limits
    return [
        Gauge(f"str:{session.row.session_id}", "concurrency", limits.streams_per_session),
        Gauge(f"str:{widget.widget_id}", "concurrency", limits.streams_per_widget),
    ]


async def _rebuild(
    counters: list[Counter], widget: Widget, session: LiveSession, conversation: ConversationId, desk: Desk, now: datetime, *, begins: Sequence[Counter] = ()
) -> None:
    """Counts of keys that this process meets for the first time, from the rows.

    What *begins* is zero, and not remembered: what is refused leaves nothing behind.
    """
    day_start = datetime(now.year, now.month, now.day, tzinfo=UTC)
    counts = await desk.store.read(
        count_for_limits,
        widget.org_id,
        widget=widget.widget_id,
        visitor=session.row.visitor_id if widget.access_mode != "domain" else None,
        session=session.row.session_id,
        conversation=conversation,
        day_start_ms=int(day_start.timestamp() * 1000),
    )
    own = _domain(widget, session.row.origin)
    of_domain = sum(count for page, count in counts.widget_today.items() if _domain(widget, page) == own)
    values = (counts.visitor_today, of_domain, counts.session, counts.conversation)
    desk.limits.seed({counter.key: value for counter, value in zip(counters, values, strict=True) if counter not in begins}, desk.clock.monotonic())


def wants_stream(arrival: Arrival) -> bool:
    """Whether the client asked for an event stream."""
    return "text/event-stream" in arrival.headers.get("accept", "").lower()


def layer_of(key: str) -> Layer | None:
    """The layer that a bucket's key belongs to; ``None`` for those that no widget can put into shadow (proofs, files, the instance's ceilings)."""
    layer, _, rest = key.partition(":")
    return None if rest.startswith(_ALL) else _LAYERS.get(layer)


def _is_shared(key: str) -> bool:
    """Whether others may have filled a bucket: an IPv6 neighbour, or any page that a visitor has open."""
    return key.partition(":")[2].startswith(_ALL) or key.endswith("/48")


def _check_blocks(seen: Seen, shadow: Sequence[Layer], desk: Desk) -> None:
    """Raise ``Refused`` for whoever is blocked; in shadow mode only record it."""
    try:
        blocks.check(seen, desk)
    except Refused:
        if "blocks" not in shadow:
            raise
        desk.recorder.record(RateLimitExceeded("blocked", would_refuse=True), context_of(seen))


def _spend_shadow(buckets: list[Bucket], seen: Seen, desk: Desk, now: float) -> list[Bucket]:
    """Take from layers in shadow mode, each by itself; what they would refuse is recorded. Returns what was taken."""
    taken = []
    for bucket in buckets:
        refusal = desk.limits.spend([bucket], now)
        if refusal is None:
            taken.append(bucket)
        else:
            desk.recorder.record(RateLimitExceeded(refusal.limit_type, would_refuse=True), context_of(seen))
    return taken


def _usage(day: Sequence[Counter], desk: Desk, now: datetime) -> Usage:
    """What the day counters leave."""
    return Usage(min(desk.limits.left(counter) for counter in day), _reset_at(next_midnight(now)))


def _proofs(proven: Proof | None) -> list[Bucket]:
    """A proof may be used once; remembered in the same call as all limits."""
    return [proof.once(proven)] if proven is not None else []


@lru_cache(maxsize=4)
def _reset_at(midnight: datetime) -> str:
    """When day counters start anew, as text; the same for every message of a day."""
    return iso(midnight)


def _refused(refusal: Refusal, usage: Usage | None, desk: Desk) -> Refused:
    """A limit's answer as the refusal that the visitor sees."""
    if refusal.limit_type == proof.REPLAY:
        return proof.refusal(desk, is_honest=True)
    hit = LimitHit(refusal.limit_type, refusal.retry_after, refusal.quota, refusal.window_seconds, refusal.action)
    return Refused(Reason.RATE_LIMIT_EXCEEDED, limit=hit, usage=usage, note={"layer": None if _is_shared(refusal.key) else layer_of(refusal.key)})
