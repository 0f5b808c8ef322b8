"""A database that hangs keeps nobody waiting, and what it does in the end is done once."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text

from chatkeep.audit import Context, Recorder
from chatkeep.audit.catalogue import SessionCreated
from chatkeep.errors import Reason, Unavailable
from chatkeep.ids import OrgId
from chatkeep.store import Store, Tx
from chatkeep.store.events import list_events
from chatkeep.store.tables import organizations
from chatkeep.store.usage import list_usage
from tests.cast import HeldClock, Stage, alices_site, on_stage
from tests.servers import PATIENCE, Postgres

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
KEY = {"idempotency-key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


@pytest.fixture
def own_store(own_postgres: Postgres) -> Iterator[Store]:
    """A store on a server that a test may stop."""
    store = Store(own_postgres.new_database("hung"))
    yield store
    store.close()


def new_organization(tx: Tx, name: str) -> str:
    tx.execute(organizations.insert().values(id=f"org_{name}", name=name, created_at=1))
    return name


def names(store: Store) -> set[str]:
    return set(store.read_now(lambda tx: tx.execute(text("SELECT name FROM organizations")).scalars().all()))


async def outcome(work: Coroutine[Any, Any, Any]) -> Any:
    """What *work* gives or raises, as a value; a failure of the test when that takes for ever."""
    try:
        return await asyncio.wait_for(work, PATIENCE)
    except Unavailable as error:
        return error


def test_everything_ends_while_postgresql_hangs_and_works_again_after_it(own_postgres: Postgres, own_store: Store) -> None:
    store = own_store

    async def ask_for(name: str, times: int) -> list[Any]:
        reads = [store.read(lambda tx: tx.execute(text("SELECT 1")).scalar_one()) for _ in range(times)]
        changes = [store.transaction(new_organization, f"{name}{number}") for number in range(times)]
        return await asyncio.gather(*(outcome(work) for work in (*reads, *changes)))

    # So many that every reader thread has begun.
    assert asyncio.run(ask_for("before", 20)) == [1] * 20 + [f"before{number}" for number in range(20)]
    threads = threading.active_count()
    with own_postgres.hung():
        # More than there are reader threads, so that most wait for one; twice, so that new connections are needed.
        for name in ("during", "still"):
            refused = asyncio.run(ask_for(name, 20))
            assert {(type(error), getattr(error, "reason", None)) for error in refused} == {(Unavailable, Reason.SERVICE_UNAVAILABLE)}
    assert asyncio.run(ask_for("after", 4)) == [1] * 4 + [f"after{number}" for number in range(4)]
    # No commit had been asked for when it stopped: nothing of it came later.
    assert {name.rstrip("0123456789") for name in names(store)} == {"before", "after"}
    assert threading.active_count() == threads
    with psycopg.connect(store_url(own_postgres)) as connection:
        ours = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'chatkeep'").fetchone()
        assert ours is not None
        assert ours[0] <= 4


def store_url(server: Postgres) -> str:
    return server.url("hung")


def test_a_group_fails_as_one_when_the_database_is_away(own_postgres: Postgres, own_store: Store) -> None:
    asked = 0

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(outcome(own_store.transaction(new_organization, f"{number}")) for number in range(300)))

    assert len(asyncio.run(all_at_once())) == len(names(own_store))
    own_postgres.halt()

    @event.listens_for(own_store._write_engine, "do_connect")
    def count(*_arguments: Any) -> None:
        nonlocal asked
        asked += 1

    assert {type(error) for error in asyncio.run(all_at_once())} == {Unavailable}
    assert asked < 10
    own_postgres.launch()


def test_one_bad_item_takes_nobody_down(store: Store) -> None:
    async def all_at_once() -> list[Any]:
        # The first one keeps the writer busy, so that the others are one group.
        works = [store.transaction(new_organization, name) for name in ("first", "twin", "twin", "other")]
        return await asyncio.gather(*works, return_exceptions=True)

    first, twin, bad, other = asyncio.run(all_at_once())
    assert (first, twin, other) == ("first", "twin", "other")
    assert type(bad).__name__ == "IntegrityError"
    assert names(store) == {"first", "twin", "other"}


def test_who_waits_for_a_locked_sqlite_is_told_and_nothing_is_done_later(sqlite_store: Store) -> None:
    store, path = sqlite_store, sqlite_store._write_engine.url.database
    assert path is not None
    with locked(Path(path)):
        refused = asyncio.run(outcome(store.transaction(new_organization, "during")))
        assert isinstance(refused, Unavailable)
        assert asyncio.run(outcome(store.read(lambda tx: tx.execute(text("SELECT 1")).scalar_one()))) == 1
    assert asyncio.run(outcome(store.transaction(new_organization, "after"))) == "after"
    assert names(store) == {"after"}


def test_what_was_not_begun_in_time_is_never_done(sqlite_store: Store) -> None:
    begun, may_go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        begun.set()
        assert may_go_on.wait(PATIENCE)
        new_organization(tx, "slow")

    async def act() -> list[Any]:
        first = asyncio.ensure_future(outcome(sqlite_store.transaction(slow)))
        await asyncio.to_thread(begun.wait, PATIENCE)
        second = asyncio.ensure_future(outcome(sqlite_store.transaction(new_organization, "behind")))
        refused = await asyncio.gather(first, second)
        may_go_on.set()
        await sqlite_store.transaction(new_organization, "after")
        return refused

    refused = asyncio.run(act())
    # What was begun may yet be done, and here it is; what was not is not.
    assert [error.in_doubt for error in refused] == [True, False]
    assert names(sqlite_store) == {"slow", "after"}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.stdin.close()
        assert holder.wait(PATIENCE) == 0


def backend_of(tx: Tx) -> int:
    """The process id of the server's side."""
    connection: Any = tx.connection.dbapi_connection
    pid: int = connection.info.backend_pid
    return pid


@contextmanager
def hangs_at_the_next_commit(store: Store) -> Iterator[None]:
    """The writer's server process stands still as it is about to be told to commit, and is woken at the end: it finds the order then."""
    pids: list[int] = []

    def hang(tx: Tx) -> None:
        if not pids:
            pids.append(backend_of(tx))
            os.kill(pids[0], signal.SIGSTOP)

    event.listen(store._write_engine, "commit", hang)
    try:
        yield
        assert pids
    finally:
        event.remove(store._write_engine, "commit", hang)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_commit_that_nobody_confirmed_is_in_doubt_and_not_reported_as_done(own_store: Store) -> None:
    with hangs_at_the_next_commit(own_store):
        refused = asyncio.run(outcome(own_store.transaction(new_organization, "late")))
        assert isinstance(refused, Unavailable)
        assert refused.in_doubt
    # It is done all the same: whoever does it again waits for that, and learns of it.
    again = asyncio.run(asyncio.wait_for(_outcome_of_twin(own_store), PATIENCE))
    assert again == "IntegrityError"
    assert names(own_store) == {"late"}


async def _outcome_of_twin(store: Store) -> str:
    (error,) = await asyncio.gather(store.transaction(new_organization, "late"), return_exceptions=True)
    return type(error).__name__


def test_a_message_in_doubt_is_carried_out_once(own_store: Store) -> None:
    with on_stage(own_store) as stage:
        victor = stage.victor(alices_site(own_store, settings={"limits": {"interval_ms": 0}}))
        stage.loop.run_until_complete(_start(stage))
        with hangs_at_the_next_commit(own_store):
            assert victor.say("hello", **KEY).error == "service_unavailable"
        _until_settled(stage)
        reply = victor.say("hello", **KEY)
        assert (reply.status, reply.json["response"]) == (200, "You said: hello")
        assert [(message["role"], message["state"]) for message in victor.history()] == [("visitor", "complete"), ("assistant", "complete")]


def test_a_message_in_doubt_whose_visitor_does_not_come_back_is_not_left_unfinished(own_store: Store) -> None:
    with on_stage(own_store) as stage:
        victor = stage.victor(alices_site(own_store, settings={"limits": {"interval_ms": 0}}))
        stage.loop.run_until_complete(_start(stage))
        with hangs_at_the_next_commit(own_store):
            assert victor.say("hello").error == "service_unavailable"
        _until_settled(stage)
        assert [message["state"] for message in victor.history()] == ["complete", "interrupted"]
        assert victor.say("again").status == 200


async def _start(stage: Stage) -> None:
    """What the application does when it starts: it looks after answers."""
    stage.gateway.answers.start()


def _until_settled(stage: Stage) -> None:
    """Until the late commit has come, and nothing of it is unfinished."""

    async def wait() -> None:
        states: set[str] = {"streaming"}
        while not states or "streaming" in states:
            states = set(await stage.store.read(lambda tx: tx.execute(text("SELECT state FROM messages")).scalars().all()))

    stage.loop.run_until_complete(asyncio.wait_for(wait(), PATIENCE))


@pytest.mark.parametrize("is_done", [True, False])
def test_events_and_usage_in_doubt_are_counted_once(own_store: Store, *, is_done: bool) -> None:
    widget = alices_site(own_store)

    async def act() -> None:
        recorder = Recorder(own_store, HeldClock(), b"k" * 32)
        for number in range(3):
            recorder.record(SessionCreated(), Context(request_id=f"req_{number}", org_id=widget.org_id))
            recorder.count(widget.org_id, widget.widget_id, messages=1)
            if number == 1:
                with hangs_at_the_next_commit(own_store) if is_done else refused_commit(own_store):
                    await recorder.flush()
            else:
                await recorder.flush()
        await recorder.flush()

    asyncio.run(asyncio.wait_for(act(), PATIENCE))
    rows = own_store.read_now(list_events, OrgId(widget.org_id), limit=100)
    assert sorted(row.request_id or "" for row in rows) == ["req_0", "req_1", "req_2"]
    (day,) = own_store.read_now(list_usage, widget.org_id, widget.widget_id)
    assert day.messages == 3


@contextmanager
def refused_commit(store: Store) -> Iterator[None]:
    """The writer's server process is killed as it is about to be told to commit."""
    is_over = threading.Event()

    def end(tx: Tx) -> None:
        if not is_over.is_set():
            is_over.set()
            os.kill(backend_of(tx), signal.SIGTERM)

    event.listen(store._write_engine, "commit", end)
    try:
        yield
    finally:
        event.remove(store._write_engine, "commit", end)
