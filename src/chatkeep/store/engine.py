"""How is a database reached, and with which settings?

Spec: architecture, "Store". SQLite: WAL, ``synchronous=FULL``, ``busy_timeout`` below our
own deadline (``deadline.py``), so that who waits for the lock learns that in time;
transactions begun by us (IMMEDIATE for the writer, so that two processes queue for the
lock instead of failing in the middle); a statement that runs past the deadline is cut.
PostgreSQL: statements are cut after 2 s, and a transaction whose client fell silent
after 5 s, with its locks.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from chatkeep.errors import Misconfigured
from chatkeep.store.deadline import seconds_left

Tx = Connection

_STATEMENT_MILLISECONDS = 2000
_IDLE_MILLISECONDS = 5000
_CONNECT_SECONDS = 2
_BUSY_MILLISECONDS = 2500


# How often SQLite asks whether it may go on: steps of its virtual machine, about a millisecond's worth.
_STEPS = 20_000
# Rows of an index that statistics come from, so that they cost milliseconds whatever the size.
_SAMPLED = 400


def parse_database_url(text: str) -> URL:
    """*text* as a URL with a driver that we use. Raises ``Misconfigured`` without showing it."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is not a number
        url = None
    if url is not None and url.drivername in {"sqlite", "sqlite+pysqlite"} and url.database:
        return url.set(drivername="sqlite+pysqlite")
    if url is not None and url.drivername in {"postgresql", "postgres", "postgresql+psycopg"} and url.database:
        return url.set(drivername="postgresql+psycopg")
    msg = "CHATKEEP_DATABASE_URL is not usable: write sqlite:///path/to/file.db or postgresql://user:password@host/name"
    raise Misconfigured(msg)


def open_engine(url: URL, *, readers: int, is_writer: bool) -> Engine:
    """An engine whose connections are set up for one writer or for *readers* reader threads."""
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url, is_writer=is_writer, readers=readers)
    return _open_postgres(url, is_writer=is_writer, readers=readers)


def _open_postgres(url: URL, *, is_writer: bool, readers: int) -> Engine:
    """A PostgreSQL engine whose connections keep nobody waiting past the deadline."""
    from chatkeep.store import postgres  # noqa: PLC0415 - the driver is an extra, and costs memory

    timeouts = f"-c statement_timeout={_STATEMENT_MILLISECONDS} -c idle_in_transaction_session_timeout={_IDLE_MILLISECONDS}"
    engine = create_engine(
        url,
        # Parameters are what people wrote: they belong into no error, and so into no log.
        hide_parameters=True,
        pool_size=1 if is_writer else readers,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"options": f"{timeouts} -c timezone=UTC", "connect_timeout": _CONNECT_SECONDS, "application_name": "chatkeep"},
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Dialect, _record: ConnectionPoolEntry, arguments: Any, parameters: Any) -> Any:
        return postgres.connect(*arguments, **parameters)

    return engine


def _open_sqlite(url: URL, *, is_writer: bool, readers: int) -> Engine:
    """A SQLite engine with our pragmas; makes the file's folder, readable by its owner alone."""
    try:
        Path(url.database or "").absolute().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the folder of the database cannot be made ({error.strerror}): check CHATKEEP_DATA_DIR and CHATKEEP_DATABASE_URL"
        raise Misconfigured(msg) from None
    # Made here, because SQLite would make it readable for everybody; its journal files inherit this.
    with suppress(OSError):
        os.close(os.open(url.database or "", os.O_WRONLY | os.O_CREAT, 0o600))
    # Threads of the pool hand connections around; each is used by one thread at a time.
    engine = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False}, pool_size=1 if is_writer else readers, max_overflow=0)
    begin = "BEGIN IMMEDIATE" if is_writer else "BEGIN"

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # sqlite3 must not begin transactions by itself
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_MILLISECONDS}", "foreign_keys=ON", f"analysis_limit={_SAMPLED}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.set_progress_handler(_is_too_late, _STEPS)

    @event.listens_for(engine, "close")
    def leave_statistics(connection: Any, _record: ConnectionPoolEntry) -> None:
        # As https://www.sqlite.org/pragma.html#pragma_optimize advises; who writes now is not waited for.
        with suppress(sqlite3.Error):
            connection.execute("PRAGMA busy_timeout=0")
            connection.execute("PRAGMA optimize")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _is_too_late() -> bool:
    """Whether the statement that runs in this thread is to be cut: nobody waits for it any more."""
    return seconds_left() <= 0
