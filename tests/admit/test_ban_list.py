"""What the guard knows of blocks is never less than what it did."""

import sys
from dataclasses import replace

from chatkeep.admit._ban_list import DAY_MS, BanList, Blocks, Subject
from chatkeep.ids import BlockId, OrgId
from chatkeep.store.blocks import BlockRow

ORG = OrgId("org_a")
BLOCK = BlockRow(BlockId("block_a"), ORG, "address", "198.51.100.7", "warned too often", True, 1000, 301_000)
SUBJECT = Subject(ORG, "address", "198.51.100.7")


def test_a_reading_that_was_faster_than_the_commit_does_not_undo_a_block() -> None:
    bans = BanList()
    bans.add(BLOCK)
    bans.replace(Blocks())
    bans.update([])
    assert bans.find([SUBJECT], SUBJECT.value, 2000) == BLOCK
    bans.update([replace(BLOCK, lifted_at_ms=1500)])
    assert bans.find([SUBJECT], SUBJECT.value, 2000) is None, "lifted elsewhere"


def test_the_first_reading_does_not_make_a_block_twice_or_bring_a_lifted_one_back() -> None:
    bans = BanList()
    bans.add(BLOCK)
    bans.replace(Blocks([replace(BLOCK, lifted_at_ms=1500)]))
    assert bans.find([SUBJECT], SUBJECT.value, 2000) is None
    assert bans.repeats(SUBJECT, 2000) == 1


def test_what_neither_holds_nor_counts_is_forgotten() -> None:
    by_hand = replace(BLOCK, block_id=BlockId("block_b"), kind="network", value="198.51.100.0/24", is_automatic=False, ends_at_ms=None)
    bans = BanList()
    bans.replace(Blocks([BLOCK, by_hand]))
    bans.forget(BLOCK.created_at_ms + DAY_MS - 1)
    assert bans.repeats(SUBJECT, 2000) == 1
    bans.forget(BLOCK.created_at_ms + DAY_MS)
    assert bans.repeats(SUBJECT, 2000) == 0
    assert bans.find([SUBJECT], SUBJECT.value, DAY_MS) == by_hand
    bans.update([replace(by_hand, lifted_at_ms=DAY_MS)])
    bans.forget(DAY_MS)
    assert list(bans._blocks) == []


def test_an_address_is_found_in_every_network_around_it_and_in_no_other() -> None:
    around = ["198.51.100.7/32", "198.51.100.0/24", "198.51.0.0/16", "2001:db8::/32", "2001:db8:1::/48"]
    beside = ["198.51.101.0/24", "198.50.0.0/16", "2001:db9::/32"]
    rows = [replace(BLOCK, block_id=BlockId(f"block_{number}"), kind="network", value=value) for number, value in enumerate(around + beside)]
    blocks = Blocks(rows)
    assert sorted(block.value for block in blocks.around(ORG, "198.51.100.7")) == sorted(around[:3])
    assert sorted(block.value for block in blocks.around(ORG, "2001:db8:1::7")) == sorted(around[3:])
    assert [*blocks.around(ORG, "no address"), *blocks.around(OrgId("org_b"), "198.51.100.7")] == []
    assert sorted(blocks, key=lambda block: block.block_id) == rows


def test_a_look_at_many_networks_costs_what_a_look_at_few_does() -> None:
    def calls(count: int) -> int:
        rows = [replace(BLOCK, block_id=BlockId(f"block_{n}"), kind="network", value=f"100.{n // 256}.{n % 256}.0/24") for n in range(count)]
        bans, taken = BanList(), 0
        bans.replace(Blocks(rows))

        def count_call(*_event: object) -> None:
            nonlocal taken
            taken += 1

        sys.setprofile(count_call)
        try:
            bans.find([SUBJECT], SUBJECT.value, 2000)
        finally:
            sys.setprofile(None)
        return taken

    assert calls(5000) == calls(10)
