"""What the guard knows of blocks is never less than what it did."""

from chatkeep.admit._ban_list import BanList, Subject
from chatkeep.ids import BlockId, OrgId
from chatkeep.store.blocks import BlockRow

ORG = OrgId("org_a")
BLOCK = BlockRow(BlockId("block_a"), ORG, "address", "198.51.100.7", "warned too often", True, 1000, 301_000)
SUBJECT = Subject(ORG, "address", "198.51.100.7")


def test_a_reading_that_was_faster_than_the_commit_does_not_undo_a_block() -> None:
    bans = BanList()
    bans.add(BLOCK)
    bans.replace([], [])
    assert bans.find([SUBJECT], SUBJECT.value, 2000) == BLOCK
    bans.replace([BLOCK], [])
    assert bans.find([SUBJECT], SUBJECT.value, 2000) == BLOCK
    bans.replace([], [])
    assert bans.find([SUBJECT], SUBJECT.value, 2000) is None, "lifted elsewhere, once it was seen"
