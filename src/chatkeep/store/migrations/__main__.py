"""``python -m chatkeep.store.migrations``: bring the database named on standard input to head.

A process of its own, so that the gateway never imports Alembic (``store/schema.py``).
"""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config


def main() -> None:
    """Read the database's address, then upgrade."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database_url"] = sys.stdin.read().strip()
    command.upgrade(config, "head")


if __name__ == "__main__":
    main()
