"""Make a database with one widget whose limits let a benchmark through; print its id.

usage: python -m bench.prepare PROVIDER HOST, settings from the environment. Run as a process of its own,
so that the one that measures maps none of the gateway's libraries (they would lower PSS).
"""

import sys

from chatkeep.clock import SystemClock
from chatkeep.demo.shop import help_pages
from chatkeep.manage.knowledge import Document, add_documents
from chatkeep.manage.organizations import choose_organization, choose_providers, default_agent
from chatkeep.manage.widgets import create_widget
from chatkeep.wiring import prepare_store, read_settings

_LIMITS = {
    "interval_ms": 0,
    "per_minute": 60,
    "per_hour": 1000,
    "per_day": 10_000,
    "per_session": 10_000,
    "per_conversation": 500,
    "widget_per_hour": 10_000_000,
    "widget_per_day": 100_000_000,
    "streams_per_session": 10,
    "streams_per_widget": 100_000,
}


def main(provider: str, host: str) -> None:
    """One organization, agent and widget; ``knowledge`` gets the demo shop's help pages."""
    store, clock = prepare_store(read_settings().settings), SystemClock()
    org = choose_organization(store, clock).org_id
    agent = default_agent(store, org).agent_id
    choose_providers(store, org, agent, (provider,))
    if provider == "knowledge":
        add_documents(store, org, agent, [Document(f"{page.slug}.md", page.markdown, page.title, None) for page in help_pages()])
    widget = create_widget(store, clock, org, agent, name="Bench", domains=[host], settings={"limits": _LIMITS}, development=True)
    store.close()
    print(widget.widget_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
