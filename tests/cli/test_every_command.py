"""What holds for every command: help with an example that works, the same options, one shape of answers, lines that fit."""

import json
import re
import shlex
from pathlib import Path

import pytest

from chatkeep.cli.main import parser
from chatkeep.cli.said import WIDTH, Table
from docs.generate import groups_of
from tests.cli.commands import COMMANDS
from tests.cli.office import Shell, shell_in
from tests.servers import run_cli

IDS = {word: f"{word}_{'a' * 26}" for word in ("widget", "agent", "prov", "key", "conv", "sess", "block")}


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


def example_of(words: tuple[str, ...]) -> str:
    """The command that the help of a command gives as its example."""
    found = re.match(r"Example: (chatkeep .*?)(\. [A-Z].*)?$", COMMANDS[words].epilog or "")
    assert found is not None, f"{' '.join(words)} has no example"
    return found[1]


@pytest.mark.parametrize("words", list(COMMANDS), ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself_that_parses(shell: Shell, words: tuple[str, ...]) -> None:
    helped = shell.run(*words, "--help")
    assert (helped.code, helped.err) == (0, "")
    assert all(len(line) <= WIDTH for line in helped.out.splitlines())
    example = shlex.split(example_of(words))[1:]
    assert tuple(example[: len(words)]) == words
    assert parser().parse_args(example).run == parser().parse_args(example).run


@pytest.mark.parametrize("words", list(COMMANDS), ids=" ".join)
def test_every_option_says_what_it_is_for(words: tuple[str, ...]) -> None:
    silent = [action.option_strings[-1] for action in COMMANDS[words]._actions if action.option_strings and not (action.help or action.choices)]
    assert silent == []
    assert {"--json", "--wide", "--data-dir"} <= set(COMMANDS[words]._option_string_actions)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words not in {("serve",), ("demo",)}], ids=" ".join)
def test_every_command_answers_machines_with_one_value(shell: Shell, words: tuple[str, ...]) -> None:
    typed = shlex.split(example_of(words))[1:]
    said = shell.run(*(re.sub(r"^([a-z]+)_…$", lambda found: IDS[found[1]], word) for word in typed), "--json")
    value = json.loads(said.out)
    assert len(said.out.splitlines()) == 1
    if said.code == 0:
        assert isinstance(value, dict) or all(isinstance(one, dict) for one in value)
    elif words != ("knowledge", "add"):
        assert (value["success"], set(value)) == (False, {"success", "error", "message"})


@pytest.mark.parametrize(
    ("words", "code"), [(("widgets", "list"), 0), (("widgets", "show", "widget_x"), 1), (("widgets", "show"), 2), (("wigdets", "list"), 2)], ids=str
)
def test_machines_may_ask_before_the_command_or_behind_it_and_hear_of_wrong_usage_too(shell: Shell, words: tuple[str, ...], code: int) -> None:
    before, behind = shell.run("--json", *words), shell.run(*words, "--json")
    assert (before.code, behind.code) == (code, code)
    assert before.json == behind.json


def test_a_folder_that_is_named_before_the_command_is_the_one_that_is_used(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("--data-dir", str(tmp_path / "other"), "orgs", "create", "Elsewhere").code == 0
    assert (tmp_path / "other" / "chatkeep.db").exists()
    assert shell.ask("--data-dir", str(tmp_path / "other"), "orgs", "list")[0]["name"] == "Elsewhere"


def test_a_typing_error_is_told_what_was_perhaps_meant(shell: Shell) -> None:
    assert "did you mean `chatkeep widgets`?" in shell.run("wigdets").err
    assert "did you mean `chatkeep users invite`?" in shell.run("users", "invit", "x").err
    assert "`chatkeep --help` lists all" in shell.run("zzz").err


def test_the_first_help_has_the_first_steps_in_order_and_each_exists(shell: Shell) -> None:
    out = shell.run("--help").out
    steps = re.findall(r"^  chatkeep (.*?)(?:   .*)?$", out, re.MULTILINE)
    assert [step.split()[0] for step in steps] == ["demo", "orgs", "users", "knowledge", "widgets", "widgets", "serve"]
    for step in steps:
        parser().parse_args(shlex.split(step))
    assert set(groups_of(parser())) == {words[0] for words in COMMANDS}


def test_tables_fit_a_terminal_and_can_be_had_whole() -> None:
    rows = [(f"conv_{'a' * 26}", "n" * 80, "x" * 300), ("conv_b", "short", "é" * 40)]
    table = Table(("ID", "NAME", "REASON"), rows, ("REASON", "NAME"))
    lines = table.lines(is_wide=False)
    assert max(map(len, lines)) <= WIDTH
    assert lines[1].startswith(f"conv_{'a' * 26}  ")
    assert lines[1].endswith("…")
    assert table.lines(is_wide=True)[1].endswith("x" * 300)


def test_what_comes_from_outside_cannot_colour_a_terminal_or_break_a_table() -> None:
    lines = Table(("ID", "NAME"), [("a", "\x1b[31mred\nnext\u202e")]).lines(is_wide=True)
    assert lines == ["ID  NAME", "a   ?[31mred?next?"]


def test_names_in_any_script_reach_a_terminal_that_is_not_utf_8(tmp_path: Path) -> None:
    done = run_cli(tmp_path / "data", "orgs", "create", "Käse 🧀")
    assert done.returncode == 0
    assert "Käse" in done.stdout


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[-1] == "list"], ids=" ".join)
def test_every_list_fits_a_terminal(shell: Shell, words: tuple[str, ...]) -> None:
    long = "a" * 60
    (shell.data_dir.parent / "help").mkdir()
    (shell.data_dir.parent / "help" / f"{long}.md").write_text(f"# {long}\n\nText.")
    shell.ask("knowledge", "add", "help", "--url-base", f"https://shop.example/{long}")
    shell.ask("widgets", "create", long, *(part for number in range(5) for part in ("--domain", f"a-rather-long-name-{number}.example")))
    shell.ask("agents", "create", long, "--provider", "knowledge", "--provider", "openai")
    shell.ask("providers", "add", long, "--url", f"https://ai.example/{long}", "--model", long)
    shell.ask("keys", "create", long, "--scope", "widgets:read", "--scope", "agents:read", "--scope", "blocks:read")
    shell.ask("blocks", "add", "--visitor", f"vis_{'a' * 26}", "--reason", long, "--minutes", "5")
    if words == ("widgets", "keys", "list"):
        words = (*words, shell.ask("widgets", "list")[0]["widget_id"])
    said = shell.run(*words)
    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= WIDTH
