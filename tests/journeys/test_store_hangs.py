"""The database hangs without a word: everybody is answered, nothing is done by half or twice, and it can be stopped (drill R05)."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Reply, Visitor, alices_site_in
from tests.providers.upstream import Upstream
from tests.servers import PATIENCE, Gateway, Postgres

CROWD = 12


@pytest.fixture
def url(own_postgres: Postgres) -> str:
    return own_postgres.new_database("hangs")


def test_postgresql_hangs_and_goes_on(own_postgres: Postgres, url: str, data_dir: Path, upstream: Upstream) -> None:
    widget_id = alices_site_in(url, settings=ROOMY).widget_id
    with Gateway.running(data_dir, DATABASE_URL=url, **_settings(upstream)) as gateway, ThreadPoolExecutor(CROWD) as pool:
        victors = [Visitor(gateway.port, widget_id, SHOP).open() for _ in range(CROWD)]
        reader = Visitor(gateway.port, widget_id, SHOP).open()
        assert {reply.status for reply in pool.map(_ask, victors, ["before"] * CROWD)} == {200}
        stream = reader.listen("words-100-20").wait(lambda heard: heard.text)
        files = _open_files(gateway)
        with own_postgres.hung():
            asked = [pool.submit(_ask, victor, "during") for victor in victors]
            assert gateway.get("/livez")[0] == 200
            assert gateway.get("/readyz") == (503, {"status": "unavailable", "failing": ["database"]})
            for reply in (one.result(PATIENCE) for one in asked):
                assert (reply.status, reply.error) == (503, "service_unavailable")
            # Again, now that no connection is left.
            assert {reply.status for reply in pool.map(_ask, victors, ["still"] * CROWD)} == {503}
            assert stream.finish().last.data["error"] == "service_unavailable"
            assert gateway.process.poll() is None
        _until_ready(gateway)
        # An honest client comes again with the key of its message.
        for text in ("during", "still", "after"):
            assert {reply.status for reply in pool.map(_until_answered, victors, [text] * CROWD)} == {200}
        for victor in victors:
            said = [(message["role"], message["text"]) for message in victor.settled() if message["role"] == "visitor"]
            assert said == [("visitor", f"words-3-1 {text}") for text in ("before", "during", "still", "after")]
        # What was shown of an answer that had to end is stored.
        assert reader.settled()[-1]["text"].startswith(stream.text)
        assert _open_files(gateway) <= files + 2 * CROWD
        assert gateway.stop() == 0
    assert "Traceback" not in gateway.log.read_text()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT sum(messages) FROM usage").fetchone() == (4 * CROWD + 1,)
        assert connection.execute("SELECT count(*) FROM messages WHERE state = 'streaming'").fetchone() == (0,)


def test_it_can_be_stopped_while_postgresql_hangs(own_postgres: Postgres, url: str, data_dir: Path, upstream: Upstream) -> None:
    widget_id = alices_site_in(url, settings=ROOMY).widget_id
    with Gateway.running(data_dir, DATABASE_URL=url, **_settings(upstream)) as gateway, ThreadPoolExecutor(CROWD) as pool:
        victors = [Visitor(gateway.port, widget_id, SHOP).open() for _ in range(CROWD)]
        stream = Visitor(gateway.port, widget_id, SHOP).open().listen("words-5000-20").wait(lambda heard: heard.text)
        with own_postgres.hung():
            asked = [pool.submit(_ask, victor, "during") for victor in victors]
            gateway.process.terminate()
            assert stream.finish().last.data["error"] == "service_unavailable"
            # The patience of ``stop`` is the spec's "gone within 30 s".
            assert gateway.stop() == 0
            for one in asked:
                # One that came after the signal finds nobody.
                assert one.exception(PATIENCE) is not None or one.result().status == 503
    with Gateway.running(data_dir, DATABASE_URL=url, **_settings(upstream)) as gateway:
        assert gateway.get("/readyz")[0] == 200
        assert gateway.stop() == 0
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM messages WHERE state = 'streaming'").fetchone() == (0,)


def test_it_can_be_stopped_while_another_process_holds_sqlite(data_dir: Path, upstream: Upstream) -> None:
    widget_id = alices_site_in(f"sqlite:///{data_dir / 'chatkeep.db'}", settings=ROOMY).widget_id
    with Gateway.running(data_dir, **_settings(upstream)) as gateway:
        victor = Visitor(gateway.port, widget_id, SHOP).open()
        stream = Visitor(gateway.port, widget_id, SHOP).open().listen("words-5000-20").wait(lambda heard: heard.text)
        with _held(data_dir):
            reply = victor.say("words-3-1 held")
            assert (reply.status, reply.error) == (503, "service_unavailable")
            assert gateway.get("/readyz")[0] == 200, "it can read"
            gateway.process.terminate()
            assert stream.finish().last.data["error"] == "service_unavailable"
            assert gateway.stop() == 0


@contextmanager
def _held(data_dir: Path) -> Iterator[None]:
    """Nobody else can write."""
    with closing(sqlite3.connect(data_dir / "chatkeep.db", isolation_level=None, timeout=PATIENCE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _ask(victor: Visitor, text: str) -> Reply:
    """One message with a key of its own."""
    return victor.say(f"words-3-1 {text}", Idempotency_Key=f"key-{text}")


def _until_answered(victor: Visitor, text: str) -> Reply:
    """The same message again while it is told to come back."""
    reply = _ask(victor, text)
    while reply.status in {409, 503}:
        reply = _ask(victor, text)
    return reply


def _until_ready(gateway: Gateway) -> None:
    while gateway.get("/readyz")[0] != 200:
        assert gateway.process.poll() is None


def _open_files(gateway: Gateway) -> int:
    return len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir()))


def _settings(upstream: Upstream) -> dict[str, str]:
    return {**ROOMY_GATEWAY, "OPENAI_BASE_URL": upstream.base_url, "OPENAI_MODEL": "by-question"}
