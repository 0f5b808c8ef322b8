"""The commands of an operator: one JSON value for machines, exit 1 for what fails, 2 for what cannot be asked."""

import json
from pathlib import Path

import pytest

from chatkeep import __version__
from chatkeep.clock import SystemClock
from chatkeep.store import Store, schema
from chatkeep.web.widget_build import load_files
from tests.admit.cast import another_organizations_site
from tests.cast import EVIL, alices_site, on_stage
from tests.cli.office import Shell, shell_in
from tests.servers import SECRET, run_cli


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


def test_a_widget_is_made_listed_shown_and_embedded(shell: Shell) -> None:
    assert shell.ask("widgets", "list") == []
    made = shell.ask("widgets", "create", "Help", "--domain", "Shop.example", "--domain", "=blog.example", "--domain", "shop.example")
    assert (made["widget_name"], made["access_mode"], made["is_active"]) == ("Help", "session", True)
    assert made["allowed_domains"] == ["shop.example", "=blog.example"]
    assert made["settings"]["limits"]["per_minute"] == 10
    assert shell.ask("widgets", "list") == [made]
    assert shell.ask("widgets", "show", made["widget_id"]) == made
    embedded = shell.ask("widgets", "embed", made["widget_id"])
    assert set(embedded) == {"widget_id", "snippet"}
    for part in (f"/widget/v{__version__}/loader.js", load_files()["loader.js"].integrity, made["widget_id"], 'crossorigin="anonymous"'):
        assert part in embedded["snippet"]


def test_people_get_lines(shell: Shell) -> None:
    made = shell.run("widgets", "create", "Help", "--domain", "shop.example")
    assert made.code == 0
    widget_id = shell.ask("widgets", "list")[0]["widget_id"]
    assert widget_id in made.out
    listed = shell.run("widgets", "list").out.splitlines()
    assert listed[0].split() == ["ID", "NAME", "ACCESS", "DOMAINS", "STATE"]
    assert shell.run("widgets", "embed", widget_id).out.startswith("<script async src=")
    assert f"widget_id: {widget_id}" in shell.run("widgets", "show", widget_id).out


@pytest.mark.parametrize("access", ["session", "domain", "identity"])
def test_a_widget_is_made_in_every_access_mode(shell: Shell, access: str) -> None:
    made = shell.ask("widgets", "create", "Help", "--domain", "shop.example", "--access", access)
    assert made["access_mode"] == access
    assert shell.ask("widgets", "list") == [made]
    assert access in shell.run("widgets", "list").out.splitlines()[1].split()


FAILING = (
    ("widgets", "create", "Help", "--domain", "com"),
    ("widgets", "create", "Help", "--domain", "8.8.8.8"),
    ("widgets", "create", "Help", "--domain", ""),
    ("widgets", "create", "", "--domain", "shop.example"),
    ("widgets", "create", "a\nb", "--domain", "shop.example"),
    ("widgets", "create", "a" * 201, "--domain", "shop.example"),
    ("widgets", "create", "Help", "--domain", "shop.example", "--org", "nobody"),
    ("widgets", "show", "widget_" + "a" * 26),
    ("widgets", "show", "x"),
    ("widgets", "show", "\udcff"),
    ("widgets", "embed", "' OR 1=1 --"),
    ("widgets", "list", "--org", "nobody"),
    ("events", "list", "--type", "nothing"),
    ("blocks", "add", "--address", "shop.example", "--reason", "flood"),
    ("blocks", "add", "--address", "203.0.113.0/24", "--reason", "flood"),
    ("blocks", "add", "--network", "203.0.113.0/33", "--reason", "flood"),
    ("blocks", "add", "--domain", "shop example", "--reason", "flood"),
    ("blocks", "add", "--domain", "", "--reason", "flood"),
    ("blocks", "add", "--session", "", "--reason", "flood"),
    ("blocks", "add", "--visitor", "\udcff", "--reason", "flood"),
    ("blocks", "add", "--address", "203.0.113.5", "--reason", ""),
    ("blocks", "add", "--address", "203.0.113.5", "--reason", "a\nb"),
    ("blocks", "add", "--address", "203.0.113.5", "--reason", "r" * 301),
    ("blocks", "lift", "block_" + "a" * 26),
    ("blocks", "lift", "\udcff"),
    ("blocks", "list", "--org", "nobody"),
    ("blocks", "exempt", "198.51.100.0/33"),
    ("blocks", "exempt", "--end", "nothing"),
    ("blocks", "exempt", "--end", "\udcff"),
    ("blocks", "exempt", "198.51.100.0/24", "--note", "\udcff"),
    ("widgets", "keys", "add", "widget_" + "a" * 26, "--algorithm", "ES256", "--jwks", "https://shop.example/keys"),
    ("widgets", "keys", "add", "widget_" + "a" * 26, "--algorithm", "ES256", "--public-key", "no/such/file.pem"),
    ("widgets", "keys", "add", "widget_" + "a" * 26, "--secret-file", "no/such/file"),
    ("widgets", "keys", "add", "widget_" + "a" * 26, "--algorithm", "RS256", "--secret-file", "no/such/file"),
    ("widgets", "keys", "add", "widget_" + "a" * 26, "--jwks", "https://shop.example/keys"),
    ("widgets", "keys", "list", "widget_" + "a" * 26),
    ("widgets", "keys", "list", "\udcff"),
    ("widgets", "keys", "retire", "widget_" + "a" * 26, "key_" + "a" * 26),
    ("widgets", "keys", "retire", "widget_" + "a" * 26, "\udcff"),
    ("widgets", "tickets", "widget_" + "a" * 26),
    ("widgets", "tickets", "widget_" + "a" * 26, "--require", "on"),
    ("knowledge", "add", "no/such/file.md"),
    ("knowledge", "list", "--org", "nobody"),
)
MISUSED = (
    (),
    ("nothing",),
    ("widgets",),
    ("widgets", "nothing"),
    ("widgets", "create"),
    ("widgets", "create", "Help"),
    ("widgets", "create", "Help", "--domain", "shop.example", "--access", "open"),
    ("widgets", "show"),
    ("widgets", "list", "--nothing"),
    ("blocks",),
    ("blocks", "add"),
    ("blocks", "add", "--reason", "flood"),
    ("blocks", "add", "--address", "203.0.113.5"),
    ("blocks", "add", "--address", "203.0.113.5", "--domain", "shop.example", "--reason", "flood"),
    ("blocks", "add", "--address", "203.0.113.5", "--reason", "flood", "--minutes", "many"),
    ("blocks", "lift"),
    ("blocks", "exempt", "198.51.100.0/24", "--factor", "2.5"),
    ("widgets", "keys"),
    ("widgets", "keys", "add", "widget_x"),
    ("widgets", "keys", "add", "widget_x", "--algorithm", "none", "--public-key", "host.pem"),
    ("widgets", "keys", "add", "widget_x", "--public-key", "host.pem", "--secret-file", "secret"),
    ("widgets", "keys", "retire", "widget_x"),
    ("widgets", "tickets"),
    ("widgets", "tickets", "widget_x", "--require", "perhaps"),
    ("events", "list", "--limit", "-1"),
    ("events", "list", "--limit", "0"),
    ("events", "list", "--limit", "99999999999999999999"),
    ("events", "list", "--hours", "nan"),
    ("events", "list", "--hours", "inf"),
    ("events", "list", "--hours", "-5"),
    ("events", "list", "--hours", "1e300"),
    ("blocks", "add", "--address", "203.0.113.5", "--reason", "flood", "--minutes", "0"),
    ("blocks", "add", "--address", "203.0.113.5", "--reason", "flood", "--minutes", "-5"),
    ("blocks", "add", "--address", "203.0.113.5", "--reason", "flood", "--minutes", "nan"),
    ("blocks", "add", "--address", "203.0.113.5", "--reason", "flood", "--minutes", "inf"),
    ("events", "list", "--limit", "many"),
    ("events", "list", "--hours", "long"),
    ("knowledge", "add"),
    ("migrate", "now"),
    ("check", "--lenient"),
    ("serve", "--nothing"),
)


@pytest.mark.parametrize("arguments", FAILING, ids=" ".join)
def test_what_fails_ends_with_one_and_says_why(shell: Shell, arguments: tuple[str, ...]) -> None:
    said = shell.run(*arguments)
    assert said.code == 1
    assert "Traceback" not in said.err + said.out
    told = shell.run(*arguments, "--json")
    assert told.code == 1
    assert len(told.out.splitlines()) == 1
    assert isinstance(told.json, dict)
    if arguments[:2] != ("knowledge", "add"):
        assert (told.json["success"], set(told.json)) == (False, {"success", "error", "message"})
        assert (said.out, len(said.err.splitlines())) == ("", 1)
        assert said.err.startswith("chatkeep: ")


@pytest.mark.parametrize("arguments", MISUSED, ids=" ".join)
def test_what_cannot_be_asked_ends_with_two(shell: Shell, arguments: tuple[str, ...]) -> None:
    said = shell.run(*arguments)
    assert (said.code, said.out) == (2, "")
    assert "usage: chatkeep" in said.err


def test_help_and_version_are_there(shell: Shell) -> None:
    assert shell.run("--version").out.strip() == f"chatkeep {__version__}"
    widgets = [("widgets",), ("widgets", "create"), ("widgets", "keys"), ("widgets", "keys", "add"), ("widgets", "keys", "retire"), ("widgets", "tickets")]
    blocks = [("blocks",), ("blocks", "add"), ("blocks", "list"), ("blocks", "lift"), ("blocks", "exempt")]
    for arguments in (*widgets, *blocks, (), ("serve",), ("check",), ("events", "list"), ("knowledge", "add"), ("demo",), ("migrate",)):
        said = shell.run(*arguments, "--help")
        assert (said.code, "usage: chatkeep" in said.out) == (0, True)


def test_documents_are_added_and_listed(shell: Shell, tmp_path: Path) -> None:
    assert shell.ask("knowledge", "list") == []
    folder = tmp_path / "help"
    folder.mkdir()
    (folder / "shipping.md").write_text("# Shipping\n\nWe ship to Norway within three days.\n")
    (folder / "returns.txt").write_text("Returns are free for thirty days.")
    report = shell.ask("knowledge", "add", str(folder))
    assert (len(report["added"]), report["updated"], report["skipped"]) == (2, [], [])
    assert len(shell.ask("knowledge", "add", str(folder))["unchanged"]) == 2
    listed = shell.ask("knowledge", "list")
    assert [set(document) for document in listed] == [{"path", "title", "url", "passages"}] * 2


def test_one_bad_document_fails_and_the_others_are_added(shell: Shell, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text("# Good\n\nText.")
    bad.write_bytes(b"\xff\xfe\x00")
    said = shell.run("knowledge", "add", str(good), str(bad), "--json")
    assert (said.code, len(said.json["added"]), len(said.json["skipped"])) == (1, 1, 1)


def test_events_are_listed_by_type_or_alias(shell: Shell) -> None:
    assert shell.ask("events", "list") == []
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    try:
        widget = alices_site(store)
        with on_stage(store) as stage:
            # The command asks the machine what time it is.
            stage.clock._now = SystemClock().now()
            stage.call("POST", "/api/sessions", headers={"origin": EVIL}, body={"widget_id": widget.widget_id})
            stage.victor(widget)
            stage.flush()
        events = shell.ask("events", "list")
        assert {event["type"] for event in events} == {"domain_not_allowed", "session_created"}
        for name in ("domain_not_allowed", "CORS_BLOCKED", "domain_mismatch"):
            (event,) = shell.ask("events", "list", "--type", name)
            assert (event["domain"], event["count"], event["severity"]) == (EVIL, 1, "warning")
        assert shell.ask("events", "list", "--type", "https_required") == []
        assert len(shell.ask("events", "list", "--limit", "1")) == 1
        assert "domain_not_allowed" in shell.run("events", "list").out
    finally:
        store.close()


def test_commands_work_beside_a_store_in_use(shell: Shell) -> None:
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    try:
        with on_stage(store) as stage:
            first = alices_site(store)
            victor = stage.victor(first)
            made = shell.ask("widgets", "create", "Second", "--domain", "blog.example")
            assert victor.say("still talking").status == 200
            assert [widget["widget_id"] for widget in shell.ask("widgets", "list")].count(made["widget_id"]) == 1
            opened = stage.call("POST", "/api/sessions", headers={"origin": "https://blog.example"}, body={"widget_id": made["widget_id"]})
            assert opened.status == 201
    finally:
        store.close()


def test_with_several_organizations_one_must_be_named(shell: Shell) -> None:
    assert shell.ask("widgets", "list") == []
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    try:
        other = another_organizations_site(store, "Mallory Ltd")
    finally:
        store.close()
    assert "choose one with --org" in shell.run("widgets", "list").err
    assert shell.ask("widgets", "list", "--org", "default") == []
    assert [widget["widget_id"] for widget in shell.ask("widgets", "list", "--org", "Mallory Ltd")] == [other.widget_id]
    assert shell.run("widgets", "show", other.widget_id, "--org", "default").code == 1


def switches(shell: Shell, widget_id: str) -> dict[str, bool]:
    """What a widget has that owners switch by commands of their own."""
    features = shell.ask("widgets", "show", widget_id)["settings"]["features"]
    return {name: features[name] for name in ("frame", "resume")}


def test_frame_mode_is_switched_and_says_what_it_does_not_do_here(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    widget_id = shell.ask("widgets", "create", "Help", "--domain", "shop.example")["widget_id"]
    assert shell.ask("widgets", "frame", widget_id, "on") == {"widget_id": widget_id, "frame": True}
    assert switches(shell, widget_id) == {"frame": True, "resume": False}
    assert shell.run("widgets", "frame", widget_id, "on").err == ""
    monkeypatch.setenv("CHATKEEP_ENV", "production")
    monkeypatch.setenv("CHATKEEP_PUBLIC_URL", "https://chat.example")
    assert "note: CHATKEEP_WIDGET_URL is not a host of its own" in shell.run("widgets", "frame", widget_id, "on").err
    assert shell.ask("widgets", "frame", widget_id, "off")["frame"] is False
    assert switches(shell, widget_id) == {"frame": False, "resume": False}
    tokenless = shell.ask("widgets", "create", "Open", "--domain", "shop.example", "--access", "domain")["widget_id"]
    refused = shell.run("widgets", "frame", tokenless, "on")
    assert (refused.code, "frame mode needs the access mode session or identity" in refused.err) == (1, True)


def test_conversations_outlive_reloads_where_the_owner_says_so(shell: Shell) -> None:
    widget_id = shell.ask("widgets", "create", "Help", "--domain", "shop.example")["widget_id"]
    assert shell.ask("widgets", "show", widget_id)["settings"]["features"]["resume"] is False
    shell.ask("widgets", "frame", widget_id, "on")
    assert shell.ask("widgets", "remember", widget_id, "on") == {"widget_id": widget_id, "resume": True}
    assert switches(shell, widget_id) == {"frame": True, "resume": True}
    assert "sessionStorage" in shell.run("widgets", "remember", widget_id, "on").out
    assert "nothing is kept in the browser" in shell.run("widgets", "remember", widget_id, "off").out
    tokenless = shell.ask("widgets", "create", "Open", "--domain", "shop.example", "--access", "domain")["widget_id"]
    refused = shell.run("widgets", "remember", tokenless, "on")
    assert (refused.code, "needs the access mode session or identity" in refused.err) == (1, True)


def test_migrate_says_from_where_to_where(tmp_path: Path) -> None:
    data = tmp_path / "new"
    first = run_cli(data, "migrate", "--json")
    assert (first.returncode, json.loads(first.stdout)) == (0, {"from": None, "to": schema.HEAD})
    again = run_cli(data, "migrate", "--json")
    assert (again.returncode, json.loads(again.stdout)) == (0, {"from": schema.HEAD, "to": schema.HEAD})
    assert (data.stat().st_mode & 0o077, (data / "chatkeep.db").exists()) == (0, True)


def test_the_module_and_the_command_are_the_same(tmp_path: Path) -> None:
    done = run_cli(tmp_path / "data", "orgs", "create", "Shop", "--json")
    assert (done.returncode, json.loads(done.stdout)["name"]) == (0, "Shop")
    done = run_cli(tmp_path / "data", "widgets", "list", "--json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_check_tells_settings_and_findings_and_hides_secrets(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKEEP_OPENAI_API_KEY", "canary7f3a")
    monkeypatch.setenv("OPENAI_MODEL", "some-model")
    monkeypatch.setenv("CHATKEEP_DATABASE_URL", "postgresql://user:canary7f3a@db.example/x")
    value = shell.ask("check")
    assert (value["ok"], value["findings"]) == (True, [])
    settings = value["settings"]
    assert settings["openai_model"] == {"value": "some-model", "source": "OPENAI_MODEL"}
    assert settings["secret_key"] == {"value": "(set)", "source": "CHATKEEP_SECRET_KEY"}
    assert settings["redis_url"] == {"value": "(empty)", "source": "default"}
    lines = shell.run("check")
    for secret in (SECRET, "canary7f3a"):
        assert secret not in lines.out + json.dumps(value)


def test_check_ends_with_one_on_any_error_and_strictly_on_any_warning(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKEEP_TRUSTED_PROXIES", "0.0.0.0/0")
    warned = shell.run("check", "--json")
    assert (warned.code, warned.json["ok"], [finding["severity"] for finding in warned.json["findings"]]) == (0, True, ["warning"])
    strict = shell.run("check", "--strict", "--json")
    assert (strict.code, strict.json["ok"]) == (1, False)
    monkeypatch.setenv("CHATKEEP_WORKERS", "3")
    failed = shell.run("check", "--json")
    assert (failed.code, failed.json["ok"], failed.json["findings"][0]["setting"]) == (1, False, "workers")
    assert "error: CHATKEEP_WORKERS" in shell.run("check").out
    # Managing commands are not stopped by what only serving needs.
    assert shell.ask("widgets", "list") == []
