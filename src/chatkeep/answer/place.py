"""Where is a reader within an answer? What event ids say, and ``Last-Event-ID`` brings back.

``<length>-<checksum>``: how many code points of the answer were sent, and the CRC-32 of
just these (UTF-8, hexadecimal). An answer that broke off may have been made anew since:
then the checksum of its beginning is another, and the reader starts over instead of
reading the end of one answer behind the beginning of another.
"""

import re
import zlib
from typing import NamedTuple

from chatkeep.ids import PLACE_FORM

_FORM = re.compile(PLACE_FORM.removesuffix("$") + r"\Z", re.ASCII)


class Place(NamedTuple):
    """*length* code points, and the checksum of them."""

    length: int
    checksum: int

    def after(self, text: str) -> "Place":
        """The place behind *text*, which begins here."""
        return Place(self.length + len(text), zlib.crc32(text.encode(), self.checksum))

    def within(self, text: str) -> "Place":
        """The same place if *text* leads to it, else the beginning."""
        return self if self.length <= len(text) and START.after(text[: self.length]) == self else START


START = Place(0, 0)


def parse_place(text: str | None) -> Place:
    """The place that an event id names; what is no place is the beginning."""
    if text is None or not _FORM.match(text):
        return START
    length, _, checksum = text.partition("-")
    return Place(int(length), int(checksum, 16))
