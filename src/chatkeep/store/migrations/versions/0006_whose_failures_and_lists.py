"""Which account a failure to sign in was at, so that all of them can be forgiven; and lists of one organization that do not walk through all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LISTED = ("conversations", "sessions")


def upgrade() -> None:
    """Forward."""
    op.add_column("login_failures", sa.Column("account", sa.String(length=64), nullable=True))
    op.create_index("ix_login_failures_account", "login_failures", ["account"])
    for table in _LISTED:
        op.create_index(f"ix_{table}_org_id_created_at", table, ["org_id", "created_at"])


def downgrade() -> None:
    """Back."""
    for table in _LISTED:
        op.drop_index(f"ix_{table}_org_id_created_at", table_name=table)
    op.drop_index("ix_login_failures_account", table_name="login_failures")
    op.drop_column("login_failures", "account")
