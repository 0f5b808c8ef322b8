"""An operator gives widgets their keys on the command line, and never sees a secret twice."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatkeep.cli.main import main
from chatkeep.crypto.sealed import SealingKey, seal, unseal
from chatkeep.errors import Misconfigured
from tests.host import STRONG, Signer
from tests.servers import SECRET

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """One command with ``--json``: its value, or its exit code with what it said."""
    monkeypatch.setenv("CHATKEEP_ENV", "development")
    assert main(["orgs", "create", "Shop", "--data-dir", str(tmp_path / "data")]) == 0
    capsys.readouterr()

    def one(*words: str, fails: bool = False) -> Any:
        code = main([*words, "--json", "--data-dir", str(tmp_path / "data")])
        said = capsys.readouterr()
        assert code == (1 if fails else 0), said.err
        return json.loads(said.out)

    return one


@pytest.fixture
def widget(run: Run) -> str:
    return str(run("widgets", "create", "Members", "--domain", "shop.example", "--access", "identity")["widget_id"])


def test_keys_of_each_kind_are_added_listed_and_retired(run: Run, widget: str, tmp_path: Path) -> None:
    pem, jwk, secret = (tmp_path / name for name in ("host.pem", "host.jwk", "secret"))
    pem.write_text(Signer().pem)
    jwk.write_text(json.dumps(Signer("EdDSA", kid="own").jwk))
    secret.write_text(STRONG + "\n")
    added = [
        run("widgets", "keys", "add", widget, "--algorithm", "ES256", "--public-key", str(pem), "--kid", "2026"),
        run("widgets", "keys", "add", widget, "--algorithm", "EdDSA", "--public-key", str(jwk)),
        run("widgets", "keys", "add", widget, "--secret-file", str(secret)),
        run("widgets", "keys", "add", widget, "--algorithm", "RS256", "--jwks", "https://shop.example/keys"),
    ]
    listed = run("widgets", "keys", "list", widget)
    assert [(key["purpose"], key["algorithm"], key["kid"]) for key in listed] == [
        ("identity", "ES256", "2026"),
        ("identity", "EdDSA", "own"),
        ("identity", "HS256", None),
        ("jwks", "RS256", None),
    ]
    assert [key["key_id"] for key in listed] == [key["key_id"] for key in added]
    assert STRONG not in str([*added, *listed])
    assert run("widgets", "keys", "retire", widget, listed[0]["key_id"], "--in-hours", "2")["in_hours"] == 2
    assert [key["retires_at"] is None for key in run("widgets", "keys", "list", widget)] == [False, True, True, True]
    assert "no key" in run("widgets", "keys", "retire", widget, "key_unknown", fails=True)["message"]


def test_what_does_not_fit_together_is_refused_with_the_way_out(run: Run, widget: str, tmp_path: Path) -> None:
    pem, secret = tmp_path / "host.pem", tmp_path / "secret"
    pem.write_text(Signer().pem)
    secret.write_text(STRONG)
    add = ("widgets", "keys", "add", widget)
    for words, told in (
        (("--public-key", str(pem)), "--algorithm"),
        (("--algorithm", "RS256", "--public-key", str(pem)), "another kind"),
        (("--algorithm", "HS256", "--public-key", str(pem)), "--secret-file"),
        (("--algorithm", "ES256", "--secret-file", str(secret)), "--public-key"),
        (("--secret-file", str(pem)), "--public-key"),
        (("--secret-file", str(tmp_path / "missing")), "cannot be read"),
        (("--algorithm", "HS256", "--jwks", "https://shop.example/keys"), "public"),
        (("--algorithm", "ES256", "--jwks", "http://shop.example/keys"), "https://"),
        (("--algorithm", "ES256", "--jwks", "https://shop.example/keys", "--kid", "a"), "--kid"),
        (("--secret-file", str(secret), "--kid", ""), "kid"),
    ):
        assert told in run(*add, *words, fails=True)["message"]
    run(*add, "--algorithm", "ES256", "--public-key", str(pem), "--kid", "a")
    assert "already" in run(*add, "--algorithm", "ES256", "--public-key", str(pem), "--kid", "a", fails=True)["message"]
    other = run("widgets", "create", "Public", "--domain", "shop.example")["widget_id"]
    assert "access mode" in run("widgets", "keys", "add", other, "--secret-file", str(secret), fails=True)["message"]


def test_a_ticket_secret_is_shown_once(run: Run, widget: str) -> None:
    first, second = (run("widgets", "tickets", widget) for _ in range(2))
    assert first["secret"] != second["secret"]
    assert first["secret"].startswith("ckt_")
    listed = run("widgets", "keys", "list", widget)
    assert [(key["purpose"], key["key"], key["retires_at"] is None) for key in listed] == [("ticket", "(secret)", False), ("ticket", "(secret)", True)]
    assert first["secret"] not in str(listed)


def test_tickets_are_required_and_not(run: Run, widget: str) -> None:
    assert run("widgets", "tickets", widget, "--require", "on")["require_ticket"] is True
    assert run("widgets", "show", widget)["settings"]["access"]["require_ticket"] is True
    run("widgets", "tickets", widget, "--require", "off")
    assert run("widgets", "show", widget)["settings"]["access"]["require_ticket"] is False
    assert run("widgets", "keys", "list", widget) == []


def test_a_sealed_secret_opens_only_with_its_key_and_in_its_place() -> None:
    key, other = SealingKey.from_secret(SECRET), SealingKey.from_secret(SECRET[::-1])
    sealed = seal("open sesame", key, place="widget-key:ticket:one")
    assert unseal(sealed, key, place="widget-key:ticket:one") == "open sesame"
    assert sealed != seal("open sesame", key, place="widget-key:ticket:one")
    version, key_id, nonce, content = sealed.split(".")
    assert key_id == key.key_id != other.key_id
    for text, with_key, place in (
        (sealed, other, "widget-key:ticket:one"),
        (sealed, key, "widget-key:ticket:two"),
        (sealed, key, "widget-key:identity:one"),
        (sealed.replace(key_id, other.key_id), other, "widget-key:ticket:one"),
        (f"{version}.{key_id}.{nonce}.{content[:-4]}", key, "widget-key:ticket:one"),
        (f"s2.{key_id}.{nonce}.{content}", key, "widget-key:ticket:one"),
        ("", key, "widget-key:ticket:one"),
        ("s1...", key, "widget-key:ticket:one"),
        (f"s1.{key_id}..", key, "widget-key:ticket:one"),
    ):
        with pytest.raises(Misconfigured) as caught:
            unseal(text, with_key, place=place)
        assert "sesame" not in str(caught.value)
