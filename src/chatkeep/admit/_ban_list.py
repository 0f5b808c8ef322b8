"""Who is banned, who was warned, who is exempt: what the guards of ``blocks.py`` know.

Kept in memory, read from the database at the start and whenever somebody else changed
it (looked at every second). Event loop only: a decision cannot be interleaved.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chatkeep.ids import OrgId
from chatkeep.store.blocks import BlockRow, ExemptionRow, WarningRow

DAY_MS = 24 * 3_600_000
WARNING_MS = 10 * 60_000


class Subject(NamedTuple):
    """An address, session, visitor or domain within one organization."""

    org_id: OrgId
    kind: str
    value: str


class BanList:
    """Blocks, warnings and exemptions of all organizations."""

    def __init__(self) -> None:
        self._blocks: dict[Subject, list[BlockRow]] = {}
        self._networks: dict[OrgId, list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, BlockRow]]] = {}
        self._exemptions: dict[OrgId, list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, int]]] = {}
        self._warnings: defaultdict[Subject, list[int]] = defaultdict(list)
        # Made here, and not seen in the database yet: a reading that was faster than its commit must not undo it.
        self._unseen: dict[str, BlockRow] = {}
        self.revision: tuple[object, ...] = ()

    def replace(self, blocks: Iterable[BlockRow], exemptions: Iterable[ExemptionRow]) -> None:
        """Take over what the database says."""
        self._blocks, self._networks, self._exemptions = {}, {}, {}
        for block in blocks:
            self._unseen.pop(block.block_id, None)
            self._add(block)
        for block in self._unseen.values():
            self._add(block)
        for exemption in exemptions:
            self._exemptions.setdefault(exemption.org_id, []).append((ipaddress.ip_network(exemption.network), exemption.factor))

    def recall(self, warnings: Iterable[WarningRow]) -> None:
        """Take over the warnings of before this process began."""
        for warning in warnings:
            self._warnings[Subject(warning.org_id, warning.kind, warning.value)].append(warning.at_ms)

    def add(self, block: BlockRow) -> None:
        """A block that was made here just now."""
        self._unseen[block.block_id] = block
        self._add(block)

    def _add(self, block: BlockRow) -> None:
        """One more block."""
        if block.kind == "network":
            self._networks.setdefault(block.org_id, []).append((ipaddress.ip_network(block.value), block))
        else:
            self._blocks.setdefault(Subject(block.org_id, block.kind, block.value), []).append(block)

    def find(self, subjects: Sequence[Subject], address: str, now_ms: int) -> BlockRow | None:
        """The block that holds longest for any of *subjects* or for the address's network."""
        found = [block for subject in subjects for block in self._blocks.get(subject, ()) if _holds(block, now_ms)]
        for org_id in {subject.org_id for subject in subjects}:
            if org_id in self._networks:
                parsed = _find_address(address)
                found += [block for network, block in self._networks[org_id] if parsed is not None and parsed in network and _holds(block, now_ms)]
        return max(found, key=lambda block: block.ends_at_ms if block.ends_at_ms is not None else now_ms + 1000 * DAY_MS, default=None)

    def factor(self, org_id: OrgId, address: str) -> int:
        """How many times the usual address limits hold for *address*; 0 is no limit."""
        if org_id not in self._exemptions:
            return 1
        parsed = _find_address(address)
        factors = [factor for network, factor in self._exemptions[org_id] if parsed is not None and parsed in network]
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
        return sum(1 for block in self._blocks.get(subject, ()) if block.is_automatic and block.created_at_ms > now_ms - DAY_MS)

    def forget(self, now_ms: int) -> None:
        """Drop what no longer counts."""
        self._unseen = {block_id: block for block_id, block in self._unseen.items() if _holds(block, now_ms)}
        for subject, times in list(self._warnings.items()):
            if times[-1] <= now_ms - WARNING_MS:
                del self._warnings[subject]


def _holds(block: BlockRow, now_ms: int) -> bool:
    """Whether *block* holds at *now_ms*."""
    return block.lifted_at_ms is None and (block.ends_at_ms is None or block.ends_at_ms > now_ms)


def _find_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """*text* as an address."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
