"""Is the body exactly the JSON that the route takes?

Stops: parser mismatch (duplicate keys, deep nesting, wrong types), oversize, fields that
only the server may set, control characters. Text is otherwise kept as typed.
Store down: not consulted.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from chatkeep.admit._forms import explain
from chatkeep.admit._types import Arrival, Widget
from chatkeep.admit.widget_settings import LARGEST_BODY
from chatkeep.audit.redact import printable
from chatkeep.errors import Reason, Refused, invalid
from chatkeep.ids import CONVERSATION_FORM, WIDGET_FORM, ConversationId, WidgetId, find_conversation_id, find_widget_id
from chatkeep.store.sessions import Page

S = TypeVar("S", bound=Struct)

# Repeating one of these is how two parsers are made to disagree (spec: visitor-api, 400).
_ONCE = frozenset({"origin", "authorization", "dpop", "x-widget-id", "host", "content-type", "content-length"})
# Everything of Unicode category Cc but tab and newline.
_MOST_MARKS = 30
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COMMENT_LENGTH = 2000
_ACCEPTED = ("*/*", "application/*", "application/json", "text/*", "text/event-stream")
# For the document alone: msgspec does not check these, because each has an error of its own.
_WidgetForm = Meta(extra_json_schema={"pattern": WIDGET_FORM, "examples": ["widget_abc123_def456"]})
_ConversationForm = Meta(extra_json_schema={"pattern": CONVERSATION_FORM, "examples": ["conv_1642251000_abc123"]})
_NO_JSON = "is not valid JSON in UTF-8"
_NO_CONTROLS = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
_MESSAGE_HINTS = {"minLength": 1, "maxLength": 8000, "pattern": _NO_CONTROLS, "allOf": [{"pattern": r"\S"}], "examples": ["Hello, I need help with my order"]}
_COMMENT_HINTS = {"maxLength": _COMMENT_LENGTH, "pattern": _NO_CONTROLS, "examples": ["That solved it."]}


class ChatRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /api/chat``."""

    message: Annotated[str, Meta(description="What the visitor wrote; 1 to the widget's limit in code points after NFC.", extra_json_schema=_MESSAGE_HINTS)]
    conversation_id: Annotated[str, _ConversationForm] | None = None
    widget_id: Annotated[str, _WidgetForm] | None = None


class FeedbackRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /api/messages/{message_id}/feedback``."""

    rating: Literal["up", "down"]
    comment: Annotated[str, Meta(description="At most 2000 code points after NFC.", extra_json_schema=_COMMENT_HINTS)] | None = None


class PageInfo(Struct, frozen=True, forbid_unknown_fields=True):
    """The page that the widget is on; query and fragment of *url* are dropped."""

    url: Annotated[str, Meta(max_length=2048)] = ""
    title: Annotated[str, Meta(max_length=300)] = ""


class SessionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /api/sessions``."""

    widget_id: Annotated[str, _WidgetForm]
    page: PageInfo | None = None
    identity: Annotated[str | None, Meta(description="Who the visitor is, signed by the host's server (JWT). In access mode identity only.")] = None
    ticket: Annotated[
        str | None,
        Meta(description="A page ticket, signed by the host's server (JWT), where the widget requires one; in frame mode the ticket of the frame page."),
    ] = None
    resume: Annotated[
        str | None,
        Meta(description="The newest resume handle of a session, to go on with it under another key; where the widget has that feature. Works once."),
    ] = None
    page_ticket: Annotated[str | None, Meta(description="In frame mode: the page ticket, where the widget requires one beside that of the frame.")] = None


def check_headers(arrival: Arrival, also_as: Sequence[str] = ()) -> None:
    """Raise ``Refused`` when a header that decides something came twice, or no answer of ours is accepted; *also_as*: the route's own types."""
    for name in sorted(arrival.repeated & _ONCE):
        raise invalid(name, "must be sent once")
    accept = arrival.headers.get("accept")
    wanted = {part.split(";")[0].strip().lower() for part in accept.split(",")} if accept else set()
    if accept and wanted.isdisjoint(_ACCEPTED) and wanted.isdisjoint(also_as):
        raise Refused(Reason.NOT_ACCEPTABLE)


def parse(arrival: Arrival, wanted: type[S], *, names_unknown: bool = False) -> S:
    """The body as *wanted*. Raises ``Refused`` with the field and its problem, never with its value.

    *names_unknown*: also name fields that *wanted* has not, for operators, who mistype them.
    """
    if arrival.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refused(Reason.UNSUPPORTED_MEDIA_TYPE)
    if len(arrival.body) > LARGEST_BODY:
        raise Refused(Reason.PAYLOAD_TOO_LARGE)
    try:
        parsed = msgspec.json.decode(arrival.body, type=wanted)
        # msgspec takes the last of two equal keys without a word: look again.
        _repeats.decode(arrival.body.decode())
    except msgspec.ValidationError as error:
        problems = explain(error, wanted, _read(arrival.body), names_unknown=names_unknown)
        raise Refused(Reason.INVALID_REQUEST, details=problems) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise invalid("body", _unread(arrival.body) if names_unknown else _NO_JSON) from None
    return parsed


def parse_message(text: str, widget: Widget) -> str:
    """A visitor's message in NFC with plain line ends, within the widget's length."""
    most = widget.settings.limits.message_length
    # NFC never makes a text shorter than a quarter: what is longer need not be normalised to be refused.
    if len(text) > 4 * most:
        raise Refused(Reason.MESSAGE_TOO_LONG, note={"length": len(text)})
    text = _normalized("message", text)
    if not text.strip():
        raise Refused(Reason.MESSAGE_EMPTY)
    if _CONTROL.search(text):
        raise invalid("message", "contains control characters")
    if len(text) > most:
        raise Refused(Reason.MESSAGE_TOO_LONG, note={"length": len(text)})
    return text


def parse_comment(text: str | None) -> str | None:
    """A visitor's comment in NFC with plain line ends; nothing for white space. Raises ``Refused``."""
    text = _normalized("comment", (text or "")[: 4 * _COMMENT_LENGTH + 1])
    if _CONTROL.search(text):
        raise invalid("comment", "contains control characters")
    text = text.strip()
    if len(text) > _COMMENT_LENGTH:
        raise invalid("comment", f"must have at most {_COMMENT_LENGTH} characters")
    return text or None


def _normalized(field: str, text: str) -> str:
    """*text* in NFC with plain line ends."""
    if not text.isascii():
        _refuse_mark_runs(field, text)
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def _refuse_mark_runs(field: str, text: str) -> None:
    """Refuse endless piles of combining marks: normalising them takes quadratic time (UAX #15, stream-safe text)."""
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run > _MOST_MARKS:
            raise invalid(field, f"has more than {_MOST_MARKS} combining marks in a row")


def page_of(request: SessionRequest) -> Page:
    """The page that a session is opened on; its address without query and fragment, which may hold secrets."""
    page = request.page
    url = page.url.partition("#")[0].partition("?")[0] if page else ""
    return Page(printable(url) or None, printable(page.title) or None if page else None)


def check_size(arrival: Arrival, widget: Widget) -> None:
    """Raise ``Refused`` when the body is larger than this widget's messages can need."""
    if len(arrival.body) > widget.settings.body_cap:
        raise Refused(Reason.PAYLOAD_TOO_LARGE)


def parse_widget_id(text: str) -> WidgetId:
    """*text* as a widget id. Raises ``Refused``."""
    found = find_widget_id(text)
    if found is None:
        raise Refused(Reason.INVALID_WIDGET_ID)
    return found


def parse_conversation_id(text: str) -> ConversationId:
    """*text* as a conversation id. Raises ``Refused``."""
    found = find_conversation_id(text)
    if found is None:
        raise Refused(Reason.INVALID_CONVERSATION_ID)
    return found


def named_widget(arrival: Arrival, in_body: str | None, in_token: WidgetId | None) -> WidgetId:
    """The one widget that header, body and token name. Raises ``Refused`` when they differ or none does."""
    named = [text for text in (arrival.headers.get("x-widget-id"), in_body) if text is not None]
    ids = {parse_widget_id(text) for text in named} | ({in_token} if in_token else set())
    if not ids:
        raise invalid("widget_id", "is missing")
    if len(ids) > 1:
        raise invalid("widget_id", "header, body and token name different widgets")
    return ids.pop()


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different. Raises ``ValueError``."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


_repeats = json.JSONDecoder(object_pairs_hook=_refuse_repeats)


def _unread(text: bytes) -> str:
    """Why *text* is no body, and where that shows."""
    try:
        _repeats.decode(text.decode())
    except json.JSONDecodeError as error:
        return f"{_NO_JSON}: look at line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError as error:
        return f"{_NO_JSON}: look at byte {error.start + 1}"
    except (ValueError, RecursionError):
        return "has a field twice, or is nested too deeply"
    return _NO_JSON


def _read(text: bytes) -> Any:
    """What is in *text*, for an explanation; ``None`` where another parser cannot read it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
