"""How is a server started, pinned to a core, measured and stopped? By its own process id only."""

import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.005
# The server measured has a core to itself; what makes the load has the other.
_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = _CORES[-1], _CORES[0]


class BenchFailed(Exception):  # noqa: N818 - reads as the state it reports
    """A run came to nothing; says why in one line."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB: PSS shares pages that several processes map among them, RSS counts them whole."""

    pss: float
    rss: float


def core_count() -> int:
    """How many cores this process may use."""
    return len(_CORES)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """*given* and nothing else that could set up a server."""
    return {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH", "TMPDIR"}} | dict(given)


def raise_file_limit() -> None:
    """Allow as many open files as we may; children inherit it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Processes started in here run on *core* alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server:
    """A process that listens on *port*; leave the ``with`` block to stop it."""

    def __init__(self, command: Sequence[str], port: int, *, log: Path, environ: Mapping[str, str] | None = None, core: int = SERVER_CORE) -> None:
        self.port = port
        self._log = log
        self._began = time.perf_counter()
        with log.open("ab") as stderr, on_core(core):
            self.process = subprocess.Popen(command, env=environment(environ or {}), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, whatever happened."""
        self.stop()

    def wait_until(self, path: str) -> float:
        """Seconds from the start to the first 200 of *path*; an empty one only waits for the port."""
        while time.perf_counter() - self._began < PATIENCE_SECONDS:
            if self.process.poll() is not None:
                raise BenchFailed(f"{self.process.args} ended at once: {self._log.read_text(errors='replace')[-1500:]}")
            if self._answers(path):
                return time.perf_counter() - self._began
            time.sleep(_POLL_SECONDS)
        raise BenchFailed(f"{self.process.args} did not answer in {PATIENCE_SECONDS:.0f} s")

    def ask(self, question: str) -> str:
        """One line in, one line out, for ``watched.py``."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        # Before its first answer the gateway has said where it listens.
        return next(line for line in self.process.stdout if line.startswith("{"))

    def cpu_seconds(self) -> float:
        """CPU time of all threads of the process tree so far."""
        nanoseconds = 0
        for pid in _tree(self.process.pid):
            for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with suppress(OSError):
                    nanoseconds += int(task.read_text().split()[0])
        return nanoseconds / 1e9

    def memory(self) -> Memory:
        """What the process tree holds now."""
        sums = {"Pss:": 0, "Rss:": 0}
        for pid in _tree(self.process.pid):
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    name, *rest = line.split()
                    if name in sums:
                        sums[name] += int(rest[0])
        return Memory(sums["Pss:"] / 1024, sums["Rss:"] / 1024)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it; for good if it does not go by itself."""
        self.process.send_signal(number)
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def _answers(self, path: str) -> bool:
        """Whether the port is open and *path* is 200."""
        try:
            if not path:
                socket.create_connection((HOST, self.port), 1).close()
                return True
            connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
            connection.request("GET", path)
            status = connection.getresponse().status
            connection.close()
        except (OSError, http.client.HTTPException):
            return False
        return status == 200


def run_python(*words: str, environ: Mapping[str, str]) -> str:
    """The output of a Python program in a process of its own. Raises ``BenchFailed``."""
    done = subprocess.run([sys.executable, *words], env=environment(environ), capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    if done.returncode:
        raise BenchFailed(f"{' '.join(words[:3])} failed: {done.stderr[-1500:]}")
    return done.stdout


def _tree(pid: int) -> list[int]:
    """*pid* and everything that descends from it."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in children.read_text().split()]
    return found
