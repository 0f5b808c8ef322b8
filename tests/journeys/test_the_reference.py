"""Do the commands of the served API reference work when they are pasted, and are the answers as the document says?

Every command of every operation is run by bash and curl against a real gateway, with the variables that the page
names; then the first steps of the page, and those of the how-to page, one after the other as somebody new would.
"""

import html
import http.client
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pyotp import TOTP

from chatkeep.clock import SystemClock
from chatkeep.crypto import new_id
from chatkeep.crypto.passwords import hash_password
from chatkeep.ids import UserId
from chatkeep.manage.members import invite
from chatkeep.manage.organizations import choose_organization
from chatkeep.manage.people import put_code
from chatkeep.store import Store
from chatkeep.store.members import add_member
from chatkeep.store.users import UserRow, add_user
from tests.cast import ROOMY, ROOMY_GATEWAY, Visitor, alices_site_in
from tests.conftest import missing
from tests.servers import PATIENCE, Gateway, run_cli

# The documents' own password, so that they say one that is accepted.
PASSWORD = "three unrelated words"
HOW_TO = Path(__file__).parents[2] / "docs/how-to/administer-by-api.md"
ORIGIN = "https://shop.example"


@dataclass
class Shell:
    """A shell beside a gateway, with the variables that the page names."""

    gateway: Gateway
    store: Store
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def run(self, commands: str, typed: str = "") -> str:
        """What *commands* print; what is *typed* comes from the terminal."""
        file = self.folder / "commands.sh"
        file.write_text(f"set -euo pipefail\n{commands}\n", encoding="utf-8")
        own = {"PATH": os.environ["PATH"], "CHATKEEP": self.gateway.url, **self.variables}
        ran = subprocess.run(["bash", str(file)], input=typed, env=own, check=False, capture_output=True, encoding="utf-8", timeout=120)
        assert ran.returncode == 0, (commands, ran.stdout, ran.stderr)
        return ran.stdout

    def ask(self, command: str) -> tuple[str, Any]:
        """Status and value of the answer to one curl command."""
        said = self.run(f"{command} -s -w '\\n%{{http_code}}'")
        text, _, status = said.rpartition("\n")
        return status, json.loads(text) if text.startswith("{") else text

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """A request of our own, to have something to speak of."""
        headers = {"Authorization": f"Bearer {token or self.variables['TOKEN']}", "Content-Type": "application/json"}
        if not path.startswith("/api/admin/"):
            headers["Origin"] = ORIGIN
        with closing(http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            reply = connection.getresponse()
            value = json.loads(reply.read())
        assert reply.status < 300, (method, path, value)
        return value


def blocks(page: str, kind: str) -> list[str]:
    """The blocks of code of *kind*, as a reader copies them."""
    return [html.unescape(text) for text in re.findall(rf'<pre[^>]*class="bash {kind}"[^>]*>(.*?)</pre>', page, re.DOTALL)]


def commands_of(page: str) -> dict[str, str]:
    """The command of each operation, by the operation's id."""
    sections = re.findall(r'<section id="(\w+)".*?</section>', page, re.DOTALL)
    whole = re.findall(r'<section id="\w+".*?</section>', page, re.DOTALL)
    return {name: found[0] for name, text in zip(sections, whole, strict=True) if (found := blocks(text, "command"))}


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path) -> Iterator[Shell]:
    for needed in ("bash", "curl", "sed"):
        if shutil.which(needed) is None:
            missing(needed)
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "chatkeep.db").write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite:///{folder / 'chatkeep.db'}")
    with Gateway.running(folder, **ROOMY_GATEWAY) as gateway:
        yield Shell(gateway, store, tmp_path, {"PASSWORD": PASSWORD, "NEW_PASSWORD": "four other unrelated words"})
    store.close()


def a_page(shell: Shell) -> str:
    """The reference as it is served."""
    return shell.run(f'curl -s "{shell.gateway.url}/api/reference"')


def test_every_command_of_the_reference_is_accepted_and_answered_as_documented(shell: Shell) -> None:
    status, document = shell.gateway.get("/api/openapi.json")
    assert status == 200
    page = a_page(shell)
    commands = commands_of(page)
    operations = {one["operationId"]: (path, one) for path, methods in document["paths"].items() for one in methods.values()}
    # The page is made before it is in the document itself.
    assert set(commands) == set(operations) - {"read_reference"}
    assert shell.gateway.setup_url is not None
    shell.variables["CODE"] = shell.gateway.setup_url.partition("setup=")[2]
    wrong = []
    # The first user first: all others come after.
    for name in ["set_up", *(name for name in operations if name != "set_up")]:
        path, operation = operations[name]
        if not path.startswith("/api/admin/"):
            continue
        if name != "set_up":
            prepare(shell, name, needs_things="{" in path)
        status, value = shell.ask(commands[name])
        wrong += judge(name, status, value, operation, document)
    assert wrong == []


def test_every_command_of_the_visitors_part_is_accepted_too(shell: Shell) -> None:
    _, document = shell.gateway.get("/api/openapi.json")
    commands = commands_of(a_page(shell))
    wrong = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            if path.startswith("/api/admin/") or operation["tags"] != ["visitor_api"]:
                continue
            widget = alices_site_in(f"sqlite:///{shell.gateway.data_dir / 'chatkeep.db'}", settings=ROOMY, provider="fake")
            victor = Visitor(shell.gateway.port, widget.widget_id, ORIGIN).open()
            said = victor.say("Hello").json
            shell.variables |= {"WIDGET_ID": widget.widget_id, "SESSION_TOKEN": victor.session["session_token"], "MESSAGE_ID": said["message_id"]}
            shell.variables["CONVERSATION_ID"] = said["conversation_id"]
            status, value = shell.ask(commands[name])
            is_json = "application/json" in operation["responses"].get(status, {}).get("content", {}) and isinstance(value, dict)
            wrong += judge(name, status, value, operation, document) if is_json else [] if status in {"200", "204"} else [f"{method} {name}: {status} {value}"]
    # An answer that was said to its end cannot be stopped.
    assert [one.partition(" {")[0] for one in wrong] == ["stop_answer: 404"]


def judge(name: str, status: str, value: Any, operation: Any, document: Any) -> list[str]:
    """What is not as *operation* says."""
    if status not in operation["responses"] or status >= "3":
        return [f"{name}: {status} {value}"]
    schema = operation["responses"][status]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({"components": {"schemas": document["components"]["schemas"]}, **schema})
    return [f"{name}: {error.json_path} {error.message}" for error in validator.iter_errors(value)]


def prepare(shell: Shell, name: str, *, needs_things: bool) -> None:
    """Somebody new who signs in as owner, what *name* needs besides, and one of every thing."""
    org = choose_organization(shell.store, SystemClock()).org_id
    number, at_ms = next(shell.numbers), int(datetime.now(UTC).timestamp() * 1000)

    def join(email: str) -> UserRow:
        user = UserRow(UserId(new_id("usr")), email, "", _hashed(), at_ms, None, None, None, None, at_ms)
        shell.store.transaction_now(add_user, user)
        shell.store.transaction_now(add_member, org, user.user_id, "owner", at_ms=at_ms)
        return user

    email = f"owner{number}@shop.example"
    owner = join(email)
    shell.variables["USER_ID"] = join(f"member{number}@shop.example").user_id
    signed_in = shell.call("POST", "/api/admin/auth/token", {"email": email, "password": PASSWORD}, token="none")
    shell.variables |= {"TOKEN": signed_in["access_token"], "REFRESH_TOKEN": signed_in["refresh_token"]}
    shell.variables["CODE"] = code_for(shell, name, owner, number)
    if name in {"disable_totp", "renew_codes"}:
        shell.variables["RECOVERY_CODE"] = shell.call("POST", "/api/admin/auth/totp/confirm", {"code": _app(shell).now()})["recovery_codes"][0]
    logins = shell.call("GET", "/api/admin/auth/sessions")["sessions"]
    shell.variables["LOGIN_ID"] = logins[0]["login_id"]
    if needs_things:
        make_things(shell, number)


def make_things(shell: Shell, number: int) -> None:
    """One of every thing, and a visitor who said something."""
    # Nobody listens there, and nothing leaves this machine: the address belongs to documentation.
    provider = {"name": f"p{number}", "base_url": "https://ai.invalid/v1", "model": "m", "api_key": "0123456789abcdef"}
    agent = shell.call("POST", "/api/admin/agents", {"name": f"a{number}"})["agent"]["agent_id"]
    widget = shell.call("POST", "/api/admin/widgets", {"widget_name": "w", "allowed_domains": ["shop.example"], "settings": ROOMY})["widget_id"]
    visit = shell.call("POST", "/api/sessions", {"widget_id": widget}, token="none")
    shell.call("POST", "/api/chat", {"message": "Hello"}, token=visit["session_token"])
    invited = shell.call("POST", "/api/admin/invitations", {"email": f"i{number}@shop.example", "role": "viewer"})["invitation"]
    blocked = shell.call("POST", "/api/admin/blocks", {"kind": "visitor", "value": f"vis_{number}", "reason": "x"})["block"]
    shell.variables |= {
        "PROVIDER_ID": shell.call("POST", "/api/admin/providers", provider)["provider"]["provider_id"],
        "AGENT_ID": agent,
        "WIDGET_ID": widget,
        "KEY_ID": shell.call("POST", "/api/admin/api-keys", {"name": "k", "scopes": ["widgets:read"]})["key"]["key_id"],
        "INVITATION_ID": invited["invitation_id"],
        "BLOCK_ID": blocked["block_id"],
        "SESSION_ID": visit["session_id"],
        "CONVERSATION_ID": visit["conversation_id"],
    }


def code_for(shell: Shell, name: str, owner: UserRow, number: int) -> str:
    """The code that the mail or the app would show."""
    clock = SystemClock()
    if name == "reset":
        return put_code(shell.store, clock, "reset", owner.user_id)
    if name == "confirm_email":
        return put_code(shell.store, clock, "verify", owner.user_id)
    if name == "accept":
        org = choose_organization(shell.store, clock).org_id
        return invite(shell.store, clock, org, email=f"new{number}@shop.example", role="viewer").code
    return _app(shell).now() if name == "confirm_totp" else "unused"


def _app(shell: Shell) -> TOTP:
    """An authenticator app that was just shown the secret."""
    return TOTP(shell.call("POST", "/api/admin/auth/totp", {"current_password": PASSWORD})["secret"])


def _hashed() -> str:
    """The password as it is stored."""
    return _HASHES.setdefault(PASSWORD, hash_password(PASSWORD))


_HASHES: dict[str, str] = {}


def how_to() -> list[str]:
    """The commands of the how-to page."""
    return re.findall(r"^```bash\n(.*?)\n```$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("where", ["the page", "the how-to"])
def test_the_first_steps_lead_from_a_new_gateway_to_an_answer(shell: Shell, where: str) -> None:
    steps = blocks(a_page(shell), "step") if where == "the page" else how_to()
    data_dir = shell.gateway.data_dir
    password = shell.folder / "password.txt"
    password.write_text(PASSWORD, encoding="utf-8")
    password.chmod(0o600)
    made = run_cli(data_dir, "users", "create", "alice@shop.example", "--role", "owner", "--password-file", str(password))
    assert made.returncode == 0, made.stderr
    # A how-to cannot know the port.
    steps = [re.sub(r"^CHATKEEP=.*$", f"CHATKEEP={shell.gateway.url}", step, flags=re.MULTILINE) for step in steps]
    said = shell.run("\n".join(steps).replace("curl ", "curl -f -sS "), typed=f"{PASSWORD}\n")
    assert '"role":"owner"' in said
    assert 'data-widget-id=\\"widget_' in said
    last = json.loads(said[said.rindex('{"success":true,"response"') :])
    assert last["response"]


def test_a_step_that_is_refused_shows_the_answer(tmp_path: Path) -> None:
    defined = re.search(r"^field\(\).*?^  .*?}$", how_to()[0], re.MULTILINE | re.DOTALL)
    assert defined is not None
    refused = '{"success":false,"error":"invalid_credentials"}'
    said = subprocess.run(
        ["bash", "-c", f"{defined[0]}\nTOKEN=$(printf '%s' '{refused}' | field access_token); printf '<%s>' \"$TOKEN\""],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert (said.stdout, said.stderr.strip()) == ("<>", refused)


def test_the_how_to_page_says_what_the_reference_says(shell: Shell) -> None:
    def bare(commands: list[str]) -> list[str]:
        return [re.sub(r"^CHATKEEP=.*$", "", one, flags=re.MULTILINE) for one in commands]

    assert bare(how_to()) == bare(blocks(a_page(shell), "step"))
