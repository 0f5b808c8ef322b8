"""A session that is ended by another process ends here within two seconds: its open streams, and its right to talk.

What waits here waits four times as long, for a slow machine, and no longer.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chatkeep.answer import Ending, Running
from chatkeep.clock import SystemClock
from chatkeep.ids import ConversationId, MessageId, SessionId
from chatkeep.manage import blocks
from chatkeep.store import Store
from chatkeep.store import sessions as rows
from chatkeep.store.widgets import WidgetRow, replace_widget
from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Listening, Visitor, alices_site, alices_site_in, on_stage
from tests.patience import until
from tests.providers.upstream import Upstream
from tests.servers import Gateway

WITHIN_SECONDS = 2.0 * 4
LONG = "words-2000-20"


@dataclass
class Scene:
    """A gateway, its database as another process sees it, and a visitor who reads an answer."""

    gateway: Gateway
    store: Store
    widget: WidgetRow
    victor: Visitor

    def newcomer(self) -> Visitor:
        return Visitor(self.gateway.port, self.widget.widget_id, SHOP).open()


@pytest.fixture
def scene(data_dir: Path, database_url: str, upstream: Upstream) -> Iterator[Scene]:
    widget = alices_site_in(database_url, settings=ROOMY)
    settings = {**ROOMY_GATEWAY, "DATABASE_URL": database_url, "OPENAI_BASE_URL": upstream.base_url, "OPENAI_MODEL": "by-question"}
    store = Store(database_url)
    try:
        with Gateway.running(data_dir, **settings) as gateway:
            yield Scene(gateway, store, widget, Visitor(gateway.port, widget.widget_id, SHOP).open())
    finally:
        store.close()


def end_by_hand(scene: Scene) -> None:
    """As a command or another gateway does."""
    at_ms = int(SystemClock().now().timestamp() * 1000)
    session_id = SessionId(scene.victor.session["session_id"])
    assert scene.store.transaction_now(rows.end_session, scene.widget.org_id, session_id, at_ms=at_ms, reason="revoked")


def pause(scene: Scene) -> None:
    """The owner pauses the widget."""
    scene.store.transaction_now(replace_widget, scene.widget.org_id, replace(scene.widget, is_active=False))


def reuse_a_token(scene: Scene) -> None:
    """A thief shows a token that was replaced."""
    thief = Visitor(scene.gateway.port, scene.widget.widget_id, SHOP, session=dict(scene.victor.session))
    scene.victor.session |= scene.victor.request("POST", "/api/sessions/refresh").json
    # The first use of the new token is the end of the old one.
    scene.victor.history()
    refused = thief.say("words-1-1")
    assert (refused.status, refused.error) == (401, "session_revoked")


def begun(victor: Visitor) -> Listening:
    """A long answer of which something is shown."""
    return victor.listen(LONG).wait(lambda heard: heard.text)


def refused_soon(victor: Visitor) -> tuple[int, str | None]:
    """What a new message is refused with, once the first request is refused; requests may be let in for a while."""
    path = f"/api/conversations/{victor.session['conversation_id']}/messages?limit=1"
    until = time.monotonic() + WITHIN_SECONDS
    while victor.request("GET", path).status == 200:
        assert time.monotonic() < until, "a revoked session is still let in"
    reply = victor.say("words-1-1")
    return reply.status, reply.error


REVOKED, PAUSED = (401, "session_revoked"), (404, "widget_not_found_or_inactive")


@pytest.mark.parametrize(("revoke", "told"), [(end_by_hand, REVOKED), (pause, PAUSED), (reuse_a_token, REVOKED)])
def test_a_revoked_session_reads_no_further_and_says_no_more(scene: Scene, upstream: Upstream, revoke: Callable[[Scene], None], told: tuple[int, str]) -> None:
    listening = begun(scene.victor)
    bystander = scene.newcomer()
    beside = begun(bystander) if revoke is not pause else None
    revoke(scene)
    listening.finish(within=WITHIN_SECONDS)
    assert (listening.last.name, listening.last.data["error"]) == ("error", "service_unavailable" if revoke is pause else "session_revoked")
    # The provider is not asked any longer either.
    assert upstream.seen(within=WITHIN_SECONDS, aborted=1)["finished"] == 0
    assert refused_soon(scene.victor) == told
    reply = scene.victor.request("GET", f"/api/chat/{listening.message_id}/stream")
    assert (reply.status, reply.error) == told
    if beside is not None:
        # Nobody else is disturbed.
        shown = len(beside.text)
        beside.wait(lambda heard: len(heard.text) > shown + 50)
        assert not beside.is_over
        beside.hang_up()
        assert bystander.say("words-1-1").status == 200


@pytest.mark.parametrize(("revoke", "told"), [(end_by_hand, REVOKED), (pause, PAUSED)])
def test_a_session_that_was_just_used_is_not_remembered_for_longer(scene: Scene, revoke: Callable[[Scene], None], told: tuple[int, str]) -> None:
    for _ in range(3):
        assert scene.victor.say("words-1-1").status == 200
    revoke(scene)
    assert refused_soon(scene.victor) == told
    # For good: the next requests are not let in again.
    assert [(reply.status, reply.error) for reply in (scene.victor.say("words-1-1") for _ in range(5))] == [told] * 5


def test_a_block_by_hand_ends_what_streams_in_its_session(scene: Scene) -> None:
    listening = begun(scene.victor)
    value = scene.victor.session["session_id"]
    blocks.block(scene.store, SystemClock(), scene.widget.org_id, kind="session", value=value, reason="test", minutes=5)
    listening.finish(within=WITHIN_SECONDS)
    # Not revoked: that would make a widget open another session.
    assert (listening.last.name, listening.last.data["error"]) == ("error", "service_unavailable")
    assert refused_soon(scene.victor) == (429, "temporarily_blocked")


def test_a_block_by_another_process_is_effective_as_soon(scene: Scene) -> None:
    assert scene.victor.say("words-1-1").status == 200
    made = blocks.block(scene.store, SystemClock(), scene.widget.org_id, kind="session", value=scene.victor.session["session_id"], reason="test", minutes=None)
    assert refused_soon(scene.victor) == (429, "temporarily_blocked")
    assert scene.newcomer().say("words-1-1").status == 200
    blocks.lift(scene.store, SystemClock(), scene.widget.org_id, made.block_id)
    until = time.monotonic() + WITHIN_SECONDS
    while scene.victor.say("words-1-1").status != 200:
        assert time.monotonic() < until, "a lifted block still holds"


def test_an_unknown_session_ends_nothing(scene: Scene) -> None:
    listening = begun(scene.victor)
    at_ms = int(SystemClock().now().timestamp() * 1000)
    unknown = SessionId("sess_" + uuid.uuid4().hex[:26])
    assert not scene.store.transaction_now(rows.end_session, scene.widget.org_id, unknown, at_ms=at_ms, reason="revoked")
    end_by_hand(replace(scene, victor=scene.newcomer()))
    shown = len(listening.text)
    listening.wait(lambda heard: len(heard.text) > shown + 500)
    assert not listening.is_over
    listening.hang_up()


def test_the_patrol_goes_on_after_whatever_it_meets(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("chatkeep.answer._PATROL_SECONDS", 0.0)
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        victor, answers = stage.victor(widget), stage.gateway.answers
        assert stage.call("DELETE", "/api/sessions/current", headers=victor.headers).status == 204

        async def patrol() -> None:
            # An id that no database driver takes.
            odd, ended = (
                Running(MessageId("msg_a"), SessionId(session), ConversationId("conv_a")) for session in ("sess_\udcff", victor.session["session_id"])
            )
            answers._running[odd.message_id] = odd
            answers.start()
            await until(lambda: "sessions_not_looked_after" in caplog.messages)
            answers._running[odd.message_id] = ended
            await until(lambda: ended.stop_reason is Ending.SESSION_ENDED)
            del answers._running[odd.message_id]

        stage.loop.run_until_complete(patrol())
