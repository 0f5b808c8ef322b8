"""One door per danger: each rule of the architecture that a syntax tree can show."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from chatkeep.audit import event_for
from chatkeep.errors import Reason
from tests.architecture.sources import ROOT, SOURCE, calls_of, comments_of, dotted, imports_of, name_of, python_files, tree_of

OURS = python_files("src")
MIGRATIONS = SOURCE / "store" / "migrations"

# Who may import what outside the one door, and why.
CRYPTOGRAPHY = {"hashlib", "hmac", "secrets", "cryptography", "joserfc", "random", "ssl", "uuid", "jwt", "Crypto", "nacl"}
SOCKETS = {"socket", "aiohttp", "urllib.request", "http.client", "requests", "httpx", "smtplib", "ftplib", "telnetlib", "websockets", "aiosmtplib"}
LISTENING = {
    "src/chatkeep/cli/serving.py": "makes the listening socket",
    "src/chatkeep/web/protocol.py": "reads options of accepted connections",
}


def importers(names: set[str]) -> dict[str, list[str]]:
    """Which files import any of *names*."""
    found: dict[str, list[str]] = {}
    for path in OURS:
        for _, name in imports_of(path):
            if any(name == banned or name.startswith(f"{banned}.") for banned in names):
                found.setdefault(name_of(path), []).append(name)
    return found


def test_the_arrows_point_down() -> None:
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_only_crypto_touches_cryptography_and_randomness() -> None:
    outside = {file: names for file, names in importers(CRYPTOGRAPHY).items() if not file.startswith("src/chatkeep/crypto/")}
    assert outside == {}
    assert "random" not in {name for names in importers(CRYPTOGRAPHY).values() for name in names}


def test_only_egress_reaches_out() -> None:
    outside = {file: names for file, names in importers(SOCKETS).items() if file not in LISTENING}
    # A mail server is no target of visitors or tenants: its client is exempt, and has a file of its own.
    assert set(outside) <= {"src/chatkeep/egress.py", "src/chatkeep/mail.py"}, outside
    # A stale exemption is an open door.
    assert set(LISTENING) <= set(importers(SOCKETS))


def test_a_listening_socket_is_never_connected() -> None:
    connecting = {"connect", "connect_ex", "create_connection", "open_connection", "open_unix_connection", "create_datagram_endpoint"}
    found = [(name_of(path), name) for path in OURS for _, name in calls_of(path) if name.rpartition(".")[2] in connecting]
    # SQLAlchemy's engines connect to the database: exempt in the architecture.
    assert [each for each in found if not each[0].startswith(("src/chatkeep/store/", "src/chatkeep/egress.py"))] == []


def test_the_environment_is_read_in_one_place() -> None:
    reading = {"environ", "getenv", "environb", "putenv", "unsetenv"}
    found = set()
    for path in OURS:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and node.attr in reading and dotted(node).startswith("os."):
                found.add(name_of(path))
        found |= {name_of(path) for _, name in imports_of(path) if name in {f"os.{each}" for each in reading}}
    assert found == {"src/chatkeep/wiring.py"}


def test_an_admitted_is_made_in_one_place() -> None:
    made = [name_of(path) for path in OURS for _, name in calls_of(path) if name.rpartition(".")[2] == "Admitted"]
    assert made == ["src/chatkeep/admit/__init__.py"]
    copied = [
        name_of(path)
        for path in OURS
        for call, name in calls_of(path)
        if name in {"replace", "dataclasses.replace", "copy.copy", "copy.replace"} and call.args and dotted(call.args[0]) == "admitted"
    ]
    assert copied == []


RECORDERS = {
    "src/chatkeep/admit/record.py": "every refusal of an arrival",
    "src/chatkeep/web/wire.py": "what is refused before there is an arrival",
    "src/chatkeep/answer/__init__.py": "an admitted message that cannot be stored is no refusal",
}


def test_refusals_are_recorded_in_one_place() -> None:
    recorders = {name_of(path) for path in OURS for _, name in calls_of(path) if name == "event_for"}
    assert recorders == set(RECORDERS)


NO_REFUSALS = {
    ("src/chatkeep/admit/_key_sets.py", "IdentityRejected"): "a host's server that failed; whoever was refused for it is recorded as all are",
    ("src/chatkeep/answer/turn.py", "ChatError"): "an answer that failed: its message was admitted",
}


def test_nothing_is_recorded_as_a_refusal_anywhere_else() -> None:
    refusals = {type(event_for(reason)).__name__ for reason in Reason}
    made = {
        (name_of(path), name.rpartition(".")[2])
        for path in OURS
        for call, name in calls_of(path)
        if name.rpartition(".")[2] in refusals and not lets_through(call)
    }
    assert {each for each in made if not each[0].startswith("src/chatkeep/audit/")} == set(NO_REFUSALS)


def lets_through(call: ast.Call) -> bool:
    """Whether an event says that it is of a layer in shadow mode: nobody was refused."""
    return any(keyword.arg == "would_refuse" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True for keyword in call.keywords)


def test_only_the_store_begins_and_commits() -> None:
    # Of engines and connections these take nothing: what is given something begins a session or an answer.
    found = [
        (name_of(path), name)
        for path in OURS
        for call, name in calls_of(path)
        if name.rpartition(".")[2] in {"commit", "begin", "rollback", "begin_nested"} and not (call.args or call.keywords)
    ]
    assert [each for each in found if not each[0].startswith("src/chatkeep/store/")] == []
    # The rule finds the store's.
    assert any(name.endswith(".begin") for _, name in found)


def test_no_sql_is_made_from_strings() -> None:
    takes_sql = {"text", "exec_driver_sql", "literal_column", "execute", "executemany", "DDL", "op.execute", "_execute"}
    found = []
    for path in OURS:
        for call, name in calls_of(path):
            if name.rpartition(".")[2] in takes_sql and call.args and is_built(call.args[0]):
                found.append(f"{name_of(path)}:{call.lineno}")
    pragmas = [each for each in found if each.startswith("src/chatkeep/store/engine.py")]
    # PRAGMA takes no parameters; its values are constants of that file.
    assert len(pragmas) == 1
    assert [each for each in found if each not in pragmas] == []


def is_built(node: ast.expr) -> bool:
    """Whether a string is put together here: f-string with parts, concatenation, ``%``, ``format``, ``join``."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return any(isinstance(side, ast.JoinedStr | ast.Constant | ast.BinOp) for side in (node.left, node.right))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"format", "join", "replace"}


STATUS_FILES = {
    "src/chatkeep/web/problems.py": "the table of statuses",
    "src/chatkeep/web/edge.py": "204 and 304 have no body; a preflight's 204 and 403; a stream's 200",
    "src/chatkeep/web/routes.py": "200 is what a route answers unless it says otherwise",
    "src/chatkeep/web/openapi.py": "204 has no content",
    "src/chatkeep/web/health.py": "503 for a probe",
    "src/chatkeep/accept/conversations.py": "good statuses of routes",
    "src/chatkeep/accept/reports.py": "good statuses of routes",
    "src/chatkeep/accept/sessions.py": "good statuses of routes",
    "src/chatkeep/accept/streams.py": "good statuses of routes",
    "src/chatkeep/accept/widget_config.py": "304 for a known tag",
    "src/chatkeep/accept/widget_files.py": "304 for a known tag",
    "src/chatkeep/rest/contract.py": "good statuses of routes",
    "src/chatkeep/admit/_key_sets.py": "200 is the one status of a host's server that brings keys",
}


def test_an_errors_status_is_chosen_in_one_place() -> None:
    outside = set()
    for path in python_files(
        "src/chatkeep/admit", "src/chatkeep/answer", "src/chatkeep/accept", "src/chatkeep/rest", "src/chatkeep/web", "src/chatkeep/manage", "src/chatkeep/audit"
    ):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.keyword) and node.arg in {"status", "status_code"} and is_an_errors_status(node.value):
                outside.add(name_of(path))
    assert outside <= {"src/chatkeep/web/problems.py"}


def is_an_errors_status(node: ast.expr) -> bool:
    """Whether a number from 400 is written here."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value >= 400


def test_statuses_are_numbers_in_known_files_only() -> None:
    known = {200, 201, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 414, 415, 421, 422, 429, 431, 500, 502, 503, 504, 507}
    found: dict[str, set[int]] = {}
    for path in python_files("src/chatkeep/admit", "src/chatkeep/answer", "src/chatkeep/accept", "src/chatkeep/rest", "src/chatkeep/web", "src/chatkeep/audit"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and type(node.value) is int and node.value in known and not is_a_size(path, node.lineno):
                found.setdefault(name_of(path), set()).add(node.value)
    # A stale exemption is an open door.
    assert set(found) == set(STATUS_FILES)
    # Handlers and guards know no status of an error, not even to compare with.
    assert {name: statuses for name, statuses in found.items() if not name.startswith("src/chatkeep/web/") and max(statuses) >= 400} == {}


def is_a_size(path: Path, line: int) -> bool:
    """Whether the number on *line* is a limit or length by what it is given to."""
    text = path.read_text(encoding="utf-8").splitlines()[line - 1]
    return any(
        word in text for word in ("Annotated", "Meta(", "printable", "_PAGE", "_LARGEST", "_LONGEST", "_DOMAIN", "status_of", "_LENGTH", "_PER_MINUTE", "MAX")
    )


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_everything_is_caught_only_at_an_outermost_edge_with_its_reason(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = dotted(node.type) if node.type is not None else ""
        if caught in {"", "Exception", "BaseException"}:
            comments = comments_of(path)
            near = [comments[line] for line in range(node.lineno - 1, node.body[0].lineno + 1) if line in comments]
            is_reraised = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
            assert is_reraised or any("outermost edge" in comment for comment in near), f"{name_of(path)}:{node.lineno} {lines[node.lineno - 1].strip()}"
