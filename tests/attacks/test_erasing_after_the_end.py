"""A conversation whose session has ended is still its visitor's to erase, and nobody else's."""

from collections.abc import Iterator

import pytest

from chatkeep.store import Store, tables
from chatkeep.store.sessions import end_session
from chatkeep.store.widgets import WidgetRow
from tests.admit.cast import assert_refused, generous
from tests.cast import SHOP, Stage, alices_site, on_stage
from tests.prover import BoundVisitor, Key


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store, generous()) as opened:
        yield opened


@pytest.fixture
def widget(stage: Stage) -> WidgetRow:
    return alices_site(stage.store, settings={"limits": {"interval_ms": 0}})


@pytest.fixture
def victor(stage: Stage, widget: WidgetRow) -> BoundVisitor:
    visitor = BoundVisitor(stage, widget.widget_id, SHOP).open()
    assert visitor.say("secret").status == 200
    return visitor


def own(victor: BoundVisitor) -> str:
    return f"/api/conversations/{victor.session['conversation_id']}"


def said(stage: Stage) -> set[str]:
    """All that is stored of what was said."""
    return {row.text for row in stage.store.read_now(lambda tx: tx.execute(tables.messages.select()).all())}


def end(stage: Stage, victor: BoundVisitor, widget: WidgetRow, reason: str) -> None:
    """End the session as *reason* says; "idle": nobody has marked it yet."""
    if reason == "idle":
        stage.clock.forward(31 * 60)
    elif reason == "visitor":
        assert victor.request("DELETE", "/api/sessions/current").status == 204
    else:
        row = (widget.org_id, victor.session["session_id"])
        assert stage.store.transaction_now(lambda tx: end_session(tx, *row, at_ms=1, reason=reason))
        stage.clock.forward(3)


@pytest.mark.parametrize("reason", ["idle", "visitor", "age", "revoked"])
def test_with_its_key_an_ended_session_erases_what_was_said_in_it_and_does_nothing_else(
    stage: Stage, victor: BoundVisitor, widget: WidgetRow, reason: str
) -> None:
    end(stage, victor, widget, reason)
    for method, path in (("GET", own(victor) + "/messages"), ("GET", own(victor) + "/export"), ("DELETE", "/api/sessions/current")):
        assert victor.request(method, path).status in {401, 410}
    assert victor.say("x").status in {401, 410}
    assert victor.refresh().status in {401, 410}
    assert "secret" in said(stage)
    assert victor.request("DELETE", own(victor)).status == 204
    assert "secret" not in said(stage)
    assert_refused(victor.request("DELETE", own(victor)), 404, "not_found")


def test_an_ended_session_erases_nothing_of_others(stage: Stage, victor: BoundVisitor, widget: WidgetRow) -> None:
    mallory = BoundVisitor(stage, widget.widget_id, SHOP).open()
    end(stage, mallory, widget, "revoked")
    assert_refused(mallory.request("DELETE", own(victor)), 404, "not_found")
    assert "secret" in said(stage)


def test_without_the_key_a_copied_token_of_an_ended_session_erases_nothing(stage: Stage, victor: BoundVisitor, widget: WidgetRow) -> None:
    end(stage, victor, widget, "age")
    assert_refused(victor.request("DELETE", own(victor), proof=None), 401, "proof_required")
    for key, path in ((Key(), own(victor)), (victor.key, own(victor) + "x")):
        assert victor.request("DELETE", own(victor), proof=key.prove(stage, "DELETE", path, victor.token)).error == "invalid_proof"
    assert "secret" in said(stage)


def test_a_session_without_a_key_erases_nothing_after_its_end(stage: Stage, widget: WidgetRow) -> None:
    victor = stage.victor(widget)
    victor.say("unbound")
    stage.clock.forward(31 * 60)
    reply = stage.call("DELETE", f"/api/conversations/{victor.session['conversation_id']}", headers=victor.headers)
    assert reply.status in {401, 410}
    assert "unbound" in said(stage)
