"""What do single guards cost? The proof of possession, and all limit layers of one message.

In this process, on CPU time; each beside the least that could do the same: one signature
check by the cryptography library, and one dictionary entry a layer.
"""

import statistics
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench.proving import Key
from bench.report import Row, say

_PROOF_AIM = 250.0
_LIMITS_AIM = 30.0
_ROUNDS = 7


def measure() -> list[Row]:
    """The rows of this file."""
    say("guards: proof of possession, limit layers")
    return [_measure_proof(), _measure_limits()]


def _measure_proof() -> Row:
    """``find_proof``: form, signature, thumbprint; a new proof each time, as in life."""
    from chatkeep.crypto.proof import find_proof, hash_token  # noqa: PLC0415 - imported only by the part that measures it

    key = Key()
    token = "e" * 300
    proofs = [key.prove("POST", "http://localhost:8000/api/chat", token) for _ in range(500)]
    signature = key.private.sign(b"x" * 300, ec.ECDSA(hashes.SHA256()))
    public = key.private.public_key()

    def ours() -> None:
        for proof in proofs:
            found = find_proof(proof)
            if found is None or found.token_hash != hash_token(token):
                raise RuntimeError("a good proof was refused")

    def bare() -> None:
        for _ in proofs:
            public.verify(signature, b"x" * 300, ec.ECDSA(hashes.SHA256()))

    mine, alone = _times(ours, len(proofs)), _times(bare, len(proofs))
    return Row("CPU per proof check", "µs", mine, alone, f"<= {_PROOF_AIM:.0f}", statistics.median(mine) <= _PROOF_AIM)


def _measure_limits() -> Row:
    """Every bucket of one message, decided in one call."""
    from chatkeep.limits import Counter, Gauge, Once, Sliding, Window  # noqa: PLC0415 - as above
    from chatkeep.limits.in_process import InProcessLimits  # noqa: PLC0415 - as above

    store = InProcessLimits()
    lots, count = 10**9, 2000
    messages = [
        [
            Once(f"jti:{number}", "replay", 120.0),
            Sliding(f"addr:org:{number % 100}", (Window("per_minute", lots, 60.0), Window("per_hour", lots, 3600.0))),
            Sliding(f"addr:*:{number % 100}", (Window("per_minute", lots, 60.0), Window("per_hour", lots, 3600.0))),
            Sliding(f"vis:{number % 100}", (Window("per_minute", lots, 60.0), Window("per_hour", lots, 3600.0), Window("interval", lots, 2.0))),
            Sliding("dom:widget", (Window("per_hour", lots, 3600.0),)),
            Counter(f"visday:{number % 100}", "per_day", lots, 3600.0),
            Counter("domday:widget", "per_day", lots, 3600.0),
            Counter(f"sessmsg:{number % 100}", "per_session", lots),
            Counter(f"convmsg:{number % 100}", "per_conversation", lots),
            Gauge(f"str:{number % 100}", "concurrency", lots),
            Gauge("str:widget", "concurrency", lots),
        ]
        for number in range(count)
    ]
    clock = [0.0]

    def ours() -> None:
        for buckets in messages:
            clock[0] += 130.0 / count
            if store.spend(buckets, clock[0]) is not None:
                raise RuntimeError("a free bucket refused")

    def bare() -> None:
        seen: dict[str, int] = {}
        for buckets in messages:
            for bucket in buckets:
                seen[bucket.key] = seen.get(bucket.key, 0) + 1

    mine, alone = _times(ours, count), _times(bare, count)
    note = "11 buckets with 8 windows and a replay check, all or nothing"
    return Row("CPU per limits decision", "µs", mine, alone, f"<= {_LIMITS_AIM:.0f}", statistics.median(mine) <= _LIMITS_AIM, note)


def _times(work: Callable[[], None], count: int) -> list[float]:
    """CPU µs per piece of *work*, several rounds."""
    work()
    found = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        work()
        found.append((time.process_time() - begun) / count * 1e6)
    return found
