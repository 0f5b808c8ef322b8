"""``serve`` refuses an unsafe configuration: one line that names the variable, no value, exit 1, nothing made."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import SECRET, end, gateway_environment, run_cli

CANARY = "canary7f3a"
PRODUCTION = {"ENV": "production", "PUBLIC_URL": "https://chat.example", "PORT": "0"}

REFUSED = (
    ({"SECRET_KEY": ""}, "CHATKEEP_SECRET_KEY is not set"),
    ({"SECRET_KEY": f"{CANARY}"}, "CHATKEEP_SECRET_KEY is shorter than 32 bytes"),
    ({"SECRET_KEY": CANARY[0] * 64}, "CHATKEEP_SECRET_KEY is too regular"),
    ({"SECRET_KEY": f"change-me-{CANARY}-{SECRET}"}, "CHATKEEP_SECRET_KEY is a known default"),
    ({"WORKERS": "2"}, "CHATKEEP_WORKERS is more than 1"),
    ({"ALLOWED_ORIGINS": f"https://*.{CANARY}.example"}, "CHATKEEP_ALLOWED_ORIGINS holds a wildcard"),
    ({"ALLOWED_ORIGINS": f"http://{CANARY}.example"}, "CHATKEEP_ALLOWED_ORIGINS holds an http origin"),
    ({"REDIS_URL": f"redis://:{CANARY}@r.example"}, "CHATKEEP_REDIS_URL is set, and Redis is not supported yet"),
    ({"DATABASE_URL": f"mysql://u:{CANARY}@db.example/x"}, "CHATKEEP_DATABASE_URL is not usable"),
    ({"DATABASE_URL": f"postgresql://u:{CANARY}@db.example:port/x"}, "CHATKEEP_DATABASE_URL is not usable"),
    ({"DATABASE_URL": f"postgresql://u:{CANARY}@127.0.0.1:1/{CANARY}"}, "check CHATKEEP_DATABASE_URL"),
    ({"PUBLIC_URL": ""}, "CHATKEEP_PUBLIC_URL is not set"),
    ({"PUBLIC_URL": f"http://{CANARY}.example"}, "CHATKEEP_PUBLIC_URL is not https"),
    ({"TRUSTED_PROXIES": CANARY}, "CHATKEEP_TRUSTED_PROXIES has a part"),
    ({"PORT": CANARY}, "CHATKEEP_PORT"),
)


@pytest.mark.parametrize(("changes", "words"), REFUSED, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_serve_refuses_in_one_line(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    data = tmp_path / "data"
    arguments = [] if changes.get("PORT") else ["--port", "0"]
    done = run_cli(data, "serve", *arguments, **{**PRODUCTION, **changes})
    assert done.returncode == 1
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("chatkeep: ")
    assert words in lines[0]
    assert CANARY not in done.stderr
    assert SECRET not in done.stderr
    assert not data.exists()


def test_more_workers_on_the_command_line_are_refused_too(tmp_path: Path) -> None:
    done = run_cli(tmp_path / "data", "serve", "--workers", "2", **PRODUCTION)
    assert (done.returncode, "CHATKEEP_WORKERS" in done.stderr) == (1, True)


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    done = run_cli(tmp_path / "data", "serve", "--port", "0", SECRET_KEY_FILE=str(secret))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "CHATKEEP_SECRET_KEY and CHATKEEP_SECRET_KEY_FILE are both set" in done.stderr
    assert CANARY not in done.stderr


def first_lines(data: Path, *, until: str, **settings: str) -> list[str]:
    """What ``serve`` says to people, up to the line that begins with *until*."""
    command = [sys.executable, "-m", "chatkeep", "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=gateway_environment(data, **settings))
    lines: list[str] = []
    try:
        assert process.stdout is not None
        while not lines or (lines[-1] and not lines[-1].startswith(until)):
            lines.append(process.stdout.readline().decode().rstrip("\n"))
    finally:
        end(process)
    return lines


def test_the_first_lines_say_where_everything_is(tmp_path: Path) -> None:
    lines = first_lines(tmp_path / "data", until="Development")
    listens = re.match(r"Chatkeep listens on (http://127\.0\.0\.1:\d+) \(data in (.*)\)\. Stop with Ctrl-C\.$", lines[0])
    assert listens is not None
    assert listens[2] == str(tmp_path / "data")
    assert lines[1].startswith("Nobody can sign in yet. Make the first user, within a day: http://127.0.0.1")
    told = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines[2:])
    assert set(told) == {"Try it", "API reference", "Mail", "Development"}
    assert told["API reference"] == f"{listens[1]}/api/reference"
    assert told["Mail"] == f"goes to files in {tmp_path / 'data' / 'mail'}"
    assert "chatkeep demo" in told["Try it"]


def test_in_production_the_lines_name_the_public_address_and_what_is_missing(tmp_path: Path) -> None:
    lines = first_lines(tmp_path / "data", until="Mail", **{**PRODUCTION, "ENV": "production"})
    assert lines[1].startswith("Nobody can sign in yet. Make the first user, within a day: https://chat.example/account#setup=")
    assert "API reference  https://chat.example/api/reference" in lines
    assert lines[-1] == "Mail           is not sent: set CHATKEEP_SMTP_HOST and CHATKEEP_FROM_EMAIL for invitations and forgotten passwords"


@pytest.mark.parametrize("missing", ["PUBLIC_URL", "SECRET_KEY"])
def test_who_only_tries_it_on_this_machine_is_told_how(tmp_path: Path, missing: str) -> None:
    done = run_cli(tmp_path / "data", "serve", "--port", "0", **{**PRODUCTION, missing: ""})
    assert done.returncode == 1
    assert "to try it on this machine alone, set CHATKEEP_ENV=development" in done.stderr
