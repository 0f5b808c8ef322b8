"""What can an operator do with API keys? Make, list, change, revoke.

A key is shown once. It can do no more than whoever made it, and less when its scopes,
networks or end say so. What they may do is asked anew in the transaction that makes or
changes a key.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chatkeep.admit import key_change, rights
from chatkeep.admit.permissions import Permission, check_may_hand_on
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.crypto.one_time import code_digest, new_api_key
from chatkeep.errors import NotThere, WrongUsage
from chatkeep.ids import KeyId, OrgId
from chatkeep.manage.members import withdraw_lost
from chatkeep.manage.people import now_ms
from chatkeep.store import Store, Tx
from chatkeep.store import api_keys as rows
from chatkeep.store.api_keys import ApiKeyRow
from chatkeep.store.members import hold_people
from chatkeep.store.paging import Part

_LONGEST_NAME = 200
_MOST_NETWORKS = 50
_MOST_YEARS_MS = 10 * 366 * 86_400_000
_NOT_THERE = "there is no such API key"
SCOPES = tuple(permission.value for permission in Permission)


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key, and the only sight of its secret."""

    row: ApiKeyRow
    secret: str


def make_api_key(
    store: Store,
    clock: Clock,
    org: OrgId,
    *,
    name: str,
    scopes: Sequence[str],
    networks: Sequence[str] = (),
    expires_at: datetime | None = None,
    created_by: str | None = None,
) -> MadeKey:
    """A new key. *created_by*: the person who asks for it, ``None`` on the command line. Raises ``WrongUsage``; ``Refused`` for a scope that they have not."""
    secret = new_api_key()
    row = ApiKeyRow(
        key_id=KeyId(new_id("key")),
        org_id=org,
        name=_checked_name(name),
        digest=code_digest(secret),
        last4=secret[-4:],
        scopes=_checked_scopes(scopes),
        networks=_checked_networks(networks),
        created_by=created_by,
        created_at_ms=now_ms(clock),
        expires_at_ms=_checked_end(expires_at, clock),
    )
    store.transaction_now(_add, org, row)
    return MadeKey(row, secret)


def some_api_keys(store: Store, org: OrgId, part: Part) -> tuple[list[ApiKeyRow], int]:
    """Keys of *org* that were not revoked, and how many there are."""
    return store.read_now(rows.list_api_keys, org, part)


def get_api_key(store: Store, org: OrgId, key_id: str) -> ApiKeyRow:
    """The key of that id. Raises ``NotThere``."""
    found = store.read_now(rows.find_api_key, org, key_id)
    if found is None or found.revoked_at_ms is not None:
        raise NotThere(_NOT_THERE)
    return found


def change_api_key(
    store: Store,
    clock: Clock,
    org: OrgId,
    key_id: str,
    *,
    by: str | None = None,
    name: str | None = None,
    scopes: Sequence[str] | None = None,
    networks: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> ApiKeyRow:
    """The key with what is given changed, by the person *by*, or on the command line. Raises ``WrongUsage``, ``Refused``."""
    wanted = {
        "name": None if name is None else _checked_name(name),
        "scopes": None if scopes is None else _checked_scopes(scopes),
        "networks": None if networks is None else _checked_networks(networks),
        "expires_at_ms": _checked_end(expires_at, clock),
    }
    given = {field: value for field, value in wanted.items() if value is not None}
    return store.transaction_now(_change, org, key_id, given, by=by)


def revoke_api_key(store: Store, clock: Clock, org: OrgId, key_id: str) -> None:
    """End a key, and the invitations that it wrote, at once. Raises ``NotThere``."""
    store.transaction_now(_revoke, org, key_id, at_ms=now_ms(clock))


def _add(tx: Tx, org: OrgId, key: ApiKeyRow) -> None:
    """Store a key whose maker has all its scopes."""
    hold_people(tx, org)
    check_may_hand_on(key.scopes, rights.of_actor(tx, org, key.created_by))
    rows.add_api_key(tx, org, key)


def _change(tx: Tx, org: OrgId, key_id: str, given: Mapping[str, Any], *, by: str | None) -> ApiKeyRow:
    """Store the key with what is *given*, if *by* may."""
    hold_people(tx, org)
    key = rows.find_api_key(tx, org, key_id)
    if key is None or key.revoked_at_ms is not None:
        raise NotThere(_NOT_THERE)
    changed = replace(key, **given)
    key_change.check(key, changed, by=by, may=rights.of_actor(tx, org, by))
    rows.change_api_key(tx, org, changed)
    withdraw_lost(tx, org)
    return changed


def _revoke(tx: Tx, org: OrgId, key_id: str, *, at_ms: int) -> None:
    """Revoke the key."""
    hold_people(tx, org)
    if not rows.revoke_api_key(tx, org, key_id, at_ms=at_ms):
        raise NotThere(_NOT_THERE)
    withdraw_lost(tx, org)


def _checked_name(name: str) -> str:
    """A name that a list can show. Raises ``WrongUsage``."""
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise WrongUsage(f"a name has 1 to {_LONGEST_NAME} printable characters", field="name")
    return name


def _checked_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """Known scopes, each once. Raises ``WrongUsage``."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise WrongUsage(f"scopes are some of {', '.join(SCOPES)}", field="scopes")
    return tuple(dict.fromkeys(scopes))


def _checked_networks(networks: Sequence[str]) -> tuple[str, ...]:
    """Networks in canonical form. Raises ``WrongUsage``."""
    if len(networks) > _MOST_NETWORKS:
        raise WrongUsage(f"a key has at most {_MOST_NETWORKS} networks", field="networks")
    try:
        return tuple(dict.fromkeys(str(ipaddress.ip_network(text, strict=False)) for text in networks))
    except ValueError:
        raise WrongUsage("a network is written like 203.0.113.0/24 or 2001:db8::/32", field="networks") from None


def _checked_end(expires_at: datetime | None, clock: Clock) -> int | None:
    """When a key ends, in ms. Raises ``WrongUsage``."""
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise WrongUsage("write a time with its zone, like 2027-01-31T00:00:00Z", field="expires_at")
    at_ms = int(expires_at.timestamp() * 1000)
    if not now_ms(clock) < at_ms <= now_ms(clock) + _MOST_YEARS_MS:
        raise WrongUsage("a key ends later than now, and within ten years", field="expires_at")
    return at_ms
