"""Which organization is meant, and what does a new one get?"""

from collections.abc import Callable

from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.errors import InTheWay, NotThere, WrongUsage
from chatkeep.ids import AgentId, OrgId
from chatkeep.store import Store, Tx, belongings
from chatkeep.store.organizations import (
    Agent,
    Organization,
    add_agent,
    add_organization,
    find_agent_by_name,
    hold_organizations,
    list_organizations,
    rename_organization,
    set_agent_providers,
)

DEFAULT = "default"
_LONGEST_NAME = 200
# Rows that are removed in one transaction: a gateway waits no longer than for a few of its own.
_BATCH = 500
INSTRUCTIONS = (
    "You are the assistant of this website. Answer the visitor's question in their language, briefly and kindly. "
    "Rely on the numbered sources and cite them as [1], [2]. When they do not hold the answer, say so and suggest "
    "how to reach a person. Never make up prices, dates or policies."
)


def choose_organization(store: Store, clock: Clock, name: str | None = None) -> Organization:
    """The organization *name*; without a name the only one, made when there is none. Raises ``WrongUsage``."""
    found = store.read_now(list_organizations)
    if not found and name in {None, DEFAULT}:
        return store.transaction_now(put_first, at_ms=int(clock.now().timestamp() * 1000))
    names = ", ".join(org.name for org in found) or DEFAULT
    if name is None:
        if len(found) > 1:
            msg = f"there are several organizations ({names}): choose one with --org NAME"
            raise WrongUsage(msg)
        return found[0]
    for org in found:
        if org.name == name:
            return org
    msg = f"there is no organization {name!r}; known are: {names}"
    raise WrongUsage(msg)


def make_organization(store: Store, clock: Clock, name: str) -> Organization:
    """A new organization with its agent. Raises ``WrongUsage``."""
    name = checked_organization(name)
    return store.transaction_now(_add_named, name, at_ms=int(clock.now().timestamp() * 1000))


def rename(store: Store, org: OrgId, name: str) -> None:
    """Give *org* another name. Raises ``WrongUsage``."""
    store.transaction_now(put_name, org, checked_organization(name))


def find_named_organization(store: Store, name: str) -> Organization:
    """The organization of that id or name. Raises ``NotThere``."""
    found = next((org for org in store.read_now(list_organizations) if name in (org.org_id, org.name)), None)
    if found is None:
        raise NotThere(f"there is no organization {name[:100]!r}: `chatkeep orgs list` shows all")
    return found


def count_belongings(store: Store, org: OrgId) -> dict[str, int]:
    """How much of each kind would go with *org*."""
    return store.read_now(belongings.count_belongings, org)


def delete(store: Store, clock: Clock, org: OrgId, progress: Callable[[int], None] = lambda _removed: None) -> dict[str, int]:
    """Remove *org* with everything that belongs to it, for good; how much of each kind that was. *progress* is told how many rows went.

    In short transactions, beside a running gateway; who breaks it off says it again.
    """
    lost = count_belongings(store, org)
    store.transaction_now(belongings.close_widgets, org, at_ms=int(clock.now().timestamp() * 1000))
    while removed := store.transaction_now(belongings.remove_some, org, _BATCH):
        progress(removed)
    store.transaction_now(belongings.remove_organization, org)
    return lost


def checked_organization(name: str) -> str:
    """A name that can be typed and shown. Raises ``WrongUsage``."""
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise WrongUsage(f"an organization's name has 1 to {_LONGEST_NAME} printable characters", field="organization")
    return name


def default_agent(store: Store, org: OrgId) -> Agent:
    """The agent that new widgets get. Raises ``WrongUsage``."""
    agent = store.read_now(find_agent_by_name, org, DEFAULT)
    if agent is None:
        msg = f"the organization has no agent named {DEFAULT!r}"
        raise WrongUsage(msg)
    return agent


def choose_providers(store: Store, org: OrgId, agent: AgentId, providers: tuple[str, ...]) -> None:
    """Let *agent* ask *providers* in that order; none means what the instance offers."""
    store.transaction_now(set_agent_providers, org, agent, providers)


def put_first(tx: Tx, *, at_ms: int) -> Organization:
    """The first organization with its agent; another process may have been faster."""
    hold_organizations(tx)
    found = list_organizations(tx)
    if found:
        return found[0]
    return _add_named(tx, DEFAULT, at_ms=at_ms)


def _add_named(tx: Tx, name: str, *, at_ms: int) -> Organization:
    """An organization whose name is free, with its agent."""
    hold_organizations(tx)
    if any(org.name == name for org in list_organizations(tx)):
        raise InTheWay(f"an organization is called {name!r} already", field="organization")
    org = OrgId(new_id("org"))
    add_organization(tx, org, name, at_ms=at_ms)
    agent = Agent(AgentId(new_id("agent")), org, DEFAULT, INSTRUCTIONS, (), has_knowledge=False)
    add_agent(tx, org, agent, at_ms=at_ms)
    return Organization(org, name)


def put_name(tx: Tx, org: OrgId, name: str) -> None:
    """Another name, if it is free. Raises ``InTheWay``."""
    hold_organizations(tx)
    if any(other.name == name and other.org_id != org for other in list_organizations(tx)):
        raise InTheWay(f"an organization is called {name!r} already", field="organization")
    rename_organization(tx, org, name)
