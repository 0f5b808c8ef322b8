"""Real servers for tests: started on free ports with their own data folders, stopped by process id."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from chatkeep.store import schema

PATIENCE = 30.0
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
    """A running server; databases are copies of one migrated template."""

    port: int
    template_is_made: bool = False

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Postgres"]:
        """Start a server as ``postgres`` (it refuses root), stop it at the end."""
        programs = find_postgres()
        assert programs is not None
        folder = Path(tempfile.mkdtemp(prefix="chatkeep-pg-"))
        user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        port = free_port()
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "chatkeep", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            check=True,
            capture_output=True,
            cwd=folder,
            **as_user,
        )
        options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "max_connections": 200}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([programs / "postgres", "-D", folder / "data", *arguments], stdout=log, stderr=log, cwd=folder, **as_user)
        try:
            subprocess.run([programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "1"], check=False, capture_output=True)
            _wait_for_postgres(process, port, programs)
            yield cls(port)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
            shutil.rmtree(folder, ignore_errors=True)

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


def _wait_for_postgres(process: subprocess.Popen[bytes], port: int, programs: Path) -> None:
    """Until it accepts connections; ``pg_isready`` itself waits up to a second for each answer."""
    while process.poll() is None:
        with suppress(psycopg.OperationalError), psycopg.connect(host="127.0.0.1", port=port, user="chatkeep", dbname="postgres", connect_timeout=1):
            return
        subprocess.run([programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "1"], check=False, capture_output=True)
    raise RuntimeError("PostgreSQL ended at once")


@dataclass
class Gateway:
    """A ``chatkeep serve`` of its own process. *url* is where it listens."""

    process: subprocess.Popen[bytes]
    url: str
    data_dir: Path
    environ: Mapping[str, str]
    log: Path

    @classmethod
    def start(cls, data_dir: Path, **settings: str) -> "Gateway":
        """Start one on a free port and wait until it says that it listens. *settings*: ``ENV="production"`` …"""
        environ = gateway_environment(data_dir, **settings)
        log = data_dir.parent / f"{data_dir.name}.log"
        with log.open("ab") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "chatkeep", "serve", "--port", settings.get("PORT", "0"), "--json"],
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environ,
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the gateway did not start: {log.read_text()[-2000:]}")
        return cls(process, json.loads(line)["url"], data_dir, environ, log)

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
