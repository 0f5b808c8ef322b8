"""Does the time tell who has an account? Signing in, forgotten passwords, invitations, each with and without one.

Against a whole gateway on loopback, wall time of each request; known and unknown take turns
in random order, so that both see the same machine. The ratio is the medians' one; beside it
how often a known one is slower than an unknown one, of all pairs (the statistic of Mann and
Whitney: 50 % says nothing). Nothing is refused: each address and account is used rarely.

usage of its own: python -m bench.signing_in COUNT makes the people, and prints them as JSON.
"""

import http.client
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.gateway import Site, site, start_gateway
from bench.processes import HOST, BenchFailed, Server, run_python
from bench.report import Row, say

_GOOD = "plum-Zebra9-kettle"
_WRONG = "wrong-Zebra9-kettle"
# Failures and mails of one account that are not yet too many.
_ATTEMPTS = 4
_MAILS = 3


def measure(people: int) -> list[Row]:
    """The rows of this file, with *people* who have an account."""
    say(f"signing in: {people} known accounts, {people} unknown ones")
    with site("knowledge") as where:
        made = _make_people(where, people)
        with start_gateway(where)[0] as gateway:
            ask = _Asker(gateway)
            unknown = [f"none{number}@shop.example" for number in range(people)]
            return [
                _row("sign in", ask, "/token", 401, _each(made["known"] * _ATTEMPTS, unknown * _ATTEMPTS, lambda email: {"email": email, "password": _WRONG})),
                _row("forgot", ask, "/password/forgot", 202, _each(made["known"] * _MAILS, unknown * _MAILS, lambda email: {"email": email})),
                _row("invitation", ask, "/invitation", 201, _each(made["invited"], made["new"], lambda code: {"code": code, "password": _GOOD})),
            ]


class _Asker:
    """Sends one request after the other, each from an address of its own."""

    def __init__(self, gateway: Server) -> None:
        self._connection = http.client.HTTPConnection(HOST, gateway.port, timeout=30)
        self._number = 0

    def __call__(self, path: str, body: dict[str, str], status: int) -> float:
        """Milliseconds until the answer was read. Raises ``BenchFailed`` unless it had *status*."""
        self._number += 1
        headers = {"Content-Type": "application/json", "X-Forwarded-Proto": "https", "X-Forwarded-For": f"10.1.{self._number >> 8}.{self._number & 255}"}
        content = json.dumps(body)
        begun = time.perf_counter()
        self._connection.request("POST", f"/api/admin/auth{path}", content, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        took = (time.perf_counter() - begun) * 1000
        if answer.status != status:
            raise BenchFailed(f"{path} answered {answer.status}: {said[:300]!r}")
        return took


def _make_people(where: Site, people: int) -> dict[str, list[str]]:
    """Addresses with an account; codes of invitations for people with an account, and for others."""
    made: dict[str, list[str]] = json.loads(run_python("-m", "bench.signing_in", str(people), environ=where.environ))
    return made


def _each(known: Sequence[str], unknown: Sequence[str], body: Callable[[str], dict[str, str]]) -> list[tuple[bool, dict[str, str]]]:
    """What is asked, in random order; whether it is about somebody known."""
    asked = [(True, body(one)) for one in known] + [(False, body(one)) for one in unknown]
    random.Random(len(asked)).shuffle(asked)
    return asked


def _row(name: str, ask: _Asker, path: str, status: int, asked: Sequence[tuple[bool, dict[str, str]]]) -> Row:
    """The times of one kind of request."""
    ask(path, asked[0][1] | {"code" if "code" in asked[0][1] else "email": "warm@up.example"}, 400 if "code" in asked[0][1] else status)
    times: dict[bool, list[float]] = {True: [], False: []}
    for is_known, body in asked:
        times[is_known].append(ask(path, body, status))
    pairs = [(one > other) + (one == other) / 2 for one in times[True] for other in times[False]]
    note = f"known beside unknown, not beside a bare server; a known one is the slower one of {100 * statistics.mean(pairs):.0f} % of all pairs"
    return Row(f"{name}, known / unknown account", "ms", times[True], times[False], note=note)


def main(people: str) -> None:
    """Make the people."""
    from chatkeep.clock import SystemClock  # noqa: PLC0415 - imported only by the process that makes them
    from chatkeep.manage.members import invite  # noqa: PLC0415 - as above
    from chatkeep.manage.organizations import choose_organization, make_organization  # noqa: PLC0415 - as above
    from chatkeep.manage.people import make_user  # noqa: PLC0415 - as above
    from chatkeep.wiring import prepare_store, read_settings  # noqa: PLC0415 - as above

    store, clock = prepare_store(read_settings().settings), SystemClock()
    org = choose_organization(store, clock).org_id
    other = make_organization(store, clock, "Other").org_id
    known = [f"user{number}@shop.example" for number in range(int(people))]
    everybody: Any = {"org": org, "role": "viewer", "is_verified": True, "password": _GOOD, "name": ""}
    for email in known:
        make_user(store, clock, email=email, **everybody)
    invited = [invite(store, clock, other, email=email, role="viewer").code for email in known]
    new = [invite(store, clock, other, email=f"new{number}@shop.example", role="viewer").code for number in range(int(people))]
    store.close()
    print(json.dumps({"known": known, "invited": invited, "new": new}))


if __name__ == "__main__":
    main(*sys.argv[1:])
