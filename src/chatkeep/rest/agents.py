"""``/api/admin/agents``: how answers are made."""

from typing import Annotated

from msgspec import Meta, Struct

from chatkeep.admit.permissions import Permission
from chatkeep.manage import agents
from chatkeep.manage.views import AgentView, agent_view
from chatkeep.manage.warnings import about_agent
from chatkeep.rest.contract import CREATED, AskedByOperator, Done, Office, operator_route
from chatkeep.store.organizations import Agent
from chatkeep.web.routes import Route

_Name = Annotated[str, Meta(min_length=1, max_length=200, examples=["Shop assistant"])]
_Instructions = Annotated[str, Meta(min_length=1, max_length=20_000, examples=["You are the assistant of a coffee shop. Answer briefly."])]
_Providers = Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(max_length=10, examples=[["prov_abcdefghijklmnopqrstuvwxyz", "knowledge"]])]


class AgentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """An agent to make. *providers*: ids of your own ones or names of the instance's, in the order in which they are asked."""

    name: _Name
    instructions: _Instructions | None = None
    providers: _Providers = []


class AgentPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    name: _Name | None = None
    instructions: _Instructions | None = None
    providers: _Providers | None = None


class AgentOne(Struct):
    """One agent."""

    success: bool
    agent: AgentView
    warnings: list[str]


class AgentList(Struct):
    """A part of the agents, oldest first."""

    success: bool
    agents: list[AgentView]
    total: int
    page: int
    limit: int


def agent_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    every, one = "/api/admin/agents", "/api/admin/agents/{agent_id}"
    read, write = Permission.AGENTS_READ, Permission.AGENTS_WRITE
    return [
        operator_route(office, "POST", every, write, "Make an agent", create_agent, AgentOne, request=AgentRequest, status=CREATED),
        operator_route(office, "GET", every, read, "List agents", list_agents, AgentList, is_paged=True),
        operator_route(office, "GET", one, read, "Read an agent", read_agent, AgentOne),
        operator_route(office, "PATCH", one, write, "Change an agent", change_agent, AgentOne, request=AgentPatch),
        operator_route(office, "DELETE", one, write, "Delete an agent", delete_agent, Done, notes="Not while a widget has it."),
    ]


def create_agent(asked: AskedByOperator) -> AgentOne:
    """Make an agent."""
    request: AgentRequest = asked.body
    made = agents.make_agent(asked.store, asked.clock, asked.org, name=request.name, instructions=request.instructions, providers=request.providers)
    return _one(asked, made)


def list_agents(asked: AskedByOperator) -> AgentList:
    """A part of the agents."""
    part = asked.part
    rows, total = agents.some_agents(asked.store, asked.org, part)
    return AgentList(success=True, agents=[agent_view(row) for row in rows], total=total, page=part.page, limit=part.limit)


def read_agent(asked: AskedByOperator) -> AgentOne:
    """One agent."""
    return _one(asked, agents.get_agent(asked.store, asked.org, asked.params["agent_id"]))


def change_agent(asked: AskedByOperator) -> AgentOne:
    """Change an agent."""
    request: AgentPatch = asked.body
    which = asked.params["agent_id"]
    changed = agents.change_agent(asked.store, asked.org, which, name=request.name, instructions=request.instructions, providers=request.providers)
    return _one(asked, changed)


def delete_agent(asked: AskedByOperator) -> Done:
    """Delete an agent."""
    agents.remove_agent(asked.store, asked.clock, asked.org, asked.params["agent_id"])
    return Done(success=True, message="The agent is deleted.")


def _one(asked: AskedByOperator, row: Agent) -> AgentOne:
    """One agent, and what keeps it from answering."""
    return AgentOne(success=True, agent=agent_view(row), warnings=about_agent(asked.office.desk.settings, row))
