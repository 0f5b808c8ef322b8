"""Which secrets are strong enough to sign with? Length, spread and the defaults of tutorials."""

import pytest

from chatkeep.crypto import new_secret
from chatkeep.crypto.strength import find_weakness
from tests.servers import SECRET

WEAK = (
    ("", "shorter"),
    ("secret", "shorter"),
    ("x" * 31, "shorter"),
    (SECRET[:31], "shorter"),
    ("é" * 15, "shorter"),
    ("a" * 32, "too regular"),
    ("a" * 1000, "too regular"),
    ("ab" * 16, "too regular"),
    ("0123456789" * 3 + "01", "too regular"),
    ("aaaaaaaabbbbbbbbccccccccdddddddd", "too regular"),
    ("change-me-in-production-please-now!", "known default"),
    ("CHANGE_ME_1234567890_abcdefghijk", "known default"),
    ("please-change-this-secret-key-in-production", "known default"),
    ("your-secret-key-here-0123456789-ABCDEF", "known default"),
    ("your_super_secret_key_with_some_more_text", "known default"),
    ("django-insecure-k3v0yc8uqm1xt5nb7rl2we9sg4hj6pa", "known default"),
    ("0123456789abcdef0123456789abcdef", "known default"),
    ("abcdefghijklmnopqrstuvwxyz0123456789", "known default"),
    ("correct horse battery staple 1234567890", "known default"),
    ("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", "known default"),
    ("9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d", "known default"),
    ("replace-me-" + SECRET, "known default"),
)
STRONG = (
    SECRET,
    "b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184",
    "x7Kp2mQ9vR4tY8wZ3nB6cF1dG5hJ0sLa",
    "four words that nobody else would ever put together like this",
    "ключ из букв которые никто не угадает",
)


@pytest.mark.parametrize(("secret", "reason"), WEAK)
def test_a_weak_secret_is_named_for_what_it_is(secret: str, reason: str) -> None:
    weakness = find_weakness(secret)
    assert weakness is not None
    assert reason in weakness
    assert not secret or secret not in weakness


@pytest.mark.parametrize("secret", STRONG)
def test_a_strong_secret_passes(secret: str) -> None:
    assert find_weakness(secret) is None


def test_what_we_make_ourselves_is_always_strong() -> None:
    assert [find_weakness(new_secret()) for _ in range(200)] == [None] * 200
