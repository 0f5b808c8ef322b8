"""What can an operator do with agents? Make, list, change, remove."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.errors import InTheWay, NotThere, WrongUsage
from chatkeep.ids import AgentId, OrgId
from chatkeep.manage.organizations import DEFAULT, INSTRUCTIONS
from chatkeep.manage.people import now_ms
from chatkeep.providers import BROUGHT, NAMES
from chatkeep.store import Store, Tx
from chatkeep.store import organizations as rows
from chatkeep.store.organizations import Agent
from chatkeep.store.paging import Part
from chatkeep.store.providers import find_provider

_MOST_NAMED = 5
_LONGEST_NAME = 200
_LONGEST_INSTRUCTIONS = 20_000
_MOST_PROVIDERS = 10
_NOT_THERE = "there is no such agent"


def make_agent(store: Store, clock: Clock, org: OrgId, *, name: str, instructions: str | None = None, providers: Sequence[str] = ()) -> Agent:
    """A new agent. Raises ``WrongUsage``."""
    wanted = Agent(AgentId(new_id("agent")), org, _checked_name(name), _checked_text(instructions or INSTRUCTIONS), tuple(providers), has_knowledge=False)
    store.transaction_now(_add, org, wanted, at_ms=now_ms(clock))
    return wanted


def some_agents(store: Store, org: OrgId, part: Part) -> tuple[list[Agent], int]:
    """Agents of *org*, and how many there are."""
    return store.read_now(rows.part_of_agents, org, part)


def get_agent(store: Store, org: OrgId, agent: str) -> Agent:
    """The agent of that id. Raises ``NotThere``."""
    found = store.read_now(rows.find_agent, org, AgentId(agent))
    if found is None:
        raise NotThere(_NOT_THERE)
    return found


def find_named_agent(store: Store, org: OrgId, name: str) -> Agent:
    """The agent of that id or name. Raises ``NotThere``."""
    found = store.read_now(rows.find_agent, org, AgentId(name)) or store.read_now(rows.find_agent_by_name, org, name)
    if found is None:
        raise NotThere(f"there is no agent {name!r}: `chatkeep agents list` shows all")
    return found


def change_agent(
    store: Store, org: OrgId, agent: str, *, name: str | None = None, instructions: str | None = None, providers: Sequence[str] | None = None
) -> Agent:
    """The agent with what is given changed; running gateways follow within 2 s. Raises ``WrongUsage``."""
    wanted = {
        "name": None if name is None else _checked_name(name),
        "instructions": None if instructions is None else _checked_text(instructions),
        "providers": None if providers is None else tuple(providers),
    }
    return store.transaction_now(_change, org, agent, {field: value for field, value in wanted.items() if value is not None})


def remove_agent(store: Store, clock: Clock, org: OrgId, agent: str) -> None:
    """Remove an agent with what it knows. Raises ``NotThere``; ``InTheWay`` while a widget has it."""
    found = get_agent(store, org, agent)
    if found.name == DEFAULT:
        raise InTheWay("new widgets get this agent: it stays")
    if not store.transaction_now(rows.delete_agent, org, found.agent_id, at_ms=now_ms(clock)):
        named = [f"{name} ({widget})" for name, widget in store.read_now(rows.widgets_with_agent, org, found.agent_id)]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        raise InTheWay(f"widgets have this agent, give them another one first: {', '.join(named[:_MOST_NAMED])}{more}")


def _add(tx: Tx, org: OrgId, agent: Agent, *, at_ms: int) -> None:
    """Store an agent whose name is free and whose providers are there."""
    _check(tx, org, agent)
    rows.add_agent(tx, org, agent, at_ms=at_ms)


def _change(tx: Tx, org: OrgId, agent: str, given: Mapping[str, Any]) -> Agent:
    """Store the agent with what is *given*."""
    old = rows.find_agent(tx, org, AgentId(agent), to_change=True)
    if old is None:
        raise NotThere(_NOT_THERE)
    changed = replace(old, **given)
    if old.name == DEFAULT and changed.name != DEFAULT:
        raise InTheWay("new widgets get the agent of this name: it keeps it", field="name")
    _check(tx, org, changed)
    rows.change_agent(tx, org, changed)
    return changed


def _check(tx: Tx, org: OrgId, agent: Agent) -> None:
    """Raise ``WrongUsage`` unless *agent* can be stored."""
    other = rows.find_agent_by_name(tx, org, agent.name)
    if other is not None and other.agent_id != agent.agent_id:
        raise InTheWay(f"an agent is called {agent.name!r} already", field="name")
    if len(agent.providers) > _MOST_PROVIDERS or len(set(agent.providers)) != len(agent.providers):
        raise WrongUsage(f"names each provider once, and at most {_MOST_PROVIDERS}", field="providers")
    for provider in agent.providers:
        if not (find_provider(tx, org, provider) is not None if provider.startswith(BROUGHT) else provider in NAMES):
            raise WrongUsage(f"there is no provider {provider[:100]!r}: use an id of your own ones, or {', '.join(NAMES)}", field="providers")


def _checked_name(name: str) -> str:
    """A name that a list can show. Raises ``WrongUsage``."""
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise WrongUsage(f"a name has 1 to {_LONGEST_NAME} printable characters", field="name")
    return name


def _checked_text(text: str) -> str:
    """Instructions. Raises ``WrongUsage``."""
    text = text.replace("\r\n", "\n").strip()
    if not 1 <= len(text) <= _LONGEST_INSTRUCTIONS or any(not (char.isprintable() or char in "\n\t") for char in text):
        raise WrongUsage(f"are 1 to {_LONGEST_INSTRUCTIONS} characters without control characters", field="instructions")
    return text
