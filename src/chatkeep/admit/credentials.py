"""Which operator is it? The bearer token of an admin request: a person's, or a program's.

Stops: forged, expired and revoked tokens, tokens of visitors, API keys from a browser or
from elsewhere. Cookies are never looked at, so no page can act in an operator's name.
Roles are read anew for every request: what an owner takes away is gone at once.
Store down: ``Unavailable``: closed.
"""

import ipaddress
from dataclasses import dataclass

from chatkeep.admit import rights
from chatkeep.admit._types import Arrival, Desk
from chatkeep.admit.permissions import PERMISSIONS, Permission
from chatkeep.crypto.office_tokens import AccessClaims, find_claims
from chatkeep.crypto.one_time import code_digest
from chatkeep.errors import Reason, Refused
from chatkeep.ids import OrgId
from chatkeep.store import Tx
from chatkeep.store.api_keys import ApiKeyRow, find_shown_key, note_use
from chatkeep.store.logins import SignedIn, find_signed_in

API_KEY_START = "sec_"
_LONGEST = 1024
_USED_EVERY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Operator:
    """Who asks, for which organization, and what they may do. *person* is missing for a program with an API key."""

    actor: str
    org_id: OrgId
    permissions: frozenset[Permission]
    person: SignedIn | None
    # An API key that nobody had used before.
    is_first_use: bool = False

    @property
    def sees_masks(self) -> bool:
        """Whether what may name a person is masked for them."""
        return Permission.PERSONAL_DATA not in self.permissions


async def load(arrival: Arrival, desk: Desk) -> Operator:
    """The operator whose token *arrival* shows. Raises ``Refused``."""
    scheme, _, token = arrival.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if not scheme:
        raise Refused(Reason.AUTHENTICATION_REQUIRED)
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST or not token.isascii():
        raise Refused(Reason.INVALID_ADMIN_TOKEN)
    if token.startswith(API_KEY_START):
        return await _program(token, arrival, desk)
    return await _person(token, desk)


async def _person(token: str, desk: Desk) -> Operator:
    """The operator who signed in."""
    claims = find_claims(token, AccessClaims, desk.office_key)
    if claims is None:
        raise Refused(Reason.INVALID_ADMIN_TOKEN)
    now = desk.clock.now().timestamp()
    if now >= claims.exp:
        raise Refused(Reason.ADMIN_TOKEN_EXPIRED)
    found = await desk.store.read(find_signed_in, claims.lid)
    if found is None or not found.login.is_live(int(now * 1000)) or (found.login.user_id, found.login.org_id) != (claims.sub, claims.org):
        raise Refused(Reason.INVALID_ADMIN_TOKEN)
    return Operator(claims.sub, claims.org, PERMISSIONS[found.role], found)


async def _program(token: str, arrival: Arrival, desk: Desk) -> Operator:
    """The program with that API key. All that is wrong with a key looks the same from outside; the record knows."""
    found, permissions = await desk.store.read(_find_key, code_digest(token))
    at_ms = int(desk.clock.now().timestamp() * 1000)
    if found is None:
        raise _rejected("unknown")
    if not found.is_live(at_ms):
        raise _rejected("revoked" if found.revoked_at_ms is not None else "expired", found)
    if permissions is None:
        # Whoever was let go takes the keys along that they made.
        raise _rejected("maker_gone", found)
    # A key that a page sends is a key that every visitor of the page can read.
    if "origin" in arrival.headers or arrival.headers.get("sec-fetch-mode", "").lower() == "cors":
        raise Refused(Reason.API_KEY_IN_BROWSER, note={"cause": "browser", "org_id": found.org_id})
    if found.networks and not _lies_in(arrival.address.text, found):
        raise _rejected("network", found)
    if found.used_at_ms is None or at_ms - found.used_at_ms >= _USED_EVERY_MS:
        await desk.store.transaction(note_use, found.org_id, found.key_id, at_ms=at_ms)
    return Operator(found.key_id, found.org_id, permissions, None, is_first_use=found.used_at_ms is None)


def _find_key(tx: Tx, digest: str) -> tuple[ApiKeyRow | None, frozenset[Permission] | None]:
    """The key with that digest, and what it may do."""
    key = find_shown_key(tx, digest)
    return key, rights.find_rights_of_key(tx, key) if key is not None else None


def _rejected(cause: str, key: ApiKeyRow | None = None) -> Refused:
    """The refusal of an API key."""
    return Refused(Reason.API_KEY_REJECTED, note={"cause": cause, **({"org_id": key.org_id} if key is not None else {})})


def _lies_in(address: str, key: ApiKeyRow) -> bool:
    """Whether *address* is in one of the networks of *key*."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network) for network in key.networks)
