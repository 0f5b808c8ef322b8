"""What must be in the database before the demo can be shown? Idempotent: every start runs it."""

from dataclasses import dataclass
from typing import Any

from chatkeep.clock import Clock
from chatkeep.demo.shop import help_pages
from chatkeep.manage.knowledge import Document, add_documents
from chatkeep.manage.organizations import choose_organization, default_agent
from chatkeep.manage.widgets import all_widgets, create_widget, update_widget
from chatkeep.store import Store

_NAME = "Demo shop"
_SETTINGS: dict[str, Any] = {
    "title": "Pellwick help",
    "greeting": "Hello! Ask me anything about our coffee, shipping, grind sizes or subscriptions.",
    "suggestions": [
        "Do you ship to Norway, and what does it cost?",
        "Which grind do I need for a moka pot?",
        "I opened a bag and do not like it. What now?",
    ],
    "theme": {"accent": "#c23d12", "header": "#0f3443", "radius": 24},
    "launcher": {"label": "Ask us"},
}


@dataclass(frozen=True, slots=True)
class DemoSite:
    """The demo's widget."""

    widget_id: str


def seed(store: Store, clock: Clock, *, shop: str) -> DemoSite:
    """The demo's organization, agent, widget and knowledge, for a shop at the origin *shop*."""
    org = choose_organization(store, clock).org_id
    agent = default_agent(store, org).agent_id
    documents = [Document(f"{page.slug}.md", page.markdown, page.title, f"{shop}/help/{page.slug}") for page in help_pages()]
    add_documents(store, org, agent, documents)
    # The shop's port may be another one than last time.
    domains = [shop.partition("://")[2]]
    for widget in all_widgets(store, org):
        if widget.name == _NAME:
            return DemoSite(update_widget(store, widget, domains=domains, settings=_SETTINGS, development=True).widget_id)
    made = create_widget(store, clock, org, agent, name=_NAME, domains=domains, settings=_SETTINGS, development=True)
    return DemoSite(made.widget_id)
