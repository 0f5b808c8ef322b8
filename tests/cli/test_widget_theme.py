"""How an operator makes a widget look: what is named changes, what is wrong is refused with what would be right."""

from pathlib import Path
from typing import get_args

import pytest

from chatkeep.admit.widget_theme import Preset
from tests.cli.office import Shell, shell_in


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


@pytest.fixture
def widget_id(shell: Shell) -> str:
    made: str = shell.ask("widgets", "create", "Help", "--domain", "shop.example")["widget_id"]
    return made


def test_only_what_is_named_changes_and_only_what_differs_is_kept(shell: Shell, widget_id: str) -> None:
    assert shell.ask("widgets", "theme", widget_id) == {"widget_id": widget_id, "theme": {}, "launcher": {}}
    shell.ask("widgets", "theme", widget_id, "--preset", "ocean", "--radius", "24", "--launcher-label", "Ask us")
    said = shell.ask("widgets", "theme", widget_id, "--accent", "#FFEE00", "--launcher-icon", "spark", "--size", "medium")
    assert said["theme"] == {"preset": "ocean", "radius": 24, "accent": "#FFEE00"}
    assert said["launcher"] == {"label": "Ask us", "icon": "spark"}
    assert shell.ask("widgets", "show", widget_id)["settings"]["theme"]["position"] == "bottom-right"
    assert shell.ask("widgets", "theme", widget_id, "--reset", "--scheme", "dark")["theme"] == {"scheme": "dark"}
    assert "preset default" in shell.run("widgets", "theme", widget_id, "--reset").out


def test_a_look_leaves_the_other_settings_alone(shell: Shell, widget_id: str) -> None:
    shell.ask("widgets", "tickets", widget_id, "--require", "on")
    shell.ask("widgets", "theme", widget_id, "--preset", "forest")
    settings = shell.ask("widgets", "show", widget_id)["settings"]
    assert settings["access"]["require_ticket"] is True
    assert settings["theme"]["preset"] == "forest"


@pytest.mark.parametrize("preset", get_args(Preset))
def test_every_preset_can_be_chosen(shell: Shell, widget_id: str, preset: str) -> None:
    assert shell.ask("widgets", "theme", widget_id, "--preset", preset)["theme"] == ({"preset": preset} if preset != "default" else {})


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--accent", "red", "theme.accent must be a colour like #0f766e"),
        ("--accent", "#fff", "theme.accent must be a colour like #0f766e"),
        ("--accent", "#ffffff;} body{", "theme.accent must be a colour like #0f766e"),
        ("--launcher-style", "pill", "give it one, or choose round or square"),
        ("--launcher-label", "x" * 41, "launcher.label must be text of at most 40 characters"),
    ],
)
def test_what_is_not_a_value_is_refused_with_what_would_be(shell: Shell, widget_id: str, option: str, value: str, told: str) -> None:
    said = shell.run("widgets", "theme", widget_id, option, value)
    assert (said.code, said.out) == (1, "")
    assert told in said.err
    assert shell.ask("widgets", "theme", widget_id)["theme"] == {}


def test_a_value_outside_a_closed_list_is_answered_with_the_list(shell: Shell, widget_id: str) -> None:
    said = shell.run("widgets", "theme", widget_id, "--position", "top")
    assert said.code == 2
    for corner in ("bottom-right", "bottom-left", "top-right", "top-left"):
        assert corner in said.err
