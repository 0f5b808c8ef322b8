"""Is the database's schema the one that this version needs?

Alembic does the work, in a child process, so that a running gateway never carries it
in memory. ``HEAD`` is written here and tested against the migrations folder.
"""

import subprocess
import sys

from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from chatkeep.errors import Misconfigured
from chatkeep.store.engine import open_engine, parse_database_url

HEAD = "0006"


def find_revision(database_url: str) -> str | None:
    """The revision that the database is at; ``None`` when it holds no schema of ours. Raises ``Misconfigured``."""
    engine = open_engine(parse_database_url(database_url), readers=1, is_writer=False)
    try:
        with engine.connect() as tx:
            if not inspect(tx).has_table("alembic_version"):
                return None
            return tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except SQLAlchemyError as error:
        # The driver's own words hold host and user name: they are not for a log.
        msg = f"the database cannot be used ({type(error).__name__}): check CHATKEEP_DATABASE_URL, and that its server runs"
        raise Misconfigured(msg) from None
    finally:
        engine.dispose()


def migrate(database_url: str) -> None:
    """Bring the database to ``HEAD``. Raises ``Misconfigured`` with the first line of what went wrong."""
    done = subprocess.run([sys.executable, "-m", "chatkeep.store.migrations"], input=database_url, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        msg = f"the database could not be migrated ({lines[-1] if lines else 'no reason given'}): check CHATKEEP_DATABASE_URL and try `chatkeep migrate`"
        raise Misconfigured(msg)


def check(database_url: str) -> None:
    """Raise ``Misconfigured`` unless the schema is the one that this version needs."""
    found = find_revision(database_url)
    if found is None or found < HEAD:
        msg = f"the database schema is at {found or 'nothing'}, this version needs {HEAD}: run `chatkeep migrate`"
        raise Misconfigured(msg)
    if found > HEAD:
        msg = f"the database schema is at {found}, newer than this version ({HEAD}): install the version that made it"
        raise Misconfigured(msg)
