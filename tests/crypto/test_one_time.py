"""Codes that work once: RFC 6238's own vectors, drift, and digests that tell nothing."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from chatkeep.crypto import one_time

# RFC 6238, appendix B, SHA-1: time in seconds and the last six of the eight digits.
SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = ((59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"))
KEY = b"k" * 32


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_vectors_of_the_standard_hold(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert one_time.find_totp_step(SECRET, code, now) == seconds // 30
    for drift, is_found in ((-30, True), (30, True), (-90, False), (90, False)):
        # Before 1970 there are no steps.
        if seconds + drift >= 30:
            assert (one_time.find_totp_step(SECRET, code, now + timedelta(seconds=drift)) is not None) is is_found


@pytest.mark.parametrize("wrong", ["", "28708", "2870822", "28708a", "２８７０８２", "287 082", "\0" * 6])
def test_what_is_no_code_is_of_no_step(wrong: str) -> None:
    assert one_time.find_totp_step(SECRET, wrong, datetime.fromtimestamp(59, UTC)) is None


def test_a_secret_is_long_and_an_app_can_read_it() -> None:
    secrets = {one_time.new_totp_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(base64.b32decode(secret)) == 20 for secret in secrets)
    address = one_time.totp_address(SECRET, "alice@shop.example")
    assert address.startswith("otpauth://totp/Chatkeep:alice%40shop.example?secret=")
    assert "issuer=Chatkeep" in address


def test_recovery_codes_are_random_and_forgiving_to_type() -> None:
    codes = one_time.new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(len(code) == 19 and code.count("-") == 3 for code in codes)
    digests = {one_time.recovery_digest(form) for form in (codes[0], codes[0].upper(), codes[0].replace("-", ""), f" {codes[0]} ")}
    assert len(digests) == 1
    assert digests != {one_time.recovery_digest(codes[1])}


def test_api_keys_and_codes_are_long_and_kept_as_digests() -> None:
    keys = {one_time.new_api_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("sec_") and len(key) == 47 for key in keys)
    assert len(one_time.new_code()) == 43
    assert len(one_time.code_digest(next(iter(keys)))) == 64
