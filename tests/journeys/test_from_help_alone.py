"""A new operator with nothing but the command line: from an empty folder to an answer, each command saying the next."""

import json
import re
import shlex
from pathlib import Path

from chatkeep.cli.main import parser
from tests.cast import ROOMY_GATEWAY, SHOP, Visitor
from tests.providers.upstream import Upstream
from tests.servers import Gateway, run_cli


def test_from_an_empty_folder_to_an_answer(tmp_path: Path, upstream: Upstream) -> None:
    data, password, key = tmp_path / "data", tmp_path / "password", tmp_path / "key"
    password.write_text("plum-Zebra9-kettle\n")
    key.write_text("sk-canary-journey-0123456789\n")
    told: list[str] = []

    def run(*words: str) -> str:
        done = run_cli(data, *words)
        assert done.returncode == 0, done.stderr
        told.extend(re.findall(r"(?:Next|Then|To end it|To take it back): (?:`)?(chatkeep [^`\n]*)", done.stdout))
        return done.stdout

    def made(kind: str, text: str) -> str:
        [found] = set(re.findall(rf"{kind}_[a-z2-7]{{26}}", text))
        return str(found)

    run("orgs", "create", "Shop")
    run("users", "create", "alice@shop.example", "--role", "owner", "--password-file", str(password))
    run("users", "invite", "bob@shop.example", "--role", "analyst")
    assert "sec_" in run("keys", "create", "Nightly", "--scope", "widgets:read")
    provider = made("prov", run("providers", "add", "Ours", "--url", upstream.base_url, "--model", "words-5-5", "--key-file", str(key)))
    assert "It answers" in run("providers", "test", provider)
    agent = made("agent", run("agents", "create", "Shop", "--provider", provider))
    widget = made("widget", run("widgets", "create", "Help", "--domain", "shop.example", "--agent", agent))
    assert f'data-widget-id="{widget}"' in run("widgets", "embed", widget)
    with Gateway.running(data, **ROOMY_GATEWAY) as gateway:
        assert gateway.setup_url is None
        assert len(Visitor(gateway.port, widget, SHOP).open().listen("hello").finish().text.split()) == 5
        run("blocks", "add", "--visitor", json.loads(run("conversations", "list", "--json"))[0]["visitor"]["visitor_id"], "--reason", "test", "--minutes", "5")
    assert len(told) >= 7
    for line in told:
        parser().parse_args(shlex.split(line.partition(", and ")[0])[1:])
