"""From a visitor's message to a model and back, over real connections (drills R07 and R08).

Deadlines that nobody may set are shortened by ``tests/launch.py``: first byte 10 s, silence 30 s.
"""

import http.client
import json
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Listening, Visitor, alices_site_in
from tests.providers.upstream import Upstream
from tests.providers.upstream_scripts import BODIES, IMITATION, SCRIPTS, UNICODE
from tests.servers import Gateway

KEY = "sk-canary-4d1f09"
# The spec's "cancels the provider call within 1 s", four times over for a slow machine.
CANCEL_SECONDS = 4.0
# Long enough for a slow machine to reach the upstream in.
TUNED = {"chatkeep.answer.consult": {"FIRST_BYTE_SECONDS": 1.5}, "chatkeep.wiring:Egress": {"silence_s": 2.0}}
STREAM = "text/event-stream"
# Never ends by itself, or only after a second for each byte.
WITHOUT_END = {"endless", "endless-comments", "drip"}


@pytest.fixture
def gateway(data_dir: Path, upstream: Upstream) -> Iterator[Gateway]:
    """A gateway whose visitors choose the upstream's script by the first word of their question."""
    with Gateway.running(data_dir, tuned=TUNED, **_settings(upstream)) as running:
        yield running


@pytest.fixture
def victor(gateway: Gateway) -> Visitor:
    """A visitor with a session."""
    widget = alices_site_in(_url(gateway.data_dir), settings=ROOMY)
    return Visitor(gateway.port, widget.widget_id, SHOP).open()


@pytest.mark.parametrize("script", ["words-12-5", "unicode", "imitate", "html-text", "crlf", "two-data-lines", "length"])
def test_a_visitor_gets_what_the_official_client_gets(victor: Visitor, upstream: Upstream, script: str) -> None:
    with openai.OpenAI(base_url=upstream.base_url, api_key=KEY, max_retries=0) as client:
        question: Any = [{"role": "user", "content": script}]
        chunks = list(client.chat.completions.create(model="by-question", messages=question, stream=True))
    wanted = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    reason = next(chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason)
    streamed = victor.listen(script).finish()
    assert (streamed.text, streamed.last.name, streamed.last.data["finish_reason"]) == (wanted, "done", reason)
    assert victor.say(script).json["response"] == wanted
    answers = [message for message in victor.history() if message["role"] == "assistant"]
    assert [(answer["text"], answer["state"]) for answer in answers] == [(wanted, "complete")] * 2
    official, *ours = upstream.seen(requests=3)["seen"]
    assert official["target"] == "/v1/chat/completions"
    assert all((call["method"], call["target"], call["body"]["stream"]) == ("POST", official["target"], True) for call in ours)


def test_event_ids_are_the_answers_length_and_checksum_so_far(victor: Visitor) -> None:
    body = victor.listen("unicode").finish().reply
    assert body is not None
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in body.body.decode().split("\n\n") if block]
    shown = ""
    for block in blocks:
        if block["event"] == "delta":
            shown += json.loads(block["data"])["text"]
        assert block["id"] == f"{len(shown)}-{zlib.crc32(shown.encode()):08x}"
    assert shown == UNICODE


def test_text_that_imitates_our_events_stays_text(victor: Visitor) -> None:
    listening = victor.listen("imitate").finish()
    assert [event.name for event in listening.heard if event.name != "delta"] == ["start", "done"]
    assert listening.text == f"Before{IMITATION}after"
    assert victor.history()[-1]["text"] == listening.text


@pytest.mark.parametrize(
    ("script", "status", "calls"),
    [
        ("slow-first", 504, 2),
        ("slow-body", 504, 2),
        ("429", 502, 2),
        ("500", 502, 2),
        ("503", 502, 2),
        ("cut-first", 502, 2),
        ("html", 502, 2),
        ("not-http", 502, 2),
        # Asking again would only repeat these.
        ("400", 502, 1),
        ("401", 502, 1),
        ("404", 502, 1),
        ("302", 502, 1),
        ("307", 502, 1),
    ],
)
def test_an_upstream_that_does_not_begin_to_answer(victor: Visitor, upstream: Upstream, script: str, status: int, calls: int) -> None:
    before = upstream.seen()["requests"]
    reply = victor.say(script)
    assert (reply.status, reply.error, reply.json["success"]) == (status, "processing_error", False)
    assert reply.json["request_id"] == reply.headers["x-request-id"]
    listening = victor.listen(script).finish()
    assert [event.name for event in listening.heard] == ["start", "error"]
    assert (listening.last.data["error"], listening.last.data["success"]) == ("processing_error", False)
    answers = [message for message in victor.history() if message["role"] == "assistant"]
    assert [(answer["text"], answer["state"]) for answer in answers] == [("", "interrupted")] * 2
    seen = upstream.seen()
    assert seen["requests"] - before == 2 * calls
    assert {call["target"] for call in seen["seen"]} == {"/v1/chat/completions"}, "a redirect is not followed"
    assert victor.say("words-2-1").status == 200, "one bad answer does not spoil the next"


@pytest.mark.parametrize(
    "script", ["cut", "cut-in-chunk", "reset", "half-close", "length-lie", "garbage-json", "garbage-utf8", "garbage-types", "error-mid", "stall", "no-end"]
)
def test_an_upstream_that_fails_in_mid_answer(victor: Visitor, upstream: Upstream, script: str) -> None:
    listening = victor.listen(script).finish()
    assert [event.name for event in listening.heard if event.name != "delta"] == ["start", "error"]
    assert listening.last.data["error"] == "processing_error"
    answer = victor.history()[-1]
    assert "Half an ".startswith(listening.text)
    assert (answer["text"], answer["state"], answer["message_id"]) == (listening.text, "interrupted", listening.message_id)
    # Once text was shown nobody is asked again; a fault in one piece with the head may come before any, and the second attempt have some.
    assert upstream.seen()["requests"] in ({1, 2} if listening.text else {2})
    assert victor.say(script).status in {502, 504}


def test_no_upstream_at_all(data_dir: Path) -> None:
    widget = alices_site_in(_url(data_dir), settings=ROOMY)
    gone = Upstream()
    gone.stop()
    with Gateway.running(data_dir, **_settings(gone)) as gateway:
        victor = Visitor(gateway.port, widget.widget_id, SHOP).open()
        reply = victor.say("Is anybody there?")
        assert (reply.status, reply.error) == (502, "processing_error")
        assert [message["state"] for message in victor.history()] == ["complete", "interrupted"]


def test_a_provider_that_this_instance_cannot_have(data_dir: Path) -> None:
    widget = alices_site_in(_url(data_dir), settings=ROOMY, provider="openai")
    with Gateway.running(data_dir, **ROOMY_GATEWAY) as gateway:
        victor = Visitor(gateway.port, widget.widget_id, SHOP).open()
        reply = victor.say("Is anybody there?")
        assert (reply.status, reply.error) == (502, "processing_error")
        assert [message["state"] for message in victor.history()] == ["complete", "interrupted"]
        assert gateway.stop() == 0
    log = gateway.log.read_text()
    assert "CHATKEEP_OPENAI_API_KEY" in log
    assert "Traceback" not in log


def test_every_bad_upstream_ends_in_one_event_and_the_key_shows_nowhere(data_dir: Path, upstream: Upstream) -> None:
    widget = alices_site_in(_url(data_dir), settings=ROOMY)
    said: list[bytes] = []
    with Gateway.running(data_dir, tuned=TUNED, LOG_LEVEL="debug", **_settings(upstream)) as gateway:
        scripts = [*sorted((SCRIPTS.keys() | BODIES.keys()) - WITHOUT_END), "401", "429", "500", "302"]
        victors = [Visitor(gateway.port, widget.widget_id, SHOP).open() for _ in scripts]
        listening = [victor.listen(script) for victor, script in zip(victors, scripts, strict=True)]
        for one in listening:
            one.finish()
            names = [event.name for event in one.heard]
            assert (names[0], names[-1] in {"done", "error"}, len(set(names[1:-1]) - {"delta"})) == ("start", True, 0), one.question
            assert one.reply is not None
            said.append(one.reply.body + repr(one.reply.headers).encode())
        for victor, script in zip(victors, scripts, strict=True):
            reply = victor.request("GET", f"/api/conversations/{victor.session['conversation_id']}/messages")
            assert reply.json["messages"][-1]["state"] in {"complete", "interrupted"}, script
            said.append(reply.body)
        assert gateway.stop() == 0
    with closing(sqlite3.connect(data_dir / "chatkeep.db")) as connection:
        rows = "\n".join(connection.iterdump())
    log = gateway.log.read_text()
    assert "Traceback" not in log
    # The key is ours; the other is what the upstream quotes in its error messages.
    for secret in (KEY, "sk-secret"):
        assert secret not in rows
        assert secret not in log
        assert all(secret.encode() not in text for text in said)
    assert all("sk-" not in line for line in log.splitlines())


@pytest.mark.parametrize("script", ["endless", "endless-comments"])
def test_an_upstream_without_end_is_left(victor: Visitor, upstream: Upstream, script: str) -> None:
    listening = victor.listen(script)
    _until_asked(upstream)
    if script == "endless":
        assert listening.finish().last.name == "error"
    else:
        # Signs of life are no silence: the deadline for the whole, or the visitor, ends this.
        assert victor.request("DELETE", f"/api/chat/{listening.message_id}/stream").status == 204
        assert listening.finish().last.data["finish_reason"] == "stopped"
    assert _seen_within(upstream, aborted=1)["finished"] == 0


def _stop(victor: Visitor, listening: Listening) -> None:
    answer = victor.history()[-1]
    assert answer["state"] == "streaming"
    assert victor.request("DELETE", f"/api/chat/{answer['message_id']}/stream").status == 204


def _hang_up(_victor: Visitor, listening: Listening) -> None:
    listening.hang_up()


def _end_session(victor: Visitor, _listening: Listening) -> None:
    assert victor.request("DELETE", "/api/sessions/current").status == 204


@pytest.mark.parametrize("accept", [STREAM, "application/json"])
@pytest.mark.parametrize("leave", [_stop, _hang_up, _end_session])
@pytest.mark.parametrize("script", ["words-2000-20", "stall"])
def test_leaving_cancels_the_call(data_dir: Path, upstream: Upstream, accept: str, leave: Callable[[Visitor, Listening], None], script: str) -> None:
    widget = alices_site_in(_url(data_dir), settings=ROOMY)
    # Whoever hangs up is waited for only where there is a window (tests/journeys/test_resume.py); the others are gone at once with one too.
    window = {"RESUME_WINDOW": "0"} if leave is _hang_up else {}
    with Gateway.running(data_dir, **_settings(upstream), **window) as gateway:
        victor = Visitor(gateway.port, widget.widget_id, SHOP).open()
        listening = victor.listen(script, accept)
        _until_asked(upstream)
        if accept == STREAM:
            listening.wait(lambda heard: heard.text)
        leave(victor, listening)
        assert _seen_within(upstream, aborted=1)["finished"] == 0
        if leave is not _hang_up:
            _check_last_words(listening.finish(), leave is _stop)
        if leave is not _end_session:
            question, answer = victor.settled()
            assert (question["text"], answer["state"], answer["text"].startswith(listening.text)) == (script, "interrupted", True)
            assert victor.say("words-2-1").status == 200
        else:
            refused = victor.say("words-2-1")
            assert (refused.status, refused.error) == (401, "session_revoked")
        assert gateway.stop() == 0
        with closing(sqlite3.connect(data_dir / "chatkeep.db")) as connection:
            assert connection.execute("SELECT state, count(*) FROM messages WHERE role = 'assistant' GROUP BY state").fetchall()[-1] == ("interrupted", 1)


def _check_last_words(listening: Listening, is_stop: bool) -> None:
    """What somebody who stayed is told at the end."""
    if listening.heard:
        assert listening.last.name == ("done" if is_stop else "error")
        assert listening.last.data.get("finish_reason" if is_stop else "error") == ("stopped" if is_stop else "session_revoked")
    else:
        assert listening.reply is not None
        assert (listening.reply.status, listening.reply.json["success"]) == ((200, True) if is_stop else (401, False))


def test_stop_is_for_ones_own_answers(gateway: Gateway, victor: Visitor, upstream: Upstream) -> None:
    mallory = Visitor(gateway.port, victor.widget_id, SHOP).open()
    listening = victor.listen("words-200-20").wait(lambda heard: heard.text)
    for message_id in (listening.message_id, "msg_unknownunknown", "x"):
        assert mallory.request("DELETE", f"/api/chat/{message_id}/stream").status == 404
    assert upstream.seen()["aborted"] == 0
    assert victor.request("DELETE", f"/api/chat/{listening.message_id}/stream").status == 204
    assert listening.finish().last.data["finish_reason"] == "stopped"
    assert victor.request("DELETE", f"/api/chat/{listening.message_id}/stream").status == 404


def test_the_model_sees_the_conversation_but_no_other(gateway: Gateway, victor: Visitor, upstream: Upstream) -> None:
    other = Visitor(gateway.port, victor.widget_id, SHOP).open()
    assert other.say("echo nobody else's business").status == 200
    assert victor.say("echo my name is Victor").status == 200
    assert victor.say("words-3-1 what is my name?").status == 200
    messages = upstream.seen(requests=3)["seen"][-1]["body"]["messages"]
    said = [(message["role"], message["content"].strip()) for message in messages if message["role"] != "system"]
    assert said == [("user", "echo my name is Victor"), ("assistant", "echo my name is Victor"), ("user", "words-3-1 what is my name?")]


def _until_asked(upstream: Upstream) -> None:
    """Until the question has reached the upstream, and is being answered."""
    assert upstream.seen(requests=1)["open"] == 1


def _seen_within(upstream: Upstream, **at_least: int) -> dict[str, int]:
    """As ``Upstream.seen``, but no longer than a cancellation may take."""
    netloc = re.sub(r"^http://|/v1$", "", upstream.base_url)
    connection = http.client.HTTPConnection(netloc, timeout=CANCEL_SECONDS)
    with closing(connection):
        connection.request("GET", "/seen?" + "&".join(f"{name}={value}" for name, value in at_least.items()))
        counts: dict[str, int] = json.loads(connection.getresponse().read())
        return counts


def _settings(upstream: Upstream) -> dict[str, str]:
    return {**ROOMY_GATEWAY, "OPENAI_BASE_URL": upstream.base_url, "OPENAI_MODEL": "by-question", "OPENAI_API_KEY": KEY}


def _url(data_dir: Path) -> str:
    return f"sqlite:///{data_dir / 'chatkeep.db'}"
