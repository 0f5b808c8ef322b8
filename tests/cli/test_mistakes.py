"""What an operator does by mistake is stopped or said: a mistyped folder, half the internet, an agent that cannot answer."""

from pathlib import Path

import pytest

from chatkeep.clock import SystemClock
from chatkeep.ids import AgentId, OrgId
from chatkeep.manage.widgets import create_widget
from chatkeep.store import Store
from tests.cli.commands import COMMANDS
from tests.cli.office import Shell, shell_in
from tests.cli.test_odd_input import written
from tests.servers import SECRET

# Those that may begin an instance, and those that need no database.
BEGINNING = {("serve",), ("demo",), ("migrate",), ("orgs", "create"), ("users", "create")}
WITHOUT = {("check",), ("openapi",)}
ASKING = [words for words in COMMANDS if words not in BEGINNING | WITHOUT]


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_a_mistyped_folder_is_no_new_instance(shell: Shell, tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "text"
    file.write_text("text")
    needed = [action for action in COMMANDS[words]._actions if action.required and action.nargs != 0]
    values = [next(iter(action.choices)) if action.choices else "1" if action.type else str(file) for action in needed]
    typed = [word for action, value in zip(needed, values, strict=True) for word in written(action, value)]
    if words[-1] == "update":
        typed.append("--name=x")
    if words == ("widgets", "keys", "add"):
        typed += [f"--secret-file={file}"]
    if words == ("blocks", "add"):
        typed += ["--address=203.0.113.7"]
    if words[0] in {"conversations", "sessions"} and words[-1] == "list":
        typed = []
    said = shell.run(*words, *typed, "--data-dir", str(tmp_path / "dta"))
    assert (said.code, said.out) == (1, ""), said
    assert f"there is no database in {tmp_path / 'dta'}" in said.err
    assert "chatkeep orgs create NAME" in said.err
    assert not (tmp_path / "dta").exists()


def test_an_empty_file_is_no_database_and_stays_as_it_is(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "chatkeep.db").touch()
    assert "there is no database" in shell.run("widgets", "list", "--data-dir", str(folder)).err
    assert (folder / "chatkeep.db").stat().st_size == 0


@pytest.mark.parametrize("words", [("orgs", "create", "Shop"), ("users", "create", "alice@shop.example", "--role", "owner", "--password-file")], ids=" ".join)
def test_who_begins_an_instance_is_told_that_it_is_new(shell: Shell, tmp_path: Path, words: tuple[str, ...]) -> None:
    password = tmp_path / "password"
    password.write_text("plum-Zebra9-kettle")
    typed = (*words, str(password)) if words[0] == "users" else words
    said = shell.run(*typed, "--data-dir", str(tmp_path / "new"))
    assert (said.code, said.err) == (0, f"note: made a new database in {tmp_path / 'new'}\n")
    assert shell.run("widgets", "list", "--data-dir", str(tmp_path / "new")).code == 0


@pytest.mark.parametrize("network", ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2000::/3", "2001::/15", "::ffff:0.0.0.0/96", "::ffff:10.0.0.0/103"])
def test_a_network_that_is_half_the_internet_must_be_meant(shell: Shell, network: str) -> None:
    for command in (("blocks", "add", "--reason", "flood", "--network", network), ("blocks", "exempt", network)):
        said = shell.run(*command)
        assert (said.code, said.out) == (1, "")
        assert "a large part of the internet" in said.err
        assert "--yes" in said.err
        assert shell.run(*command, "--yes").code == 0


@pytest.mark.parametrize("network", ["10.0.0.0/8", "2001::/16", "::ffff:10.0.0.0/104"])
def test_a_network_of_a_carrier_may_be_blocked(shell: Shell, network: str) -> None:
    assert shell.ask("blocks", "add", "--reason", "flood", "--network", network)["kind"] == "network"


def test_a_block_says_what_its_visitor_reads_and_how_to_end_it(shell: Shell) -> None:
    forever = shell.run("blocks", "add", "--address", "203.0.113.7", "--reason", "flood").out
    assert 'What they read: "You cannot write in this chat."' in forever
    assert "until it is lifted" in forever
    assert "To end it: chatkeep blocks lift block_" in forever
    timed = shell.run("blocks", "add", "--address", "203.0.113.8", "--reason", "flood", "--minutes", "5").out
    assert 'What they read: "Sending is paused for a while." and the time that is left.' in timed
    listed = shell.run("blocks", "list").out
    assert "203.0.113.7" in listed
    assert "by hand" in listed
    assert "flood" in listed


def test_a_block_of_a_visitor_whom_nobody_has_seen_is_noted(shell: Shell) -> None:
    said = shell.run("blocks", "add", "--visitor", f"vis_{'a' * 26}", "--reason", "flood")
    assert said.code == 0
    assert "no visitor of this id was ever here" in said.err
    assert "chatkeep sessions list" in said.err


def test_an_agent_that_cannot_answer_here_is_noted_with_the_way_out(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    said = shell.run("agents", "create", "Shop", "--provider", "openai")
    assert said.code == 0
    assert "note: the agent 'Shop' asks openai, and the instance has no such server: set CHATKEEP_OPENAI_API_KEY" in said.err
    assert "asks openai" in shell.run("widgets", "create", "Help", "--domain", "shop.example", "--agent", "Shop").err
    monkeypatch.setenv("CHATKEEP_OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("CHATKEEP_OPENAI_MODEL", "m")
    assert shell.run("agents", "show", "Shop").err == ""
    assert "chatkeep knowledge add help/" in shell.run("agents", "update", "Shop", "--provider", "knowledge").err
    assert "which is for tests" in shell.run("agents", "update", "Shop", "--provider", "fake").err


def test_documents_are_read_by_the_agent_that_is_named(shell: Shell, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\nText.")
    agent = shell.ask("agents", "create", "Shop", "--provider", "knowledge")["agent_id"]
    assert f"--agent {agent}" in shell.run("agents", "show", "Shop").err
    shell.ask("knowledge", "add", str(page), "--agent", "Shop")
    assert shell.ask("knowledge", "list") == []
    assert [one["path"] for one in shell.ask("knowledge", "list", "--agent", agent)] == ["page.md"]
    assert shell.run("agents", "show", "Shop").err == ""
    assert shell.ask("knowledge", "remove", "page.md", "--agent", "Shop") == {"path": "page.md", "removed": True}
    assert shell.run("knowledge", "remove", "page.md", "--agent", "Shop").code == 1


def test_a_widget_that_no_page_may_embed_is_noted(shell: Shell) -> None:
    first = shell.ask("widgets", "create", "Help", "--domain", "shop.example")
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    try:
        org = OrgId(shell.ask("orgs", "list")[0]["organization_id"])
        made = create_widget(store, SystemClock(), org, AgentId(first["agent_id"]), name="Nowhere", domains=(), development=True)
    finally:
        store.close()
    for command in (("widgets", "show"), ("widgets", "embed"), ("widgets", "clone")):
        assert "no page may embed" in shell.run(*command, made.widget_id).err
    assert "(none)" in shell.run("widgets", "list").out
    assert f"chatkeep widgets resume {made.widget_id}" not in shell.run("widgets", "pause", made.widget_id).err
    assert f"chatkeep widgets resume {made.widget_id}" in shell.run("widgets", "embed", made.widget_id).err


@pytest.mark.parametrize(
    "words", [("widgets", "update", "WIDGET"), ("agents", "update", "default"), ("providers", "update", "prov_x"), ("keys", "update", "key_x")]
)
def test_a_change_that_changes_nothing_is_asked_what_is_meant(shell: Shell, words: tuple[str, ...]) -> None:
    widget = shell.ask("widgets", "create", "Help", "--domain", "shop.example")["widget_id"]
    said = shell.run(*(word.replace("WIDGET", widget) for word in words))
    assert (said.code, said.out) == (1, "")
    assert "say what to change: --name" in said.err


def test_a_role_is_not_changed_to_one_that_nobody_named(shell: Shell) -> None:
    assert shell.run("users", "role", "bob@shop.example").code == 2


def test_an_organization_without_an_owner_is_noted(shell: Shell, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("plum-Zebra9-kettle")
    said = shell.run("users", "create", "bob@shop.example", "--password-file", str(password))
    assert "note: default has no owner yet" in said.err
    assert "chatkeep users role bob@shop.example --role owner" in said.err
    assert shell.run("users", "role", "bob@shop.example", "--role", "owner").code == 0
    assert shell.run("users", "create", "carol@shop.example", "--password-file", str(password)).err == ""


def test_a_rotation_says_what_was_sealed_what_still_holds_and_what_comes_next(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No secret is stored yet" in shell.run("keys", "rotate").out
    key = tmp_path / "key"
    key.write_text("sk-canary-0123456789abcdef")
    shell.ask("providers", "add", "Ours", "--url", "http://127.0.0.1:9/v1", "--model", "m", "--key-file", str(key))
    said = shell.run("keys", "rotate").out
    assert "1 stored secrets" in said
    assert "Not changed: API keys, passwords, logins, sessions" in said
    assert "`chatkeep keys rotate` again, 60 minutes or more from now" in said
    old = tmp_path / "old"
    old.write_text(SECRET)
    monkeypatch.setenv("CHATKEEP_SECRET_KEY", SECRET[::-1])
    assert "delete the file with the old one" in shell.run("keys", "rotate", "--old-secret-file", str(old)).out
