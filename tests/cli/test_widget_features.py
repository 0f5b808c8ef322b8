"""How an operator chooses what a widget offers: what is named changes, and the page hears of it."""

from pathlib import Path

import pytest

from tests.cli.office import Shell, shell_in


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


@pytest.fixture
def widget_id(shell: Shell) -> str:
    made: str = shell.ask("widgets", "create", "Help", "--domain", "shop.example")["widget_id"]
    return made


def test_everything_is_on_until_it_is_switched_off(shell: Shell, widget_id: str) -> None:
    assert shell.ask("widgets", "features", widget_id) == {"widget_id": widget_id, "features": {}}
    said = shell.ask("widgets", "features", widget_id, "--analytics", "off", "--feedback", "on")
    assert said["features"]["analytics"] is False
    settings = shell.ask("widgets", "show", widget_id)["settings"]["features"]
    assert (settings["feedback"], settings["transcript"], settings["analytics"], settings["masking"]) == (True, True, False, True)


def test_consent_is_asked_for_as_the_owner_words_it_and_can_be_left_out_again(shell: Shell, widget_id: str) -> None:
    asked = shell.ask("widgets", "features", widget_id, "--consent", "optional", "--consent-link", "https://shop.example/privacy")
    assert asked["features"]["consent"] == {"required": False, "link": "https://shop.example/privacy"}
    reworded = shell.ask("widgets", "features", widget_id, "--consent-text", "May we?")
    assert reworded["features"]["consent"] == {"required": False, "link": "https://shop.example/privacy", "text": "May we?"}
    assert shell.ask("widgets", "features", widget_id, "--consent", "off")["features"].get("consent") is None


def test_switches_of_other_commands_are_left_alone(shell: Shell, widget_id: str) -> None:
    shell.run("widgets", "remember", widget_id, "on")
    shell.ask("widgets", "features", widget_id, "--masking", "off")
    settings = shell.ask("widgets", "show", widget_id)["settings"]["features"]
    assert (settings["resume"], settings["masking"]) == (True, False)


def test_a_link_that_is_none_is_refused(shell: Shell, widget_id: str) -> None:
    said = shell.run("widgets", "features", widget_id, "--consent-link", "javascript:alert(1)")
    assert said.code == 1
    assert "consent.link" in said.err
