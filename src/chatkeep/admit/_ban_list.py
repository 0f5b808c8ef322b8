"""Who is banned, who was warned, who is exempt: what the guards of ``blocks.py`` know.

Kept in memory, read from the database at the start; later only what somebody else
changed (looked at every second). Event loop only: a decision cannot be interleaved.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from chatkeep.ids import BlockId, OrgId
from chatkeep.store.blocks import BlockRow, ExemptionRow, WarningRow

DAY_MS = 24 * 3_600_000
WARNING_MS = 10 * 60_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Size = tuple[int, int]


class Subject(NamedTuple):
    """An address, session, visitor or domain within one organization."""

    org_id: OrgId
    kind: str
    value: str


class Blocks:
    """Blocks by whom they name, each once. Many are put together in a reader thread, before anybody else sees them."""

    def __init__(self, blocks: Iterable[BlockRow] = ()) -> None:
        self._named: dict[Subject, dict[BlockId, BlockRow]] = {}
        # By version and length of the prefix, then by the network: an address lies in at most one network of each length.
        self._networks: dict[OrgId, dict[_Size, dict[Network, dict[BlockId, BlockRow]]]] = {}
        for block in blocks:
            self.put(block)

    def __iter__(self) -> Iterator[BlockRow]:
        for named in self._named.values():
            yield from named.values()
        for sizes in self._networks.values():
            for networks in sizes.values():
                for named in networks.values():
                    yield from named.values()

    def put(self, block: BlockRow) -> None:
        """One more, or what has become of one."""
        if block.kind == "network":
            network = ipaddress.ip_network(block.value)
            sizes = self._networks.setdefault(block.org_id, {})
            sizes.setdefault((network.version, network.prefixlen), {}).setdefault(network, {})[block.block_id] = block
        else:
            self._named.setdefault(_named_by(block), {})[block.block_id] = block

    def of(self, subject: Subject) -> Iterable[BlockRow]:
        """Those that name *subject*."""
        return self._named.get(subject, {}).values()

    def around(self, org_id: OrgId, address: str) -> list[BlockRow]:
        """Those of networks that *address* lies in."""
        sizes = self._networks.get(org_id)
        parsed = _find_address(address) if sizes else None
        if not sizes or parsed is None:
            return []
        found: list[BlockRow] = []
        for (version, length), networks in sizes.items():
            if version == parsed.version:
                found += networks.get(ipaddress.ip_network((parsed, length), strict=False), {}).values()
        return found

    def forget(self, now_ms: int) -> None:
        """Drop those that neither hold nor count as a repeat."""
        _drop_past(self._named, now_ms)
        for sizes in self._networks.values():
            for networks in sizes.values():
                _drop_past(networks, now_ms)


class BanList:
    """Blocks, warnings and exemptions of all organizations. *read_at_ms*: when the database was read last, if ever.

    *exempt*: networks that no organization limits, such as one's own machine in development.
    """

    def __init__(self, exempt: Iterable[str] = ()) -> None:
        self._always = [(ipaddress.ip_network(network), 0) for network in exempt]
        self._blocks = Blocks()
        self._exemptions: dict[OrgId, list[tuple[Network, int]]] = {}
        self._warnings: defaultdict[Subject, list[int]] = defaultdict(list)
        self.revision: tuple[object, ...] = ()
        self.read_at_ms: int | None = None

    def replace(self, blocks: Blocks) -> None:
        """Take over the first reading; what was made here meanwhile may not be in it."""
        own, self._blocks = list(self._blocks), blocks
        for block in own:
            if all(block.block_id != known.block_id for known in blocks.of(_named_by(block))):
                blocks.put(block)

    def update(self, changed: Iterable[BlockRow]) -> None:
        """Take over what the database says of some blocks. None is taken away: a reading may be faster than a commit."""
        for block in changed:
            self._blocks.put(block)

    def exempt(self, exemptions: Iterable[ExemptionRow]) -> None:
        """Take over the exemptions."""
        self._exemptions = {}
        for exemption in exemptions:
            self._exemptions.setdefault(exemption.org_id, []).append((ipaddress.ip_network(exemption.network), exemption.factor))

    def recall(self, warnings: Iterable[WarningRow]) -> None:
        """Take over the warnings of before this process began, but for those that a block has punished."""
        for warning in warnings:
            subject = Subject(warning.org_id, warning.kind, warning.value)
            if not any(block.is_automatic and block.created_at_ms >= warning.at_ms for block in self._blocks.of(subject)):
                self._warnings[subject].append(warning.at_ms)

    def add(self, block: BlockRow) -> None:
        """A block that was made here just now."""
        self._blocks.put(block)

    def find(self, subjects: Sequence[Subject], address: str, now_ms: int) -> BlockRow | None:
        """The block that holds longest for any of *subjects* or for the address's network."""
        found = [block for subject in subjects for block in self._blocks.of(subject)]
        for org_id in {subject.org_id for subject in subjects}:
            found += self._blocks.around(org_id, address)
        holding = [block for block in found if _holds(block, now_ms)]
        return max(holding, key=lambda block: block.ends_at_ms if block.ends_at_ms is not None else now_ms + 1000 * DAY_MS, default=None)

    def factor(self, org_id: OrgId | None, address: str) -> int:
        """How many times the usual address limits hold for *address*, by the word of *org_id* or of anybody; 0 is no limit."""
        own = self._exemptions.get(org_id, []) if org_id is not None else [each for some in self._exemptions.values() for each in some]
        known = self._always + own if self._always else own
        if not known:
            return 1
        parsed = _find_address(address)
        factors = [factor for network, factor in known if parsed is not None and parsed in network]
        return 0 if 0 in factors else max(factors, default=1)

    def warn(self, subject: Subject, now_ms: int, *, block_after: int) -> bool:
        """Warn *subject*; whether that was one too many within ten minutes."""
        times = [at_ms for at_ms in self._warnings[subject] if at_ms > now_ms - WARNING_MS]
        times.append(now_ms)
        if len(times) < block_after:
            self._warnings[subject] = times
            return False
        del self._warnings[subject]
        return True

    def repeats(self, subject: Subject, now_ms: int) -> int:
        """How many automatic blocks *subject* had within the last 24 h."""
        return sum(1 for block in self._blocks.of(subject) if block.is_automatic and block.created_at_ms > now_ms - DAY_MS)

    def forget(self, now_ms: int) -> None:
        """Drop what no longer counts."""
        self._blocks.forget(now_ms)
        for subject, times in list(self._warnings.items()):
            if times[-1] <= now_ms - WARNING_MS:
                del self._warnings[subject]


def _drop_past(blocks: dict[Any, dict[BlockId, BlockRow]], now_ms: int) -> None:
    """Take those out of *blocks* of which none holds or counts as a repeat."""
    for subject, named in list(blocks.items()):
        if all(_is_past(block, now_ms) for block in named.values()):
            del blocks[subject]


def _named_by(block: BlockRow) -> Subject:
    """Whom *block* names."""
    return Subject(block.org_id, block.kind, block.value)


def _holds(block: BlockRow, now_ms: int) -> bool:
    """Whether *block* holds at *now_ms*."""
    return block.lifted_at_ms is None and (block.ends_at_ms is None or block.ends_at_ms > now_ms)


def _is_past(block: BlockRow, now_ms: int) -> bool:
    """Whether *block* neither holds nor counts as a repeat."""
    return not _holds(block, now_ms) and not (block.is_automatic and block.created_at_ms > now_ms - DAY_MS)


def _find_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """*text* as an address."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
