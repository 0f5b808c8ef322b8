"""What is taken out before anything is kept?

User agents are cut, referers are cut to their origin, addresses also get a keyed hash
that can be matched when the address itself is gone. Message text never comes this far.
"""

from chatkeep.crypto import keyed_hash

_USER_AGENT = 256
_DOMAIN = 300


def cut_user_agent(text: str | None) -> str | None:
    """At most 256 characters, none of which can break a line or colour a terminal."""
    return None if text is None else printable(text)[:_USER_AGENT]


def cut_domain(text: str | None) -> str | None:
    """An origin as a caller sent it, fit for a record."""
    return None if text is None else printable(text)[:_DOMAIN]


def printable(text: str) -> str:
    """*text* with every control, format and surrogate character as ``?``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)


def hash_address(key: bytes, address: str | None) -> str | None:
    """A keyed hash of *address*."""
    return None if address is None else keyed_hash(key, address)
