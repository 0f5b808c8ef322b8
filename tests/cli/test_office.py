"""The office on the command line: people, agents, providers, keys, conversations; wrong ones are told what to do."""

import io
from pathlib import Path

import pytest

from chatkeep.clock import SystemClock
from chatkeep.crypto import passwords
from chatkeep.store import Store
from chatkeep.store.users import find_user_by_email
from tests.cli.office import Shell, shell_in
from tests.servers import SECRET

PASSWORD = "plum-Zebra9-kettle"


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


@pytest.fixture
def password(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return str(path)


def store_of(shell: Shell) -> Store:
    return Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")


def test_a_user_is_made_listed_changed_reset_and_removed(shell: Shell, password: str) -> None:
    assert shell.ask("users", "list") == []
    made = shell.ask("users", "create", "Alice@Shop.example", "--role", "owner", "--name", "Alice", "--password-file", password)
    assert (made["email"], made["role"], made["name"]) == ("alice@shop.example", "owner", "Alice")
    store = store_of(shell)
    user = store.read_now(find_user_by_email, "alice@shop.example")
    assert user is not None
    assert user.email_verified_at_ms is not None
    assert passwords.is_password(PASSWORD, user.password_hash)
    store.close()
    assert shell.ask("users", "create", "bob@shop.example", "--password-file", password)["role"] == "viewer"
    assert shell.ask("users", "role", "bob@shop.example", "--role", "admin")["role"] == "admin"
    invited = shell.ask("users", "invite", "carol@shop.example", "--role", "analyst")
    assert "/account#invitation=" in invited["link"]
    reset = shell.ask("users", "reset", "bob@shop.example", "--second-factor")
    assert "/account#reset=" in reset["link"]
    assert reset["removes_second_factor"] is True
    said = shell.run("users", "reset", "bob@shop.example", "--second-factor").out
    assert "removes the authenticator app" in said
    assert "Until then nothing changes" in said
    assert shell.ask("users", "remove", "bob@shop.example")["removed"] is True
    assert [one["email"] for one in shell.ask("users", "list")] == ["alice@shop.example"]
    assert "alice@shop.example" in shell.run("users", "list").out


def test_a_password_comes_from_standard_input_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert shell.ask("users", "create", "alice@shop.example", "--password-file", "-")["email"] == "alice@shop.example"


def test_organizations_are_made_and_told_apart(shell: Shell, password: str) -> None:
    assert shell.ask("orgs", "list") == []
    made = shell.ask("orgs", "create", "Shop")
    assert shell.ask("orgs", "list") == [made]
    shell.ask("orgs", "create", "Blog")
    assert "--org" in shell.run("users", "list").err
    shell.ask("users", "create", "alice@shop.example", "--role", "owner", "--org", "Blog", "--password-file", password)
    assert shell.ask("users", "list", "--org", "Shop") == []
    assert len(shell.ask("users", "list", "--org", "Blog")) == 1
    assert shell.run("orgs", "create", "Shop").code == 1


def test_an_agent_with_a_provider_answers_for_a_widget(shell: Shell, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-canary-0123456789abcdef\n")
    provider = shell.ask("providers", "add", "Ours", "--url", "http://127.0.0.1:9/v1", "--model", "m", "--key-file", str(key))
    assert (provider["last4"], provider["has_api_key"]) == ("cdef", True)
    assert "canary" not in str(shell.ask("providers", "list")) + shell.run("providers", "list").out
    tried = shell.run("providers", "test", provider["provider_id"])
    assert tried.code == 1
    assert "does not answer: connect" in tried.out
    text = tmp_path / "instructions"
    text.write_text("Be brief.")
    agent = shell.ask("agents", "create", "Shop", "--provider", provider["provider_id"], "--provider", "knowledge", "--instructions-file", str(text))
    assert shell.ask("agents", "show", "Shop") == agent
    assert shell.ask("agents", "update", "Shop", "--name", "Store", "--provider", "knowledge")["providers"] == ["knowledge"]
    assert shell.ask("providers", "update", provider["provider_id"], "--model", "other")["model"] == "other"
    assert shell.ask("providers", "remove", provider["provider_id"])["removed"] is True
    widget = shell.ask("widgets", "create", "Help", "--domain", "shop.example", "--agent", "Store")["widget_id"]
    assert shell.run("agents", "delete", "Store").code == 1
    changed = shell.ask("widgets", "update", widget, "--name", "Aid", "--set", "limits.per_minute=5", "--set", "title=Help", "--set", "primaryColor=#0f766e")
    assert (changed["widget_name"], changed["settings"]["limits"]["per_minute"], changed["settings"]["theme"]["accent"]) == ("Aid", 5, "#0f766e")
    assert shell.ask("widgets", "update", widget, "--set", "title=")["settings"]["title"] == ""
    assert shell.ask("widgets", "pause", widget)["is_active"] is False
    assert shell.ask("widgets", "resume", widget)["is_active"] is True
    assert shell.ask("widgets", "clone", widget, "--name", "Copy")["widget_name"] == "Copy"
    assert shell.ask("widgets", "delete", widget)["deleted"] is True
    assert [one["widget_name"] for one in shell.ask("widgets", "list")] == ["Copy"]


def test_api_keys_are_made_listed_and_revoked(shell: Shell) -> None:
    made = shell.ask("keys", "create", "Nightly", "--scope", "widgets:read", "--network", "203.0.113.0/24", "--days", "90")
    assert made["api_key"].startswith("sec_")
    listed = shell.ask("keys", "list")
    assert [one["key_id"] for one in listed] == [made["key_id"]]
    assert made["api_key"] not in str(listed) + shell.run("keys", "list").out
    assert shell.ask("keys", "revoke", made["key_id"])["revoked"] is True
    assert shell.ask("keys", "list") == []


def test_the_keys_that_seal_are_changed(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, old = tmp_path / "key", tmp_path / "old"
    key.write_text("sk-canary-0123456789abcdef")
    old.write_text(SECRET)
    shell.ask("providers", "add", "Ours", "--url", "http://127.0.0.1:9/v1", "--model", "m", "--key-file", str(key))
    assert shell.ask("keys", "rotate")["secrets"] == 1
    monkeypatch.setenv("CHATKEEP_SECRET_KEY", SECRET[::-1])
    assert "CHATKEEP_SECRET_KEY_PREVIOUS" in shell.run("keys", "rotate").err
    monkeypatch.setenv("CHATKEEP_SECRET_KEY_PREVIOUS", SECRET)
    # Sealed for both, so that a gateway with the old one goes on.
    assert shell.ask("keys", "rotate")["rewrapped"] == 2
    monkeypatch.setenv("CHATKEEP_SECRET_KEY", SECRET)
    monkeypatch.delenv("CHATKEEP_SECRET_KEY_PREVIOUS")
    assert shell.ask("keys", "rotate")["rewrapped"] == 3
    monkeypatch.setenv("CHATKEEP_SECRET_KEY", SECRET[::-1])
    assert shell.ask("keys", "rotate", "--old-secret-file", str(old))["rewrapped"] == 4
    assert shell.ask("keys", "rotate")["secrets"] == 1


FAILING = (
    ("users", "create", "alice", "--password-file", "PASSWORD"),
    ("users", "create", "a@b.example", "--password-file", "missing"),
    ("users", "remove", "nobody@shop.example"),
    ("users", "role", "nobody@shop.example", "--role", "owner"),
    ("users", "list", "--org", "nobody"),
    ("orgs", "create", ""),
    ("orgs", "create", "a\nb"),
    ("agents", "create", "x", "--provider", "nobody"),
    ("agents", "show", "nobody"),
    ("agents", "delete", "default"),
    ("providers", "add", "x", "--url", "ftp://ai.example", "--model", "m"),
    ("providers", "test", "prov_nobody"),
    ("keys", "create", "x", "--scope", "widgets:read", "--network", "everywhere"),
    ("keys", "revoke", "key_nobody"),
    ("conversations", "show", "conv_nobody"),
    ("conversations", "list", "--widget", "x"),
    ("conversations", "erase", "' OR 1=1 --"),
    ("sessions", "revoke", "sess_nobody"),
    ("widgets", "update", "WIDGET", "--set", "limits.per_minute=61"),
    ("widgets", "update", "WIDGET", "--set", "nothing=1"),
    ("widgets", "update", "WIDGET", "--set", "limits"),
    ("widgets", "update", "WIDGET", "--set", "limits=1", "--set", "limits.per_minute=1"),
    ("widgets", "update", "WIDGET", "--domain", "com"),
    ("widgets", "delete", "widget_" + "a" * 26),
)


@pytest.mark.parametrize("words", FAILING, ids=" ".join)
def test_what_cannot_be_is_told_in_one_line_and_ends_with_one(shell: Shell, password: str, words: tuple[str, ...]) -> None:
    widget = shell.ask("widgets", "create", "Help", "--domain", "shop.example")["widget_id"]
    said = shell.run(*(word.replace("PASSWORD", password).replace("WIDGET", widget) for word in words))
    assert (said.code, said.out) == (1, ""), said
    assert said.err.startswith("chatkeep: ")
    assert len(said.err.splitlines()) == 1


WRONG = ("users create", "users create a@b.example --role king", "keys create x", "keys create x --scope all", "providers add x", "widgets pause")


@pytest.mark.parametrize("words", [tuple(each.split()) for each in WRONG], ids=" ".join)
def test_wrong_usage_ends_with_two(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell.run(*words).code == 2


def test_the_clock_of_the_machine_is_used(shell: Shell, password: str) -> None:
    made = shell.ask("users", "create", "alice@shop.example", "--password-file", password)
    assert made["created_at"][:4] == str(SystemClock().now().year)


def test_a_failure_has_the_stable_code_of_the_api(shell: Shell) -> None:
    shell.ask("orgs", "create", "Shop")
    codes = {
        words: shell.run(*words, "--json").json["error"] for words in (("agents", "show", "nobody"), ("agents", "delete", "default"), ("orgs", "create", ""))
    }
    assert list(codes.values()) == ["not_found", "conflict", "invalid_request"]


def test_an_empty_key_file_is_no_key_of_a_new_provider(shell: Shell, tmp_path: Path) -> None:
    empty = tmp_path / "key"
    empty.write_text("\n")
    said = shell.run("providers", "add", "Ours", "--url", "https://ai.example/v1", "--model", "m", "--key-file", str(empty))
    assert (said.code, "--key-file" in said.err) == (1, True)


def test_an_agent_that_widgets_have_is_not_removed_and_they_are_named(shell: Shell) -> None:
    agent = shell.ask("agents", "create", "Other")["agent_id"]
    widget = shell.ask("widgets", "create", "Help", "--domain", "shop.example", "--agent", agent)["widget_id"]
    assert f"Help ({widget})" in shell.run("agents", "delete", agent).err
