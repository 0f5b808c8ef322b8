"""Passwords of operators: is one good enough, and is this the one?

Argon2id (RFC 9106, section 4, second recommended option: 64 MiB). At most two run at a
time, so that a crowd at the door costs 128 MiB and no more; never call these in the event
loop. Weak ones are found by zxcvbn, which carries the lists of common passwords, names
and words and sees through what people do to them (spec: admin-api, "Sign-in").
"""

import threading
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
# zxcvbn takes quadratic time.
_JUDGED = 72
_AT_ONCE = threading.BoundedSemaphore(2)
_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
# Of a password that nobody has: looked at where there is no account, so that the work is the same.
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$aG1oVXVzZURvb3JzVG9nZQ$zZzdIL7nq6pRmt5ey6qiXGjB3gh0ZgoLHAjm3LKFMwM"


def check_password(password: str, about: Sequence[str] = ()) -> None:
    """Raise ``WrongUsage`` unless *password* may be used by whom the words *about* describe."""
    if not SHORTEST <= len(password) <= LONGEST:
        msg = f"a password has {SHORTEST} to {LONGEST} characters"
        raise WrongUsage(msg, field="password")
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists of words are for those who set a password

    if zxcvbn(password[:_JUDGED], user_inputs=list(about))["guesses_log10"] < _GUESSES_LOG10:
        msg = "this password is common or easily guessed: take several unrelated words, or let a password manager make one"
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
