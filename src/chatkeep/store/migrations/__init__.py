"""How does an old database become a new one? Alembic's scripts are in ``versions/``."""
