"""``/api/admin/conversations``: search, read, erase."""

from msgspec import Struct

from chatkeep.admit.permissions import Permission
from chatkeep.errors import Problem, Reason, Refused, WrongUsage
from chatkeep.ids import MESSAGE_FORM, VisitorId, find_message_id, find_widget_id
from chatkeep.manage import conversations
from chatkeep.manage.queries import LARGEST_LIMIT, parse_flag, parse_moment, parse_part, parse_text
from chatkeep.manage.views import ConversationView, MessageView, conversation_view, message_view
from chatkeep.rest.contract import AskedByOperator, Done, Office, operator_route
from chatkeep.rest.sessions import VISITOR, WIDGET
from chatkeep.store.conversations import ConversationFilter
from chatkeep.web.routes import Parameter, Route


class ConversationOne(Struct):
    """One conversation."""

    success: bool
    conversation: ConversationView


class ConversationList(Struct):
    """A part of the conversations, newest first."""

    success: bool
    conversations: list[ConversationView]
    total: int
    page: int
    limit: int


class MessagePage(Struct):
    """A page of messages, oldest first; *has_more* says whether there are older ones."""

    success: bool
    messages: list[MessageView]
    has_more: bool


_MOMENT = {"type": "string", "maxLength": 40, "examples": ["2026-01-31", "2026-01-31T12:00:00Z"]}
_QUERY = {
    "q": Parameter("In what was said, whatever the case.", {"type": "string", "minLength": 1, "maxLength": 300}),
    "widget_id": WIDGET,
    "visitor_id": VISITOR,
    "domain": Parameter(
        "On pages of this host, whatever scheme and port, or of exactly this origin.",
        {"type": "string", "minLength": 1, "maxLength": 300, "examples": ["shop.example", "https://shop.example"]},
    ),
    "since": Parameter("Begun at this time or later (UTC).", _MOMENT),
    "until": Parameter("Begun before this time (UTC).", _MOMENT),
    "flagged": Parameter("`true`: only where an answer was rated down.", {"type": "string", "enum": ["true", "false"]}),
}


def conversation_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    every, one = "/api/admin/conversations", "/api/admin/conversations/{conversation_id}"
    read, write = Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_WRITE
    page = {
        "before": Parameter(
            "A message id: only what was said before it.",
            {"type": "string", "pattern": MESSAGE_FORM, "title": "a message id", "examples": ["msg_1642251001_xyz789"]},
        ),
        "limit": Parameter("At most this many messages.", {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": 50}),
    }
    masked = "Without `personal_data:read`, what may name a person is masked."
    return [
        operator_route(office, "GET", every, read, "Search conversations", search_conversations, ConversationList, is_paged=True, query=_QUERY, notes=masked),
        operator_route(office, "GET", one, read, "Read a conversation", read_conversation, ConversationOne, notes=masked),
        operator_route(office, "GET", f"{one}/messages", read, "Read what was said", read_messages, MessagePage, query=page, notes=masked),
        operator_route(office, "DELETE", one, write, "Erase a conversation", erase_conversation, Done, notes="For good, with feedback and idempotency keys."),
    ]


def search_conversations(asked: AskedByOperator) -> ConversationList:
    """A part of the conversations."""
    part, query, is_masked = asked.part, asked.query, asked.operator.sees_masks
    widget = find_widget_id(query["widget_id"]) if "widget_id" in query else None
    if "widget_id" in query and widget is None:
        raise WrongUsage("is not a widget id", field="widget_id")
    text, visitor = parse_text(query, "q"), parse_text(query, "visitor_id", longest=80)
    if text is not None and is_masked:
        # Whoever could search for an address would find out who has it.
        raise Refused(Reason.FORBIDDEN, details=(Problem("q", "searching in texts needs personal_data:read"),), shown={"needs": Permission.PERSONAL_DATA.value})
    page = parse_text(query, "domain")
    wanted = ConversationFilter(
        widget=widget,
        visitor=VisitorId(visitor) if visitor is not None else None,
        page=conversations.parse_page(page, field="domain") if page is not None else None,
        text=text,
        since_ms=parse_moment(query, "since"),
        until_ms=parse_moment(query, "until"),
        is_flagged=parse_flag(query, "flagged"),
    )
    rows, total = conversations.some_conversations(asked.store, asked.org, part, wanted)
    shown = [conversation_view(row, is_masked=is_masked) for row in rows]
    return ConversationList(success=True, conversations=shown, total=total, page=part.page, limit=part.limit)


def read_conversation(asked: AskedByOperator) -> ConversationOne:
    """One conversation."""
    row = conversations.get_conversation(asked.store, asked.org, asked.params["conversation_id"])
    return ConversationOne(success=True, conversation=conversation_view(row, is_masked=asked.operator.sees_masks))


def read_messages(asked: AskedByOperator) -> MessagePage:
    """A page of what was said."""
    before = find_message_id(asked.query["before"]) if "before" in asked.query else None
    if "before" in asked.query and before is None:
        raise WrongUsage("is not a message id", field="before")
    limit = parse_part({name: value for name, value in asked.query.items() if name == "limit"}).limit
    rows, has_more, ratings = conversations.read_messages(asked.store, asked.org, asked.params["conversation_id"], before=before, limit=limit)
    is_masked = asked.operator.sees_masks
    shown = [message_view(row, ratings.get(row.message_id), is_masked=is_masked) for row in rows]
    return MessagePage(success=True, messages=shown, has_more=has_more)


async def erase_conversation(asked: AskedByOperator) -> Done:
    """Erase a conversation; what is being answered in it stops first."""
    found = await asked.run(conversations.get_conversation, asked.store, asked.org, asked.params["conversation_id"])
    await asked.office.answers.stop_conversation(found.conversation_id)
    await asked.run(conversations.erase, asked.store, asked.org, found.conversation_id)
    # A message that was committed just before the erasing has its answer begun only now.
    await asked.office.answers.stop_conversation(found.conversation_id)
    asked.office.desk.sessions.drop_if(lambda live: live.row.visitor_id == found.visitor_id)
    return Done(success=True, message="The conversation is erased.")
