"""A new owner, from the link that ``serve`` prints to a visitor's answer through their own provider."""

import http.client
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cast import ROOMY_GATEWAY, SHOP, Visitor
from tests.providers.upstream import Upstream
from tests.servers import Gateway, run_cli

PASSWORD = "plum-Zebra9-kettle"
KEY = "sk-canary-journey-0123456789"


def call(gateway: Gateway, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
    """One request to the admin API."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)) as connection:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_from_the_first_link_to_an_answer(tmp_path: Path, upstream: Upstream) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with Gateway.running(data, **ROOMY_GATEWAY) as gateway:
        assert gateway.setup_url is not None
        code = gateway.setup_url.rpartition("#setup=")[2]
        first = {"code": code, "email": "alice@shop.example", "password": PASSWORD, "name": "Alice", "organization": "Shop"}
        assert call(gateway, "POST", "/api/admin/auth/setup", first)[0] == 201
        status, tokens = call(gateway, "POST", "/api/admin/auth/token", {"email": "alice@shop.example", "password": PASSWORD})
        assert (status, tokens["user"]["role"]) == (200, "owner")
        alice = tokens["access_token"]
        # A member, by a mail that development keeps in a folder.
        assert call(gateway, "POST", "/api/admin/invitations", {"email": "bob@shop.example", "role": "analyst"}, alice)[0] == 201
        mail = await_mail(data, gateway)
        invited = re.findall(r"#invitation=3?D?([\w=\n-]+?)\s", mail.replace("=\n", ""))[0]
        assert call(gateway, "POST", "/api/admin/auth/invitation", {"code": invited, "password": PASSWORD, "name": "Bob"})[0] == 201
        # A key for a program, which does the rest.
        scopes = ["agents:write", "widgets:write", "providers:read", "providers:write", "conversations:read", "personal_data:read"]
        made = call(gateway, "POST", "/api/admin/api-keys", {"name": "Setup", "scopes": scopes}, alice)[1]
        program = made["api_key"]
        # The test's server is on this machine: only the command line may name such a target.
        key = tmp_path / "key"
        key.write_text(KEY)
        added = run_cli(data, "providers", "add", "Ours", "--url", upstream.base_url, "--model", "by-question", "--key-file", str(key), "--json")
        provider = json.loads(added.stdout)["provider_id"]
        trying = run_cli(data, "providers", "add", "Trying", "--url", upstream.base_url, "--model", "words-3-5", "--json")
        ready = json.loads(trying.stdout)["provider_id"]
        assert call(gateway, "POST", f"/api/admin/providers/{ready}/test", None, program)[1]["success"] is True
        assert run_cli(data, "providers", "test", ready).returncode == 0
        agent = call(gateway, "POST", "/api/admin/agents", {"name": "Shop", "providers": [provider]}, program)[1]["agent"]["agent_id"]
        widget = {"widget_name": "Help", "allowed_domains": ["shop.example"], "agent_id": agent}
        widget_id = call(gateway, "POST", "/api/admin/widgets", widget, program)[1]["widget_id"]
        victor = Visitor(gateway.port, widget_id, SHOP).open()
        heard = victor.listen("words-12-5").finish()
        assert heard.last.name == "done"
        assert len(heard.text.split()) == 12
        found = call(gateway, "GET", "/api/admin/conversations?q=words-12-5", None, program)[1]
        assert found["total"] == 1
        assert KEY not in gateway.log.read_text()
        # The kill switch: what streams ends, and nobody else gets in.
        endless = victor.listen("words-3000-20").wait(lambda heard: heard.text)
        assert call(gateway, "POST", f"/api/admin/widgets/{widget_id}/pause", None, program)[0] == 200
        assert len(endless.finish().text.split()) < 3000
        assert victor.request("GET", f"/api/widgets/{widget_id}/config").status == 404
    with Gateway.running(data, **ROOMY_GATEWAY) as again:
        assert again.setup_url is None


def await_mail(data: Path, gateway: Gateway) -> str:
    """The first mail, as soon as it is whole."""
    while gateway.process.poll() is None:
        for path in (data / "mail").glob("*.eml"):
            text = path.read_text()
            if text.rstrip().endswith("--"):
                return text
    raise AssertionError("the gateway ended")


@pytest.mark.parametrize("path", ["/api/reference", "/account"])
def test_pages_for_people_are_whole_and_need_nobody_else(tmp_path: Path, path: str) -> None:
    with Gateway.running(tmp_path / "data") as gateway, closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "trusted-types 'none'" in answer.headers["content-security-policy"]
        for target in re.findall(r'(?:src|href)="([^"#][^"]*)"', text):
            assert target.startswith("/"), target
            connection.request("GET", target.partition("#")[0])
            found = connection.getresponse()
            found.read()
            assert found.status == 200, target
        assert " style=" not in text
        assert "<script>" not in text
        if path == "/api/reference":
            paths = json.loads(bytes_of(gateway, "/api/openapi.json"))["paths"]
            assert all(f"<code>{each}</code>" in text for each in paths if each != path)


def bytes_of(gateway: Gateway, path: str) -> bytes:
    """One GET."""
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read()


def test_the_first_line_of_serve_is_still_one_json_value(tmp_path: Path) -> None:
    with Gateway.running(tmp_path / "data") as gateway:
        assert gateway.setup_url is not None
        assert "/account#setup=" in gateway.setup_url
        assert gateway.setup_url.rpartition("=")[2] not in gateway.log.read_text()
