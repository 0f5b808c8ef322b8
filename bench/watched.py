"""``chatkeep`` with somebody looking: which modules are loaded, which statements are run?

usage: python -m bench.watched serve ...; each line on standard input is answered by one line
of JSON with all counts so far. For short runs that count, never for those that measure.
"""

import json
import sys
import threading
from collections import Counter
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from chatkeep.cli import main

_statements: Counter[str] = Counter()
_seen: dict[str, Any] = {}


@event.listens_for(Engine, "before_cursor_execute")
def _count(connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's signature
    """One statement, or one for each row of an executemany."""
    word = statement.split(None, 1)[0].upper()
    _statements[word] += len(parameters) if is_many else 1
    if word == "INSERT" and "synchronous" not in _seen:
        _seen["synchronous"] = connection.connection.dbapi_connection.execute("PRAGMA synchronous").fetchone()[0]


@event.listens_for(Engine, "commit")
def _count_commit(_connection: Any) -> None:
    """One transaction ended well."""
    _statements["COMMIT"] += 1


def _answer_questions() -> None:
    """Until the other side goes."""
    for _line in sys.stdin:
        print(json.dumps({"modules": sorted(sys.modules), "statements": _statements, **_seen}), flush=True)


if __name__ == "__main__":
    threading.Thread(target=_answer_questions, daemon=True).start()
    sys.exit(main())
