"""What can an operator do with conversations? Search, read, erase."""

from chatkeep.admit.domains import find_origin_of
from chatkeep.crypto import new_id
from chatkeep.errors import NotThere, WrongUsage
from chatkeep.ids import ConversationId, MessageId, OrgId, find_conversation_id
from chatkeep.store import Store
from chatkeep.store.conversations import ConversationFilter, ConversationRow, Pages, find_conversation, list_conversations, ratings_of
from chatkeep.store.erasing import erase_conversation
from chatkeep.store.messages import MessageRow, page_of_messages
from chatkeep.store.paging import Part

Rating = tuple[str, str | None]
_NO_HOST = frozenset("/?#\\@*=, \t\r\n")


def parse_page(text: str, *, field: str | None = None) -> Pages:
    """Which pages are meant: ``shop.example`` (any scheme and port), ``shop.example:8443``, or ``https://shop.example``. Raises ``WrongUsage``."""
    scheme, _, rest = text.strip().rpartition("://")
    host = rest.removesuffix("/")
    found = find_origin_of(f"{scheme or 'https'}://{host}") if host and _NO_HOST.isdisjoint(host) else None
    if found is None:
        raise WrongUsage("is a host like shop.example, or an origin like https://shop.example", field=field)
    return Pages(found.scheme if scheme else None, found.text.partition("://")[2])


def some_conversations(store: Store, org: OrgId, part: Part, wanted: ConversationFilter) -> tuple[list[ConversationRow], int]:
    """Conversations of *org* that are *wanted*, newest first, and how many there are."""
    return store.read_now(list_conversations, org, part, wanted)


def get_conversation(store: Store, org: OrgId, conversation: str) -> ConversationRow:
    """The conversation of that id. Raises ``NotThere``."""
    wanted = find_conversation_id(conversation)
    found = store.read_now(find_conversation, org, wanted) if wanted is not None else None
    if found is None:
        raise NotThere("there is no such conversation")
    return found


def read_messages(store: Store, org: OrgId, conversation: str, *, before: MessageId | None, limit: int) -> tuple[list[MessageRow], bool, dict[str, Rating]]:
    """A page of messages, oldest first; whether there are older ones; what visitors thought of them. Raises ``NotThere``."""
    found = get_conversation(store, org, conversation).conversation_id
    rows, has_more = store.read_now(page_of_messages, org, found, before=before, limit=limit)
    return rows, has_more, dict(store.read_now(ratings_of, org, found))


def erase(store: Store, org: OrgId, conversation: str) -> ConversationRow:
    """Erase a conversation; its limits are not given back. Raises ``NotThere``."""
    found = get_conversation(store, org, conversation)
    heir = ConversationId(new_id("conv"))
    if not store.transaction_now(erase_conversation, org, found.visitor_id, found.conversation_id, heir=heir):
        raise NotThere("there is no such conversation")
    return found
