"""House style that a machine can judge: names, sizes, reasons, and nothing of one machine in the files."""

import ast
import json
import re
from pathlib import Path

import pytest

from chatkeep import __version__
from tests.architecture.sources import ROOT, comments_of, name_of, python_files, tracked_files, tree_of

OURS = python_files("src", "tests", "bench", "docs")
BANNED_NAMES = {"utils", "helpers", "common", "base", "misc", "manager", "service", "handler"}
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
# Tables and catalogues may be longer.
LONG_FILES = {
    "tests/providers/upstream_scripts.py": "a catalogue of what upstream servers do",
    "src/chatkeep/store/tables.py": "the catalogue of tables",
    "src/chatkeep/audit/catalogue.py": "the catalogue of events",
}
LONG_FUNCTIONS = {
    "src/chatkeep/store/migrations/versions/0001_first_tables.py": "generated list of tables",
    "src/chatkeep/store/migrations/versions/0002_sessions_that_cannot_be_stolen.py": "generated list of tables",
    "src/chatkeep/store/migrations/versions/0004_people_and_keys.py": "generated list of tables",
}


def test_no_module_has_a_name_that_says_nothing() -> None:
    found = [name_of(path) for path in OURS if BANNED_NAMES & {part.removesuffix(".py").strip("_") for part in path.relative_to(ROOT).parts}]
    assert found == []


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_files_and_functions_stay_short(path: Path) -> None:
    length = len(path.read_text(encoding="utf-8").splitlines())
    assert length <= LONGEST_FILE or name_of(path) in LONG_FILES, f"{length} lines"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION or name_of(path) in LONG_FUNCTIONS, f"{node.name}: {lines} lines"


def test_exemptions_are_still_needed() -> None:
    for name in LONG_FILES:
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) > LONGEST_FILE
    for name in LONG_FUNCTIONS:
        lengths = [(node.end_lineno or 0) - node.lineno + 1 for node in ast.walk(tree_of(ROOT / name)) if isinstance(node, ast.FunctionDef)]
        assert max(lengths) > LONGEST_FUNCTION, name


NOQA = re.compile(r"#\s*noqa(?::\s*(?P<codes>[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)(?P<reason>.*))?$")
IGNORE = re.compile(r"#\s*type:\s*ignore(?:\[(?P<codes>[a-z, -]+)\](?P<reason>.*))?$")


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_every_silenced_rule_is_named_with_a_reason(path: Path) -> None:
    comments = comments_of(path)
    for line, comment in comments.items():
        for form, mark in ((NOQA, "noqa"), (IGNORE, "type: ignore")):
            if not re.match(rf"#\s*{mark}", comment):
                continue
            found = form.search(comment)
            assert found is not None, f"{name_of(path)}:{line} {comment}"
            assert found["codes"], f"{name_of(path)}:{line} names no code"
            reason = (found["reason"] or "").strip(" -#")
            assert reason or line - 1 in comments, f"{name_of(path)}:{line} gives no reason"


@pytest.mark.parametrize("path", python_files("tests"), ids=name_of)
def test_every_skip_gives_a_reason(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}:
            assert node.args[:1] or any(keyword.arg == "reason" for keyword in node.keywords), f"{name_of(path)}:{node.lineno}"


@pytest.mark.parametrize("path", python_files("src"), ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize("path", [path for path in python_files("tests") if path.name.startswith("test_")], ids=name_of)
def test_the_names_of_tests_are_sentences(path: Path) -> None:
    names = [node.name for node in tree_of(path).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")]
    assert [name for name in names if name.count("_") < 3] == []


@pytest.mark.parametrize("path", python_files("tests"), ids=name_of)
def test_no_test_sleeps_or_replaces_our_code(path: Path) -> None:
    calls = [ast.unparse(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    assert not {"time.sleep", "sleep"} & set(calls)
    imported = {alias.name for node in ast.walk(tree_of(path)) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    modules = {node.module for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom)}
    assert not ({"mock", "unittest.mock"} & (imported | modules))


def test_there_is_one_version() -> None:
    package = json.loads((ROOT / "widget" / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "widget" / "package-lock.json").read_text(encoding="utf-8"))
    assert {package["version"], lock["version"], lock["packages"][""]["version"]} == {__version__}
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


# Written in halves, so that this file does not find itself.
REGISTRIES = (
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "py" + "pi.org",
    "registry.yarn" + "pkg.com",
    "--index" + "-url",
    "--extra-index" + "-url",
)
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:home|Users|root|work|mnt)/[\w.-]+")
BINARY = {".png", ".woff2", ".ico", ".gz", ".jpg"}


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine() -> None:
    wrong = []
    for path in tracked_files():
        if path.suffix in BINARY or name_of(path) == name_of(Path(__file__).resolve()):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        wrong += [f"{name_of(path)}: {registry}" for registry in REGISTRIES if registry in text]
        wrong += [f"{name_of(path)}: {found}" for found in MACHINE_PATHS.findall(text)]
    assert wrong == []


def test_locks_carry_hashes_and_no_addresses() -> None:
    for path in sorted((ROOT / "requirements").glob("*.lock")):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path.name
        pinned = re.findall(r"^([a-z0-9][\w.-]*)(?:\[[\w,-]+\])?==", text, re.MULTILINE)
        assert pinned
        for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE):
            assert not re.match(r"[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==", block) or "--hash=sha256:" in block
    for folder in ("widget", "tests/openapi_lint", "tests/node", "tests/node/docusaurus", "bench/lighthouse"):
        lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))
        packages = {name: entry for name, entry in lock["packages"].items() if name}
        assert not [name for name, entry in packages.items() if "resolved" in entry]
        assert not [name for name, entry in packages.items() if "integrity" not in entry and not entry.get("link")]
