"""What does one durably admitted message cost?

``POST /api/chat`` as JSON with the ``fake`` provider: session, origin and limits checked,
question, empty answer and whole answer committed (SQLite, ``synchronous=FULL``), then 200.
Beside it: the same bytes to a bare Starlette app that parses and answers, and keeps nothing.
"""

import json
import signal
import statistics
import time
from dataclasses import dataclass

from bench.gateway import Site, bare_requests, open_visitors, site, start_bare, start_gateway
from bench.processes import BenchFailed, Server
from bench.programs import Load, run_load
from bench.report import Row, say

AIM_MICROSECONDS = 250.0
PROVEN_AIM_MICROSECONDS = 600.0
_CONNECTIONS = 64
_POLLS_PER_MESSAGE = 0.05
# Events and usage are written up to half a second later: that work belongs to the messages, too.
_AFTERMATH_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sent: messages a visitor must stay under 60, the most a minute takes."""

    repetitions: int
    visitors: int
    messages: int


QUICK = Plan(3, 100, 40)
FULL = Plan(7, 250, 50)


def measure(plan: Plan) -> list[Row]:
    """The rows of this file."""
    say(f"admission: {plan.repetitions} x {plan.visitors * plan.messages} messages on {_CONNECTIONS} connections, in turn with a bare echo")
    ours: list[float] = []
    alone: list[float] = []
    proven: list[float] = []
    bare: list[float] = []
    sent = 0
    with site("fake") as where, start_bare("echo")[0] as echo:
        with start_gateway(where)[0] as gateway:
            _warm_up(where, gateway, echo)
            sent += 100
            for _ in range(plan.repetitions):
                bare.append(_cost(echo, list(bare_requests(echo.port, plan.visitors * plan.messages, as_stream=False)), _CONNECTIONS)[0])
                cost, load = _cost(gateway, _messages(where, gateway, plan), _CONNECTIONS)
                ours.append(cost)
                sent += load.ok
                # Fewer: on one connection most of the time is waiting.
                few = Plan(1, 20, plan.messages)
                cost, load = _cost(gateway, _messages(where, gateway, few), 1)
                alone.append(cost)
                sent += load.ok
                cost, load = _cost(gateway, _proven_messages(where, gateway, plan), _CONNECTIONS)
                proven.append(cost)
                sent += load.ok
                say(f"  with proof and key {proven[-1]:.0f} µs")
                say(f"  {ours[-1]:.0f} µs (one at a time {alone[-1]:.0f} µs), echo {bare[-1]:.0f} µs")
            gateway.stop(signal.SIGKILL)  # what was acknowledged must be there all the same
        note = _check_rows(where, sent)
    statements, statement_note = _count_statements()
    median = statistics.median(ours)
    return [
        Row(
            f"CPU per admitted message, {_CONNECTIONS} at a time",
            "µs",
            ours,
            bare,
            f"<= {AIM_MICROSECONDS:.0f}",
            median <= AIM_MICROSECONDS,
            note,
            {"messages": sent},
        ),
        Row("CPU per admitted message, one at a time", "µs", alone),
        Row(
            "the same with proof and idempotency key",
            "µs",
            proven,
            bare,
            f"<= {PROVEN_AIM_MICROSECONDS:.0f}",
            statistics.median(proven) <= PROVEN_AIM_MICROSECONDS,
        ),
        statements_row(statements, statement_note),
    ]


def statements_row(counts: dict[str, float], note: str) -> Row:
    """SELECTs of a steady visitor."""
    # The process asks twice a second what others changed (blocks, ended sessions, paused widgets), however many messages there are.
    return Row("SELECTs per message, steady", "", [counts["SELECT"]], aim="0", is_met=counts["SELECT"] < _POLLS_PER_MESSAGE, note=note, details=dict(counts))


def _messages(where: Site, gateway: Server, plan: Plan) -> list[bytes]:
    """Every visitor's messages, visitors taking turns."""
    visitors = open_visitors(where, gateway.port, plan.visitors)
    round_of_all = [visitor.message(gateway.port, as_stream=False) for visitor in visitors]
    return round_of_all * plan.messages


def _proven_messages(where: Site, gateway: Server, plan: Plan) -> list[bytes]:
    """As ``_messages``, each with a proof and a key of its own: signed now, because a proof is good for a minute."""
    visitors = open_visitors(where, gateway.port, plan.visitors, is_bound=True)
    return [visitor.proven_message(gateway.port) for _ in range(min(plan.messages, 20)) for visitor in visitors]


def _warm_up(where: Site, gateway: Server, echo: Server) -> None:
    """First uses: imports, caches, prepared statements."""
    run_load(echo.port, bare_requests(echo.port, 500, as_stream=False), connections=8)
    run_load(gateway.port, _messages(where, gateway, Plan(1, 10, 10)), connections=8)


def _cost(server: Server, requests: list[bytes], connections: int) -> tuple[float, Load]:
    """CPU in µs per request."""
    time.sleep(_AFTERMATH_SECONDS)
    before = server.cpu_seconds()
    load = run_load(server.port, requests, connections=connections)
    time.sleep(_AFTERMATH_SECONDS)
    return (server.cpu_seconds() - before) / load.ok * 1e6, load


def _check_rows(where: Site, sent: int) -> str:
    """Every 200 has its question and its whole answer in the database. Raises ``BenchFailed``."""
    questions, answers = where.count(
        "SELECT sum(role = 'visitor'), sum(role = 'assistant' AND state = 'complete' AND text LIKE 'You said: Hello, where is my parcel?%') FROM messages"
    )
    if not questions == answers == sent:
        raise BenchFailed(f"{sent} answers were 200, but the database has {questions} questions and {answers} whole answers")
    return f"{sent} answers 200, then kill -9: {questions} questions and {answers} whole answers in the database"


def _count_statements() -> tuple[dict[str, float], str]:
    """SQL statements per message of visitors whose sessions were read less than 2 s ago, and later."""
    with site("fake") as where, start_gateway(where, program="bench.watched")[0] as gateway:
        visitors = open_visitors(where, gateway.port, 20)
        round_of_all = [visitor.message(gateway.port, as_stream=False) for visitor in visitors]
        run_load(gateway.port, round_of_all, connections=20)
        time.sleep(_AFTERMATH_SECONDS)
        before = json.loads(gateway.ask("counts"))
        run_load(gateway.port, round_of_all * 10, connections=20)
        time.sleep(_AFTERMATH_SECONDS)
        after = json.loads(gateway.ask("counts"))
        time.sleep(2.5)  # the caches forget
        idle = json.loads(gateway.ask("counts"))
        run_load(gateway.port, round_of_all, connections=20)
        later = json.loads(gateway.ask("counts"))
    steady = _per_message(before, after, 200)
    pausing = _per_message(idle, later, 20)
    synchronous = "FULL" if after["synchronous"] == 2 else f"{after['synchronous']}, NOT FULL"
    note = (
        f"{_words(steady)} in {steady['COMMIT']:.2f} commits (groups of up to 20; synchronous={synchronous}); "
        f"after a pause of more than 2 s, when caches are read anew: {pausing['SELECT']:.2f} SELECTs"
    )
    return steady, note


def _per_message(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]], messages: int) -> dict[str, float]:
    """Statements by their first word."""
    words = ("SELECT", "INSERT", "UPDATE", "COMMIT")
    return {word: (after["statements"].get(word, 0) - before["statements"].get(word, 0)) / messages for word in words}


def _words(counts: dict[str, float]) -> str:
    """``0 SELECT, 2.05 INSERT …``."""
    return ", ".join(f"{counts[word]:.2f} {word}" for word in ("SELECT", "INSERT", "UPDATE"))
