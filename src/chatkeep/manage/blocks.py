"""What can an operator do against abuse? Block, lift, exempt."""

import ipaddress

from chatkeep.admit.domains import find_origin
from chatkeep.audit import record_within
from chatkeep.audit.catalogue import BlockCreated, BlockLifted
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.errors import NotThere, WrongUsage
from chatkeep.ids import BlockId, OrgId
from chatkeep.store import Store, Tx
from chatkeep.store import blocks as rows
from chatkeep.store.blocks import BlockKind, BlockRow, ExemptionRow
from chatkeep.store.paging import Part

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST_MINUTES = 366 * 24 * 60
_LONGEST_TEXT = 300
MOST_FACTOR = 1000
# A shorter prefix is a large part of the internet: a typing error more often than a wish.
_WIDEST = {4: 8, 6: 16}
_MAPPED_BITS = 96  # ::ffff:0:0/96 (RFC 4291, section 2.5.5.2)


def block(store: Store, clock: Clock, org: OrgId, *, kind: BlockKind, value: str, reason: str, minutes: float | None, is_wide_meant: bool = False) -> BlockRow:
    """Block *value* for *minutes*, or until it is lifted. A running gateway follows within 2 s. Raises ``WrongUsage``.

    A network wider than /8 (IPv6: /16) is refused unless *is_wide_meant*.
    """
    if minutes is not None and not 0 < minutes <= LONGEST_MINUTES:
        msg = f"a block lasts more than 0 and at most {LONGEST_MINUTES} minutes; leave --minutes out for one without end"
        raise WrongUsage(msg)
    now_ms = int(clock.now().timestamp() * 1000)
    made = BlockRow(
        block_id=BlockId(new_id("block")),
        org_id=org,
        kind=kind,
        value=_checked_value(kind, value, is_wide_meant=is_wide_meant),
        reason=_checked_text(reason, "a reason"),
        is_automatic=False,
        created_at_ms=now_ms,
        ends_at_ms=None if minutes is None else now_ms + int(minutes * 60_000),
    )
    store.transaction_now(_add, made, clock)
    return made


def some_blocks(store: Store, clock: Clock, org: OrgId, part: Part, *, with_past: bool) -> tuple[list[BlockRow], int]:
    """The blocks of *org*, newest first, and how many there are."""
    return store.read_now(rows.part_of_blocks, org, part, now_ms=int(clock.now().timestamp() * 1000), with_past=with_past)


def get_block(store: Store, org: OrgId, block_id: str) -> BlockRow:
    """The block of that id. Raises ``NotThere``."""
    found = store.read_now(rows.find_block, org, block_id)
    if found is None:
        raise NotThere("there is no such block")
    return found


def all_blocks(store: Store, clock: Clock, org: OrgId, *, with_past: bool) -> list[BlockRow]:
    """The blocks of *org*, newest first."""
    return store.read_now(rows.list_blocks, org, now_ms=int(clock.now().timestamp() * 1000), with_past=with_past)


def lift(store: Store, clock: Clock, org: OrgId, block_id: str) -> None:
    """Lift a block. Raises ``WrongUsage``."""
    # An id that no database can hold is nobody's.
    if not block_id.isprintable() or not store.transaction_now(_lift, org, block_id, clock):
        msg = f"there is no block {block_id[:100]!r} that holds: `chatkeep blocks list` shows all"
        raise NotThere(msg)


def exempt(store: Store, clock: Clock, org: OrgId, *, network: str, factor: int, note: str, is_wide_meant: bool = False) -> ExemptionRow:
    """Give a network *factor* times the usual address limits; 0 lifts them. Wide networks as for ``block``. Raises ``WrongUsage``."""
    if not 0 <= factor <= MOST_FACTOR or factor == 1:
        msg = f"a factor is 0 (no limit) or 2 to {MOST_FACTOR}"
        raise WrongUsage(msg)
    value = _checked_value("network", network, is_wide_meant=is_wide_meant)
    made = ExemptionRow(new_id("exempt"), org, value, factor, _checked_text(note, "a note"))
    store.transaction_now(rows.add_exemption, org, made, at_ms=int(clock.now().timestamp() * 1000))
    return made


def all_exemptions(store: Store, org: OrgId) -> list[ExemptionRow]:
    """The exemptions of *org*."""
    return store.read_now(rows.list_exemptions, org)


def end_exemption(store: Store, org: OrgId, exemption_id: str) -> None:
    """Remove an exemption. Raises ``WrongUsage``."""
    if not exemption_id.isprintable() or not store.transaction_now(rows.remove_exemption, org, exemption_id):
        msg = f"there is no exemption {exemption_id[:100]!r}: `chatkeep blocks exempt` shows all"
        raise WrongUsage(msg)


def _add(tx: Tx, block: BlockRow, clock: Clock) -> None:
    """Make *block*, with its event."""
    rows.add_block(tx, block.org_id, block)
    seconds = None if block.ends_at_ms is None else (block.ends_at_ms - block.created_at_ms) // 1000
    record_within(tx, BlockCreated(block.kind, is_automatic=False, seconds=seconds), block.org_id, clock)


def _lift(tx: Tx, org: OrgId, block_id: str, clock: Clock) -> bool:
    """Lift a block, with its event; ``False`` when there is none that holds."""
    is_lifted = rows.lift_block(tx, org, block_id, at_ms=int(clock.now().timestamp() * 1000))
    if is_lifted:
        record_within(tx, BlockLifted(block_id), org, clock)
    return is_lifted


def _checked_value(kind: BlockKind, value: str, *, is_wide_meant: bool) -> str:
    """*value* in the form that the guard compares. Raises ``WrongUsage``."""
    try:
        if kind == "address":
            parsed = ipaddress.ip_address(value)
            return str(getattr(parsed, "ipv4_mapped", None) or parsed)
        if kind == "network":
            return str(_checked_width(_unmapped(ipaddress.ip_network(value, strict=False)), is_wide_meant=is_wide_meant))
    except ValueError:
        msg = f"{value[:100]!r} is not {'an address' if kind == 'address' else 'a network like 203.0.113.0/24'}"
        raise WrongUsage(msg, field="value") from None
    if kind == "domain":
        origin = find_origin("https://" + value.lower())
        if origin is None:
            msg = f"{value[:100]!r} is not a host name like shop.example"
            raise WrongUsage(msg, field="value")
        return origin.host
    return _checked_text(value, f"a {kind} id")


def _checked_width(network: _Network, *, is_wide_meant: bool) -> _Network:
    """*network*, unless it is too much of the internet to be meant. Raises ``WrongUsage``."""
    widest = _WIDEST[network.version]
    if network.prefixlen < widest and not is_wide_meant:
        msg = f"{network} is wider than /{widest}, a large part of the internet: name smaller networks (on the command line, --yes says that it is meant)"
        raise WrongUsage(msg, field="value")
    return network


def _unmapped(network: _Network) -> _Network:
    """*network*; IPv4 inside IPv6 is IPv4, as it is of every client's address."""
    if isinstance(network, ipaddress.IPv4Network) or network.prefixlen < _MAPPED_BITS:
        return network
    inside = network.network_address.ipv4_mapped
    return network if inside is None else ipaddress.IPv4Network((inside, network.prefixlen - _MAPPED_BITS))


def _checked_text(text: str, what: str) -> str:
    """Short printable text. Raises ``WrongUsage``."""
    if not 1 <= len(text) <= _LONGEST_TEXT or not text.isprintable():
        msg = f"{what} has 1 to {_LONGEST_TEXT} printable characters"
        raise WrongUsage(msg)
    return text
