"""Options that take a number or a day: what is out of range is wrong usage, and says what would be in it."""

import re
from pathlib import Path

import pytest

from chatkeep.cli.main import parser
from tests.cli.commands import COMMANDS
from tests.cli.office import Shell, shell_in


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


RANGES = (
    (
        ("blocks", "exempt", "198.51.100.0/24"),
        "--factor",
        ("1", "-1", "1001", "9" * 5000, "2.5", "many"),
        "a whole number from 2 to 1000, or 0 (no limit of its own)",
    ),
    (
        ("blocks", "add", "--address", "203.0.113.5", "--reason", "x"),
        "--minutes",
        ("0", "-1", "527041", "nan"),
        "a number of minutes above 0 and at most 527040",
    ),
    (
        ("widgets", "keys", "retire", "widget_x", "key_x"),
        "--in-hours",
        ("-1", "8784.5", "nan", "inf", "soon"),
        "a number of hours above 0 and at most 8784, or 0 (now)",
    ),
    (("widgets", "tickets", "widget_x"), "--overlap-hours", ("-1", "8785", "nan", "long"), "a number of hours above 0 and at most 8784, or 0 (now)"),
    (("events", "list"), "--hours", ("0", "-1", "87841", "inf"), "a number of hours above 0 and at most 87840"),
    (("events", "list"), "--limit", ("0", "-1", "100001", "9" * 5000), "a whole number of events from 1 to 100000"),
    (("conversations", "list"), "--limit", ("0", "-1", "100001"), "a whole number from 1 to 100000"),
    (("sessions", "list"), "--limit", ("0", "-1", "100001"), "a whole number from 1 to 100000"),
    (("keys", "create", "x", "--scope", "widgets:read"), "--days", ("0", "-1", "3651", "1.5"), "a whole number of days from 1 to 3650"),
    (("serve",), "--workers", ("0", "-1", "1001", "many"), "a whole number of processes from 1 to 1000"),
    (("serve",), "--port", ("-1", "65536"), "a whole number from 0 to 65535"),
    (("demo",), "--site-port", ("-1", "65536"), "a whole number from 0 to 65535"),
)


@pytest.mark.parametrize(("command", "option", "values", "told"), RANGES, ids=str)
def test_a_number_out_of_range_is_wrong_usage_told_with_option_range_and_unit(
    shell: Shell, command: tuple[str, ...], option: str, values: tuple[str, ...], told: str
) -> None:
    for value in values:
        said = shell.run(*command, option, value, "--json")
        assert (said.code, said.json["error"], said.json["message"]) == (2, "invalid_request", f"argument {option}: must be {told}")


def test_the_ends_of_a_range_are_in_it() -> None:
    for command, option, _values, told in RANGES:
        for number in re.findall(r"[0-9]+", told.replace("above 0 ", "")):
            assert getattr(parser().parse_args([*command, option, number]), option[2:].replace("-", "_")) == float(number)


def test_every_option_that_takes_a_number_is_judged_in_one_place() -> None:
    options = [(" ".join(words), action) for words, one in COMMANDS.items() for action in one._actions if action.metavar == "N"]
    assert [(words, action.dest) for words, action in options if getattr(action.type, "__module__", "") != "chatkeep.cli.numbers"] == []
    loose = [(words, action) for words, one in COMMANDS.items() for action in one._actions if action.type in (int, float)]
    # A closed list of numbers is judged by the list.
    assert [(words, action.dest) for words, action in loose if not action.choices] == []


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_day_that_is_none_is_wrong_usage(shell: Shell, option: str) -> None:
    said = shell.run("conversations", "list", option, "yesterday")
    assert (said.code, said.out) == (2, "")
    assert f"argument {option}: it is a day or a time like 2026-01-31" in said.err
