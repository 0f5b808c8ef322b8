"""Passwords of operators: is one good enough, and is this the one?

Argon2id (RFC 9106, section 4, second recommended option: 64 MiB). At most two run at a
time, so that a crowd at the door costs 128 MiB and no more; never call these in the event
loop. Weak ones are found by zxcvbn, which carries the lists of common passwords, names
and words and sees through what people do to them (spec: admin-api, "Sign-in").
"""

import math
import threading
from collections import Counter
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from chatkeep.errors import WrongUsage

SHORTEST = 12
# Longer ones only cost time.
LONGEST = 256
# Guesses that a weak one falls to: a day of online guessing at 1,000 a second.
_GUESSES_LOG10 = 8.0
# zxcvbn tries every substring with every reading of characters that stand for letters ("1" is "i" or "l"; of "4@8({[<…" it
# knows hundreds), and holds the interpreter for more than a second. So many characters with so many readings take about 12 ms at worst.
_JUDGED = 48
_READINGS = 8
# Not read as any letter.
_UNREAD = "*"
_AT_ONCE = threading.BoundedSemaphore(2)
# zxcvbn keeps the words about a person where its other lists are: for one call at a time.
_ONE_JUDGE = threading.Lock()
_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
# Of a password that nobody has: looked at where there is no account, so that the work is the same.
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$aG1oVXVzZURvb3JzVG9nZQ$zZzdIL7nq6pRmt5ey6qiXGjB3gh0ZgoLHAjm3LKFMwM"


def check_password(password: str, about: Sequence[str] = ()) -> None:
    """Raise ``WrongUsage`` unless *password* may be used by whom the words *about* describe."""
    check_length(password)
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists of words are for those who set a password

    judged = _judged(password)
    with _ONE_JUDGE:
        guesses_log10 = zxcvbn(judged, user_inputs=list(about))["guesses_log10"]
    if guesses_log10 < _GUESSES_LOG10:
        msg = "this password is common or easily guessed: take several unrelated words, or let a password manager make one"
        raise WrongUsage(msg, field="password")


def check_length(password: str) -> None:
    """Raise ``WrongUsage`` where *password* has too few or too many characters: that costs nothing, and needs no thread."""
    if not SHORTEST <= len(password) <= LONGEST:
        msg = f"a password has {SHORTEST} to {LONGEST} characters"
        raise WrongUsage(msg, field="password")


def hash_password(password: str) -> str:
    """*password* as it is stored: Argon2id in PHC form, with its own salt."""
    with _AT_ONCE:
        return _hasher.hash(password)


def is_password(password: str, stored: str | None) -> bool:
    """Whether *stored* was made of *password*. Without anything stored, as much work and ``False``."""
    with _AT_ONCE:
        try:
            return _hasher.verify(stored or _NOBODYS, password[: LONGEST + 1]) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Whether *stored* was made with less work than is done today."""
    return _hasher.check_needs_rehash(stored)


def _judged(password: str) -> str:
    """The beginning of *password*, with few enough readings: of many kinds of characters that stand for letters, the later ones are not read."""
    from zxcvbn.matching import L33T_TABLE  # noqa: PLC0415 - as above

    readings: Counter[str] = Counter()
    unread: set[str] = set()
    for char in dict.fromkeys(password[:_JUDGED]):
        wanted = readings + Counter(letter for letter, signs in L33T_TABLE.items() if char in signs)
        if math.prod(wanted.values()) > _READINGS:
            unread.add(char)
        else:
            readings = wanted
    return "".join(_UNREAD if char in unread else char for char in password[:_JUDGED])
