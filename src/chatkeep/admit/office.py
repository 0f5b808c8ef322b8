"""May this operator do that? The doors of the admin API.

``enter_office`` for operators with a token, ``approach_office`` for those who have none
yet. Straight-line code like the visitors' doors; a refusal leaves its record.
Spec: admin-api.
"""

from collections.abc import Mapping

from chatkeep.admit import body, credentials, limits, transport
from chatkeep.admit._seen import context_of
from chatkeep.admit._types import Arrival, Desk, Seen
from chatkeep.admit.credentials import Operator
from chatkeep.admit.permissions import Permission
from chatkeep.admit.record import recorded
from chatkeep.audit.catalogue import ApiKeyUsedFirst
from chatkeep.errors import Reason, Refused, invalid


async def enter_office(arrival: Arrival, desk: Desk, *, permission: Permission | None, known: Mapping[str, object]) -> tuple[Seen, Operator]:
    """Let an operator in who may do *permission* (``None``: a person, for what is their own). *known*: names that the query may have."""
    seen = Seen(arrival)
    with recorded(seen, desk):
        _check(arrival, known, desk)
        limits.spend(limits.office_buckets(arrival.address), seen, desk)
        seen.is_counted = True
        operator = await credentials.load(arrival, desk)
        seen.office = operator.org_id
        if operator.person is None if permission is None else permission not in operator.permissions:
            raise Refused(Reason.FORBIDDEN, shown={"needs": permission.value if permission is not None else "a person who is signed in"})
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
    for name in arrival.query:
        if name not in known:
            raise invalid("query", "has an unknown parameter")
