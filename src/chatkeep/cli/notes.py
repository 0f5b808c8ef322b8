"""What is allowed, and still will not work? Said on standard error, with the command that mends it."""

from chatkeep.cli.office import Office
from chatkeep.errors import NotThere
from chatkeep.manage.agents import get_agent
from chatkeep.store.organizations import Agent
from chatkeep.store.widgets import WidgetRow


def about_agent(office: Office, agent: Agent) -> list[str]:
    """Providers that cannot answer here."""
    notes = []
    if "openai" in agent.providers and not office.settings.openai_configured:
        notes.append(
            f"the agent {agent.name!r} asks openai, and the instance has no such server: set CHATKEEP_OPENAI_API_KEY (or CHATKEEP_OPENAI_BASE_URL) "
            "and CHATKEEP_OPENAI_MODEL, or bring one of your own (chatkeep providers add)"
        )
    quotes_alone = set(agent.providers) == {"knowledge"} or not (agent.providers or office.settings.openai_configured)
    if quotes_alone and not agent.has_knowledge:
        notes.append(f"the agent {agent.name!r} answers from documents alone, and has none: chatkeep knowledge add help/{_of(agent)}")
    if "fake" in agent.providers:
        notes.append(f"the agent {agent.name!r} asks fake, which is for tests: chatkeep agents update {agent.agent_id} --provider knowledge")
    return notes


def about_widget(office: Office, widget: WidgetRow) -> list[str]:
    """Why a widget would not be seen or not answer."""
    notes = []
    if not widget.allowed_domains:
        notes.append(f"no page may embed {widget.widget_id}: chatkeep widgets update {widget.widget_id} --domain shop.example")
    if not widget.is_active:
        notes.append(f"{widget.widget_id} is paused: chatkeep widgets resume {widget.widget_id}")
    try:
        return notes + about_agent(office, get_agent(office.store, office.org.org_id, widget.agent_id))
    except NotThere:
        return [*notes, f"the agent of {widget.widget_id} is gone: chatkeep widgets update {widget.widget_id} --agent default"]


def _of(agent: Agent) -> str:
    """The option that names the agent, where it must be named."""
    return "" if agent.name == "default" else f" --agent {agent.agent_id}"
