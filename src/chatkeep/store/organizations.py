"""Organizations and their agents: rows in, frozen rows out."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, insert, select, update

from chatkeep.ids import AgentId, OrgId
from chatkeep.store.engine import Tx
from chatkeep.store.tables import agents, organizations, passages


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


def list_organizations(tx: Tx) -> list[Organization]:
    """Every organization of the instance, oldest first. For operators of the instance only."""
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


def find_agent(tx: Tx, org: OrgId, agent: AgentId) -> Agent | None:
    """The agent with that id in *org*."""
    return _find(tx, org, agents.c.id == agent)


def find_agent_by_name(tx: Tx, org: OrgId, name: str) -> Agent | None:
    """The agent with that name in *org*."""
    return _find(tx, org, agents.c.name == name)


def set_agent_providers(tx: Tx, org: OrgId, agent: AgentId, providers: tuple[str, ...]) -> None:
    """Give *agent* another provider chain."""
    tx.execute(update(agents).where(agents.c.org_id == org, agents.c.id == agent).values(providers=list(providers)))


def _find(tx: Tx, org: OrgId, which: ColumnElement[bool]) -> Agent | None:
    """The one agent of *org* that matches."""
    has_knowledge = select(passages.c.id).where(passages.c.agent_id == agents.c.id).exists().label("has_knowledge")
    row = tx.execute(select(agents, has_knowledge).where(agents.c.org_id == org, which)).one_or_none()
    if row is None:
        return None
    return Agent(AgentId(row.id), OrgId(row.org_id), row.name, row.instructions, tuple(row.providers), bool(row.has_knowledge))
