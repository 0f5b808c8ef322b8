"""Every widget build that was ever shipped, so that pinned pages survive upgrades."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "widget_builds",
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("integrity", sa.String(length=100), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "name", name=op.f("pk_widget_builds")),
    )


def downgrade() -> None:
    """Back."""
    op.drop_table("widget_builds")
