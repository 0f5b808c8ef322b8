"""Organizations and their agents: rows in, frozen rows out."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Label, Row, delete, insert, select, text, update

from chatkeep.ids import AgentId, OrgId
from chatkeep.store.engine import Tx
from chatkeep.store.paging import Part, part_of
from chatkeep.store.tables import agents, documents, organizations, passages, widgets


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant."""

    org_id: OrgId
    name: str


@dataclass(frozen=True, slots=True)
class Agent:
    """How answers are made. *providers* empty: what the instance offers."""

    agent_id: AgentId
    org_id: OrgId
    name: str
    instructions: str
    providers: tuple[str, ...]
    has_knowledge: bool


def hold_organizations(tx: Tx) -> None:
    """Let nobody else make or rename an organization until the transaction ends; before ``hold_people``. Instance-wide. SQLite has one writer."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("LOCK TABLE organizations IN SHARE ROW EXCLUSIVE MODE"))


def list_organizations(tx: Tx) -> list[Organization]:
    """Every organization, oldest first. Instance-wide: for operators of the instance only."""
    rows = tx.execute(select(organizations.c.id, organizations.c.name).order_by(organizations.c.created_at, organizations.c.id))
    return [Organization(OrgId(row.id), row.name) for row in rows]


def add_organization(tx: Tx, org: OrgId, name: str, *, at_ms: int) -> None:
    """Make the organization *org*."""
    tx.execute(insert(organizations).values(id=org, name=name, created_at=at_ms))


def add_agent(tx: Tx, org: OrgId, agent: Agent, *, at_ms: int) -> None:
    """Make *agent* in *org*."""
    tx.execute(
        insert(agents).values(
            id=agent.agent_id, org_id=org, name=agent.name, instructions=agent.instructions, providers=list(agent.providers), created_at=at_ms
        )
    )


def find_agent(tx: Tx, org: OrgId, agent: AgentId, *, to_change: bool = False) -> Agent | None:
    """The agent with that id in *org*; *to_change*: nobody else changes it until the transaction ends."""
    if to_change:
        tx.execute(select(agents.c.id).where(agents.c.org_id == org, agents.c.id == agent).with_for_update(key_share=True))
    return _find(tx, org, agents.c.id == agent)


def find_agent_by_name(tx: Tx, org: OrgId, name: str) -> Agent | None:
    """The agent with that name in *org*."""
    return _find(tx, org, agents.c.name == name)


def set_agent_providers(tx: Tx, org: OrgId, agent: AgentId, providers: tuple[str, ...]) -> None:
    """Give *agent* another provider chain."""
    tx.execute(update(agents).where(agents.c.org_id == org, agents.c.id == agent).values(providers=list(providers)))


def change_agent(tx: Tx, org: OrgId, agent: Agent) -> None:
    """Give *agent* another name, other instructions or another provider chain."""
    values = {"name": agent.name, "instructions": agent.instructions, "providers": list(agent.providers)}
    tx.execute(update(agents).where(agents.c.org_id == org, agents.c.id == agent.agent_id).values(**values))


def part_of_agents(tx: Tx, org: OrgId, part: Part) -> tuple[list[Agent], int]:
    """Agents of *org*, oldest first, and how many there are."""
    query = select(agents, _has_knowledge()).where(agents.c.org_id == org, agents.c.deleted_at.is_(None)).order_by(agents.c.created_at, agents.c.id)
    rows, total = part_of(tx, query, part)
    return [_agent(row) for row in rows], total


def delete_agent(tx: Tx, org: OrgId, agent: AgentId, *, at_ms: int) -> bool:
    """Let nothing find *agent* any more, and remove what it knows; ``False`` when there is none, or a widget has it."""
    in_use = select(widgets.c.id).where(widgets.c.org_id == org, widgets.c.agent_id == agent, widgets.c.deleted_at.is_(None)).exists()
    # Its name is free for another one.
    values = {"deleted_at": at_ms, "name": agents.c.id, "instructions": "", "providers": []}
    changed = tx.execute(update(agents).where(agents.c.org_id == org, agents.c.id == agent, agents.c.deleted_at.is_(None), ~in_use).values(**values))
    if changed.rowcount != 1:
        return False
    tx.execute(delete(documents).where(documents.c.org_id == org, documents.c.agent_id == agent))
    return True


def agents_with_provider(tx: Tx, org: OrgId, provider: str) -> list[str]:
    """Names of the agents of *org* whose chain names *provider*."""
    rows = tx.execute(select(agents.c.name, agents.c.providers).where(agents.c.org_id == org, agents.c.deleted_at.is_(None)).order_by(agents.c.name))
    return [row.name for row in rows if provider in row.providers]


def widgets_with_agent(tx: Tx, org: OrgId, agent: AgentId) -> list[tuple[str, str]]:
    """Name and id of the widgets of *org* that *agent* answers for."""
    query = select(widgets.c.name, widgets.c.id).where(widgets.c.org_id == org, widgets.c.agent_id == agent, widgets.c.deleted_at.is_(None))
    return [(row.name, row.id) for row in tx.execute(query.order_by(widgets.c.created_at, widgets.c.id))]


def rename_organization(tx: Tx, org: OrgId, name: str) -> None:
    """Give *org* another name."""
    tx.execute(update(organizations).where(organizations.c.id == org).values(name=name))


def find_organization(tx: Tx, org: OrgId) -> Organization | None:
    """The organization of that id."""
    row = tx.execute(select(organizations).where(organizations.c.id == org)).one_or_none()
    return Organization(OrgId(row.id), row.name) if row is not None else None


def _find(tx: Tx, org: OrgId, which: ColumnElement[bool]) -> Agent | None:
    """The one agent of *org* that matches."""
    row = tx.execute(select(agents, _has_knowledge()).where(agents.c.org_id == org, agents.c.deleted_at.is_(None), which)).one_or_none()
    return _agent(row) if row is not None else None


def _has_knowledge() -> Label[bool]:
    """Whether there is anything that an agent could quote."""
    return select(passages.c.id).where(passages.c.agent_id == agents.c.id).exists().label("has_knowledge")


def _agent(row: Row[Any]) -> Agent:
    """A row of the table as ``Agent``."""
    return Agent(AgentId(row.id), OrgId(row.org_id), row.name, row.instructions, tuple(row.providers), bool(row.has_knowledge))
