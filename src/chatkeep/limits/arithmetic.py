"""When does the next one fit? Pure functions over a log of arrival times.

Times are monotonic seconds. A log is oldest first. No state, no clock, no I/O.
"""

import math
from collections.abc import Sequence

from chatkeep.limits import Window

_NEVER_ROUND_DOWN_FLOAT_DUST = 1e-9


def wait_for(log: Sequence[float], window: Window, now: float) -> float:
    """Seconds until one more arrival fits into *window*; 0 or less when it fits now.

    With N allowed, one more fits as soon as the N-th newest arrival has left (t-T, t].
    """
    if window.quota <= 0:
        return math.inf
    if len(log) < window.quota:
        return 0.0
    return log[-window.quota] + window.seconds - now


def whole_seconds(wait: float) -> int:
    """*wait* as ``Retry-After`` may say it: rounded up, at least 1."""
    return max(1, math.ceil(wait - _NEVER_ROUND_DOWN_FLOAT_DUST))
