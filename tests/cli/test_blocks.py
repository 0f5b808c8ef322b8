"""``chatkeep blocks``: what an operator types is what a gateway beside it does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkeep.admit.blocks import read_all
from chatkeep.clock import SystemClock
from chatkeep.store import Store
from tests.admit.cast import WIDE, another_organizations_site
from tests.cast import Stage, StageVisitor, alices_site, on_stage
from tests.cli.office import Shell, shell_in

PEER = "198.51.100.7"


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return shell_in(tmp_path / "data", sqlite_template, monkeypatch)


@pytest.fixture
def stage(shell: Shell) -> Iterator[Stage]:
    """A gateway over the shell's database. The commands ask the machine what time it is, and so it starts then."""
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    with on_stage(store) as opened:
        opened.clock._now = SystemClock().now()
        yield opened
    store.close()


@pytest.fixture
def victor(stage: Stage) -> StageVisitor:
    return stage.victor(alices_site(stage.store, settings=WIDE))


def answer(victor: StageVisitor) -> tuple[int, str | None]:
    """What Victor is told, once the gateway has looked for changes, as it does every second."""
    victor.stage.loop.run_until_complete(read_all(victor.stage.gateway.desk))
    reply = victor.say("hello")
    return reply.status, reply.error


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("address", PEER, PEER),
        ("network", "198.51.100.9/24", "198.51.100.0/24"),
        ("domain", "Shop.example", "shop.example"),
        ("session", "", ""),
        ("visitor", "", ""),
    ],
)
def test_who_is_blocked_by_hand_is_refused_until_the_block_is_lifted(shell: Shell, victor: StageVisitor, kind: str, typed: str, kept: str) -> None:
    live = victor.stage.gateway.desk.sessions.find(victor.session["session_id"])
    assert live is not None
    typed = typed or (live.row.session_id if kind == "session" else live.row.visitor_id)
    assert answer(victor) == (200, None)
    made = shell.ask("blocks", "add", f"--{kind}", typed, "--reason", "flood")
    assert (made["kind"], made["value"], made["reason"], made["is_automatic"]) == (kind, kept or typed, "flood", False)
    assert shell.ask("blocks", "list") == [made]
    assert answer(victor) == (429, "temporarily_blocked")
    assert shell.ask("blocks", "lift", made["block_id"]) == {"block_id": made["block_id"], "lifted": True}
    victor.stage.clock.forward(1)
    assert answer(victor) == (200, None)
    assert shell.ask("blocks", "list") == []
    assert [one["block_id"] for one in shell.ask("blocks", "list", "--all")] == [made["block_id"]]
    again = shell.run("blocks", "lift", made["block_id"])
    assert (again.code, again.out) == (1, "")


def test_an_automatic_block_is_listed_and_lifted_like_others(shell: Shell, stage: Stage, victor: StageVisitor) -> None:
    for _ in range(3):
        assert stage.call(
            "POST", "/api/chat", headers={**victor.headers, "authorization": "Bearer x"}, body={"message": "x", "widget_id": victor.widget.widget_id}
        )
    # Behind all that was queued: the command reads what is stored.
    stage.loop.run_until_complete(stage.store.transaction(lambda _tx: None))
    assert answer(victor) == (429, "temporarily_blocked")
    (block,) = shell.ask("blocks", "list")
    assert (block["kind"], block["value"], block["is_automatic"]) == ("address", PEER, True)
    assert block["block_id"] in shell.run("blocks", "list").out
    shell.ask("blocks", "lift", block["block_id"])
    stage.clock.forward(1)
    assert answer(victor) == (200, None)


def test_a_block_ends_by_itself_after_its_minutes(shell: Shell, stage: Stage, victor: StageVisitor) -> None:
    shell.ask("blocks", "add", "--address", PEER, "--reason", "flood", "--minutes", "1.5")
    assert answer(victor) == (429, "temporarily_blocked")
    stage.clock.forward(120)
    assert answer(victor) == (200, None)


def test_networks_are_exempted_listed_and_let_go(shell: Shell) -> None:
    assert shell.ask("blocks", "exempt") == []
    (made,) = shell.ask("blocks", "exempt", "198.51.100.7/24", "--factor", "0", "--note", "office")
    assert (made["network"], made["factor"], made["note"]) == ("198.51.100.0/24", 0, "office")
    assert "no limit" in shell.run("blocks", "exempt").out
    assert shell.ask("blocks", "exempt", "--end", made["id"]) == []


def test_one_organization_does_not_see_or_lift_another_ones_blocks(shell: Shell) -> None:
    assert shell.ask("blocks", "list") == []
    store = Store(f"sqlite:///{shell.data_dir / 'chatkeep.db'}")
    try:
        another_organizations_site(store, "Mallory Ltd")
    finally:
        store.close()
    made = shell.ask("blocks", "add", "--address", PEER, "--reason", "flood", "--org", "Mallory Ltd")
    (exempt,) = shell.ask("blocks", "exempt", "203.0.113.0/24", "--org", "Mallory Ltd")
    assert shell.ask("blocks", "list", "--all", "--org", "default") == shell.ask("blocks", "exempt", "--org", "default") == []
    assert shell.run("blocks", "lift", made["block_id"], "--org", "default").code == 1
    assert shell.run("blocks", "exempt", "--end", exempt["id"], "--org", "default").code == 1
    assert [one["block_id"] for one in shell.ask("blocks", "list", "--org", "Mallory Ltd")] == [made["block_id"]]
    assert shell.ask("blocks", "exempt", "--org", "Mallory Ltd") == [exempt]
