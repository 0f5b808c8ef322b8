"""Whatever is typed: an answer or one line that says what is wrong, and never a traceback."""

import argparse
import io
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.cli.commands import COMMANDS
from tests.cli.office import Shell, shell_in

ODD = (
    "",
    " ",
    "-",
    "--",
    "0",
    "-1",
    "1e400",
    "nan",
    "9" * 400,
    "99999999999999999999",
    "a" * 5000,
    "\udcff\udcfe",
    "\x1b[31mred",
    "a\nb",
    "\u202eright",
    "💬",
    "' OR 1=1 --",
    "%s%n{0}{x}",
    "../../etc/passwd",
    "widget_" + "a" * 26,
    "key_" + "a" * 26,
    "conv_" + "a" * 26,
    "::/0",
    "fe80::1%eth0",
    "https://[::1",
    "https://a..b/",
    "x=",
    "limits.per_minute={}",
    "limits.per_minute.x=1",
    "[[[[",
    "~nobody-of-this-name/x",
    "/dev/null",
    "/proc/self/mem",
)
# These run until they are stopped.
SERVING = {("serve",), ("demo",)}


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


def arguments_of(command: argparse.ArgumentParser, odd: list[str]) -> list[str]:
    """Everything that *command* takes, each with the next odd value; of options that exclude each other the first."""
    values = cycle(odd)
    words: list[str] = []
    excluded = {id(action) for group in command._mutually_exclusive_groups for action in group._group_actions[1:]}
    for action in command._actions:
        name = action.option_strings[-1] if action.option_strings else None
        if id(action) in excluded or name in {"--help", "--json", "--wide", "--data-dir", "--org"} or action.nargs == 0:
            continue
        count = action.nargs if isinstance(action.nargs, int) else 1
        given = list(islice(values, count)) if action.choices is None else [str(next(iter(action.choices)))]
        # Written as one word where it is an option, so that a value may begin with "-".
        words += given if name is None else [f"{name}={given[0]}"] if len(given) == 1 else [name, *given]
    positional = [word for word in words if not word.startswith("--") or word == "--"]
    return [word for word in words if word not in positional] + (["--", *positional] if positional and command.prog.count("words") == 0 else positional)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words not in SERVING], ids=" ".join)
def test_odd_values_are_no_traceback(shell: Shell, words: tuple[str, ...]) -> None:
    for start in range(0, len(ODD), 3):
        said = shell.run(*words, *arguments_of(COMMANDS[words], [*ODD[start:], *ODD[:start]]))
        assert said.code in {0, 1, 2}
        assert "Traceback" not in said.err + said.out
        assert "\x1b" not in said.err + said.out
        if said.code == 1 and words != ("knowledge", "add"):
            assert [line for line in said.err.splitlines() if line.startswith("chatkeep: ")], said


@pytest.mark.parametrize("words", [words for words in COMMANDS if words not in SERVING], ids=" ".join)
def test_one_odd_value_among_good_ones_is_no_traceback(shell: Shell, words: tuple[str, ...]) -> None:
    """Each option and each place in turn, with a few of the odd values; which ones differs from place to place."""
    actions = [action for action in COMMANDS[words]._actions if action.nargs != 0]
    needed = [action for action in actions if action.required]
    for number, one in enumerate(actions):
        for odd in islice(cycle(ODD), number * 3, number * 3 + 4):
            others = [written(action, "x") for action in needed if action is not one]
            said = shell.run(*words, *(word for other in (*others, written(one, odd)) for word in other))
            assert said.code in {0, 1, 2}
            assert "Traceback" not in said.err
            assert "\x1b" not in said.err + said.out


def written(action: argparse.Action, value: str) -> list[str]:
    """*value* for one option or place, as it is typed."""
    values = [value] * (action.nargs if isinstance(action.nargs, int) else 1)
    if not action.option_strings:
        return values
    return [f"{action.option_strings[-1]}={value}"] if len(values) == 1 else [action.option_strings[-1], *values]
