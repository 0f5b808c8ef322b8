"""Does the demo leave the user's own data alone?"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import PATIENCE, end, first_line, free_port, gateway_environment, run_cli


@contextmanager
def demo(folder: Path, *options: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A demo started in *folder* by somebody who has a gateway of their own."""
    own = gateway_environment(folder / "own", DATABASE_URL=f"sqlite:///{folder / 'own.db'}", **settings)
    command = [sys.executable, "-m", "chatkeep", "demo", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=own, cwd=folder)
    try:
        yield process
    finally:
        end(process)
        assert process.stderr is not None
        process.stderr.close()


def stop(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """The rest of what it said, on both outputs."""
    process.terminate()
    process.wait(PATIENCE)
    assert process.stdout is not None
    assert process.stderr is not None
    # Not communicate(): that forgets what was read ahead with the first line.
    return process.stdout.read(), process.stderr.read()


def test_the_demo_keeps_its_data_in_a_folder_of_its_own(tmp_path: Path) -> None:
    with demo(tmp_path, "--port", str(free_port())) as running:
        first_line(running)
        assert str(tmp_path / "chatkeep-demo") in stop(running)[0].decode()
    assert (tmp_path / "chatkeep-demo/chatkeep.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["chatkeep-demo"]


def test_a_folder_that_is_named_is_used(tmp_path: Path) -> None:
    with demo(tmp_path, "--port", str(free_port()), "--data-dir", "here") as running:
        first_line(running)
        stop(running)
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.parametrize("port", [None, "0"])
def test_production_has_no_demo(tmp_path: Path, port: str | None) -> None:
    options = [] if port is None else ["--port", port]
    done = run_cli(tmp_path / "own", "demo", *options, ENV="production")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("chatkeep: CHATKEEP_ENV says production")
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    port = str(free_port())
    with demo(tmp_path, "--port", port, "--json") as first:
        first_line(first)
        with demo(tmp_path, "--port", port, "--json", "--data-dir", "second") as second:
            first_line(second)
            assert stop(second)[1].decode().startswith(f"{port} is taken, using ")
        assert stop(first)[1] == b""
