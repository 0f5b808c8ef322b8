"""Operators' tokens: only ours, only of their kind, never a visitor's."""

import base64
import json

import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from chatkeep.crypto.office_tokens import AccessClaims, OfficeKey, RefreshClaims, find_claims, sign
from chatkeep.crypto.tokens import SessionClaims, TokenKey, sign_session_token
from chatkeep.ids import LoginId, OrgId, SessionId, UserId, WidgetId

KEY = OfficeKey.from_bytes(b"k" * 32)
ACCESS = AccessClaims(UserId("usr_a"), OrgId("org_a"), LoginId("login_a"), 1000, 1900)
REFRESH = RefreshClaims(LoginId("login_a"), 3, 5000)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def test_a_token_comes_back_as_what_it_was_signed_for() -> None:
    assert find_claims(sign(ACCESS, KEY), AccessClaims, KEY) == ACCESS
    assert find_claims(sign(REFRESH, KEY), RefreshClaims, KEY) == REFRESH


def test_no_kind_stands_for_another() -> None:
    visitor = SessionClaims(SessionId("sess_a"), WidgetId("widget_a"), "https://shop.example", 1000, 1900, 1)
    for token in (sign(REFRESH, KEY), sign_session_token(visitor, TokenKey.from_bytes(b"k" * 32))):
        assert find_claims(token, AccessClaims, KEY) is None
    assert find_claims(sign(ACCESS, KEY), RefreshClaims, KEY) is None


def test_another_key_and_every_changed_character_are_noticed() -> None:
    token = sign(ACCESS, KEY)
    assert find_claims(token, AccessClaims, OfficeKey.from_bytes(b"o" * 32)) is None
    for place in range(0, len(token), 3):
        if token[place] != ".":
            # The last character of a part holds bits that mean nothing: changed there, it may be the same token.
            changed = token[:place] + ("A" if token[place] != "A" else "Q") + token[place + 1 :]
            assert find_claims(changed, AccessClaims, KEY) in ({None} if place < len(token) - 1 else {None, ACCESS})


CLAIMS = {"sub": "usr_a", "org": "org_a", "lid": "login_a", "iat": 1000, "exp": 1900}


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "ck-admin"},
        {"alg": "HS512", "typ": "ck-admin"},
        {"typ": "ck-admin", "alg": "HS256"},
        {"alg": "HS256", "typ": "ck-admin", "kid": "../../dev/null"},
        {"alg": "HS256", "typ": "ck-admin", "jku": "https://evil.example/keys"},
        {"alg": "HS256"},
    ],
)
def test_no_header_but_our_own_is_read(header: dict[str, str]) -> None:
    signed = f"{encoded(header)}.{encoded(CLAIMS)}"
    signature = jws.serialize_compact({"alg": "HS256"}, signed.encode(), OctKey.import_key(b"k" * 32), algorithms=["HS256"]).rpartition(".")[2]
    for token in (f"{signed}.", f"{signed}.{signature}"):
        assert find_claims(token, AccessClaims, KEY) is None


@pytest.mark.parametrize("rubbish", ["", ".", "..", "a.b.c", "x" * 5000, "\0", sign(ACCESS, KEY) + ".x", "é.é.é"])
def test_rubbish_is_no_token(rubbish: str) -> None:
    assert find_claims(rubbish, AccessClaims, KEY) is None


def test_claims_with_more_or_less_than_ours_are_refused() -> None:
    for claims in ({**CLAIMS, "role": "owner"}, {name: value for name, value in CLAIMS.items() if name != "exp"}, {**CLAIMS, "exp": "1900"}, []):
        token = jws.serialize_compact({"alg": "HS256", "typ": "ck-admin"}, json.dumps(claims).encode(), KEY.key, algorithms=["HS256"])
        assert find_claims(token, AccessClaims, KEY) is None
