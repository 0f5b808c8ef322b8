"""An organization goes with all that is its own, on every database, beside a gateway that runs."""

import pytest
from sqlalchemy import func, select

from chatkeep.errors import NotThere
from chatkeep.manage import organizations
from chatkeep.store import Store, Tx
from chatkeep.store.tables import metadata
from tests.admit.cast import another_organizations_site
from tests.cast import alices_site, on_stage


def rows(tx: Tx) -> dict[str, int]:
    """How many rows each table has whose rows belong to an organization."""
    return {
        t.name: tx.execute(select(func.count()).select_from(t)).scalar_one() for t in metadata.sorted_tables if "org_id" in t.c or t.name == "organizations"
    }


def test_nothing_of_a_deleted_organization_is_left_and_its_visitors_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organizations, "_BATCH", 2)
    removed: list[int] = []
    with on_stage(store) as stage:
        widget = alices_site(store)
        victor = stage.victor(widget)
        assert victor.say("hello").status == 200
        stage.flush()
        another_organizations_site(store, "Mallory Ltd")
        alices, mallorys = (organizations.find_named_organization(store, name) for name in (organizations.DEFAULT, "Mallory Ltd"))
        lost = organizations.delete(store, stage.clock, alices.org_id, removed.append)
        assert (lost["widgets"], lost["conversations"], lost["messages"]) == (1, 1, 2)
        assert max(removed) <= 2
        stage.clock.forward(3)
        assert victor.say("again").status in {401, 404}
        stage.flush()
        left = store.read_now(rows)
        assert (left["organizations"], left["widgets"], left["agents"], left["messages"], left["sessions"]) == (1, 1, 1, 0, 0)
        assert organizations.find_named_organization(store, mallorys.org_id) == mallorys
    with pytest.raises(NotThere):
        organizations.find_named_organization(store, alices.org_id)
