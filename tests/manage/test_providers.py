"""Whose word decides whether a provider's address may be private."""

import pytest

from chatkeep.errors import WrongUsage
from chatkeep.manage.organizations import choose_organization
from chatkeep.manage.providers import Change, bring_provider, change_provider
from chatkeep.store import Store
from chatkeep.vault import Vault
from tests.cast import HeldClock
from tests.servers import SECRET

CLOCK = HeldClock()
VAULT = Vault([SECRET], CLOCK)
WANTED = Change("mine", "https://localhost:8443/v1", "small", None)


@pytest.mark.parametrize("wanted", [Change(model="large"), Change(name="other"), Change(api_key="k" * 20)])
@pytest.mark.parametrize("was_local", [False, True])
def test_a_change_that_gives_no_address_trusts_it_as_before(sqlite_store: Store, wanted: Change, *, was_local: bool) -> None:
    org = choose_organization(sqlite_store, CLOCK).org_id
    made = bring_provider(sqlite_store, CLOCK, VAULT, org, kind="openai", wanted=WANTED, is_local=was_local)
    for by_command in (True, False):
        changed = change_provider(sqlite_store, VAULT, org, made.provider_id, wanted, is_local=by_command)
        assert changed.is_local is was_local


def test_who_gives_an_address_decides_whether_it_may_be_private(sqlite_store: Store) -> None:
    org = choose_organization(sqlite_store, CLOCK).org_id
    made = bring_provider(sqlite_store, CLOCK, VAULT, org, kind="openai", wanted=WANTED, is_local=False)
    private = Change(base_url="http://127.0.0.1:8080/v1")
    assert change_provider(sqlite_store, VAULT, org, made.provider_id, private, is_local=True).is_local
    with pytest.raises(WrongUsage, match="is written like https"):
        change_provider(sqlite_store, VAULT, org, made.provider_id, private, is_local=False)
    public = Change(base_url="https://ai.example/v1")
    assert not change_provider(sqlite_store, VAULT, org, made.provider_id, public, is_local=False).is_local
