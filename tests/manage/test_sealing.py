"""Keys that seal secrets are changed while others read and write, and nothing is lost or left under the old one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from pyotp import TOTP

from chatkeep.crypto.sealed import SealingKey, key_id_of, seal
from chatkeep.errors import InTheWay, Misconfigured
from chatkeep.ids import ProviderId
from chatkeep.manage.organizations import choose_organization
from chatkeep.manage.sealing import Rotated, rotate_keys
from chatkeep.store import Store, data_keys, providers
from chatkeep.store.providers import ProviderRow
from chatkeep.vault import Vault, place_of_provider_key
from tests.cast import HeldClock, development, on_stage
from tests.rest.cast import PASSWORD, Office, an_office
from tests.servers import PATIENCE, SECRET

OLDER = SECRET[::-1]


def add_secrets(store: Store, vault: Vault, count: int, start: int = 0) -> None:
    """Providers whose keys say which they are."""
    org = choose_organization(store, HeldClock()).org_id
    for number in range(start, start + count):
        provider = ProviderId(f"prov_{number:04}")
        sealed = store.transaction_now(vault.seal, f"secret {number}", place=place_of_provider_key(provider))
        row = ProviderRow(provider, org, f"p{number}", "openai", "https://ai.example/v1", "m", sealed, "last", is_local=False, created_at_ms=1)
        store.transaction_now(providers.add_provider, org, row)


def opened(store: Store, vault: Vault) -> dict[str, str]:
    """Every secret by the name of its provider."""
    rows = store.read_now(providers.sealed_provider_keys)
    return {row.name: store.read_now(vault.unseal, row.api_key or "", place=place_of_provider_key(row.provider_id)) for row in rows}


def key_ids(store: Store) -> set[str]:
    """Which keys sealed what is there."""
    return {key_id_of(row.api_key or "") for row in store.read_now(providers.sealed_provider_keys)}


def test_a_change_of_keys_seals_everything_anew_and_destroys_the_old_one_later(store: Store) -> None:
    clock = HeldClock()
    vault = Vault([SECRET], clock)
    add_secrets(store, vault, 120)
    wanted = opened(store, vault)
    first = key_ids(store)
    steps: list[tuple[int, int]] = []
    clock.forward(1)
    rotated = rotate_keys(store, clock, vault, lambda done, total: steps.append((done, total)))
    assert (rotated.secrets, rotated.rewrapped, rotated.removed) == (120, 0, 0)
    assert steps == [(50, 120), (100, 120), (120, 120)]
    assert key_ids(store) == {rotated.key_id} != first
    # Another process, which knows nothing yet, opens them as well.
    assert opened(store, Vault([SECRET], clock)) == opened(store, vault) == wanted
    clock.forward(timedelta(hours=2).total_seconds())
    assert rotate_keys(store, clock, vault).removed == 1
    assert len(store.read_now(data_keys.list_data_keys)) == 2


def test_a_change_of_keys_beside_writers_loses_nothing(store: Store) -> None:
    clock = HeldClock()
    add_secrets(store, Vault([SECRET], clock), 60)
    failed: list[BaseException] = []
    is_over = threading.Event()

    def read() -> None:
        try:
            vault = Vault([SECRET], clock)
            while not is_over.is_set():
                assert all(text == f"secret {int(name[1:])}" for name, text in opened(store, vault).items())
        except BaseException as error:
            failed.append(error)
            raise

    def write() -> None:
        try:
            add_secrets(store, Vault([SECRET], clock), 40, start=60)
        except BaseException as error:
            failed.append(error)
            raise

    reader, writer = threading.Thread(target=read), threading.Thread(target=write)
    reader.start()
    writer.start()
    for _ in range(3):
        clock.forward(1)
        rotate_keys(store, clock, Vault([SECRET], clock))
    writer.join(PATIENCE)
    is_over.set()
    reader.join(PATIENCE)
    assert failed == []
    rotate_keys(store, clock, Vault([SECRET], clock))
    assert len(opened(store, Vault([SECRET], clock))) == 100
    assert len(key_ids(store)) == 1


def test_of_two_changes_of_keys_at_once_the_later_one_seals_everything_and_the_other_says_so(store: Store) -> None:
    clock = HeldClock()
    add_secrets(store, Vault([SECRET], clock), 120)
    later: list[Rotated] = []

    def overtake(_done: int, _total: int) -> None:
        if not later:
            clock.forward(1)
            later.append(rotate_keys(store, clock, Vault([SECRET], clock)))

    clock.forward(1)
    with pytest.raises(InTheWay, match="another change of keys"):
        rotate_keys(store, clock, Vault([SECRET], clock), overtake)
    assert key_ids(store) == {later[0].key_id}
    assert len(opened(store, Vault([SECRET], clock))) == 120
    clock.forward(1)
    assert rotate_keys(store, clock, Vault([SECRET], clock)).secrets == 120


def test_the_first_key_is_made_once_whoever_needs_it_at_the_same_moment(store: Store, database_url: str) -> None:
    clock, count = HeldClock(), 4
    others = [Store(database_url) for _ in range(count)]
    all_there = threading.Barrier(count)

    def seal_first(other: Store) -> str:
        vault = Vault([SECRET], clock)
        all_there.wait(PATIENCE)
        return other.transaction_now(vault.seal, "secret", place="here")

    with ThreadPoolExecutor(count) as threads:
        sealed = list(threads.map(seal_first, others))
    for other in others:
        other.close()
    assert len(store.read_now(data_keys.list_data_keys)) == 1
    assert {store.read_now(Vault([SECRET], clock).unseal, one, place="here") for one in sealed} == {"secret"}


def test_two_next_keys_at_the_same_moment_leave_one_that_seals(store: Store, database_url: str) -> None:
    clock, count = HeldClock(), 4
    others = [Store(database_url) for _ in range(count)]
    store.transaction_now(Vault([SECRET], clock).newest)
    all_there = threading.Barrier(count)

    def begin(other: Store) -> None:
        vault = Vault([SECRET], clock)
        all_there.wait(PATIENCE)
        other.transaction_now(vault.begin_next)

    with ThreadPoolExecutor(count) as threads:
        list(threads.map(begin, others))
    for other in others:
        other.close()
    rows = store.read_now(data_keys.list_data_keys)
    assert (len(rows), [row.retired_at_ms for row in rows].count(None)) == (count + 1, 1)


def test_a_new_secret_key_needs_the_old_one_once(sqlite_store: Store) -> None:
    clock = HeldClock()
    add_secrets(sqlite_store, Vault([OLDER], clock), 3)
    wanted = opened(sqlite_store, Vault([OLDER], clock))
    with pytest.raises(Misconfigured, match="CHATKEEP_SECRET_KEY_PREVIOUS"):
        opened(sqlite_store, Vault([SECRET], clock))
    assert rotate_keys(sqlite_store, clock, Vault([SECRET], clock, gone=[OLDER])).rewrapped == 1
    assert opened(sqlite_store, Vault([SECRET], clock)) == wanted
    with pytest.raises(Misconfigured):
        opened(sqlite_store, Vault([OLDER], clock))


def test_processes_with_the_old_secret_key_and_with_the_new_one_go_on_while_it_is_changed(store: Store) -> None:
    clock = HeldClock()
    running = Vault([OLDER], clock)
    add_secrets(store, running, 60)
    wanted = opened(store, running)
    # Restarted before the rotation: it opens what is there, and what it seals the old process opens.
    restarted = Vault([SECRET, OLDER], clock)
    assert opened(store, restarted) == wanted
    add_secrets(store, restarted, 1, start=60)
    clock.forward(1)
    seen: list[int] = []

    def look(_done: int, _total: int) -> None:
        seen.extend((len(opened(store, running)), len(opened(store, Vault([OLDER], clock))), len(opened(store, restarted))))

    assert rotate_keys(store, clock, Vault([SECRET, OLDER], clock), look).rewrapped == 1
    assert seen == [61] * 6
    # The old process seals, too, and restarts when it likes.
    add_secrets(store, Vault([OLDER], clock), 1, start=61)
    assert len(opened(store, Vault([SECRET, OLDER], clock))) == 62
    # At last nobody has the old one.
    clock.forward(7200)
    assert rotate_keys(store, clock, Vault([SECRET], clock)).rewrapped == 2
    assert len(opened(store, Vault([SECRET], clock))) == 62
    with pytest.raises(Misconfigured):
        opened(store, Vault([OLDER], clock))


def test_a_wrong_secret_changes_nothing(sqlite_store: Store) -> None:
    clock = HeldClock()
    add_secrets(sqlite_store, Vault([OLDER], clock), 3)
    wanted = opened(sqlite_store, Vault([OLDER], clock))
    with pytest.raises(Misconfigured):
        rotate_keys(sqlite_store, clock, Vault([SECRET, "x" * 40], clock))
    assert opened(sqlite_store, Vault([OLDER], clock)) == wanted


def test_a_second_factor_survives_a_change_of_the_secret_key(sqlite_store: Store, tmp_path: Path) -> None:
    with an_office(sqlite_store, data_dir=str(tmp_path), secret_key=OLDER) as office:
        alice = office.join("alice@shop.example", "owner")
        offer = alice.post("/api/admin/auth/totp", {"current_password": PASSWORD})
        app = TOTP(offer["secret"])
        codes = alice.post("/api/admin/auth/totp/confirm", {"code": app.at(office.stage.clock.now())})["recovery_codes"]
        clock = office.stage.clock
    clock.forward(30)
    with on_stage(sqlite_store, development(data_dir=str(tmp_path), secret_key=SECRET, secret_key_previous=OLDER), clock) as stage:
        before = Office(stage, office.org, office.other_org)
        assert before.sign_in("alice@shop.example", totp_code=app.at(clock.now())).status == 200
        assert before.sign_in("alice@shop.example", recovery_code=codes[0]).status == 200
    rotate_keys(sqlite_store, clock, Vault([SECRET, OLDER], clock))
    rotate_keys(sqlite_store, clock, Vault([SECRET], clock))
    clock.forward(30)
    with on_stage(sqlite_store, development(data_dir=str(tmp_path), secret_key=SECRET), clock) as stage:
        after = Office(stage, office.org, office.other_org)
        assert after.sign_in("alice@shop.example", totp_code=app.at(clock.now())).status == 200
        assert after.sign_in("alice@shop.example", recovery_code=codes[1]).status == 200
        assert after.sign_in("alice@shop.example", recovery_code=codes[0]).status == 401


def test_what_was_sealed_before_there_were_data_keys_opens_and_is_taken_along(sqlite_store: Store) -> None:
    clock = HeldClock()
    vault = Vault([SECRET], clock)
    org = choose_organization(sqlite_store, clock).org_id
    sealed = seal("from before", SealingKey.from_secret(SECRET), place=place_of_provider_key(ProviderId("prov_old")))
    row = ProviderRow(ProviderId("prov_old"), org, "old", "openai", "https://ai.example/v1", "m", sealed, "fore", is_local=False, created_at_ms=1)
    sqlite_store.transaction_now(providers.add_provider, org, row)
    assert opened(sqlite_store, vault) == {"old": "from before"}
    rotated = rotate_keys(sqlite_store, clock, vault)
    assert rotated.secrets == 1
    assert key_ids(sqlite_store) == {rotated.key_id}
    assert opened(sqlite_store, vault) == {"old": "from before"}


def test_a_data_key_in_the_database_tells_nothing(sqlite_store: Store) -> None:
    vault = Vault([SECRET], HeldClock())
    key = sqlite_store.transaction_now(vault.newest)
    rows = sqlite_store.read_now(data_keys.list_data_keys)
    assert [row.key_id for row in rows] == [key.key_id]
    assert key.text not in str(rows)
    assert key.text not in repr(key)
