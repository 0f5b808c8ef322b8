"""What does one relayed chunk cost?

Many streams at once from the ``openai`` provider against a mock upstream in C, events to
the reader as the gateway makes them (deltas wait at most 40 ms for company), the answer
saved twice a second and at its end. Beside it: a bare Starlette + aiohttp relay.
"""

import statistics
import time
from dataclasses import dataclass

from bench.gateway import Site, bare_requests, open_visitors, site, start_bare, start_gateway
from bench.processes import BenchFailed, Server
from bench.programs import Load, mock_upstream, run_load
from bench.report import Row, say

AIM_RATIO = 1.5
_STAMP_LENGTH = 23
_RAMP_MS = 500
_AFTERMATH_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class Case:
    """So many streams of so many chunks, one each *interval_ms*."""

    streams: int
    chunks: int
    interval_ms: int

    @property
    def model(self) -> str:
        """What the mock upstream makes of it."""
        return f"mock-{self.chunks}-{self.interval_ms}"


FULL_LOAD = Case(500, 150, 20)
PART_LOAD = Case(100, 100, 20)


def measure(case: Case, repetitions: int, *, has_aim: bool) -> list[Row]:
    """CPU and delay of one case, gateway and bare relay taking turns."""
    say(f"relay: {repetitions} x {case.streams} streams x {case.chunks} chunks each {case.interval_ms} ms, in turn with a bare relay")
    ours: list[tuple[float, Load]] = []
    bare: list[tuple[float, Load]] = []
    with mock_upstream() as upstream_port:
        base = f"http://127.0.0.1:{upstream_port}/v1"
        with site("openai", base, case.model) as where, start_gateway(where)[0] as gateway, start_bare("relay", base, case.model)[0] as relay:
            warm = [visitor.message(gateway.port, as_stream=True) for visitor in open_visitors(where, gateway.port, 5)]
            run_load(gateway.port, warm, connections=5)
            run_load(relay.port, bare_requests(relay.port, 5, as_stream=True), connections=5)
            for _ in range(repetitions):
                bare.append(_cost(relay, list(bare_requests(relay.port, case.streams, as_stream=True)), case))
                messages = [visitor.message(gateway.port, as_stream=True) for visitor in open_visitors(where, gateway.port, case.streams)]
                ours.append(_cost(gateway, messages, case))
                (cost, load), (bare_cost, bare_load) = ours[-1], bare[-1]
                say(f"  {cost:.1f} µs, bare {bare_cost:.1f} µs; {load.events / case.streams:.0f} and {bare_load.events / case.streams:.0f} events a stream")
            note = _check_rows(where, case, len(ours) * case.streams + len(warm))
    return _rows(case, ours, bare, note, has_aim=has_aim)


def _cost(server: Server, requests: list[bytes], case: Case) -> tuple[float, Load]:
    """CPU in µs per chunk of the upstream. Raises ``BenchFailed`` unless every character came, in order."""
    time.sleep(_AFTERMATH_SECONDS)
    before = server.cpu_seconds()
    load = run_load(server.port, requests, connections=len(requests), ramp_ms=_RAMP_MS)
    time.sleep(_AFTERMATH_SECONDS)
    chunks = case.streams * case.chunks
    if load.stamps != chunks or load.disorder:
        raise BenchFailed(f"{load.stamps} of {chunks} deltas arrived, {load.disorder} out of turn")
    return (server.cpu_seconds() - before) / chunks * 1e6, load


def _check_rows(where: Site, case: Case, streams: int) -> str:
    """Every answer is stored whole. Raises ``BenchFailed``."""
    answers, length = where.count("SELECT count(*), sum(length(text)) FROM messages WHERE role = 'assistant' AND state = 'complete'")
    expected = streams * case.chunks * _STAMP_LENGTH
    if (answers, length) != (streams, expected):
        raise BenchFailed(f"{streams} answers of {expected} characters were streamed, the database has {answers} of {length}")
    return f"all {expected:,} characters arrived in order and are stored in {answers} whole answers; the bare relay delivers as many and stores none"


def _rows(case: Case, ours: list[tuple[float, Load]], bare: list[tuple[float, Load]], note: str, *, has_aim: bool) -> list[Row]:
    """The figures of one case."""
    name = f"{case.streams} streams x {case.interval_ms} ms"
    our_costs, bare_costs = [cost for cost, _ in ours], [cost for cost, _ in bare]
    is_met = statistics.median(our_costs) <= AIM_RATIO * statistics.median(bare_costs)
    events = {"events_per_stream": [load.events / case.streams for _, load in ours], "bare_events_per_stream": [load.events / case.streams for _, load in bare]}
    return [
        Row(
            f"CPU per relayed chunk, {name}", "µs", our_costs, bare_costs, f"ratio <= {AIM_RATIO}" if has_aim else "", is_met if has_aim else None, note, events
        ),
        Row(f"delay of a chunk, p50, {name}", "ms", [load.stamp_ms[0] for _, load in ours], [load.stamp_ms[0] for _, load in bare]),
        Row(f"delay of a chunk, p99, {name}", "ms", [load.stamp_ms[1] for _, load in ours], [load.stamp_ms[1] for _, load in bare]),
    ]
