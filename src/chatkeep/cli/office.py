"""What does every managing command need? Settings, store, organization; made and closed here."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chatkeep.clock import Clock, SystemClock
from chatkeep.errors import WrongUsage
from chatkeep.manage.organizations import choose_organization
from chatkeep.settings import Loaded, Settings
from chatkeep.store import Store
from chatkeep.store.organizations import Organization
from chatkeep.store.paging import Part
from chatkeep.vault import Vault
from chatkeep.wiring import build_hash_keys, build_vault, has_database, prepare_store, read_settings

# What a command lists that lists everything.
ALL = Part(1, 100_000)
_NOWHERE = (
    "there is no database in {place}: check --data-dir, CHATKEEP_DATA_DIR and the folder you are in; "
    "for a new one begin with `chatkeep orgs create NAME` or `chatkeep serve`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An instance: its settings and its database. *notes*: what to tell about them."""

    loaded: Loaded
    store: Store
    clock: Clock
    notes: Sequence[str] = ()

    @property
    def settings(self) -> Settings:
        """What is set."""
        return self.loaded.settings

    @property
    def vault(self) -> Vault:
        """What seals this instance's secrets."""
        return build_vault(self.settings, self.clock)

    @property
    def hash_keys(self) -> list[bytes]:
        """What this instance's gateways count failures to sign in by."""
        return build_hash_keys(self.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office(Place):
    """Where an operator's command works: one organization of an instance."""

    org: Organization


@contextmanager
def open_place(options: argparse.Namespace, *, may_begin: bool = False) -> Iterator[Place]:
    """Settings from the environment and *options*; the schema in order. Raises ``WrongUsage`` where no database is, unless one *may_begin* here."""
    loaded = read_settings(data_dir=options.data_dir)
    is_new = not has_database(loaded.settings)
    if is_new and not may_begin:
        raise WrongUsage(_NOWHERE.format(place=shown_place(loaded.settings)))
    store = prepare_store(loaded.settings)
    try:
        notes = (f"made a new database in {shown_place(loaded.settings)}",) if is_new else ()
        yield Place(loaded=loaded, store=store, clock=SystemClock(), notes=notes)
    finally:
        store.close()


@contextmanager
def open_office(options: argparse.Namespace, *, may_begin: bool = False) -> Iterator[Office]:
    """As ``open_place``, with the organization chosen."""
    with open_place(options, may_begin=may_begin) as place:
        org = choose_organization(place.store, place.clock, options.org)
        yield Office(loaded=place.loaded, store=place.store, clock=place.clock, notes=place.notes, org=org)


def shown_place(settings: Settings) -> str:
    """Where the database is; an address may hold a password."""
    return str(settings.data_path) if not settings.database_url else "the database of CHATKEEP_DATABASE_URL"


def add_org_option(parser: argparse.ArgumentParser) -> None:
    """``--org``, for instances with several."""
    parser.add_argument("--org", metavar="NAME", help="organization; needed only when there are several")


def read_file(path: str, *, most_bytes: int) -> str:
    """A small text file. Raises ``WrongUsage``."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        raise WrongUsage(f"{path[:300]} cannot be read: {getattr(error, 'strerror', None) or 'no file is called like that'}") from None
    if len(content) > most_bytes:
        raise WrongUsage(f"{path[:300]} is longer than {most_bytes} bytes: it is another file than you mean")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise WrongUsage(f"{path[:300]} cannot be read: it is not UTF-8 text") from None
