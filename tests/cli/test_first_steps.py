"""What somebody meets on the first day: typing errors, taken ports, empty folders, a reader that leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatkeep.clock import SystemClock
from chatkeep.store import Store
from tests.cast import EVIL, alices_site, on_stage
from tests.cli.office import Shell, shell_in
from tests.servers import PATIENCE, gateway_environment, run_cli


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


@pytest.mark.parametrize("command", ["demo", "serve"])
@pytest.mark.parametrize("port", ["70000", "99999", "abc", "80.5", "\u0661", "1_0", "9" * 5000])
def test_a_port_that_is_none_is_wrong_usage(shell: Shell, command: str, port: str) -> None:
    said = shell.run(command, "--port", port)
    assert (said.code, said.out) == (2, "")
    assert "argument --port: must be a whole number from 0 to 65535" in said.err


GROUPS = ("", "widgets", "widgets keys", "events", "knowledge", "blocks", "users", "orgs", "agents", "providers", "keys", "conversations", "sessions")


@pytest.mark.parametrize("group", [tuple(group.split()) for group in GROUPS], ids=" ".join)
def test_a_group_without_a_command_prints_its_help(shell: Shell, group: tuple[str, ...]) -> None:
    said = shell.run(*group)
    assert (said.code, said.out) == (2, "")
    assert said.err == shell.run(*group, "--help").out


def test_a_tag_names_an_address_that_browsers_reach(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    widget_id = shell.ask("widgets", "create", "Help", "--domain", "shop.example")["widget_id"]
    noted = shell.run("widgets", "embed", widget_id)
    assert (noted.code, len(noted.out.splitlines())) == (0, 1)
    assert "set CHATKEEP_PUBLIC_URL if browsers reach the gateway elsewhere" in noted.err
    monkeypatch.setenv("CHATKEEP_ENV", "production")
    refused = shell.run("widgets", "embed", widget_id)
    assert (refused.code, refused.out) == (1, "")
    assert "CHATKEEP_PUBLIC_URL is not set" in refused.err
    monkeypatch.setenv("CHATKEEP_PUBLIC_URL", "https://chat.example")
    made = shell.run("widgets", "embed", widget_id)
    assert (made.code, "CHATKEEP_PUBLIC_URL" in made.err) == (0, False)
    assert "https://chat.example/" in made.out


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["lines", "json"])
def test_a_reader_that_left_is_no_traceback(tmp_path: Path, form: tuple[str, ...]) -> None:
    assert run_cli(tmp_path / "data", "migrate").returncode == 0
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "chatkeep", "events", "list", *form]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=gateway_environment(tmp_path / "data"), timeout=PATIENCE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_path_that_is_not_there_and_a_folder_without_documents_are_told_once(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "page.html").write_text("<p>Text.")
    for path, problem in ((tmp_path / "nope", "no such file or folder"), (folder, f"found no .md, .markdown or .txt file in {folder}")):
        said = shell.run("knowledge", "add", str(path))
        assert (said.code, said.err) == (1, "")
        assert said.out.splitlines() == ["0 added, 0 updated, 0 unchanged, 1 skipped", f"skipped {path}: {problem}"]


@pytest.mark.parametrize("domain", ["null", "=null", "https://null", "http://shop.example"])
def test_a_domain_that_no_page_can_have_is_refused(shell: Shell, domain: str) -> None:
    said = shell.run("widgets", "create", "Help", "--domain", domain)
    assert (said.code, said.out) == (1, "")
    assert "cannot be allowed" in said.err


def test_serve_says_when_there_is_more_to_mend(tmp_path: Path) -> None:
    settings = {"ENV": "production", "SECRET_KEY": "", "PUBLIC_URL": ""}
    done = run_cli(tmp_path / "data", "serve", "--port", "0", **settings)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.endswith(" (`chatkeep check` lists all findings)\n")


def test_a_number_that_is_none_is_refused_in_plain_words(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, words in (("PORT", "a whole number from 0 to 65535"), ("WORKERS", "a whole number, 1 or more")):
        monkeypatch.setenv(f"CHATKEEP_{variable}", "abc")
        assert f"CHATKEEP_{variable} must be {words}: " in shell.run("check").err
        monkeypatch.delenv(f"CHATKEEP_{variable}")


def test_people_see_the_details_of_events(shell: Shell) -> None:
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    try:
        widget = alices_site(store)
        with on_stage(store) as stage:
            stage.clock._now = SystemClock().now()
            stage.call("POST", "/api/sessions", headers={"origin": EVIL, "referer": f"{EVIL}/page"}, body={"widget_id": widget.widget_id})
            stage.victor(widget)
            stage.flush()
    finally:
        store.close()
    heads, *rows = shell.run("events", "list", "--wide").out.splitlines()
    assert heads.endswith("  DETAILS")
    details = {row.split()[2]: row[heads.index("DETAILS") :] for row in rows}
    assert details == {"domain_not_allowed": f"referer={EVIL}", "session_created": "-"}
