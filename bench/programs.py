"""The two C programs: compiled at first use, run on the load's core.

In C, so that what makes the load costs a fraction of what it measures.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import LOAD_CORE, BenchFailed, Server, free_port, on_core

_HERE = Path(__file__).parent
BUILD = _HERE / "build"


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one run of ``stream_load``. Times are medians and 99th percentiles in ms."""

    answered: int
    ok: int
    other: int
    lost: int
    events: int
    stamps: int
    disorder: int
    body_bytes: int
    seconds: float
    answer_ms: tuple[float, float]
    stamp_ms: tuple[float, float]


def compile_all() -> None:
    """Make what is missing or old. Raises ``BenchFailed`` when there is no compiler."""
    BUILD.mkdir(exist_ok=True)
    for source in sorted(_HERE.glob("*.c")):
        made = _program(source.stem)
        if made.exists() and made.stat().st_mtime >= source.stat().st_mtime:
            continue
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise BenchFailed("there is no C compiler (cc, gcc or clang): on Debian `apt install gcc libc6-dev`")
        done = subprocess.run([compiler, "-O2", "-o", made, source], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchFailed(f"{source.name} does not compile: {done.stderr[-1500:]}")


@contextmanager
def mock_upstream() -> Iterator[int]:
    """A provider that streams; yields its port."""
    port = free_port()
    with Server([str(_program("mock_upstream")), str(port)], port, log=BUILD / "upstream.log", core=LOAD_CORE) as server:
        server.wait_until("")
        yield port


def run_load(port: int, requests: Sequence[bytes], *, connections: int, ramp_ms: int = 0, limit_seconds: int = 60) -> Load:
    """Send *requests* to *port* and read every answer. Raises ``BenchFailed`` unless all are whole and 200."""
    given = b"".join(b"%d\n%b" % (len(request), request) for request in requests)
    command = [_program("stream_load"), str(port), str(connections), str(ramp_ms), str(limit_seconds)]
    with on_core(LOAD_CORE):
        done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode:
        raise BenchFailed(f"stream_load ended with {done.returncode}")
    load = Load(**json.loads(done.stdout))
    if load.ok != len(requests) or load.answered != len(requests) or load.lost:
        raise BenchFailed(f"{load.ok} of {len(requests)} answers were 200, {load.lost} connections were lost: {done.stderr[:600].decode(errors='replace')}")
    return load


def _program(name: str) -> Path:
    """Where the compiled program is."""
    return BUILD / name
