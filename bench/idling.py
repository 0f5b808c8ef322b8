"""What does a gateway cost that has nothing to do? Start-up, memory, and what it has imported."""

import json
import statistics
import time

from bench.gateway import bare_requests, open_visitors, site, start_bare, start_gateway
from bench.processes import Memory, Server
from bench.programs import mock_upstream, run_load
from bench.report import Row, say

AIM_START_SECONDS = 1.0
AIM_KNOWLEDGE_MIB = 70.0
AIM_OPENAI_MIB = 90.0
_SETTLE_SECONDS = 1.5
_MODEL = "mock-20-20"
# Each costs 50 ms to a second of start-up or some MiB, for something that an idle gateway does not do.
_LAZY = ("aiohttp", "alembic", "markdown_it", "openai", "psycopg", "publicsuffixlist", "pydantic", "sqlalchemy.orm")


def measure_start(repetitions: int) -> list[Row]:
    """Seconds from the start of the process to the first 200 of ``/readyz``, database in order."""
    say(f"start: {repetitions} x")
    ours, bare = [], []
    with site("knowledge") as where:
        for _ in range(repetitions):
            for times, start in ((bare, lambda: start_bare("echo")), (ours, lambda: start_gateway(where))):
                server, seconds = start()
                server.stop()
                times.append(seconds)
    is_met = statistics.median(ours) < AIM_START_SECONDS
    return [Row("start to first 200", "s", ours, bare, f"< {AIM_START_SECONDS:.0f}", is_met, "bare: uvicorn, Starlette and msgspec")]


def measure_memory() -> list[Row]:
    """PSS after a first chat, and then at rest."""
    say("memory: knowledge, openai, bare relay")
    with site("knowledge") as where, start_gateway(where)[0] as gateway:
        run_load(gateway.port, [open_visitors(where, gateway.port, 1)[0].message(gateway.port, as_stream=False)], connections=1)
        knowledge = _at_rest(gateway)
    with mock_upstream() as upstream_port:
        base = f"http://127.0.0.1:{upstream_port}/v1"
        with site("openai", base, _MODEL) as where, start_gateway(where)[0] as gateway:
            run_load(gateway.port, [open_visitors(where, gateway.port, 1)[0].message(gateway.port, as_stream=True)], connections=1)
            openai = _at_rest(gateway)
        with start_bare("relay", base, _MODEL)[0] as relay:
            run_load(relay.port, bare_requests(relay.port, 1, as_stream=True), connections=1)
            bare = _at_rest(relay)
    return [
        _memory_row("memory at rest, knowledge", knowledge, bare, AIM_KNOWLEDGE_MIB),
        _memory_row("memory at rest, openai", openai, bare, AIM_OPENAI_MIB),
    ]


def audit_imports() -> list[Row]:
    """Which of the costly packages an idle gateway has loaded: when started, and after a first answer."""
    say("imports of an idle gateway")
    with site("knowledge") as where, start_gateway(where, program="bench.watched")[0] as gateway:
        started = set(json.loads(gateway.ask("modules"))["modules"])
        run_load(gateway.port, [open_visitors(where, gateway.port, 1)[0].message(gateway.port, as_stream=False)], connections=1)
        answered = set(json.loads(gateway.ask("modules"))["modules"])
    loaded = [name for name in _LAZY if name in started | answered]
    note = f"of {', '.join(_LAZY)}: {', '.join(loaded) or 'none'}; {len(started)} modules when started, {len(answered)} after a first answer from knowledge"
    return [Row("costly imports at rest", "", [len(loaded)], aim="0", is_met=not loaded, note=note, details={"loaded": loaded, "modules": sorted(started)})]


def _at_rest(server: Server) -> Memory:
    """Memory when what a request left behind has settled."""
    time.sleep(_SETTLE_SECONDS)
    return server.memory()


def _memory_row(name: str, ours: Memory, bare: Memory, aim: float) -> Row:
    """PSS in the table, RSS in the note."""
    note = f"RSS {ours.rss:.0f} MiB, of the bare relay {bare.rss:.0f} MiB"
    return Row(name, "MiB PSS", [ours.pss], [bare.pss], f"<= {aim:.0f}", ours.pss <= aim, note)
