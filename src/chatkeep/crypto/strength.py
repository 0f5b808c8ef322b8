"""Is this secret strong enough to sign with?

Spec: settings.md, SECRET_KEY: at least 32 bytes, Shannon bits per character x length
at least 128, not one of the defaults that people copy from tutorials.
"""

import math
from collections import Counter

MINIMUM_BYTES = 32
MINIMUM_BITS = 128.0

# Compared after lowering and dropping everything but letters and digits, so that
# "change-me…" and "CHANGE_ME…" are one entry. Short ones matter as repeated pieces.
_KNOWN_DEFAULTS = (
    "changeme",
    "changethis",
    "changethissecretkeyinproduction",
    "changethistoyourownsecretkey",
    "yoursecretkey",
    "yoursecretkeyhere",
    "yoursupersecretkey",
    "replaceme",
    "insecuresecretkey",
    "devsecretkey",
    "developmentsecretkey",
    "testsecretkey",
    "mysecretkey",
    "supersecretkey",
    "djangoinsecure",
    "notasecret",
    "secretkeyforsigning",
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789abcdef",
    "correcthorsebatterystaple",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d",
)


def find_weakness(secret: str) -> str | None:
    """What is wrong with *secret* in a few words that do not contain it, or ``None``."""
    if len(secret.encode()) < MINIMUM_BYTES:
        return f"shorter than {MINIMUM_BYTES} bytes"
    plain = "".join(char for char in secret.lower() if char.isalnum())
    if any(default in plain for default in _KNOWN_DEFAULTS):
        return "a known default"
    if _shannon_bits(secret) < MINIMUM_BITS:
        return f"too regular (less than {MINIMUM_BITS:.0f} bits)"
    return None


def _shannon_bits(text: str) -> float:
    """Entropy per character of *text* times its length, in bits."""
    total = len(text)
    return -sum(count * math.log2(count / total) for count in Counter(text).values())
