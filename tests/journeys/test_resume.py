"""A reader who was cut off comes back: nothing is missing, nothing comes twice; nobody who stays away is waited for.

Real gateway, real upstream. A place is a number of code points, so every cut is tried in
text whose characters have two to four bytes, and some several code points.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chatkeep.answer.place import parse_place
from chatkeep.answer.running import Ending, Running
from chatkeep.answer.stream import events
from chatkeep.errors import Refused, Unavailable, Usage
from chatkeep.ids import ConversationId, MessageId, SessionId
from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Visitor, alices_site_in
from tests.places import event_id
from tests.providers.upstream import Upstream
from tests.providers.upstream_scripts import words
from tests.servers import PATIENCE, Gateway, end

STREAM = "text/event-stream"
# The spec's "cancels the provider call within 1 s", four times over for a slow machine.
CANCEL_SECONDS = 4.0


@dataclass
class Reading:
    """One stream, read in this thread only as far as is wanted. *place* is the last event's id."""

    connection: http.client.HTTPConnection
    answer: http.client.HTTPResponse = field(init=False)
    events: list[tuple[str, Any]] = field(default_factory=list)
    place: str = event_id("")
    _rest: bytes = b""

    def __post_init__(self) -> None:
        self.answer = self.connection.getresponse()

    @property
    def text(self) -> str:
        return "".join(data["text"] for name, data in self.events if name == "delta")

    @property
    def message_id(self) -> str:
        return str(self.events[0][1]["message_id"])

    def until(self, is_enough: "Callable[[Reading], bool]") -> "Reading":
        """Read on until *is_enough* or the end."""
        assert self.answer.status == 200, self.answer.read()
        while not is_enough(self) and (data := self.answer.read1(64)):
            *blocks, self._rest = (self._rest + data).split(b"\n\n")
            for block in blocks:
                lines = dict(line.split(": ", 1) for line in block.decode().splitlines() if not line.startswith(":"))
                if lines:
                    self.events.append((lines["event"], json.loads(lines["data"])))
                    self.place = lines["id"]
        return self

    def cut_off(self, after: int = 0) -> "Reading":
        """Drop the connection as soon as *after* code points are there."""
        self.until(lambda reading: len(reading.text) >= after and bool(reading.events))
        self.connection.close()
        self.answer.close()
        return self

    def finish(self) -> "Reading":
        """Read to the end."""
        with closing(self.connection):
            return self.until(lambda _: False)


def ask(victor: Visitor, text: str, **headers: str) -> Reading:
    """A message, whose answer is read as a stream."""
    body = {"message": text, "conversation_id": victor.session["conversation_id"]}
    return Reading(victor.send("POST", "/api/chat", body, Accept=STREAM, **headers))


def come_back(victor: Visitor, message_id: str, shown: str) -> Reading:
    """To the stream of an answer, with what was *shown* of it at hand."""
    return Reading(victor.send("GET", f"/api/chat/{message_id}/stream", Last_Event_ID=event_id(shown)))


@contextmanager
def on_air(data_dir: Path, upstream: Upstream, **settings: str) -> Iterator[tuple[Gateway, Visitor]]:
    """A gateway that asks *upstream*, and a visitor with a session."""
    widget = alices_site_in(f"sqlite:///{data_dir / 'chatkeep.db'}", settings=ROOMY)
    with Gateway.running(data_dir, **asking(upstream), **settings) as gateway:
        yield gateway, Visitor(gateway.port, widget.widget_id, SHOP).open()


def asking(upstream: Upstream) -> dict[str, str]:
    return {**ROOMY_GATEWAY, "OPENAI_BASE_URL": upstream.base_url, "OPENAI_MODEL": "by-question"}


@pytest.fixture
def victor(data_dir: Path, upstream: Upstream) -> Iterator[Visitor]:
    with on_air(data_dir, upstream) as (_, visitor):
        yield visitor


@pytest.mark.parametrize("steps", [(0, 1, 2, 3, 5, 8, 13), (30, 31, 150), (299,)])
def test_a_reader_who_is_cut_off_again_and_again_gets_every_code_point_once(victor: Visitor, upstream: Upstream, steps: tuple[int, ...]) -> None:
    script = "runes-60-20"
    whole = "".join(words(script))
    reading = ask(victor, script).cut_off(steps[0])
    shown = reading.text
    for step in steps[1:]:
        assert reading.place == event_id(shown)
        reading = come_back(victor, reading.message_id, shown).cut_off(step)
        shown += reading.text
    reading = come_back(victor, reading.message_id, shown).finish()
    shown += reading.text
    assert shown == whole
    assert (reading.events[-1][0], reading.events[-1][1]["finish_reason"], reading.place) == ("done", "stop", event_id(whole))
    question, answer = victor.settled()
    assert (question["text"], answer["text"], answer["state"], answer["message_id"]) == (script, whole, "complete", reading.message_id)
    assert upstream.seen()["requests"] == 1


def test_a_place_inside_what_was_shown_is_taken_to_the_code_point(victor: Visitor) -> None:
    script = "runes-60-20"
    whole = "".join(words(script))
    reading = ask(victor, script).cut_off(40)
    # In the middle of a family of three, whose parts are joined: a place is no border that anybody sees.
    middle = whole.index("\u200d") + 1
    together = [come_back(victor, reading.message_id, whole[:place]) for place in (0, 1, middle, middle + 1, len(reading.text) - 1)]
    for place, again in zip((0, 1, middle, middle + 1, len(reading.text) - 1), together, strict=True):
        assert again.finish().text == whole[place:], place


def test_an_answer_that_has_ended_is_read_from_every_place(victor: Visitor) -> None:
    first = ask(victor, "unicode").finish()
    for place in range(len(first.text) + 1):
        again = come_back(victor, first.message_id, first.text[:place]).finish()
        assert again.text == first.text[place:]
        assert [name for name, _ in again.events] == ["start", *["delta"] * (place < len(first.text)), "done"]


def test_a_retry_with_the_same_key_joins_where_its_reader_was(victor: Visitor, upstream: Upstream) -> None:
    script, key = "runes-60-20", {"Idempotency_Key": "one"}
    first = ask(victor, script, **key).cut_off(50)
    again = ask(victor, script, **key, Last_Event_ID=event_id(first.text)).finish()
    assert (first.message_id, first.text + again.text) == (again.message_id, "".join(words(script)))
    assert upstream.seen()["requests"] == 1
    assert len(victor.settled()) == 2


def test_whoever_comes_back_in_time_keeps_the_answer_going_beyond_the_window(data_dir: Path, upstream: Upstream) -> None:
    script = "words-200-20"
    with on_air(data_dir, upstream, RESUME_WINDOW="1") as (_, victor):
        reading = ask(victor, script).cut_off(5)
        again = come_back(victor, reading.message_id, reading.text).finish()
        assert reading.text + again.text == "".join(words(script))
        assert again.events[-1][0] == "done"
        assert upstream.seen()["aborted"] == 0


@pytest.mark.parametrize("comes_back_once", [False, True])
def test_nobody_who_stays_away_longer_than_the_window_is_waited_for(data_dir: Path, upstream: Upstream, comes_back_once: bool) -> None:
    script = "words-2000-20"
    with on_air(data_dir, upstream, RESUME_WINDOW="1") as (_, victor):
        reading = ask(victor, script).cut_off(5)
        if comes_back_once:
            reading = come_back(victor, reading.message_id, "").cut_off(20)
        assert upstream.seen(aborted=1)["finished"] == 0
        question, answer = victor.settled()
        assert (question["text"], answer["state"]) == (script, "interrupted")
        # It had gone on without its reader: more is there than was shown, and all of it is right.
        assert len(answer["text"]) > len(reading.text)
        assert "".join(words(script)).startswith(answer["text"])
        late = come_back(victor, reading.message_id, answer["text"][:3]).finish()
        assert (late.text, late.events[-1][0]) == (answer["text"][3:], "error")
        assert victor.say("words-2-1").status == 200


@pytest.mark.parametrize("accept", [STREAM, "application/json"])
def test_without_a_window_a_call_is_cancelled_as_soon_as_its_reader_goes(data_dir: Path, upstream: Upstream, accept: str) -> None:
    with on_air(data_dir, upstream, RESUME_WINDOW="0") as (_, victor):
        listening = victor.listen("words-2000-20", accept)
        upstream.seen(requests=1)
        if accept == STREAM:
            listening.wait(lambda heard: heard.text)
        listening.hang_up()
        # With the window of ten seconds that holds by default, this would be too late.
        assert upstream.seen(within=CANCEL_SECONDS, aborted=1)["finished"] == 0
        assert victor.settled()[-1]["state"] == "interrupted"


@pytest.mark.parametrize("accept", [STREAM, "application/json"])
def test_a_retry_after_kill_nine_answers_the_stored_question_in_its_place(data_dir: Path, upstream: Upstream, accept: str) -> None:
    script, key = "runes-60-20", {"Idempotency_Key": "one"}
    whole = "".join(words(script))
    with on_air(data_dir, upstream) as (gateway, victor):
        assert victor.say("words-1-1 before").status == 200
        killed = ask(victor, script, **key)
        killed.until(lambda reading: len(reading.text) > 100)
        gateway.kill()
        killed.connection.close()
        killed.answer.close()
    restarted = Gateway.start(data_dir, **asking(upstream))
    try:
        victor.port = restarted.port
        before = victor.history()
        assert [message["state"] for message in before] == ["complete", "complete", "complete", "interrupted"]
        if accept == STREAM:
            again = ask(victor, script, **key, Last_Event_ID=event_id(killed.text)).finish()
            # Made anew, so from its beginning: a model does not say the same twice.
            assert (again.message_id, again.text, again.events[-1][0]) == (killed.message_id, whole, "done")
            left = again.events[-1][1]["usage"]
        else:
            body = {"message": script, "conversation_id": victor.session["conversation_id"]}
            reply = victor.request("POST", "/api/chat", body, **key)
            assert (reply.status, reply.json["message_id"], reply.json["response"]) == (200, killed.message_id, whole)
            left = reply.json["usage"]
        after = victor.history()
        assert after[:3] == before[:3]
        assert [(message["text"], message["state"], message["message_id"]) for message in after[3:]] == [(whole, "complete", killed.message_id)]
        assert (upstream.seen()["requests"], left["messages_remaining_today"]) == (3, 10_000 - 2)
        # The model is asked the stored question once more, not as well.
        sent = upstream.seen()["seen"][-1]["body"]["messages"]
        assert [message["content"] for message in sent if message["role"] == "user"] == ["words-1-1 before", script]
        # From now on it is read back.
        assert ask(victor, script, **key).finish().text == whole
        assert upstream.seen()["requests"] == 3
    finally:
        end(restarted.process)


def test_an_answer_made_anew_is_not_spliced_onto_the_one_before(data_dir: Path, upstream: Upstream) -> None:
    script, key = "words-200-20", {"Idempotency_Key": "one"}
    whole = "".join(words(script))
    with on_air(data_dir, upstream) as (gateway, victor):
        ask(victor, script, **key).cut_off(100)
        gateway.kill()
    restarted = Gateway.start(data_dir, **asking(upstream))
    try:
        victor.port = restarted.port
        # Whoever repeats the message has read something else; how far, is no matter.
        elsewhere = "x" * 40
        lost = ask(victor, script, **key, Last_Event_ID=event_id(elsewhere)).cut_off(60)
        assert whole.startswith(lost.text)
        for shown in (elsewhere, whole[:39] + "x"):
            again = come_back(victor, lost.message_id, shown).cut_off(70)
            assert whole.startswith(again.text)
        assert ask(victor, script, **key, Last_Event_ID=event_id(elsewhere)).finish().text == whole
    finally:
        end(restarted.process)


def test_only_so_many_readers_at_once_join_the_answers_of_a_session(data_dir: Path, upstream: Upstream) -> None:
    widget = alices_site_in(f"sqlite:///{data_dir / 'chatkeep.db'}", settings={"limits": {"streams_per_session": 1, "interval_ms": 0}})
    with Gateway.running(data_dir, **asking(upstream)) as gateway:
        victor = Visitor(gateway.port, widget.widget_id, SHOP).open()
        first = ask(victor, "words-2000-20").until(lambda reading: bool(reading.text))
        readers = [come_back(victor, first.message_id, "").until(lambda reading: bool(reading.text)) for _ in range(4)]
        refused = victor.request("GET", f"/api/chat/{first.message_id}/stream")
        assert (refused.status, refused.json["limit_type"]) == (429, "concurrency")
        readers[0].cut_off()
        until = time.monotonic() + PATIENCE
        while (again := come_back(victor, first.message_id, "")).answer.status != 200:
            again.connection.close()
            assert time.monotonic() < until, "the place of a reader who left stays taken"
        assert victor.request("DELETE", f"/api/chat/{first.message_id}/stream").status == 204
        assert [reading.finish().text for reading in (*readers[1:], again)] == [first.finish().text] * 4


def test_whoever_comes_back_in_the_middle_gets_the_sources_before_the_text() -> None:
    def envelope(error: Refused | Unavailable) -> dict[str, Any]:
        raise AssertionError(error)

    async def names(shown: str) -> list[str]:
        running = Running(MessageId("msg_a"), SessionId("sess_a"), ConversationId("conv_a"))
        running.show_sources([{"index": 1}])
        running.append("hello ")
        running.append("world")
        running.finish(Ending.DONE)
        stream = events(running, Usage(1, "2026-01-16T00:00:00Z"), envelope, after=parse_place(event_id(shown)))
        return [line[7:] for block in [event async for event in stream] for line in block.decode().splitlines() if line.startswith("event: ")]

    for shown in ("", "hello ", "hello world"):
        assert asyncio.run(names(shown)) == ["start", "sources", "delta", "done"]
