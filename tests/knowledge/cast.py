"""Who takes part in the knowledge tests: Alice's shop, and Mallory's, who must see nothing of it."""

from pathlib import Path

import chatkeep.demo
from chatkeep.ids import AgentId, OrgId
from chatkeep.store import Store
from chatkeep.store.organizations import Agent, add_agent, add_organization

ALICE, ALICES_AGENT = OrgId("org_alice"), AgentId("agent_alice")
MALLORY, MALLORYS_AGENT = OrgId("org_mallory"), AgentId("agent_mallory")

HELP_PAGES = Path(next(iter(chatkeep.demo.__path__))) / "site" / "help"


def settle(store: Store) -> Store:
    """*store* with both organizations and their agents."""
    for org, agent in ((ALICE, ALICES_AGENT), (MALLORY, MALLORYS_AGENT)):
        store.transaction_now(add_organization, org, org, at_ms=1)
        store.transaction_now(add_agent, org, Agent(agent, org, "default", "", (), has_knowledge=False), at_ms=1)
    return store
