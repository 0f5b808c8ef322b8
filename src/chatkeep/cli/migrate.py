"""``chatkeep migrate``: bring the database to the schema of this version."""

import argparse
from typing import Any

from chatkeep.cli.said import Said
from chatkeep.store import schema
from chatkeep.wiring import read_settings


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser("migrate", parents=[everywhere], help="bring the database to this version's schema", epilog="Example: chatkeep migrate")
    parser.set_defaults(run=_migrate)


def _migrate(options: argparse.Namespace) -> Said:
    """Migrate, and say from where to where."""
    url = read_settings(data_dir=options.data_dir).settings.effective_database_url
    before = schema.find_revision(url)
    if before != schema.HEAD:
        schema.migrate(url)
    line = "The schema is up to date." if before == schema.HEAD else f"The schema went from {before or 'nothing'} to {schema.HEAD}."
    return Said({"from": before, "to": schema.HEAD}, [line])
