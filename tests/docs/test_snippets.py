"""Does the code in the how-to pages work? It is taken from the page and run, and the gateway judges what it made."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatkeep.store import Store
from tests.cast import SHOP, HeldClock, Stage, on_stage
from tests.host import STRONG, Host, Signer, alices_login, alices_widget

PAGES = Path(__file__).parents[2] / "docs/how-to"
# How each language is called, what its files end in, and how a call of the snippet's function is printed.
LANGUAGES = {
    "python": (sys.executable, ".py", "print({call})"),
    "javascript": ("node", ".cjs", "console.log({call});"),
    "php": ("php", ".php", "echo {call};"),
    "ruby": ("ruby", ".rb", "puts({call})"),
}


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    # The snippets read the machine's clock: the gateway's stands still where it is now.
    with on_stage(sqlite_store, clock=HeldClock(datetime.now(UTC))) as opened:
        yield opened


def snippet(page: str, language: str) -> str:
    """The one block of *language* on *page*."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", (PAGES / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


def run(tmp_path: Path, page: str, language: str, call: str, **environment: str) -> str:
    """What the snippet's function returns, in a process of its own."""
    program, ending, printing = LANGUAGES[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: this snippet is not tested here")
    file = tmp_path / f"snippet{ending}"
    file.write_text(f"{snippet(page, language)}\n{printing.format(call=call)}\n", encoding="utf-8")
    own = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run([program, file], check=True, capture_output=True, text=True, timeout=60, env=own).stdout.strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_identity_made_as_the_page_says_opens_a_session_once(stage: Stage, tmp_path: Path, language: str) -> None:
    host = alices_login(stage, signer=Signer("HS256"))
    name = "identityToken" if language == "javascript" else "identity_token"
    call = f'{name}("customer-1", "zoé@shop.example", "Zoé")'
    made = run(tmp_path, "identify-visitors.md", language, call, CHATKEEP_WIDGET_ID=host.widget.widget_id, CHATKEEP_IDENTITY_SECRET=STRONG)
    assert host.open(made).status == 201
    assert host.open(made).error == "invalid_identity"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_ticket_made_as_the_page_says_opens_a_session_once(stage: Stage, tmp_path: Path, language: str) -> None:
    host = Host(stage, alices_widget(stage, settings={"access": {"require_ticket": True}}))
    secret = host.ticket_secret()
    call = f'{"pageTicket" if language == "javascript" else "page_ticket"}("{SHOP}")'
    made = run(tmp_path, "page-tickets.md", language, call, CHATKEEP_WIDGET_ID=host.widget.widget_id, CHATKEEP_TICKET_SECRET=secret)
    assert host.open(None, ticket=made).status == 201
    assert host.open(None, ticket=made).error == "invalid_identity"
