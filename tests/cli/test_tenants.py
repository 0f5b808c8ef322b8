"""Organizations are renamed and deleted, people invited and turned away, keys narrowed, texts allowed to be HTML."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from chatkeep.store import Store, Tx
from chatkeep.store.tables import metadata, organizations, users
from tests.cast import alices_site, on_stage
from tests.cli.office import Shell, shell_in

PASSWORD = "plum-Zebra9-kettle"


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


@pytest.fixture
def password(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text(PASSWORD)
    return str(path)


def rows_of(tx: Tx, org: str) -> dict[str, int]:
    """How many rows of each table belong to *org*."""
    tables = [table for table in metadata.sorted_tables if "org_id" in table.c]
    counts = {table.name: tx.execute(select(func.count()).select_from(table).where(table.c.org_id == org)).scalar_one() for table in tables}
    return {name: count for name, count in counts.items() if count}


def test_an_organization_is_renamed_by_name_or_id(shell: Shell) -> None:
    made = shell.ask("orgs", "create", "Shop")
    shell.ask("orgs", "create", "Blog")
    assert shell.ask("orgs", "rename", "Shop", "Shop & Sons") == {**made, "name": "Shop & Sons"}
    assert shell.ask("orgs", "rename", made["organization_id"], "Store")["name"] == "Store"
    assert shell.run("orgs", "rename", "Store", "Blog").code == 1
    assert "`chatkeep orgs list` shows all" in shell.run("orgs", "rename", "Shop", "x").err


def test_an_organization_is_deleted_with_all_that_is_its_own_and_nothing_else(shell: Shell, password: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\nText.")
    shell.ask("orgs", "create", "default")
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    with on_stage(store) as stage:
        victor = stage.victor(alices_site(store))
        assert victor.say("hello").status == 200
        stage.flush()
    shell.ask("orgs", "create", "Blog")
    for email, org in (("alice@shop.example", "default"), ("bob@blog.example", "Blog")):
        shell.ask("users", "create", email, "--role", "owner", "--password-file", password, "--org", org)
        shell.ask("keys", "create", "Nightly", "--scope", "widgets:read", "--org", org)
        shell.ask("users", "invite", f"x{email}", "--org", org)
        shell.ask("knowledge", "add", str(page), "--org", org)
        shell.ask("blocks", "add", "--address", "203.0.113.7", "--reason", "flood", "--org", org)
        shell.ask("blocks", "exempt", "203.0.113.0/24", "--org", org)
        widget = shell.ask("widgets", "create", "Help", "--domain", "shop.example", "--org", org)["widget_id"]
        shell.ask("widgets", "tickets", widget, "--org", org)
    try:
        first, other = (one["organization_id"] for one in shell.ask("orgs", "list"))
        kept = store.read_now(rows_of, other)
        asked = shell.run("orgs", "delete", "default")
        assert (asked.code, asked.out) == (1, "")
        for part in ("1 member,", "2 widgets", "1 API key,", "1 document,", "1 conversation,", "2 messages", "1 block:", "--yes"):
            assert part in asked.err
        assert store.read_now(rows_of, first)["messages"] == 2
        gone = shell.ask("orgs", "delete", "default", "--yes")
        assert (gone["deleted"], gone["lost"]["messages"], gone["organization_id"]) == (True, 2, first)
        assert store.read_now(rows_of, first) == {}
        assert store.read_now(rows_of, other) == kept
        assert store.read_now(lambda tx: list(tx.execute(select(users.c.email)).scalars())) == ["bob@blog.example"]
        assert store.read_now(lambda tx: list(tx.execute(select(organizations.c.name)).scalars())) == ["Blog"]
    finally:
        store.close()


def test_who_is_a_member_elsewhere_keeps_the_account(shell: Shell, password: str) -> None:
    shell.ask("orgs", "create", "Shop")
    shell.ask("users", "create", "alice@shop.example", "--role", "owner", "--password-file", password)
    shell.ask("orgs", "create", "Blog")
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    try:
        user = shell.ask("users", "show", "alice@shop.example", "--org", "Shop")["user_id"]
        blog = shell.ask("orgs", "list")[1]["organization_id"]
        members = metadata.tables["members"]
        store.transaction_now(lambda tx: tx.execute(members.insert().values(org_id=blog, user_id=user, role="owner", created_at=1)))
    finally:
        store.close()
    shell.ask("orgs", "delete", "Shop", "--yes")
    assert [one["email"] for one in shell.ask("users", "list")] == ["alice@shop.example"]


def test_invitations_are_listed_and_taken_back_by_address_or_id(shell: Shell) -> None:
    assert shell.ask("users", "invitations") == []
    bob, carol = (shell.ask("users", "invite", f"{name}@shop.example", "--role", "analyst") for name in ("bob", "carol"))
    assert [one["email"] for one in shell.ask("users", "invitations")] == ["bob@shop.example", "carol@shop.example"]
    assert "link" not in shell.ask("users", "invitations")[0]
    assert shell.ask("users", "withdraw", "Bob@shop.example")["invitation_id"] == bob["invitation_id"]
    assert shell.ask("users", "withdraw", carol["invitation_id"])["withdrawn"] is True
    assert shell.ask("users", "invitations") == []
    assert "`chatkeep users invitations` shows all" in shell.run("users", "withdraw", "bob@shop.example").err


def test_a_key_is_narrowed_after_it_was_made(shell: Shell) -> None:
    made = shell.ask("keys", "create", "Nightly", "--scope", "widgets:read", "--scope", "agents:read")
    changed = shell.ask("keys", "update", made["key_id"], "--name", "Weekly", "--scope", "widgets:read", "--network", "203.0.113.0/24", "--days", "30")
    assert (changed["name"], changed["scopes"], changed["networks"]) == ("Weekly", ["widgets:read"], ["203.0.113.0/24"])
    assert changed["expires_at"] is not None
    assert shell.ask("keys", "update", made["key_id"], "--name", "Daily")["scopes"] == ["widgets:read"]
    assert shell.ask("keys", "show", made["key_id"])["name"] == "Daily"
    assert "from: 203.0.113.0/24" in shell.run("keys", "update", made["key_id"], "--name", "Yearly").out
    assert shell.run("keys", "update", "key_nobody", "--name", "x").code == 1
    for scope in ("widgets:read", "personal_data:read"):
        assert scope in " ".join(shell.run("keys", "create", "--help").out.split())


def test_texts_may_be_html_where_the_owner_says_so(shell: Shell) -> None:
    widget = shell.ask("widgets", "create", "Help", "--domain", "shop.example", "--set", "title=Hello")["widget_id"]
    assert shell.ask("widgets", "content", widget)["content"] == {"html_answers": False, "html_greeting": False, "image_hosts": []}
    on = shell.ask("widgets", "content", widget, "--html-answers", "on", "--image-host", "cdn.shop.example", "--image-host", "img.shop.example")
    assert on["content"] == {"html_answers": True, "html_greeting": False, "image_hosts": ["cdn.shop.example", "img.shop.example"]}
    assert shell.ask("widgets", "content", widget, "--html-greeting", "on")["content"]["html_answers"] is True
    assert shell.ask("widgets", "content", widget, "--no-images")["content"]["image_hosts"] == []
    settings = shell.ask("widgets", "show", widget)["settings"]
    assert (settings["content"]["html_greeting"], settings["title"]) == (True, "Hello")
    refused = shell.run("widgets", "content", widget, "--image-host", "https://cdn.shop.example/")
    assert (refused.code, refused.out) == (1, "")
    assert "image_hosts" in refused.err


def test_a_widget_has_the_id_that_its_owner_chose(shell: Shell) -> None:
    made = shell.ask("widgets", "create", "Help", "--domain", "shop.example", "--id", "widget_help_of_our_shop")
    assert made["widget_id"] == "widget_help_of_our_shop"
    assert "is taken" in shell.run("widgets", "create", "Help", "--domain", "shop.example", "--id", "widget_help_of_our_shop").err


def test_the_document_is_what_a_gateway_serves_and_needs_neither_database_nor_settings(shell: Shell, tmp_path: Path, sqlite_store: Store) -> None:
    with on_stage(sqlite_store) as stage:
        served = stage.call("GET", "/api/openapi.json").json
    assert shell.ask("openapi", "--data-dir", str(tmp_path / "nowhere")) == served
    assert json.loads(shell.run("openapi").out) == served
    file = tmp_path / "openapi.json"
    assert shell.ask("openapi", "--to", str(file)) == {"file": str(file), "paths": len(served["paths"])}
    assert json.loads(file.read_text()) == served
    refused = shell.run("openapi", "--to", str(tmp_path / "no" / "folder"))
    assert (refused.code, "cannot be written: No such file or directory" in refused.err) == (1, True)
    assert not (tmp_path / "nowhere").exists()
