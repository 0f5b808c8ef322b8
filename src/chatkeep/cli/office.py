"""What does every managing command need? Settings, store, organization; made and closed here."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chatkeep.clock import Clock, SystemClock
from chatkeep.manage.organizations import choose_organization
from chatkeep.settings import Loaded, Settings
from chatkeep.store import Store
from chatkeep.store.organizations import Organization
from chatkeep.vault import Vault
from chatkeep.wiring import build_vault, prepare_store, read_settings


@dataclass(frozen=True, slots=True)
class Office:
    """Where an operator's command works."""

    loaded: Loaded
    store: Store
    clock: Clock
    org: Organization

    @property
    def settings(self) -> Settings:
        """What is set."""
        return self.loaded.settings

    @property
    def vault(self) -> Vault:
        """What seals this instance's secrets."""
        return build_vault(self.settings, self.clock)


@contextmanager
def open_office(options: argparse.Namespace) -> Iterator[Office]:
    """Settings from the environment and *options*; the schema in order; the organization chosen."""
    loaded = read_settings(data_dir=options.data_dir)
    store = prepare_store(loaded.settings)
    clock = SystemClock()
    try:
        yield Office(loaded, store, clock, choose_organization(store, clock, options.org))
    finally:
        store.close()


def add_org_option(parser: argparse.ArgumentParser) -> None:
    """``--org``, for instances with several."""
    parser.add_argument("--org", metavar="NAME", help="organization; needed only when there are several")
