"""What a visitor types: its length is counted in code points after NFC, and nothing else is changed."""

import json
import unicodedata

import pytest

from chatkeep.store import Store
from tests.admit.cast import WIDE, assert_refused, contents, generous
from tests.cast import StageVisitor, alices_site, on_stage
from tests.corpora import corpus

LENGTH = 20
KEPT = (
    "  spaces  stay  ",
    "tab\there\nline",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "'; DROP TABLE messages; --",
    "%s %d {0} {{7*7}} ${7*7} $(id) `id`",
    "=1+1 +1 -1 @x",
    "a\u202eb\u2066c\u2069",
    "zero\u200bwidth\u200djoiner\ufeff",
    "👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈",
    "שלום مرحبا नमस्ते 你好",
    "\ue000\U000f0000",
    "\ufdd0\ufffe\U0010ffff",
    "NULL",
    "event: done\ndata: {}\n\n",
    "a\u2028b\u2029c",
)


def said(victor: StageVisitor, text: str) -> str:
    """What is stored of *text*."""
    reply = victor.say(text)
    assert reply.status == 200, (text, reply.body)
    stored: str = victor.history()[-2]["text"]
    return stored


def test_a_message_is_kept_as_typed(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    with on_stage(store, generous()) as stage:
        victor = stage.victor(widget)
        for text in KEPT:
            assert said(victor, text) == unicodedata.normalize("NFC", text)


def test_line_ends_become_one_kind(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        assert said(stage.victor(widget), "a\r\nb\rc\nd") == "a\nb\nc\nd"


@pytest.mark.parametrize(
    "text",
    [
        "a" * LENGTH,
        "é" * LENGTH,
        "e\u0301" * LENGTH,
        "\u1112\u1161\u11ab" * LENGTH,
        "\U0001f600" * LENGTH,
        "\u1100" * LENGTH,
        "👩\u200d👩\u200d👧\u200d👦" * 2 + "\U0001f600" * (LENGTH - 14),
        "\r\n" * (LENGTH - 1) + "a",
        "a" + "\u0328" * (LENGTH - 1) + "",
    ],
    ids=["ascii", "composed", "decomposed", "Hangul", "emoji", "jamo", "family", "line ends", "combining"],
)
def test_the_longest_message_is_taken_and_one_code_point_more_is_not(sqlite_store: Store, text: str) -> None:
    widget = alices_site(sqlite_store, settings={"limits": {**WIDE["limits"], "message_length": LENGTH}})
    counted = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    assert LENGTH - 1 <= len(counted) <= LENGTH
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert said(victor, text) == counted
        before = contents(sqlite_store)
        assert_refused(victor.say(text + "x" * (LENGTH - len(counted) + 1)), 400, "message_too_long")
        assert contents(sqlite_store) == before
        (event,) = stage.events()
        assert (event.type, event.details) == ("message_too_long", {"length": LENGTH + 1})


def test_normalization_that_makes_text_longer_counts_the_longer(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings={"limits": {**WIDE["limits"], "message_length": LENGTH}})
    grows = "\ufb2c" * 7
    assert len(unicodedata.normalize("NFC", grows)) == LENGTH + 1
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        assert_refused(victor.say(grows), 400, "message_too_long")
        assert said(victor, grows[:-1]) == unicodedata.normalize("NFC", grows[:-1])


@pytest.mark.parametrize("text", ["", " ", "\n", "\t \r\n", "\u00a0", "\u3000\u2003", "\u2028\u2029"])
def test_only_white_space_is_an_empty_message(sqlite_store: Store, text: str) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        before = contents(sqlite_store)
        assert_refused(victor.say(text), 400, "message_empty")
        assert contents(sqlite_store) == before


def test_control_characters_are_refused_but_tab_and_line_feed(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        before = contents(sqlite_store)
        for code in [*range(0x20), *range(0x7F, 0xA0)]:
            if chr(code) in "\t\n\r":
                continue
            reply = victor.say(f"a{chr(code)}b")
            assert_refused(reply, 400, "invalid_request")
            assert reply.json["details"] == [{"field": "message", "problem": "contains control characters"}]
        assert contents(sqlite_store) == before
        assert said(victor, "a\tb\nc") == "a\tb\nc"


def test_naughty_strings_are_stored_as_typed_or_refused_politely(store: Store) -> None:
    widget = alices_site(store, settings=WIDE)
    strings = [text for text in corpus("blns.json") if isinstance(text, str)]
    assert len(strings) > 400
    with on_stage(store, generous()) as stage:
        for first in range(0, len(strings), 60):
            victor = stage.victor(widget)
            taken = []
            for text in strings[first : first + 60]:
                reply = victor.say(text)
                if reply.status == 200:
                    taken.append(unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))
                else:
                    assert (reply.status, reply.error) in {(400, "message_empty"), (400, "invalid_request")}, (text, reply.body)
            path = f"/api/conversations/{victor.session['conversation_id']}/messages?limit=200"
            messages = stage.call("GET", path, headers=victor.headers).json["messages"]
            assert [message["text"] for message in messages if message["role"] == "visitor"] == taken


def test_naughty_strings_are_harmless_in_every_other_place(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        path = f"/api/conversations/{victor.session['conversation_id']}/messages"
        for text in corpus("blns.json"):
            bodies = ({"message": "x", "conversation_id": text}, {"message": "x", "widget_id": text})
            replies = [stage.call("POST", "/api/chat", headers=victor.headers, body=body) for body in bodies]
            page = {"widget_id": widget.widget_id, "page": {"url": text, "title": text[:300]}}
            header = text.encode("utf-8", "replace").decode("latin-1").translate({10: None, 13: None, 0: None})
            replies += [
                stage.call("POST", "/api/sessions", headers={"origin": victor.origin, "user-agent": header, "referer": header}, body=json.dumps(page).encode()),
                stage.call("GET", path, headers={**victor.headers, "x-request-id": header, "x-forwarded-for": header, "forwarded": header}),
                stage.call("GET", path, headers={"origin": victor.origin, "authorization": header}),
                stage.call("GET", path, headers={**victor.headers, "x-widget-id": header}),
            ]
            assert {reply.status for reply in replies} <= {200, 201, 400, 401}, (text, [reply.status for reply in replies])
