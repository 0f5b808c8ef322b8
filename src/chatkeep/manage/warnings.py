"""What is still missing for a thing to work? Said beside the good answer, since it may be on its way."""

from collections.abc import Sequence

from chatkeep.egress import Network, is_private_by_name
from chatkeep.ids import OrgId, SessionId, VisitorId
from chatkeep.manage.agents import get_agent
from chatkeep.settings import Settings
from chatkeep.store import Store
from chatkeep.store.blocks import BlockRow
from chatkeep.store.organizations import Agent
from chatkeep.store.paging import Part
from chatkeep.store.providers import ProviderRow
from chatkeep.store.visits import list_visits
from chatkeep.store.widgets import WidgetRow

_NO_DOMAIN = "allowed_domains is empty: no page can use this widget. Name one, such as shop.example."
_PAUSED = "The widget is paused: nobody can use it until it is resumed."
_NO_MODEL = (
    "The agent asks openai, and this gateway has none: set CHATKEEP_OPENAI_API_KEY and CHATKEEP_OPENAI_MODEL, or bring a provider and name it in the agent."
)
_NO_DOCUMENTS = (
    "The agent answers from documents alone, and has none: name a provider with a model, or use the agent called default, "
    "which gets its documents on the gateway with `chatkeep knowledge add FOLDER`."
)
_FAKE = "The agent asks fake, which makes answers up: it is for tests."
_PRIVATE = (
    "base_url is in a private network, and is not called: whoever runs the gateway can allow that network with CHATKEEP_EGRESS_PRIVATE=10.1.0.0/16 "
    "(its own range), or add the provider with `chatkeep providers add`."
)
_NO_KEY = "The provider has no api_key: most servers want one. Set it with PATCH, and try it with POST …/test."


def about_widget(store: Store, settings: Settings, row: WidgetRow) -> list[str]:
    """What keeps a widget from answering."""
    own = [text for text, is_so in ((_NO_DOMAIN, not row.allowed_domains), (_PAUSED, not row.is_active)) if is_so]
    return own + about_agent(settings, get_agent(store, OrgId(row.org_id), row.agent_id))


def about_agent(settings: Settings, agent: Agent) -> list[str]:
    """What keeps an agent from answering."""
    asked = agent.providers or (("openai",) if settings.openai_configured else ("knowledge",))
    cases = (
        (_NO_MODEL, "openai" in asked and not settings.openai_configured),
        (_NO_DOCUMENTS, set(asked) == {"knowledge"} and not agent.has_knowledge),
        (_FAKE, "fake" in asked),
    )
    return [text for text, is_so in cases if is_so]


def about_provider(row: ProviderRow, networks: Sequence[Network]) -> list[str]:
    """What may keep a provider from answering. *networks*: private ones that members may name."""
    is_out_of_reach = not row.is_local and is_private_by_name(row.base_url, networks)
    return [text for text, is_so in ((_PRIVATE, is_out_of_reach), (_NO_KEY, row.api_key is None)) if is_so]


def about_block(store: Store, row: BlockRow) -> list[str]:
    """A visitor or session that was never here: most often a typing error."""
    if row.kind not in {"visitor", "session"}:
        return []
    visitor, session = (VisitorId(row.value), None) if row.kind == "visitor" else (None, SessionId(row.value))
    _, total = store.read_now(list_visits, row.org_id, Part(1, 1), visitor=visitor, session=session)
    return [] if total else [f"no {row.kind} of this id was ever here: `chatkeep sessions list` and GET /api/admin/sessions show the ids"]
