"""May this operator do that? The doors of the admin API.

``enter_office`` for operators with a token, ``approach_office`` for those who have none
yet. Straight-line code like the visitors' doors; a refusal leaves its record.
Spec: admin-api.
"""

from collections.abc import Mapping

from chatkeep.admit import body, credentials, limits, transport
from chatkeep.admit._forms import unknown
from chatkeep.admit._seen import context_of
from chatkeep.admit._types import Arrival, Desk, Seen
from chatkeep.admit.credentials import Operator
from chatkeep.admit.permissions import Permission
from chatkeep.admit.record import recorded
from chatkeep.audit.catalogue import ApiKeyUsedFirst
from chatkeep.errors import Reason, Refused


async def enter_office(
    arrival: Arrival, desk: Desk, *, permission: Permission | None, known: Mapping[str, object], is_for_people: bool
) -> tuple[Seen, Operator]:
    """Let an operator in who may do *permission* (``None``: what is their own). *is_for_people*: no program; *known*: names that the query may have."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        _check(arrival, known, desk)
        limits.spend(limits.office_buckets(arrival.address), seen, desk)
        seen.is_counted = True
        operator = await credentials.load(arrival, desk)
        seen.office = operator.org_id
        if is_for_people and operator.person is None:
            raise Refused(Reason.FORBIDDEN, shown={"needs": "a person who is signed in"})
        if permission is not None and permission not in operator.permissions:
            raise Refused(Reason.FORBIDDEN, shown={"needs": permission.value})
    if operator.is_first_use:
        desk.recorder.record(ApiKeyUsedFirst(operator.actor), context_of(seen))
    return seen, operator


def approach_office(arrival: Arrival, desk: Desk, *, known: Mapping[str, object]) -> Seen:
    """Let anybody come near who wants to sign in."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        _check(arrival, known, desk)
        limits.spend(limits.office_buckets(arrival.address), seen, desk)
        seen.is_counted = True
    return seen


def _check(arrival: Arrival, known: Mapping[str, object], desk: Desk) -> None:
    """What every admin request has to be. Raises ``Refused``."""
    transport.check(arrival, desk)
    body.check_headers(arrival)
    odd = [unknown(name, list(known), what="parameter") for name in arrival.query if name not in known]
    if odd:
        raise Refused(Reason.INVALID_REQUEST, details=tuple(dict.fromkeys(odd)))
