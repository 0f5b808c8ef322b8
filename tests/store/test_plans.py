"""What a query costs grows with what it shows, not with what else the organization has."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from chatkeep.errors import Unavailable
from chatkeep.ids import ConversationId, MessageId, OrgId, SessionId, VisitorId, WidgetId
from chatkeep.store import Store, Tx
from chatkeep.store.belongings import count_belongings
from chatkeep.store.conversations import ConversationFilter, Pages, find_conversation, list_conversations, ratings_of
from chatkeep.store.erasing import erase_conversation, was_erased
from chatkeep.store.feedback import put_feedback
from chatkeep.store.messages import count_for_limits, find_answer, page_of_messages
from chatkeep.store.paging import Part
from chatkeep.store.sessions import find_session
from chatkeep.store.tables import conversations, feedback, messages, sessions, visitors
from chatkeep.store.visits import list_visits
from tests.admit.cast import another_organizations_site
from tests.cast import alices_site

SMALL, LARGE = 500, 2000
# How many messages each conversation has.
SAID = 6
# Steps of SQLite's virtual machine between two counts.
STRIDE = 10
Query = Callable[[Tx, OrgId, WidgetId], Any]


def fill(tx: Tx, org: OrgId, widget: WidgetId, start: int, end: int) -> None:
    """Conversations of a visitor each, from *start* on; the last message of each is an answer that was rated down."""
    shared = {"org_id": org, "widget_id": widget}
    numbers = range(start, end)
    visit = {**shared, "origin": "https://shop.example", "address": "198.51.100.7", "user_agent": "tests", "generation": 1}
    tx.execute(insert(visitors), [{"id": f"vis_{number}", "org_id": org, "created_at": number} for number in numbers])
    tx.execute(
        insert(sessions),
        [{**visit, "id": f"sess_{number}", "visitor_id": f"vis_{number}", "created_at": number, "active_at": number} for number in numbers],
    )
    tx.execute(insert(conversations), [{**shared, "id": f"conv_{number}", "visitor_id": f"vis_{number}", "created_at": number} for number in numbers])
    message = {"org_id": org, "text": "lorem ipsum", "state": "complete", "citations": []}
    said = [
        {
            **message,
            "id": f"msg_{number}_{each}",
            "conversation_id": f"conv_{number}",
            "session_id": f"sess_{number}",
            "role": "visitor" if each % 2 == 0 else "assistant",
            "created_at": number,
            "updated_at": number,
        }
        for number in numbers
        for each in range(SAID)
    ]
    tx.execute(insert(messages), said)
    tx.execute(insert(feedback), [{"message_id": f"msg_{number}_{SAID - 1}", "org_id": org, "rating": "down", "created_at": number} for number in numbers])


def listed(**wanted: Any) -> Query:
    """The first row of the list of conversations."""
    return lambda tx, org, _widget: list_conversations(tx, org, Part(1, 1), ConversationFilter(**wanted))


LISTS: dict[str, Query] = {
    "conversations": listed(),
    "of words": listed(text="nothing like that"),
    "of a page": listed(page=Pages("https", "other.example")),
    "of a host": listed(page=Pages(None, "other.example")),
    "rated down": listed(is_flagged=True),
    "not rated down": listed(is_flagged=False),
    "of a widget": lambda tx, org, widget: list_conversations(tx, org, Part(1, 1), ConversationFilter(widget=widget, since_ms=0)),
    "sessions": lambda tx, org, _widget: list_visits(tx, org, Part(1, 1)),
    "sessions of a widget": lambda tx, org, widget: list_visits(tx, org, Part(1, 1), widget=widget, is_open=True),
    "belongings": lambda tx, org, _widget: count_belongings(tx, org),
}
VICTOR, SESSION, CONVERSATION, ANSWER = VisitorId("vis_7"), SessionId("sess_7"), ConversationId("conv_7"), MessageId("msg_7_5")
ONES: dict[str, Query] = {
    "a conversation": lambda tx, org, _widget: find_conversation(tx, org, CONVERSATION),
    "its ratings": lambda tx, org, _widget: ratings_of(tx, org, CONVERSATION),
    "its messages": lambda tx, org, _widget: page_of_messages(tx, org, CONVERSATION, before=MessageId("msg_7_4"), limit=3),
    "conversations of a visitor": listed(visitor=VICTOR),
    "sessions of a visitor": lambda tx, org, _widget: list_visits(tx, org, Part(1, 1), visitor=VICTOR),
    "a session": lambda tx, _org, widget: find_session(tx, widget, SESSION),
    "an answer": lambda tx, org, _widget: find_answer(tx, org, VICTOR, ANSWER),
    "what a visitor's limits count": lambda tx, org, widget: count_for_limits(
        tx, org, widget=widget, visitor=VICTOR, session=SESSION, conversation=CONVERSATION, day_start_ms=10**12
    ),
    "an opinion": lambda tx, org, _widget: put_feedback(tx, org, VICTOR, ANSWER, rating="down", comment=None, at_ms=1),
    "erasing": lambda tx, org, _widget: _erase_and_go_back(tx, org),
    "what was erased": lambda tx, org, _widget: was_erased(tx, org, VICTOR, CONVERSATION),
}


def _erase_and_go_back(tx: Tx, org: OrgId) -> None:
    """Erase a conversation, which must be there, and take that back."""
    with tx.begin_nested() as here:
        assert erase_conversation(tx, org, VICTOR, CONVERSATION, heir=ConversationId("conv_new"))
        here.rollback()


def steps_of(tx: Tx, query: Query, org: OrgId, widget: WidgetId) -> int:
    """How many times ``STRIDE`` steps SQLite takes for *query*."""
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    connection: Any = tx.connection.dbapi_connection
    connection.set_progress_handler(count, STRIDE)
    try:
        query(tx, org, widget)
    finally:
        connection.set_progress_handler(None, 0)
    return taken


@pytest.mark.parametrize("has_statistics", [False, True])
def test_lists_cost_as_much_as_they_are_long_and_single_things_cost_the_same(sqlite_store: Store, *, has_statistics: bool) -> None:
    site = alices_site(sqlite_store)
    queries = {**LISTS, **ONES}
    costs: list[dict[str, int]] = []
    for start, end in ((0, SMALL), (SMALL, LARGE)):
        sqlite_store.transaction_now(fill, site.org_id, site.widget_id, start, end)
        if has_statistics:
            sqlite_store.transaction_now(lambda tx: tx.execute(text("ANALYZE")))
        costs.append({name: sqlite_store.transaction_now(steps_of, query, site.org_id, site.widget_id) for name, query in queries.items()})
    few, many = costs
    growth = LARGE // SMALL
    assert {name: (few[name], many[name]) for name in LISTS if many[name] > 1.5 * growth * few[name] + 100} == {}
    assert {name: (few[name], many[name]) for name in ONES if many[name] > 1.2 * few[name] + 10} == {}


@pytest.mark.parametrize("has_statistics", [False, True])
def test_what_other_organizations_have_costs_one_nothing(sqlite_store: Store, *, has_statistics: bool) -> None:
    site, others = alices_site(sqlite_store), another_organizations_site(sqlite_store, "Blog")
    queries = {name: LISTS[name] for name in ("conversations", "of words", "rated down", "sessions", "belongings")}
    sqlite_store.transaction_now(fill, site.org_id, site.widget_id, 0, 50)
    costs: list[dict[str, int]] = []
    for start, end in ((50, 100), (100, LARGE)):
        sqlite_store.transaction_now(fill, others.org_id, others.widget_id, start, end)
        if has_statistics:
            sqlite_store.transaction_now(lambda tx: tx.execute(text("ANALYZE")))
        costs.append({name: sqlite_store.transaction_now(steps_of, query, site.org_id, site.widget_id) for name, query in queries.items()})
    few, many = costs
    assert {name: (few[name], many[name]) for name in queries if many[name] > 1.2 * few[name] + 10} == {}


@contextmanager
def asked(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What the database is asked meanwhile."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        found.append((statement, parameters))

    event.listen(store._write_engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(store._write_engine, "before_cursor_execute", note)


def test_no_plan_walks_the_messages_of_an_organization_for_one_conversation(store: Store) -> None:
    site = alices_site(store)
    store.transaction_now(fill, site.org_id, site.widget_id, 0, LARGE)
    if store.dialect == "postgresql":
        # What its autovacuum does within a minute.
        store.transaction_now(lambda tx: tx.execute(text("ANALYZE")))
    explain = "EXPLAIN QUERY PLAN " if store.dialect == "sqlite" else "EXPLAIN "
    wrong: dict[str, str] = {}
    for name in (*ONES, "conversations", "of words", "of a page", "rated down"):
        with asked(store) as statements:
            store.transaction_now(lambda tx, query: query(tx, site.org_id, site.widget_id), {**LISTS, **ONES}[name])
        for statement, parameters in [each for each in statements if each[0].startswith(("SELECT", "UPDATE", "DELETE"))]:
            rows = store.read_now(lambda tx, *what: tx.exec_driver_sql(*what).all(), explain + statement, parameters)
            plan = "\n".join(str(row[-1]) for row in rows)
            # Of a day: that is what this index is for.
            if "ix_messages_org_id_created_at" in plan and "messages.created_at >=" not in statement:
                wrong[name] = plan
    assert wrong == {}


def test_a_statement_of_sqlite_ends_at_the_deadline(sqlite_store: Store) -> None:
    endless = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")

    async def ask() -> list[Any]:
        # More than there are reader threads: the last ones get one only when the first have ended.
        reads = [sqlite_store.read(lambda tx: tx.execute(endless).scalar_one()) for _ in range(3)]
        change = sqlite_store.transaction(lambda tx: tx.execute(endless).scalar_one())
        refused = await asyncio.gather(*reads, change, return_exceptions=True)
        return [*refused, await sqlite_store.read(lambda tx: tx.execute(text("SELECT 1")).scalar_one())]

    *refused, answer = asyncio.run(ask())
    assert {type(error) for error in refused} == {Unavailable}
    assert answer == 1
    assert sqlite_store.read_now(lambda tx: tx.execute(text("SELECT 1")).scalar_one()) == 1


def test_sqlite_leaves_statistics_for_the_next_process(sqlite_store: Store) -> None:
    site = alices_site(sqlite_store)
    sqlite_store.transaction_now(fill, site.org_id, site.widget_id, 0, SMALL)
    sqlite_store.read_now(LISTS["conversations"], site.org_id, site.widget_id)
    sqlite_store.close()
    again = Store(f"sqlite:///{sqlite_store._write_engine.url.database}")
    tables = again.read_now(lambda tx: set(tx.execute(text("SELECT tbl FROM sqlite_stat1")).scalars()))
    again.close()
    assert "messages" in tables
