"""Where does a sentence end?

By rule, not by model: a full stop, question mark or exclamation mark before white space
and something that can begin a sentence, unless a well-known abbreviation or an initial
stands before it. Wrong now and then, and then a sentence is longer than need be.
"""

import re

_END = re.compile(r"(?:[.!?…]+[\"'\u201d\u2019)\]]*(?=\s+[\"'\u201c\u2018(\[]*[^\Wa-z_]|\s*\Z)|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\uff09]*)")
_NOT_AN_END = re.compile(r"(?:\b(?:e\.g|i\.e|etc|approx|ca|vs|no|nr|st|mr|mrs|ms|dr|prof|inc|ltd|co|z\.b|bzw|tel|min|max|p)|\b[A-Za-z])\.\Z", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """*text* cut after each sentence, without the white space between them."""
    found: list[str] = []
    begin = 0
    for end in _END.finditer(text):
        if end.end() < len(text) and _NOT_AN_END.search(text[max(begin, end.start() - 12) : end.start() + 1]):
            continue
        found.append(text[begin : end.end()].strip())
        begin = end.end()
    found.append(text[begin:].strip())
    return [sentence for sentence in found if sentence]
