"""Does the code in the how-to pages work? It is taken from the page and run, and the gateway judges what it made."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chatkeep.store import Store
from tests.cast import SHOP, HeldClock, Reply, Stage, on_stage
from tests.conftest import missing
from tests.host import STRONG, Host, Signer, alices_login, alices_widget

PAGES = Path(__file__).parents[2] / "docs/how-to"


@dataclass(frozen=True)
class Language:
    """How one is run: with nothing but its standard library, and every warning on stderr."""

    command: tuple[str, ...]
    ending: str
    printing: str
    identity: str = "identity_token"
    ticket: str = "page_ticket"


LANGUAGES = {
    "python": Language((sys.executable, "-I", "-S", "-W", "always"), ".py", "print({call})"),
    "javascript": Language(("node",), ".cjs", "console.log({call});", "identityToken", "pageTicket"),
    "php": Language(("php", "-n", "-d", "error_reporting=-1", "-d", "display_errors=stderr"), ".php", "echo {call};"),
    "ruby": Language(("ruby", "--disable-gems", "-w"), ".rb", "puts({call})"),
}
# Which page, and the environment variable that holds its secret.
SNIPPETS = {"identity": ("identify-visitors.md", "CHATKEEP_IDENTITY_SECRET"), "ticket": ("page-tickets.md", "CHATKEEP_TICKET_SECRET")}
CALLS = {"identity": '("customer-1", "zoé@shop.example", "Zoé")', "ticket": f'("{SHOP}")'}


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    # The snippets read the machine's clock: the gateway's stands still where it is now.
    with on_stage(sqlite_store, clock=HeldClock(datetime.now(UTC))) as opened:
        yield opened


def snippet(page: str, language: str) -> str:
    """The one block of *language* on *page*."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", (PAGES / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


def start(folder: Path, language: str, program: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """*program*, run to its end with *environment* and nothing else of ours."""
    runs = LANGUAGES[language]
    if shutil.which(runs.command[0]) is None:
        missing(runs.command[0])
    file = folder / f"snippet{runs.ending}"
    file.write_text(program, encoding="utf-8")
    own = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run([*runs.command, file], check=False, capture_output=True, encoding="utf-8", timeout=60, cwd=folder, env=own)


def attempt(folder: Path, language: str, what: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The page's code as it stands there, followed by a line that prints what its function returns."""
    page, _ = SNIPPETS[what]
    runs = LANGUAGES[language]
    call = runs.printing.format(call=getattr(runs, what) + CALLS[what])
    return start(folder, language, f"{snippet(page, language)}\n{call}\n", environment)


def mint(folder: Path, language: str, what: str, host: Host, secret: str) -> str:
    """What the page's code makes for *host* with *secret*, without a word of warning."""
    _, secret_name = SNIPPETS[what]
    ran = attempt(folder, language, what, CHATKEEP_WIDGET_ID=host.widget.widget_id, **{secret_name: secret})
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.strip()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims of *token*."""
    header, claims, _ = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    return json.loads(header), json.loads(claims)


def problem(reply: Reply) -> str:
    """What is wrong, by the word of a refusal."""
    assert reply.error == "invalid_identity"
    [detail] = reply.json["details"]
    return str(detail["problem"])


def members_host(stage: Stage) -> Host:
    """A host that shares a secret with a widget in access mode identity."""
    return alices_login(stage, signer=Signer("HS256"))


def ticket_host(stage: Stage) -> Host:
    """A host with a widget that requires tickets."""
    return Host(stage, alices_widget(stage, settings={"access": {"require_ticket": True}}))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_identity_made_as_the_page_says_opens_a_session_once(stage: Stage, tmp_path: Path, language: str) -> None:
    host = members_host(stage)
    made = mint(tmp_path, language, "identity", host, STRONG)
    assert host.open(made).status == 201
    again = host.open(made)
    assert (again.status, problem(again)) == (401, "was used before")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_ticket_made_as_the_page_says_opens_a_session_once(stage: Stage, tmp_path: Path, language: str) -> None:
    host = ticket_host(stage)
    made = mint(tmp_path, language, "ticket", host, host.ticket_secret())
    assert host.open(None, ticket=made).status == 201
    again = host.open(None, ticket=made)
    assert (again.status, problem(again)) == (401, "was used before")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_identity_made_as_the_page_says_holds_what_it_should_and_nothing_more(stage: Stage, tmp_path: Path, language: str) -> None:
    host = members_host(stage)
    (header, claims), (_, others) = (parts(mint(tmp_path, language, "identity", host, STRONG)) for _ in range(2))
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert set(claims) == {"sub", "aud", "iat", "exp", "jti", "email", "name"}
    assert (claims["sub"], claims["email"], claims["name"]) == ("customer-1", "zoé@shop.example", "Zoé")
    assert (claims["aud"], claims["exp"] - claims["iat"]) == (host.widget.widget_id, 300)
    assert len(claims["jti"]) >= 22
    assert claims["jti"] != others["jti"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_ticket_made_as_the_page_says_holds_what_it_should_and_nothing_more(stage: Stage, tmp_path: Path, language: str) -> None:
    host = ticket_host(stage)
    secret = host.ticket_secret()
    (header, claims), (_, others) = (parts(mint(tmp_path, language, "ticket", host, secret)) for _ in range(2))
    assert header == {"alg": "HS256", "typ": "ck-ticket"}
    assert set(claims) == {"aud", "origin", "iat", "exp", "jti"}
    assert (claims["aud"], claims["origin"], claims["exp"] - claims["iat"]) == (host.widget.widget_id, SHOP, 60)
    assert len(claims["jti"]) >= 22
    assert claims["jti"] != others["jti"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_pages_make_with_another_secret_is_refused(stage: Stage, tmp_path: Path, language: str) -> None:
    members, tickets = members_host(stage), ticket_host(stage)
    tickets.ticket_secret()
    other = STRONG[::-1]
    replies = [
        members.open(mint(tmp_path, language, "identity", members, other)),
        tickets.open(None, ticket=mint(tmp_path, language, "ticket", tickets, other)),
    ]
    assert [(reply.status, problem(reply)) for reply in replies] == [(401, "is not signed by a key of this widget")] * 2


@pytest.mark.parametrize("what", SNIPPETS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_host_without_its_secret_or_widget_id_makes_nothing(tmp_path: Path, language: str, what: str) -> None:
    whole = {"CHATKEEP_WIDGET_ID": "widget_1", SNIPPETS[what][1]: STRONG}
    assert attempt(tmp_path, language, what, **whole).returncode == 0
    for left_out in whole:
        ran = attempt(tmp_path, language, what, **{name: value for name, value in whole.items() if name != left_out})
        assert ran.returncode != 0, left_out
        assert left_out in ran.stderr
        assert (ran.stdout, STRONG in ran.stderr) == ("", False)


def test_a_php_host_can_have_the_code_of_both_pages(tmp_path: Path) -> None:
    # Its functions are global: two of one name stop the program.
    for what, (page, _) in SNIPPETS.items():
        (tmp_path / f"{what}.php").write_text(snippet(page, "php"), encoding="utf-8")
    ran = start(tmp_path, "php", "<?php require 'identity.php'; require 'ticket.php';", {})
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
