"""Does the caller hold the key that the session was opened with?

Stops: a session token that was stolen from a log, a HAR file or the wire. Not a script
in the visitor's own page: that can ask for signatures while it is open.
Store down: not consulted. Source: RFC 9449, section 4.3; limits-and-sessions, "Session".
"""

from chatkeep.admit._types import Arrival, Desk
from chatkeep.admit.domains import LOOPBACK_HOSTS
from chatkeep.crypto.proof import Proof, find_proof, hash_token
from chatkeep.errors import Reason, Refused
from chatkeep.limits import Once

_LEEWAY_SECONDS = 60
# Longer than a proof can be accepted for: from 60 s ahead of us to 60 s behind, in whole seconds of our
# clock, so a second more; and another one, because what is remembered is counted by a clock of its own.
_REMEMBERED_SECONDS = 2.0 * _LEEWAY_SECONDS + 2
REPLAY = "replay"


def parse(arrival: Arrival, desk: Desk) -> Proof | None:
    """The request's proof, fit for this request, or ``None`` when it brings none. Raises ``Refused`` (``invalid_proof``)."""
    text = arrival.headers.get("dpop")
    if text is None:
        return None
    found = find_proof(text)
    now = int(desk.clock.now().timestamp())
    if found is None or found.method != arrival.method or not _is_address_of(found.address, arrival, desk):
        raise refusal(desk)
    # Proofs that were used before this process began are not remembered: none of that time are taken.
    if abs(now - found.iat) > _LEEWAY_SECONDS or found.iat < desk.started_at:
        # A wrong clock is no fault of the visitor's: it learns our time and tries again.
        raise refusal(desk, is_honest=True)
    return found


def load(arrival: Arrival, thumbprint: str, token: str, desk: Desk) -> Proof:
    """The request's proof, of the session's key and for its token. Raises ``Refused``."""
    found = parse(arrival, desk)
    if found is None:
        raise Refused(Reason.PROOF_REQUIRED)
    if found.thumbprint != thumbprint or found.token_hash != hash_token(token):
        raise refusal(desk)
    return found


def once(found: Proof) -> Once:
    """The bucket that lets a proof through a single time."""
    return Once(f"jti:{found.thumbprint}:{found.jti}", REPLAY, _REMEMBERED_SECONDS)


def refusal(desk: Desk, *, is_honest: bool = False) -> Refused:
    """The refusal of a proof, with our time so that a client can correct its clock. What honest clients do is no warning."""
    return Refused(Reason.INVALID_PROOF, shown={"server_time": int(desk.clock.now().timestamp())}, note={"is_honest": is_honest})


def _is_address_of(claimed: str, arrival: Arrival, desk: Desk) -> bool:
    """Whether *claimed* (``htu``) is this route under one of our public addresses."""
    address, _, rest = claimed.partition("?")
    if rest or not address.endswith(arrival.route):
        return False
    base = address.removesuffix(arrival.route)
    if base in desk.own_urls:
        return True
    # Development relaxes exactly this: any loopback Host, any port (spec: settings.md).
    host = base.removeprefix("http://").rpartition(":")[0] or base.removeprefix("http://")
    return not desk.settings.is_production and base == f"http://{arrival.host}" and host in LOOPBACK_HOSTS
