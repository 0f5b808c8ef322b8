"""What do our identifiers look like?

Types and form only; ``crypto.new_id`` makes them. Spec: limits-and-sessions, "ids".
"""

import re
from typing import NewType

OrgId = NewType("OrgId", str)
WidgetId = NewType("WidgetId", str)
AgentId = NewType("AgentId", str)
VisitorId = NewType("VisitorId", str)
SessionId = NewType("SessionId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
DocumentId = NewType("DocumentId", str)
EventId = NewType("EventId", str)
KeyId = NewType("KeyId", str)
BlockId = NewType("BlockId", str)
UserId = NewType("UserId", str)
LoginId = NewType("LoginId", str)
InvitationId = NewType("InvitationId", str)
ProviderId = NewType("ProviderId", str)
RequestId = NewType("RequestId", str)

# Ours are 26 characters of base32 (128 bits); callers may bring widget and
# conversation ids of their own, so the accepted form is wider. The forms as JSON Schema
# writes them; in Python, "$" would let a line break follow.
WIDGET_FORM = r"^widget_[a-z0-9_]{12,64}$"
CONVERSATION_FORM = r"^conv_[a-z0-9_]{12,64}$"
MESSAGE_FORM = r"^msg_[a-z0-9_]{12,64}$"
PLACE_FORM = r"^[0-9]{1,9}-[0-9a-f]{8}$"
_WIDGET = re.compile(WIDGET_FORM.removesuffix("$") + r"\Z", re.ASCII)
_CONVERSATION = re.compile(CONVERSATION_FORM.removesuffix("$") + r"\Z", re.ASCII)
_MESSAGE = re.compile(MESSAGE_FORM.removesuffix("$") + r"\Z", re.ASCII)
_CALLER_REQUEST = re.compile(r"[A-Za-z0-9-]{1,64}\Z", re.ASCII)


def find_widget_id(text: str) -> WidgetId | None:
    """*text* as a widget id, or ``None`` when it has not the form of one."""
    return WidgetId(text) if _WIDGET.match(text) else None


def find_conversation_id(text: str) -> ConversationId | None:
    """*text* as a conversation id, or ``None`` when it has not the form of one."""
    return ConversationId(text) if _CONVERSATION.match(text) else None


def find_message_id(text: str) -> MessageId | None:
    """*text* as a message id, or ``None`` when it has not the form of one."""
    return MessageId(text) if _MESSAGE.match(text) else None


def find_caller_request_id(text: str | None) -> str | None:
    """A caller's ``X-Request-ID`` when it is fit to be kept beside our own, else ``None``."""
    return text if text is not None and _CALLER_REQUEST.match(text) else None
