"""Two processes change the same thing at the same moment: nothing is lost, and one owner stays. On every database."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from chatkeep.admit import sign_in
from chatkeep.admit.sign_in import Attempt
from chatkeep.clock import SystemClock
from chatkeep.errors import ChatkeepError, InTheWay, Refused, WrongUsage
from chatkeep.ids import LoginId, OrgId
from chatkeep.manage import agents, api_keys, logins, members, people, providers, widgets
from chatkeep.manage.organizations import choose_organization, default_agent, make_organization
from chatkeep.manage.providers import Change
from chatkeep.manage.widgets import WidgetChange
from chatkeep.store import Store
from chatkeep.store.logins import LoginRow, find_signed_in, sign_in_member
from chatkeep.store.members import add_member, count_owners, find_member
from chatkeep.store.organizations import list_organizations
from chatkeep.store.users import UserRow, add_user, count_users
from chatkeep.vault import Vault
from tests.patience import until
from tests.rest.cast import PASSWORD, an_office, hashed

CLOCK = SystemClock()
VAULT = Vault(["a" * 40], CLOCK)
Work = Callable[[Store], Any]


@pytest.fixture
def org(store: Store) -> OrgId:
    return choose_organization(store, CLOCK).org_id


@pytest.fixture
def together(database_url: str) -> Iterator[Callable[[Work, Work], list[Any]]]:
    """A way to run two works as two processes would; what each returned, or the error that it ended with."""
    one, two = Store(database_url), Store(database_url)
    yield lambda first, second: at_once(database_url, (one, first), (two, second))
    one.close()
    two.close()


def at_once(url: str, first: tuple[Store, Work], second: tuple[Store, Work]) -> list[Any]:
    """The second begins when the first is about to commit; the first goes on once the second stands in line for it, or is done."""
    outcomes: list[Any] = [None, None]
    begun = threading.Event()

    def run(number: int, store: Store, work: Work) -> None:
        try:
            outcomes[number] = work(store)
        except ChatkeepError as error:
            outcomes[number] = error

    other = threading.Thread(target=run, args=(1, *second))

    def meet(_tx: Any) -> None:
        if other.ident is None:
            other.start()
            asyncio.run(until(lambda: not other.is_alive() or (begun.is_set() and stands_in_line(url))))

    event.listen(second[0]._write_engine, "checkout", lambda *_: begun.set())
    event.listen(first[0]._write_engine, "commit", meet)
    run(0, *first)
    if other.ident is None:
        other.start()
    other.join()
    return outcomes


def stands_in_line(url: str) -> bool:
    """Whether somebody waits for a lock. SQLite shows nobody who waits: there, whoever has begun does."""
    if url.startswith("sqlite"):
        return True
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg.connect(plain)) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        row = connection.execute(query).fetchone()
    return row is not None and row[0] > 0


def member(store: Store, org: OrgId, email: str, role: Any) -> str:
    """Somebody with an account who is *role*; their id."""
    made = people.now_ms(CLOCK)
    user = UserRow(people.UserId(people.new_id("usr")), email, "", hashed(), made, made, None, None, None, made)
    store.transaction_now(add_user, user)
    store.transaction_now(add_member, org, user.user_id, role, at_ms=made)
    return user.user_id


STEPPING_DOWN: dict[str, Callable[[Store, OrgId, str], Any]] = {
    "demoted": lambda store, org, user: members.change_role(store, org, user, "viewer"),
    "removed": lambda store, org, user: members.remove_member(store, CLOCK, org, user),
}


@pytest.mark.parametrize("first", STEPPING_DOWN)
@pytest.mark.parametrize("second", STEPPING_DOWN)
def test_of_two_owners_who_go_at_once_one_stays(store: Store, org: OrgId, together, first: str, second: str) -> None:
    anna, bert = (member(store, org, f"{name}@shop.example", "owner") for name in ("anna", "bert"))
    outcomes = together(lambda one: STEPPING_DOWN[first](one, org, anna), lambda two: STEPPING_DOWN[second](two, org, bert))
    assert store.read_now(count_owners, org) == 1, outcomes
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [InTheWay]


def set_ups(together: Callable[[Work, Work], list[Any]], called: str | None) -> list[Any]:
    """Two people use a set-up link each, which two processes offered at once."""

    def offer(process: Store) -> Any:
        return people.offer_setup(process, CLOCK)

    codes = together(offer, offer)

    def set_up(number: int) -> Work:
        first = people.FirstUser(f"owner{number}@shop.example", PASSWORD, organization=called)
        return lambda process: people.set_up(process, CLOCK, code=codes[number], first=first)

    return together(set_up(0), set_up(1))


def test_two_set_ups_at_once_make_one_owner(store: Store, org: OrgId, together) -> None:
    outcomes = set_ups(together, None)
    assert store.read_now(count_users) == 1, outcomes
    assert store.read_now(count_owners, org) == 1
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [WrongUsage]


@pytest.mark.parametrize("called", [None, "Shop"])
def test_two_set_ups_at_once_on_an_empty_instance_make_one_owner_of_one_organization(store: Store, together, called: str | None) -> None:
    outcomes = set_ups(together, called)
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [WrongUsage], outcomes
    (only,) = store.read_now(list_organizations)
    assert (only.name, store.read_now(count_owners, only.org_id)) == (called or "default", 1)


@pytest.mark.parametrize("name", ["default", "Shop"])
def test_of_two_organizations_of_one_name_made_at_once_one_is_told(store: Store, together, name: str) -> None:
    made, refused = together(lambda one: make_organization(one, CLOCK, name), lambda two: make_organization(two, CLOCK, name))
    assert (made.name, type(refused)) == (name, InTheWay)
    assert [org.name for org in store.read_now(list_organizations)] == [name]


def test_nobody_comes_in_by_an_invitation_of_somebody_who_goes_at_that_moment(store: Store, org: OrgId, together) -> None:
    member(store, org, "alice@shop.example", "owner")
    eve = member(store, org, "eve@shop.example", "owner")
    code = members.invite(store, CLOCK, org, email="friend@evil.example", role="owner", by=eve).code
    removed, accepted = together(
        lambda one: members.remove_member(one, CLOCK, org, eve),
        lambda two: members.accept_invitation(two, CLOCK, code=code, password=PASSWORD, name=""),
    )
    assert removed is None
    assert isinstance(accepted, WrongUsage)
    assert store.read_now(count_owners, org) == 1


def test_nobody_leaves_a_key_behind_by_making_it_as_they_are_removed(store: Store, org: OrgId, together) -> None:
    eve = member(store, org, "eve@shop.example", "admin")
    removed, made = together(
        lambda one: members.remove_member(one, CLOCK, org, eve),
        lambda two: api_keys.make_api_key(two, CLOCK, org, name="k", scopes=["widgets:read"], created_by=eve),
    )
    assert removed is None
    assert isinstance(made, Refused)
    assert store.read_now(find_member, org, people.UserId(eve)) is None


def test_nobody_signs_in_as_they_are_removed_and_finds_it_working_when_they_come_back(store: Store, org: OrgId, together) -> None:
    eve = people.UserId(member(store, org, "eve@shop.example", "admin"))
    login = LoginRow(LoginId("login_x"), org, eve, 1, None, "192.0.2.7", "tests", 1, 1, 2**45, None)
    together(lambda one: members.remove_member(one, CLOCK, org, eve), lambda two: two.transaction_now(sign_in_member, org, login))
    store.transaction_now(add_member, org, eve, "admin", at_ms=people.now_ms(CLOCK))
    found = store.read_now(find_signed_in, login.login_id)
    assert found is None or not found.login.is_live(2)


@pytest.mark.parametrize("is_reset_first", [True, False])
def test_no_login_made_with_the_old_password_outlives_a_reset_at_that_moment(store: Store, org: OrgId, together, *, is_reset_first: bool) -> None:
    judged = people.get_user(store, people.UserId(member(store, org, "alice@shop.example", "owner")))
    code = people.put_code(store, CLOCK, "reset", judged.user_id)
    login = LoginRow(LoginId("login_x"), org, judged.user_id, 1, None, "192.0.2.7", "tests", 1, 1, 2**45, None)
    works: list[Work] = [
        lambda process: people.reset_password(process, CLOCK, code=code, password="fresh-Kettle9-zebra-plum"),
        lambda process: process.transaction_now(logins._sign_in, org, login, judged),
    ]
    together(*(works if is_reset_first else reversed(works)))
    assert people.get_user(store, judged.user_id).password_hash != judged.password_hash
    found = store.read_now(find_signed_in, login.login_id)
    assert found is None if is_reset_first else found is not None and not found.login.is_live(2)


def test_two_resets_with_two_codes_at_once_both_get_an_answer(store: Store, org: OrgId, together) -> None:
    alice = people.UserId(member(store, org, "alice@shop.example", "owner"))
    codes = [people.put_code(store, CLOCK, "reset", alice) for _ in range(2)]
    works: list[Work] = [lambda process, code=code: people.reset_password(process, CLOCK, code=code, password="fresh-Kettle9-zebra-plum") for code in codes]
    outcomes = together(*works)
    assert [type(outcome) for outcome in outcomes] == [UserRow, WrongUsage]


def test_processes_count_failures_together(store: Store, together) -> None:
    with an_office(store) as office:
        desk = office.stage.gateway.desk

        def guess(number: int) -> Work:
            attempt = Attempt("alice@shop.example", "wrong", None, None, f"192.0.2.{number}", f"192.0.2.{number}")
            subjects = sign_in._subjects(attempt, desk)
            return lambda process: process.transaction_now(sign_in._begin, attempt, subjects, at_ms=sign_in._now_ms(desk))

        for number in range(4):
            guess(number)(store)
        first, second = together(guess(4), guess(5))
    assert not isinstance(first, Exception)
    assert isinstance(second, Refused)


class Widget:
    """A widget that two people change."""

    def __init__(self, store: Store, org: OrgId) -> None:
        agent = default_agent(store, org).agent_id
        self.org, self.id = org, widgets.create_widget(store, CLOCK, org, agent, name="Help", domains=["shop.example"], development=False).widget_id

    def change(self, store: Store, **wanted: Any) -> Any:
        if "is_active" in wanted:
            return widgets.set_active(store, self.org, self.id, **wanted)
        return widgets.change_widget(store, self.org, self.id, WidgetChange(**wanted), development=False)

    def read(self, store: Store) -> dict[str, Any]:
        row = widgets.get_widget(store, self.org, self.id)
        return {"name": row.name, "domains": list(row.allowed_domains), "settings": row.settings, "is_active": row.is_active}


class Agent:
    """An agent that two people change."""

    def __init__(self, store: Store, org: OrgId) -> None:
        self.org, self.id = org, agents.make_agent(store, CLOCK, org, name="Shop", instructions="Be kind.").agent_id

    def change(self, store: Store, **wanted: Any) -> Any:
        return agents.change_agent(store, self.org, self.id, **wanted)

    def read(self, store: Store) -> dict[str, Any]:
        row = agents.get_agent(store, self.org, self.id)
        return {"name": row.name, "instructions": row.instructions, "providers": list(row.providers)}


class Provider:
    """A provider that two people change."""

    def __init__(self, store: Store, org: OrgId) -> None:
        wanted = Change("Ours", "https://ai.example/v1", "m", "sk-0123456789abcdef")
        self.org, self.id = org, providers.bring_provider(store, CLOCK, VAULT, org, kind="openai", wanted=wanted, is_local=False).provider_id

    def change(self, store: Store, **wanted: Any) -> Any:
        return providers.change_provider(store, VAULT, self.org, self.id, Change(**wanted), is_local=False)

    def read(self, store: Store) -> dict[str, Any]:
        row = providers.get_provider(store, self.org, self.id)
        return {"name": row.name, "model": row.model, "last4": row.last4}


class ApiKey:
    """A key that two people change."""

    def __init__(self, store: Store, org: OrgId) -> None:
        self.org, self.id = org, api_keys.make_api_key(store, CLOCK, org, name="k", scopes=["widgets:read", "members:roles"]).row.key_id

    def change(self, store: Store, **wanted: Any) -> Any:
        return api_keys.change_api_key(store, CLOCK, self.org, self.id, **wanted)

    def read(self, store: Store) -> dict[str, Any]:
        row = api_keys.get_api_key(store, self.org, self.id)
        return {"name": row.name, "scopes": list(row.scopes), "networks": list(row.networks)}


LOOK, LIMIT = {"theme": {"accent": "#0f766e"}}, {"limits": {"message_length": 500}}
CHANGES: tuple[tuple[type[Any], dict[str, Any], dict[str, Any], dict[str, Any]], ...] = (
    (Widget, {"name": "Aid"}, {"domains": ["blog.example"]}, {"name": "Aid", "domains": ["blog.example"]}),
    (Widget, {"settings": LOOK}, {"settings": LIMIT}, {"settings": {**LOOK, **LIMIT}}),
    (Widget, {"is_active": False}, {"name": "Aid"}, {"name": "Aid", "is_active": False}),
    (Agent, {"name": "Aid"}, {"instructions": "Be brief."}, {"name": "Aid", "instructions": "Be brief."}),
    (Agent, {"providers": ["knowledge"]}, {"name": "Aid"}, {"providers": ["knowledge"], "name": "Aid"}),
    (Provider, {"name": "Theirs"}, {"model": "n"}, {"name": "Theirs", "model": "n"}),
    (Provider, {"api_key": "sk-fedcba9876543210"}, {"model": "n"}, {"last4": "3210", "model": "n"}),
    (ApiKey, {"scopes": ["widgets:read"]}, {"name": "renamed"}, {"scopes": ["widgets:read"], "name": "renamed"}),
    (ApiKey, {"networks": ["192.0.2.0/24"]}, {"name": "renamed"}, {"networks": ["192.0.2.0/24"], "name": "renamed"}),
)


@pytest.mark.parametrize(("kind", "one", "two", "both"), CHANGES)
@pytest.mark.parametrize("is_swapped", [False, True])
def test_two_changes_of_different_fields_both_stay(store: Store, org: OrgId, together, kind, one, two, both, *, is_swapped: bool) -> None:
    thing = kind(store, org)
    works: list[Work] = [lambda process, wanted=wanted: thing.change(process, **wanted) for wanted in ((two, one) if is_swapped else (one, two))]
    outcomes = together(*works)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes
    seen = thing.read(store)
    assert {name: seen[name] for name in both} == both


def test_a_key_that_somebody_typed_does_not_go_where_somebody_else_points_at_that_moment(store: Store, org: OrgId, together) -> None:
    thing = Provider(store, org)
    thing.change(store, api_key="")
    typed, moved = together(
        lambda one: thing.change(one, api_key="sk-0123456789abcdef"),
        lambda two: thing.change(two, base_url="https://evil.example/v1"),
    )
    assert typed.last4 == "cdef"
    assert isinstance(moved, WrongUsage)


def test_the_meeting_shows_a_change_that_is_lost(database_url: str, store: Store, org: OrgId, together) -> None:
    """Or the tests above would show nothing: whoever reads outside the transaction overwrites what came between."""
    thing = Agent(store, org)

    def careless(process: Store) -> None:
        old = agents.get_agent(process, org, thing.id)
        begin = agents.rows.change_agent
        process.transaction_now(begin, org, agents.replace(old, instructions="Be brief."))

    with suppress(ChatkeepError):
        together(lambda one: thing.change(one, name="Aid"), careless)
    assert thing.read(store)["name"] == "Shop"
