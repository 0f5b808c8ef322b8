"""Real servers for tests: started on free ports with their own data folders, stopped by process id."""

import http.client
import json
import os
import pwd
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from chatkeep.store import schema

PATIENCE = 30.0
_LAUNCHER = Path(__file__).with_name("launch.py")
SECRET = "kZ3v-0Yc8uQm1xT5nB7rL2wE9sG4hJ6pA_dF1iO3"


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) if Path("/usr/lib/postgresql").is_dir() else []
    return found[-1].parent if found else None


@dataclass
class Postgres:
    """A server of our own; databases are copies of one migrated template."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    template_is_made: bool = False

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Postgres"]:
        """Start a server as ``postgres`` (it refuses root), stop it at the end."""
        folder = Path(tempfile.mkdtemp(prefix="chatkeep-pg-"))
        server = cls(free_port(), folder)
        try:
            server._make()
            server.launch()
            yield server
        finally:
            server.halt()
            shutil.rmtree(folder, ignore_errors=True)

    def launch(self) -> None:
        """Start it (again) and wait until it accepts connections."""
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, "max_connections": 200}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            command = [_programs() / "postgres", "-D", self.folder / "data", *arguments]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **_as_postgres())
        _wait_for_postgres(self.process, self.port, _programs())

    def halt(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT is "fast", SIGQUIT "immediate", without a word to anybody."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(how)
            process.wait(PATIENCE)

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Every process of it stands still: connections stay, answers do not come, new connections are not greeted."""
        assert self.process is not None
        pid = self.process.pid
        # The one that makes others first, so that the list is whole.
        os.kill(pid, signal.SIGSTOP)
        pids = [pid, *(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
        for each in pids:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in pids:
                os.kill(each, signal.SIGCONT)

    def _make(self) -> None:
        """The data folder."""
        user = _as_postgres()
        if user:
            os.chown(self.folder, user["user"], user["group"])
        command = [_programs() / "initdb", "-D", self.folder / "data", "-U", "chatkeep", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **user)

    def url(self, name: str) -> str:
        """The address of database *name*, as the setting takes it."""
        return f"postgresql://chatkeep@127.0.0.1:{self.port}/{name}"

    def new_database(self, name: str, *, is_migrated: bool = True) -> str:
        """An empty database with our schema (or without); returns its address."""
        if is_migrated and not self.template_is_made:
            self.run_sql("CREATE DATABASE template_chatkeep")
            schema.migrate(self.url("template_chatkeep"))
            self.template_is_made = True
        self.run_sql(f"CREATE DATABASE {name}" + (" TEMPLATE template_chatkeep" if is_migrated else ""))
        return self.url(name)

    def run_sql(self, statement: str) -> None:
        """One statement on the maintenance database."""
        with psycopg.connect(host="127.0.0.1", port=self.port, user="chatkeep", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)


def _programs() -> Path:
    """The folder of PostgreSQL's programs, which is there."""
    found = find_postgres()
    assert found is not None
    return found


def _as_postgres() -> dict[str, Any]:
    """How root starts a process as ``postgres``; for anybody else there is nothing to change."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _wait_for_postgres(process: subprocess.Popen[bytes], port: int, programs: Path) -> None:
    """Until it accepts connections; ``pg_isready`` itself waits up to a second for each answer."""
    while process.poll() is None:
        with suppress(psycopg.OperationalError), psycopg.connect(host="127.0.0.1", port=port, user="chatkeep", dbname="postgres", connect_timeout=1):
            return
        subprocess.run([programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "1"], check=False, capture_output=True)
    raise RuntimeError("PostgreSQL ended at once")


Tuned = Mapping[str, Mapping[str, Any]]


@dataclass
class Gateway:
    """A ``chatkeep serve`` of its own process. *url* is where it listens."""

    process: subprocess.Popen[bytes]
    url: str
    data_dir: Path
    environ: Mapping[str, str]
    log: Path
    setup_url: str | None = None

    @classmethod
    def start(cls, data_dir: Path, *, tuned: Tuned | None = None, within: float = PATIENCE, **settings: str) -> "Gateway":
        """Start one on a free port and wait until it says that it listens.

        *settings*: ``ENV="production"`` …; *tuned*: constants that ``tests/launch.py`` sets.
        """
        environ = gateway_environment(data_dir, **settings)
        log = data_dir.parent / f"{data_dir.name}.log"
        program = ["-m", "chatkeep"] if tuned is None else [str(_LAUNCHER), json.dumps(tuned)]
        with log.open("ab") as stderr:
            command = [sys.executable, *program, "serve", "--port", settings.get("PORT", "0"), "--json"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=environ)
        line = first_line(process, within)
        if not line:
            end(process)
            raise RuntimeError(f"the gateway did not start: {log.read_text()[-2000:]}")
        said = json.loads(line)
        return cls(process, said["url"], data_dir, environ, log, said.get("setup_url"))

    @classmethod
    @contextmanager
    def running(cls, data_dir: Path, *, tuned: Tuned | None = None, **settings: str) -> Iterator["Gateway"]:
        """As ``start``; whatever is left of it at the end is killed."""
        gateway = cls.start(data_dir, tuned=tuned, **settings)
        try:
            yield gateway
        finally:
            end(gateway.process)

    def get(self, path: str, timeout: float = PATIENCE) -> tuple[int, Any]:
        """Status and JSON of one GET without any header of a visitor."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self._gone()

    def stop(self) -> int:
        """SIGTERM, as an orchestrator would; returns the exit code."""
        self.process.terminate()
        return self._gone()

    def _gone(self) -> int:
        """Wait for the end."""
        code = self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def first_line(process: subprocess.Popen[bytes], within: float = PATIENCE) -> bytes:
    """The first line that *process* says; nothing when it ends, or is silent for *within* seconds."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        return process.stdout.readline() if selector.select(within) else b""


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill *process* if it still runs, and let go of its output."""
    if process.poll() is None:
        process.kill()
        process.wait(PATIENCE)
    if process.stdout is not None:
        process.stdout.close()


def gateway_environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """The environment of a gateway: nothing of ours leaks in; development unless *settings* say otherwise."""
    environ = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH", "TMPDIR"}}
    given = {"ENV": "development", "SECRET_KEY": SECRET, "DATA_DIR": str(data_dir), "LOG_FORMAT": "json", **settings}
    return {**environ, **{f"CHATKEEP_{name}": value for name, value in given.items()}}


def run_cli(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """One ``chatkeep`` command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "chatkeep", *arguments],
        capture_output=True,
        text=True,
        env=gateway_environment(data_dir, **settings),
        timeout=PATIENCE,
        check=False,
    )
