"""How do log lines leave the process?

JSON lines in production, readable text on a terminal; written by a thread behind a
bounded queue, so that a stuck reader of standard error stalls no request: what does
not fit is dropped and counted. Lines carry an event name and typed fields, never
message text or tokens. Spec: events-and-alerts, "Logs".
"""

import json
import logging
import logging.handlers
import sys
import traceback
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any, Literal

from chatkeep.audit.redact import printable
from chatkeep.clock import iso

_WAITING_LINES = 10_000
_QUOTING = frozenset({"sqlalchemy", "psycopg", "sqlite3"})
# Made once: json.dumps with a default makes an encoder for every line.
_json = json.JSONEncoder(default=str)


class _JsonFormatter(logging.Formatter):
    """One JSON object a line: timestamp, level, service, event, then fields."""

    def format(self, record: logging.LogRecord) -> str:
        """*record* as JSON; a stack trace goes into the field ``error``."""
        line: dict[str, object] = {
            "timestamp": iso(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "service": "chatkeep",
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = _trace(record.exc_info)
        return _json.encode(line)


class _TextFormatter(logging.Formatter):
    """``12:00:01 warning domain_not_allowed domain=… address_hash=…``."""

    def format(self, record: logging.LogRecord) -> str:
        """*record* as one readable line."""
        fields = " ".join(f"{name}={printable(str(value))}" for name, value in getattr(record, "fields", {}).items() if value is not None)
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        line = f"{time} {record.levelname.lower():7} {printable(record.getMessage())} {fields}".rstrip()
        return f"{line}\n{_trace(record.exc_info)}" if record.exc_info else line


def _trace(error: tuple[Any, ...]) -> str:
    """Where an error came from. Of a database's errors the type alone: their words quote rows, and so what people wrote."""
    kind, raised, where = error
    if kind is None:
        return ""
    words = "" if kind.__module__.partition(".")[0] in _QUOTING else f": {printable(str(raised))}"
    return f"{''.join(traceback.format_tb(where))}{kind.__qualname__}{words}"


class _DroppingHandler(logging.handlers.QueueHandler):
    """Hands lines to the writing thread; counts those that it has no room for."""

    queue: SimpleQueue[logging.LogRecord]
    dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue *record*, or drop it."""
        if self.queue.qsize() < _WAITING_LINES:
            self.queue.put_nowait(record)
        else:
            self.dropped += 1

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Leave *record* as it is: it stays in this process, and the formatter needs its parts."""
        return record


def set_up_logging(level: str, form: Literal["json", "text"]) -> logging.handlers.QueueListener:
    """Send every logger of ours, and the server's, to standard error. ``stop()`` the result at the end."""
    # No line of ours says them (Python's logging how-to, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(_JsonFormatter() if form == "json" else _TextFormatter())
    waiting: SimpleQueue[logging.LogRecord] = SimpleQueue()
    root = logging.getLogger()
    root.handlers = [_DroppingHandler(waiting)]
    root.setLevel(level.upper())
    # The server's own lines at info repeat what ours say.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    listener = logging.handlers.QueueListener(waiting, stream)
    listener.start()
    return listener
