"""What is shown of each thing, on every face? No secret is in here.

Times as ``2026-01-16T00:00:00Z``.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from chatkeep.admit.widget_settings import WidgetSettings
from chatkeep.audit.redact import mask, mask_address, mask_email
from chatkeep.clock import iso_ms
from chatkeep.manage.conversations import Rating
from chatkeep.store.api_keys import ApiKeyRow
from chatkeep.store.blocks import BlockRow
from chatkeep.store.conversations import ConversationRow
from chatkeep.store.logins import LoginRow
from chatkeep.store.members import InvitationRow, MemberRow
from chatkeep.store.messages import MessageRow
from chatkeep.store.organizations import Agent
from chatkeep.store.providers import ProviderRow
from chatkeep.store.visits import Visit
from chatkeep.store.widgets import WidgetRow


def _shaped(name: str) -> Meta:
    """That a value is as the document's schema *name* says."""
    return Meta(extra_json_schema={"$ref": f"#/components/schemas/{name}"})


class WidgetView(Struct):
    """A widget. *settings*: all of them, also those that hold by default; *usage_today*: messages since midnight, UTC."""

    widget_id: str
    widget_name: str
    agent_id: str
    access_mode: str
    allowed_domains: list[str]
    created_at: str
    is_active: bool
    usage_today: int
    settings: Annotated[dict[str, Any], _shaped("WidgetSettings")]


class AgentView(Struct):
    """An agent. *providers*: in the order in which they are asked; none: what the instance offers."""

    agent_id: str
    name: str
    instructions: str
    providers: list[str]
    has_knowledge: bool


class ProviderView(Struct):
    """A provider that the organization brought. Of its key only the last four characters are shown."""

    provider_id: str
    name: str
    kind: str
    base_url: str
    model: str
    has_api_key: bool
    last4: str | None
    created_at: str


class ApiKeyView(Struct):
    """An API key, of which only the last four characters are shown."""

    key_id: str
    name: str
    last4: str
    scopes: list[str]
    networks: list[str]
    created_by: str | None
    created_at: str
    expires_at: str | None
    used_at: str | None


class MemberView(Struct):
    """A member of the organization."""

    user_id: str
    email: str
    name: str
    role: str
    has_totp: bool
    created_at: str


class InvitationView(Struct):
    """An invitation that nobody has answered. *invited_by*: a person or an API key; null: the command line."""

    invitation_id: str
    email: str
    role: str
    invited_by: str | None
    created_at: str
    expires_at: str


class BlockView(Struct):
    """A block. *ends_at* null: until it is lifted."""

    block_id: str
    kind: str
    value: str
    reason: str
    is_automatic: bool
    created_at: str
    ends_at: str | None
    lifted_at: str | None


class LoginView(Struct):
    """Where somebody is signed in."""

    login_id: str
    is_current: bool
    address: str
    user_agent: str
    created_at: str
    active_at: str
    expires_at: str


class VisitView(Struct):
    """A visitor's session. *is_bound*: to a key of the visitor's browser."""

    session_id: str
    widget_id: str
    visitor_id: str
    domain: str
    ip_address: str
    user_agent: str
    is_bound: bool
    created_at: str
    active_at: str
    ended_at: str | None
    end_reason: str | None


class VisitorView(Struct):
    """Whom a conversation is with; of anonymous visitors only the id is known."""

    visitor_id: str
    subject: str | None
    email: str | None
    name: str | None


class ConversationView(Struct):
    """A conversation. *is_flagged*: an answer was rated down; *messages*: questions and answers."""

    conversation_id: str
    widget_id: str
    visitor: VisitorView
    domain: str | None
    messages: int
    is_flagged: bool
    created_at: str
    last_message_at: str


class FeedbackView(Struct):
    """What a visitor thought of an answer."""

    rating: str
    comment: str | None


class MessageView(Struct):
    """A message, as its visitor saw it."""

    message_id: str
    role: str
    text: str
    state: str
    created_at: str
    reply_to: str | None
    citations: list[Annotated[dict[str, Any], _shaped("Citation")]]
    feedback: FeedbackView | None


def widget_view(row: WidgetRow, usage_today: int) -> WidgetView:
    """*row* for people."""
    made = iso_ms(row.created_at_ms)
    return WidgetView(row.widget_id, row.name, row.agent_id, row.access_mode, list(row.allowed_domains), made, row.is_active, usage_today, filled_settings(row))


def filled_settings(row: WidgetRow) -> dict[str, Any]:
    """All settings of a widget, also those that hold by default."""
    return _filled(msgspec.convert(row.settings, WidgetSettings))


def _filled(group: Struct) -> dict[str, Any]:
    """Every field of *group*, and of the groups in it."""
    values = {name: getattr(group, name) for name in group.__struct_fields__}
    return {name: _filled(value) if isinstance(value, Struct) else value for name, value in values.items()}


def agent_view(row: Agent) -> AgentView:
    """*row* for people."""
    return AgentView(row.agent_id, row.name, row.instructions, list(row.providers), row.has_knowledge)


def provider_view(row: ProviderRow) -> ProviderView:
    """*row* for people."""
    has_key = row.api_key is not None
    return ProviderView(row.provider_id, row.name, row.kind, row.base_url, row.model, has_key, row.last4, iso_ms(row.created_at_ms))


def api_key_view(row: ApiKeyRow, *, is_masked: bool = False) -> ApiKeyView:
    """*row* for people; *is_masked* cuts its networks, which may be somebody's home."""
    made, ends, used = iso_ms(row.created_at_ms), _iso(row.expires_at_ms), _iso(row.used_at_ms)
    networks = [mask_address(network) for network in row.networks] if is_masked else list(row.networks)
    return ApiKeyView(row.key_id, row.name, row.last4, list(row.scopes), networks, row.created_by, made, ends, used)


def member_view(row: MemberRow, *, is_masked: bool = False) -> MemberView:
    """*row* for people; *is_masked* hides what is before the ``@``."""
    email = mask_email(row.email) if is_masked else row.email
    return MemberView(row.user_id, email, row.name, row.role, row.has_totp, iso_ms(row.created_at_ms))


def invitation_view(row: InvitationRow, *, is_masked: bool = False) -> InvitationView:
    """*row* for people; *is_masked* hides what is before the ``@``."""
    email = mask_email(row.email) if is_masked else row.email
    return InvitationView(row.invitation_id, email, row.role, row.invited_by, iso_ms(row.created_at_ms), iso_ms(row.expires_at_ms))


def block_view(row: BlockRow, *, is_masked: bool) -> BlockView:
    """*row* for people; *is_masked* cuts an address or a network, and takes out of the texts what may name a person."""
    hide = mask_address if row.kind in {"address", "network"} else mask
    value, reason = (hide(row.value), mask(row.reason)) if is_masked else (row.value, row.reason)
    made, ends, lifted = iso_ms(row.created_at_ms), _iso(row.ends_at_ms), _iso(row.lifted_at_ms)
    return BlockView(row.block_id, row.kind, value, reason, row.is_automatic, made, ends, lifted)


def login_view(row: LoginRow, current: str | None) -> LoginView:
    """*row* for its user."""
    made, active, ends = iso_ms(row.created_at_ms), iso_ms(row.active_at_ms), iso_ms(row.expires_at_ms)
    return LoginView(row.login_id, row.login_id == current, row.address, row.user_agent, made, active, ends)


def visit_view(row: Visit, *, is_masked: bool) -> VisitView:
    """*row* for people; *is_masked* cuts the address to its network."""
    address = mask_address(row.address) if is_masked else row.address
    made, active, ended = iso_ms(row.created_at_ms), iso_ms(row.active_at_ms), _iso(row.ended_at_ms)
    parts = (row.session_id, row.widget_id, row.visitor_id, row.origin, address, row.user_agent, row.is_bound)
    return VisitView(*parts, made, active, ended, row.end_reason)


def conversation_view(row: ConversationRow, *, is_masked: bool) -> ConversationView:
    """*row* for people; *is_masked* leaves out who the visitor is."""
    known = (None, None, None) if is_masked else (row.subject, row.email, row.name)
    visitor = VisitorView(row.visitor_id, *known)
    made, last = iso_ms(row.created_at_ms), iso_ms(row.last_at_ms)
    return ConversationView(row.conversation_id, row.widget_id, visitor, row.origin, row.messages, row.is_flagged, made, last)


def message_view(row: MessageRow, rating: Rating | None, *, is_masked: bool) -> MessageView:
    """*row* for people; *is_masked* takes out of the texts what may name a person."""
    feedback = FeedbackView(rating[0], _shown(rating[1], is_masked=is_masked)) if rating is not None else None
    text = mask(row.text) if is_masked else row.text
    return MessageView(row.message_id, row.role, text, row.state, iso_ms(row.created_at_ms), row.reply_to, list(row.citations), feedback)


def _shown(text: str | None, *, is_masked: bool) -> str | None:
    """*text*, if there is any, as somebody may see it."""
    return mask(text) if text is not None and is_masked else text


def _iso(at_ms: int | None) -> str | None:
    """A moment that may be missing."""
    return None if at_ms is None else iso_ms(at_ms)
