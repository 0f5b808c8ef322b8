"""``make bench``: measure the gateway, each figure beside a bare server of the same run.

    python -m bench [--quick] [--only guards|signing_in|admission|relay|start|memory|imports|browser ...]

Prints a table and writes bench/build/results.json. Exit code 1 only when a run failed or
something was lost on the way, never because of a figure: machines differ.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import admission, browsing, guards, idling, relaying, signing_in
from bench.processes import BenchFailed, core_count, raise_file_limit
from bench.programs import BUILD, compile_all
from bench.report import Row, print_table, say, write_file

_RESULTS = BUILD / "results.json"


def parts(*, is_quick: bool) -> dict[str, Callable[[], list[Row]]]:
    """What there is to measure, by name."""
    return {
        "start": lambda: idling.measure_start(3 if is_quick else 5),
        "memory": idling.measure_memory,
        "imports": idling.audit_imports,
        "guards": guards.measure,
        "signing_in": lambda: signing_in.measure(6 if is_quick else 20),
        "admission": lambda: admission.measure(admission.QUICK if is_quick else admission.FULL),
        "relay": lambda: [
            *relaying.measure(relaying.FULL_LOAD, 2 if is_quick else 5, has_aim=True),
            *([] if is_quick else relaying.measure(relaying.PART_LOAD, 5, has_aim=False)),
        ],
        "browser": lambda: browsing.measure(1 if is_quick else 5),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the gateway beside bare servers.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: about a minute")
    parser.add_argument("--only", nargs="+", choices=list(parts(is_quick=True)), help="only these parts")
    options = parser.parse_args(arguments)
    os.chdir(Path(__file__).parent.parent)
    began = time.perf_counter()
    rows: list[Row] = []
    try:
        compile_all()
        raise_file_limit()
        if core_count() == 1:
            say("there is one core only: server and load share it, so CPU figures hold but delays do not")
        for name, measure in parts(is_quick=options.quick).items():
            if not options.only or name in options.only:
                rows += measure()
    except BenchFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    from chatkeep import __version__  # noqa: PLC0415 - at the end: what measures must not share the gateway's pages

    seconds = time.perf_counter() - began
    print_table(rows)
    write_file(rows, _RESULTS, version=__version__, is_quick=options.quick, seconds=seconds)
    print(f"\nmedian (least-most) of all repetitions; {seconds:.0f} s; every figure in {_RESULTS.relative_to(Path.cwd())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
