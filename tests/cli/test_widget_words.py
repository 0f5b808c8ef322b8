"""How an operator chooses a widget's language and words."""

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


def test_what_is_named_changes_and_the_rest_stays(shell: Shell, widget_id: str) -> None:
    assert shell.ask("widgets", "words", widget_id) == {"widget_id": widget_id}
    shell.ask("widgets", "theme", widget_id, "--preset", "ocean")
    shell.ask("widgets", "words", widget_id, "--locale", "de", "--title", "Hilfe", "--text", "de", "hello", "Servus!", "--text", "default", "send", "Go")
    said = shell.ask("widgets", "words", widget_id, "--text", "de", "stop", "Halt")
    assert said == {"widget_id": widget_id, "title": "Hilfe", "locale": "de", "texts": {"de": {"hello": "Servus!", "stop": "Halt"}, "default": {"send": "Go"}}}
    assert shell.ask("widgets", "show", widget_id)["settings"]["theme"]["preset"] == "ocean"
    assert "de, hello: Servus!" in shell.run("widgets", "words", widget_id).out


def test_everything_can_be_forgotten(shell: Shell, widget_id: str) -> None:
    shell.ask("widgets", "words", widget_id, "--locale", "fr", "--text", "fr", "send", "Allez")
    assert "visitor's language" in shell.run("widgets", "words", widget_id, "--reset").out
    assert shell.ask("widgets", "words", widget_id) == {"widget_id": widget_id}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--text", "de", "sned", "Los"), "there is no such text"),
        (("--text", "de", "wait", "Warten"), "{time} is missing"),
        (("--text", "Deutsch", "send", "Los"), "is no locale"),
        (("--locale", "de_DE"), "locale"),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_reason(shell: Shell, widget_id: str, arguments: tuple[str, ...], told: str) -> None:
    said = shell.run("widgets", "words", widget_id, *arguments)
    assert (said.code, said.out) == (1, "")
    assert told in said.err
    assert shell.ask("widgets", "words", widget_id) == {"widget_id": widget_id}


def test_suggestions_are_replaced_emptied_and_reset(shell: Shell, widget_id: str) -> None:
    said = shell.ask("widgets", "words", widget_id, "--suggestion", "Do you ship?", "--suggestion", "Returns?", "--title", "Help")
    assert said["suggestions"] == ["Do you ship?", "Returns?"]
    assert "suggestions: Do you ship? | Returns?" in shell.run("widgets", "words", widget_id).out
    assert shell.ask("widgets", "words", widget_id, "--suggestion", "Only this?")["suggestions"] == ["Only this?"]
    assert "suggestions" not in shell.ask("widgets", "words", widget_id, "--suggestion", "")
    shell.ask("widgets", "words", widget_id, "--suggestion", "Again?")
    assert shell.ask("widgets", "words", widget_id, "--reset") == {"widget_id": widget_id}
