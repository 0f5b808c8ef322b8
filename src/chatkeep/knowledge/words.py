"""What counts as a word, and when are two words the same?

Case, accents and endings do not matter. The stems are light ones (English endings,
and long words that differ only in their ending in any language): the database finds with
its own stems, this decides how well a passage that was found fits.
"""

import re
import unicodedata
from functools import lru_cache

# Letters and digits, with apostrophes inside: "don't" is one word.
WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
# Scripts that write without spaces, and Korean, whose particles stick to the word.
UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")

_MARKS = re.compile("[\u0300-\u036f]")
_POSSESSIVE = re.compile(r"['\u2019]s?\Z")
_ENDINGS = re.compile(r"(?:ations?|ments?|ness|ings?|ed|ers?|est|ly|able)\Z")
_SHORTEST_LONG_WORD = 6


@lru_cache(maxsize=20_000)
def fold(word: str) -> str:
    """*word* in small letters, without accents and apostrophes."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", word.casefold()))
    return unicodedata.normalize("NFC", _POSSESSIVE.sub("", plain)).replace("'", "").replace("\u2019", "")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """What is left of a folded *word* without its ending: the same for "ship", "ships", "shipped", "shipping"."""
    if len(word) <= 3 or not word.isascii() or word.isdigit():  # noqa: PLR2004 - too short for an ending
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-3] + "y" if word.endswith("ies") else word[:-2] if word.endswith(("xes", "ches", "shes", "sses")) else word[:-1]
    cut = _ENDINGS.sub("", word)
    if len(cut) >= (3 if word.endswith(("ing", "ed", "ings")) else 4) and re.search("[aeiouy]", cut):
        word = cut
        if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiousz":  # noqa: PLR2004 - shipp, not egg
            word = word[:-1]
    if len(word) > 3 and word[-1] in "ey":  # noqa: PLR2004 - refuse and refus, allergy and allerg
        word = word[:-3] if word.endswith("ery") and len(word) > 6 else word[:-1]  # noqa: PLR2004 - delivery, as deliver
    return word[:-1] if len(word) > 4 and word.endswith("ll") else word  # noqa: PLR2004 - cancell


def stems(text: str) -> list[str]:
    """The stem of each word of *text*, in order."""
    return [stem(fold(word)) for word in WORD.findall(text)]


def are_close(one: str, other: str) -> bool:
    """Whether two stems of long words differ only in their ending, or by one slip of the finger."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < _SHORTEST_LONG_WORD - 1 or len(longer) - len(shorter) > 3 or shorter[:2] != longer[:2]:  # noqa: PLR2004 - an ending
        return False
    if longer.startswith(shorter):
        return True
    return len(shorter) >= _SHORTEST_LONG_WORD and _is_one_slip(shorter, longer)


def _is_one_slip(shorter: str, longer: str) -> bool:
    """Whether one letter was left out, changed, or swapped with the next."""
    if len(longer) - len(shorter) > 1:
        return False
    at = next((i for i, letter in enumerate(shorter) if letter != longer[i]), len(shorter))
    if len(shorter) < len(longer):
        return shorter[at:] == longer[at + 1 :]
    is_swapped = shorter[at : at + 2] == longer[at : at + 2][::-1] and shorter[at + 2 :] == longer[at + 2 :]
    return shorter[at + 1 :] == longer[at + 1 :] or is_swapped
