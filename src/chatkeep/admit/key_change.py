"""May this person change that API key so?

Its maker may: give it what they have themselves. Anybody else may take from it and give
it nothing: fewer scopes, narrower networks, an earlier end. Somebody may know a key's
secret without being meant to do what another person would add to it. Programs change no
keys, which is said at the door; the command line may everything. Spec: docs/decisions/0010.
"""

import ipaddress
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from chatkeep.admit.permissions import Permission, check_may_hand_on
from chatkeep.errors import Reason, Refused
from chatkeep.store.api_keys import ApiKeyRow


def check(old: ApiKeyRow, new: ApiKeyRow, *, by: str | None, may: AbstractSet[Permission]) -> None:
    """Raise ``Refused`` unless the person *by* (``None``: the command line), who has the permissions *may*, may make *new* of *old*."""
    added = set(new.scopes) - set(old.scopes)
    if by is None or by == old.created_by:
        check_may_hand_on(added, may)
    elif added or _reaches_further(new.networks, old.networks) or _lasts_longer(new.expires_at_ms, old.expires_at_ms):
        raise Refused(Reason.FORBIDDEN, shown={"needs": "whoever made the key; others can only narrow it"})


def _reaches_further(new: Sequence[str], old: Sequence[str]) -> bool:
    """Whether *new* has an address that *old* has not. No network at all is every address."""
    return bool(old) and (not new or not all(any(_lies_in(one, other) for other in old) for one in new))


def _lies_in(one: str, other: str) -> bool:
    """Whether every address of *one* is in *other*."""
    inner, outer = ipaddress.ip_network(one), ipaddress.ip_network(other)
    if isinstance(inner, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)


def _lasts_longer(new: int | None, old: int | None) -> bool:
    """Whether *new* is a later end than *old*. None at all is the latest."""
    return old is not None and (new is None or new > old)
