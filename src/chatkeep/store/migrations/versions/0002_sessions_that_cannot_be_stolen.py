"""Sessions that cannot be stolen: keys, proofs, idempotency, blocks, feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Columns are only added, never changed: SQLite would copy whole tables for that.
_OPEN = sa.text("ended_at IS NULL")
_NEW_TABLES = ("feedback", "widget_keys", "analytics_events", "warnings", "idempotency_keys", "exemptions", "blocks", "used_values")


def upgrade() -> None:
    """Forward."""
    op.add_column("sessions", sa.Column("key_thumbprint", sa.String(length=64), nullable=True))
    op.create_index("ix_sessions_open", "sessions", ["active_at"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_sessions_ended_at", "sessions", ["ended_at"])
    op.create_index("ix_messages_org_id_created_at", "messages", ["org_id", "created_at"])
    op.add_column("messages", sa.Column("ending", sa.String(length=24), nullable=True))
    op.add_column("visitors", sa.Column("subject", sa.String(length=255), nullable=True))
    op.add_column("visitors", sa.Column("email", sa.String(length=320), nullable=True))
    op.add_column("visitors", sa.Column("name", sa.String(length=200), nullable=True))
    op.add_column("visitors", sa.Column("attributes", sa.JSON(), nullable=True))
    op.create_index("ix_visitors_org_id_subject", "visitors", ["org_id", "subject"], unique=True)
    op.create_table(
        "used_values",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_values")),
    )
    op.create_index("ix_used_values_expires_at", "used_values", ["expires_at"])

    op.create_table(
        "blocks",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("org_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("is_automatic", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('address', 'network', 'session', 'visitor', 'domain')", name=op.f("ck_blocks_kind")),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name=op.f("fk_blocks_org_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
    )
    op.create_index("ix_blocks_org_id_created_at", "blocks", ["org_id", "created_at"])

    op.create_table(
        "exemptions",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("org_id", sa.String(length=80), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("factor", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name=op.f("fk_exemptions_org_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exemptions")),
    )
    op.create_index("ix_exemptions_org_id", "exemptions", ["org_id"])

    op.create_table(
        "idempotency_keys",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("org_id", sa.String(length=80), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=80), nullable=True),
        sa.Column("session_id", sa.String(length=80), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name=op.f("fk_idempotency_keys_org_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_message_id", "idempotency_keys", ["message_id"])
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])

    op.create_table(
        "warnings",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("org_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name=op.f("fk_warnings_org_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_warnings")),
    )
    op.create_index("ix_warnings_created_at", "warnings", ["created_at"])

    op.create_table(
        "analytics_events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("org_id", sa.String(length=80), nullable=False),
        sa.Column("widget_id", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("props", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name=op.f("fk_analytics_events_org_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["widget_id"], ["widgets.id"], name=op.f("fk_analytics_events_widget_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_analytics_events")),
    )
    op.create_index("ix_analytics_events_org_id_created_at", "analytics_events", ["org_id", "created_at"])

    op.create_table(
        "widget_keys",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("org_id", sa.String(length=80), nullable=False),
        sa.Column("widget_id", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("kid", sa.String(length=200), nullable=True),
        sa.Column("algorithm", sa.String(length=8), nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retires_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("purpose IN ('identity', 'jwks', 'ticket')", name=op.f("ck_widget_keys_purpose")),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name=op.f("fk_widget_keys_org_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["widget_id"], ["widgets.id"], name=op.f("fk_widget_keys_widget_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_widget_keys")),
    )
    op.create_index("ix_widget_keys_widget_id_purpose", "widget_keys", ["widget_id", "purpose"])

    op.create_table(
        "feedback",
        sa.Column("message_id", sa.String(length=80), nullable=False),
        sa.Column("org_id", sa.String(length=80), nullable=False),
        sa.Column("rating", sa.String(length=8), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("rating IN ('up', 'down')", name=op.f("ck_feedback_rating")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_feedback_message_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"], name=op.f("fk_feedback_org_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_feedback")),
    )


def downgrade() -> None:
    """Back."""
    for table in _NEW_TABLES:
        op.drop_table(table)
    op.drop_index("ix_visitors_org_id_subject", table_name="visitors")
    op.drop_index("ix_messages_org_id_created_at", table_name="messages")
    op.drop_index("ix_sessions_ended_at", table_name="sessions")
    op.drop_index("ix_sessions_open", table_name="sessions")
    for table, column in (
        ("visitors", "attributes"),
        ("visitors", "name"),
        ("visitors", "email"),
        ("visitors", "subject"),
        ("messages", "ending"),
        ("sessions", "key_thumbprint"),
    ):
        op.drop_column(table, column)
