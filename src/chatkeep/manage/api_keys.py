"""What can an operator do with API keys? Make, list, change, revoke.

A key is shown once. It can do no more than whoever made it, and less when its scopes,
networks or end say so.
"""

import ipaddress
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from chatkeep.admit.permissions import Permission
from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.crypto.one_time import code_digest, new_api_key
from chatkeep.errors import NotThere, Reason, Refused, WrongUsage
from chatkeep.ids import KeyId, OrgId
from chatkeep.manage.people import now_ms
from chatkeep.store import Store
from chatkeep.store import api_keys as rows
from chatkeep.store.api_keys import ApiKeyRow
from chatkeep.store.paging import Part

_LONGEST_NAME = 200
_MOST_NETWORKS = 50
_MOST_YEARS_MS = 10 * 366 * 86_400_000
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
    may: AbstractSet[Permission] = frozenset(Permission),
) -> MadeKey:
    """A new key. Raises ``WrongUsage``, and ``Refused`` for a scope that its maker has not."""
    secret = new_api_key()
    row = ApiKeyRow(
        key_id=KeyId(new_id("key")),
        org_id=org,
        name=_checked_name(name),
        digest=code_digest(secret),
        last4=secret[-4:],
        scopes=_checked_scopes(scopes, may),
        networks=_checked_networks(networks),
        created_by=created_by,
        created_at_ms=now_ms(clock),
        expires_at_ms=_checked_end(expires_at, clock),
    )
    store.transaction_now(rows.add_api_key, org, row)
    return MadeKey(row, secret)


def some_api_keys(store: Store, org: OrgId, part: Part) -> tuple[list[ApiKeyRow], int]:
    """Keys of *org* that were not revoked, and how many there are."""
    return store.read_now(rows.list_api_keys, org, part)


def get_api_key(store: Store, org: OrgId, key_id: str) -> ApiKeyRow:
    """The key of that id. Raises ``NotThere``."""
    found = store.read_now(rows.find_api_key, org, key_id)
    if found is None or found.revoked_at_ms is not None:
        raise NotThere("there is no such API key")
    return found


def change_api_key(
    store: Store,
    clock: Clock,
    org: OrgId,
    key_id: str,
    *,
    name: str | None = None,
    scopes: Sequence[str] | None = None,
    networks: Sequence[str] | None = None,
    expires_at: datetime | None = None,
    may: AbstractSet[Permission] = frozenset(Permission),
) -> ApiKeyRow:
    """The key with what is given changed. Raises ``WrongUsage``, ``Refused``."""
    key = get_api_key(store, org, key_id)
    changed = replace(
        key,
        name=key.name if name is None else _checked_name(name),
        scopes=key.scopes if scopes is None else _checked_scopes(scopes, may),
        networks=key.networks if networks is None else _checked_networks(networks),
        expires_at_ms=key.expires_at_ms if expires_at is None else _checked_end(expires_at, clock),
    )
    if not store.transaction_now(rows.change_api_key, org, changed):
        raise NotThere("there is no such API key")
    return changed


def revoke_api_key(store: Store, clock: Clock, org: OrgId, key_id: str) -> None:
    """End a key, at once. Raises ``NotThere``."""
    if not store.transaction_now(rows.revoke_api_key, org, key_id, at_ms=now_ms(clock)):
        raise NotThere("there is no such API key")


def _checked_name(name: str) -> str:
    """A name that a list can show. Raises ``WrongUsage``."""
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise WrongUsage(f"a name has 1 to {_LONGEST_NAME} printable characters", field="name")
    return name


def _checked_scopes(scopes: Sequence[str], may: AbstractSet[Permission]) -> tuple[str, ...]:
    """Known scopes, each once, that whoever has the permissions *may* can give away. Raises ``WrongUsage``, ``Refused``."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise WrongUsage(f"scopes are some of {', '.join(SCOPES)}", field="scopes")
    held = {permission.value for permission in may}
    missing = [scope for scope in scopes if scope not in held]
    if missing:
        raise Refused(Reason.FORBIDDEN, shown={"needs": missing[0]})
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
