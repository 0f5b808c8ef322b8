"""Is it one mail too many? What may be written to one address, and at whose wish.

Stops: filling somebody's mailbox through us, and a mail server that stops taking our mails
because of it. Who asks for a mail without a token is told of their own limit alone: whether
a mail was written says who has an account.
Store down: not consulted; what was written is known to the process.
"""

from typing import Literal

from chatkeep.admit import limits
from chatkeep.admit._types import Desk, Seen
from chatkeep.ids import OrgId
from chatkeep.limits import Sliding, Window

_TO_ONE_PER_HOUR = 3
# By all organizations together: none of them must be able to use up another's.
_TO_ONE_BY_ALL_PER_HOUR = 10
_OF_ONE_ORGANIZATION_PER_HOUR = 100
_OF_ONE_CALLER_PER_HOUR = 20


def spend_reset(email: str, seen: Seen, desk: Desk) -> bool:
    """Take one wish for a new password from the caller; whether one more mail may go to *email*. Raises ``Refused``."""
    limits.spend(limits.hourly("mailer", seen.arrival.address, _OF_ONE_CALLER_PER_HOUR), seen, desk)
    return desk.limits.spend([_bucket(f"reset:{email}", _TO_ONE_PER_HOUR)], desk.clock.monotonic()) is None


def spend_letter(kind: Literal["invitation", "verification"], email: str, org: OrgId, seen: Seen, desk: Desk) -> None:
    """Take one mail to *email* at the wish of a member of *org*. Raises ``Refused``."""
    each = _bucket(f"{kind}:{org}:{email}", _TO_ONE_PER_HOUR)
    limits.spend([each, _bucket(f"{kind}:*:{email}", _TO_ONE_BY_ALL_PER_HOUR), _bucket(f"org:{org}", _OF_ONE_ORGANIZATION_PER_HOUR)], seen, desk)


def _bucket(key: str, quota: int) -> Sliding:
    """An hour's mails."""
    return Sliding(f"mail:{key}", (Window("mail", quota, limits.HOUR),))
