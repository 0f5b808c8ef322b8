"""Which tables are there, with which columns and constraints?

One catalogue for SQLite and PostgreSQL. Times are milliseconds since 1970 UTC in
integers: equal on every database, cheap to compare, no time zone to lose. The
full-text indexes over ``passages`` differ by database and live in the migrations.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import JSON

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = String(80)
_NAME = String(200)


def _created_at() -> Column[int]:
    """When the row was made."""
    return Column("created_at", BigInteger, nullable=False)


def _org() -> Column[str]:
    """The tenant that owns the row: every query names it."""
    return Column("org_id", _ID, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False)


organizations = Table(
    "organizations",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False, unique=True),
    _created_at(),
)

agents = Table(
    "agents",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("name", _NAME, nullable=False),
    Column("instructions", Text, nullable=False),
    # Names of providers in order; empty means what the instance offers.
    Column("providers", JSON, nullable=False),
    _created_at(),
    # Rows that were deleted stay while others name them: nothing finds them any more.
    Column("deleted_at", BigInteger),
    UniqueConstraint("org_id", "name"),
)

widgets = Table(
    "widgets",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("agent_id", _ID, ForeignKey("agents.id"), nullable=False),
    Column("name", _NAME, nullable=False),
    Column("access_mode", String(16), nullable=False),
    Column("allowed_domains", JSON, nullable=False),
    # Appearance and limits where they differ from the defaults (manage/widgets.py).
    Column("settings", JSON, nullable=False),
    Column("is_active", Boolean, nullable=False),
    _created_at(),
    Column("deleted_at", BigInteger),
    CheckConstraint("access_mode IN ('session', 'domain', 'identity')", name="access_mode"),
    Index(None, "org_id", "name"),
)

visitors = Table(
    "visitors",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    # Who the host's server says that they are (identity mode): null for anonymous ones.
    Column("subject", String(255)),
    Column("email", String(320)),
    Column("name", _NAME),
    Column("attributes", JSON),
    _created_at(),
    Index(None, "org_id", "subject", unique=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("widget_id", _ID, ForeignKey("widgets.id", ondelete="CASCADE"), nullable=False),
    Column("visitor_id", _ID, ForeignKey("visitors.id", ondelete="CASCADE"), nullable=False),
    Column("origin", String(300), nullable=False),
    Column("address", String(64), nullable=False),
    Column("user_agent", String(256), nullable=False),
    Column("page_url", String(2048)),
    Column("page_title", String(300)),
    # Thumbprint (RFC 7638) of the key that the session is bound to; null when it is not.
    Column("key_thumbprint", String(64)),
    Column("generation", Integer, nullable=False),
    # Until when the token before the newest one still works; null once the newest was used.
    Column("previous_until", BigInteger),
    _created_at(),
    Column("active_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("end_reason", String(16)),
    # Keyed hash of the one handle that resumes it, and until when that works; null without one, or once it was used.
    Column("resume_digest", String(64)),
    Column("resume_until", BigInteger),
    # When it was last bound to another key.
    Column("resumed_at", BigInteger),
    CheckConstraint("end_reason IN ('visitor', 'revoked', 'idle', 'age')", name="end_reason"),
    Index(None, "org_id", "created_at"),
    Index(None, "widget_id", "created_at"),
    Index(None, "visitor_id"),
    Index("ix_sessions_open", "active_at", sqlite_where=Column("ended_at").is_(None), postgresql_where=Column("ended_at").is_(None)),
    Index(None, "ended_at"),
    Index(None, "resume_digest", unique=True),
    Index(None, "resumed_at"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("widget_id", _ID, ForeignKey("widgets.id", ondelete="CASCADE"), nullable=False),
    Column("visitor_id", _ID, ForeignKey("visitors.id", ondelete="CASCADE"), nullable=False),
    _created_at(),
    Index(None, "visitor_id"),
    Index(None, "org_id", "created_at"),
    Index(None, "widget_id", "created_at"),
)

messages = Table(
    "messages",
    metadata,
    # Grows with every row of the table: the order of a conversation, whatever the clock does.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", _ID, nullable=False, unique=True),
    _org(),
    Column("conversation_id", _ID, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("session_id", _ID, ForeignKey("sessions.id"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("reply_to", _ID),
    Column("text", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("citations", JSON, nullable=False),
    # Why the answer ended (answer/running.py); null while it grows, and for questions.
    Column("ending", String(24)),
    Column("provider", String(32)),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    _created_at(),
    Column("updated_at", BigInteger, nullable=False),
    CheckConstraint("role IN ('visitor', 'assistant')", name="role"),
    CheckConstraint("state IN ('complete', 'streaming', 'interrupted')", name="state"),
    Index(None, "conversation_id", "seq"),
    Index(None, "session_id"),
    Index(None, "org_id", "created_at"),
    Index("ix_messages_streaming", "state", sqlite_where=Column("state") == "streaming", postgresql_where=Column("state") == "streaming"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    # Keyed hash of scope and key: neither is kept.
    Column("digest", String(64), primary_key=True),
    _org(),
    Column("body_digest", String(64), nullable=False),
    Column("message_id", _ID),
    Column("session_id", _ID),
    _created_at(),
    Index(None, "created_at"),
    Index(None, "message_id"),
)

widget_keys = Table(
    "widget_keys",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("widget_id", _ID, ForeignKey("widgets.id", ondelete="CASCADE"), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("kid", String(200)),
    Column("algorithm", String(8), nullable=False),
    # A public key (PEM or JWK), a sealed shared secret, or the address of a JWKS.
    Column("material", Text, nullable=False),
    _created_at(),
    Column("retires_at", BigInteger),
    CheckConstraint("purpose IN ('identity', 'jwks', 'ticket')", name="purpose"),
    Index(None, "widget_id", "purpose"),
)

used_values = Table(
    "used_values",
    metadata,
    # Keyed hash of something that may be used once: a ticket's nonce, an identity token's jti.
    Column("digest", String(64), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "expires_at"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("message_id", _ID, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    _org(),
    Column("rating", String(8), nullable=False),
    Column("comment", Text),
    _created_at(),
    CheckConstraint("rating IN ('up', 'down')", name="rating"),
)

analytics_events = Table(
    "analytics_events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _org(),
    Column("widget_id", _ID, ForeignKey("widgets.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(40), nullable=False),
    Column("origin", String(300), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("props", JSON, nullable=False),
    _created_at(),
    Index(None, "org_id", "created_at"),
)

blocks = Table(
    "blocks",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("kind", String(8), nullable=False),
    Column("value", String(300), nullable=False),
    Column("reason", String(300), nullable=False),
    Column("is_automatic", Boolean, nullable=False),
    _created_at(),
    # Null: until it is lifted.
    Column("ends_at", BigInteger),
    Column("lifted_at", BigInteger),
    CheckConstraint("kind IN ('address', 'network', 'session', 'visitor', 'domain')", name="kind"),
    Index(None, "org_id", "created_at"),
)

warnings = Table(
    "warnings",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _org(),
    Column("kind", String(8), nullable=False),
    Column("value", String(300), nullable=False),
    _created_at(),
    Index(None, "created_at"),
)

exemptions = Table(
    "exemptions",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("network", String(64), nullable=False),
    # How many times the usual address limits; 0 is no limit.
    Column("factor", Integer, nullable=False),
    Column("note", String(300), nullable=False),
    _created_at(),
    Index(None, "org_id"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("agent_id", _ID, ForeignKey("agents.id", ondelete="CASCADE"), nullable=False),
    Column("path", String(1024), nullable=False),
    Column("title", String(300), nullable=False),
    Column("url", String(2048)),
    Column("digest", String(64), nullable=False),
    _created_at(),
    UniqueConstraint("agent_id", "path"),
)

passages = Table(
    "passages",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _org(),
    Column("agent_id", _ID, ForeignKey("agents.id", ondelete="CASCADE"), nullable=False),
    Column("document_id", _ID, ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("heading", String(300), nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "document_id", "position"),
    Index(None, "agent_id"),
)

security_events = Table(
    "security_events",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("type", String(40), nullable=False),
    Column("severity", String(8), nullable=False),
    # No foreign keys: an event outlives what it speaks of, and may come before it is known.
    Column("org_id", _ID),
    Column("widget_id", _ID),
    Column("session_id", _ID),
    Column("conversation_id", _ID),
    Column("domain", String(300)),
    Column("address", String(64)),
    Column("address_hash", String(64)),
    Column("user_agent", String(256)),
    Column("request_id", _ID),
    Column("details", JSON, nullable=False),
    Column("count", Integer, nullable=False),
    CheckConstraint("severity IN ('info', 'notice', 'warning', 'high')", name="severity"),
    Index(None, "org_id", "time"),
    Index(None, "type", "time"),
)

usage = Table(
    "usage",
    metadata,
    Column("widget_id", _ID, ForeignKey("widgets.id", ondelete="CASCADE"), primary_key=True),
    # UTC, as 2026-01-16.
    Column("day", String(10), primary_key=True),
    _org(),
    Column("messages", Integer, nullable=False),
    Column("tokens_in", BigInteger, nullable=False),
    Column("tokens_out", BigInteger, nullable=False),
    Column("refusals", Integer, nullable=False),
    Index(None, "org_id", "day"),
)

widget_builds = Table(
    "widget_builds",
    metadata,
    Column("version", String(40), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("integrity", String(100), nullable=False),
    Column("content", LargeBinary, nullable=False),
    _created_at(),
)

# --- operators: people, what they sign in with, and what machines use in their place ---

users = Table(
    "users",
    metadata,
    Column("id", _ID, primary_key=True),
    # Lower case.
    Column("email", String(320), nullable=False, unique=True),
    Column("name", _NAME, nullable=False),
    # Argon2id in PHC form.
    Column("password_hash", String(200), nullable=False),
    Column("password_changed_at", BigInteger, nullable=False),
    Column("email_verified_at", BigInteger),
    # Sealed; in force once it was confirmed with a code.
    Column("totp_secret", Text),
    Column("totp_confirmed_at", BigInteger),
    # The last time step whose code was used (RFC 6238, section 5.2): none works twice.
    Column("totp_step", BigInteger),
    _created_at(),
)

members = Table(
    "members",
    metadata,
    Column("org_id", _ID, ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(8), nullable=False),
    _created_at(),
    CheckConstraint("role IN ('owner', 'admin', 'analyst', 'viewer')", name="role"),
    Index(None, "user_id"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("email", String(320), nullable=False),
    Column("role", String(8), nullable=False),
    # Of the code in the mail.
    Column("digest", String(64), nullable=False, unique=True),
    Column("invited_by", _ID),
    _created_at(),
    Column("expires_at", BigInteger, nullable=False),
    CheckConstraint("role IN ('owner', 'admin', 'analyst', 'viewer')", name="role"),
    UniqueConstraint("org_id", "email"),
)

mailed_codes = Table(
    "mailed_codes",
    metadata,
    # Of a code that may be used once: to set a password anew, to prove an address, to make the first user.
    Column("digest", String(64), primary_key=True),
    Column("purpose", String(8), nullable=False),
    # Null only for the first user, who is yet to be made.
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE")),
    _created_at(),
    Column("expires_at", BigInteger, nullable=False),
    CheckConstraint("purpose IN ('reset', 'verify', 'setup')", name="purpose"),
    Index(None, "user_id"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    _created_at(),
    Index(None, "user_id"),
)

logins = Table(
    "logins",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # Which refresh token is the newest: they are signed and numbered, and none is kept.
    Column("generation", Integer, nullable=False),
    # Keyed hash of the Idempotency-Key that the newest one was asked for with.
    Column("refreshed_with", String(64)),
    Column("address", String(64), nullable=False),
    Column("user_agent", String(256), nullable=False),
    _created_at(),
    Column("active_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index(None, "user_id", "created_at"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    # Keyed hash of an account, an address, or both.
    Column("subject", String(64), nullable=False),
    # Keyed hash of the account that the attempt was at; null only in rows of the version before.
    Column("account", String(64)),
    _created_at(),
    Index(None, "subject", "created_at"),
    Index(None, "account"),
    Index(None, "created_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("name", _NAME, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("last4", String(4), nullable=False),
    Column("scopes", JSON, nullable=False),
    # Addresses that may use it (CIDR); empty means all.
    Column("networks", JSON, nullable=False),
    Column("created_by", _ID),
    _created_at(),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Index(None, "org_id", "created_at"),
)

providers = Table(
    "providers",
    metadata,
    Column("id", _ID, primary_key=True),
    _org(),
    Column("name", _NAME, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("base_url", String(2048), nullable=False),
    Column("model", _NAME, nullable=False),
    # Sealed; null for servers that need none.
    Column("api_key", Text),
    Column("last4", String(4)),
    # Set up on the command line: its target may be private.
    Column("is_local", Boolean, nullable=False),
    _created_at(),
    CheckConstraint("kind IN ('openai')", name="kind"),
    UniqueConstraint("org_id", "name"),
)

data_keys = Table(
    "data_keys",
    metadata,
    # What sealed texts call it.
    Column("id", String(16), primary_key=True),
    # Sealed with a key that is derived from SECRET_KEY; while that is changed, once for each, with spaces between.
    Column("wrapped", Text, nullable=False),
    _created_at(),
    # Since when nothing new is sealed with it.
    Column("retired_at", BigInteger),
)

office_replays = Table(
    "office_replays",
    metadata,
    # Keyed hash of organization, actor, route and Idempotency-Key.
    Column("digest", String(64), primary_key=True),
    _org(),
    Column("body_digest", String(64), nullable=False),
    # What was answered, without its secrets; null until it was.
    Column("answer", JSON),
    _created_at(),
    Index(None, "created_at"),
)
