"""Sessions that a visitor can resume after the page was loaded anew."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column("sessions", sa.Column("resume_digest", sa.String(length=64), nullable=True))
    op.add_column("sessions", sa.Column("resume_until", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("resumed_at", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_sessions_resume_digest"), "sessions", ["resume_digest"], unique=True)
    op.create_index(op.f("ix_sessions_resumed_at"), "sessions", ["resumed_at"], unique=False)


def downgrade() -> None:
    """Back."""
    op.drop_index(op.f("ix_sessions_resumed_at"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_resume_digest"), table_name="sessions")
    for name in ("resumed_at", "resume_until", "resume_digest"):
        op.drop_column("sessions", name)
