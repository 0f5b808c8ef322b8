"""A hundred visitors at once, each from an address of its own, all past their limits: exactly what is allowed gets through.

A trusted proxy (this process) names the addresses. Everything of a test happens well
within its window of a minute or an hour, so that nothing fits a second time.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.cast import SHOP, Reply, Visitor, alices_site_in
from tests.providers.upstream import Upstream
from tests.servers import Gateway

T = TypeVar("T")

HUNDRED = 100
BEHIND_A_PROXY = {"TRUSTED_PROXIES": "127.0.0.1/32"}
MANY_REQUESTS = {**BEHIND_A_PROXY, "LIMIT_ADDRESS_PER_MINUTE": "10000", "LIMIT_ADDRESS_PER_HOUR": "10000"}


def test_each_gets_its_five_a_minute(data_dir: Path) -> None:
    widget_id = _widget(data_dir, per_minute=5, interval_ms=0)
    with Gateway.running(data_dir, **BEHIND_A_PROXY) as gateway:
        victors = _open_all(gateway, widget_id)
        replies = _at_once([lambda v=victor: [v.say(f"message {n}") for n in range(8)] for victor in victors])
        for mine in replies:
            assert sorted(reply.status for reply in mine) == [200] * 5 + [429] * 3
            assert {(reply.error, reply.json["limit_type"]) for reply in mine if reply.status == 429} == {("rate_limit_exceeded", "per_minute")}
            assert all(
                0 < reply.json["retry_after"] <= 60 and reply.headers["retry-after"] == str(reply.json["retry_after"]) for reply in mine if reply.status == 429
            )
            assert [reply.json["usage"]["messages_remaining_today"] for reply in mine if reply.status == 200] == [199, 198, 197, 196, 195]
        assert gateway.stop() == 0
    _check_counts(data_dir, messages=HUNDRED * 5, refusals=HUNDRED * 3)


@pytest.mark.parametrize(("limits", "allowed", "limit_type"), [({"interval_ms": 0, "per_minute": 5}, 5, "per_minute"), ({}, 1, "interval")])
def test_one_visitor_who_sends_a_hundred_at_once(data_dir: Path, limits: dict[str, Any], allowed: int, limit_type: str) -> None:
    widget_id = _widget(data_dir, **limits)
    # Each refusal by a visitor's own limit warns the session: after three it would be blocked, and read no history.
    with Gateway.running(data_dir, **MANY_REQUESTS, AUTO_BLOCK_AFTER_WARNINGS="1000") as gateway:
        victor = Visitor(gateway.port, widget_id, SHOP, address="198.51.100.1").open()
        replies = _at_once([lambda n=n: victor.say(f"message {n}") for n in range(HUNDRED)])
        assert Counter(reply.status for reply in replies) == {200: allowed, 429: HUNDRED - allowed}
        assert {reply.json["limit_type"] for reply in replies if reply.status == 429} == {limit_type}
        history = victor.history()
        assert sorted(message["text"] for message in history if message["role"] == "assistant") == sorted(_texts(replies))
        assert gateway.stop() == 0
    _check_counts(data_dir, messages=allowed, refusals=HUNDRED - allowed)


@pytest.mark.parametrize(("limits", "limit_type"), [({"widget_per_hour": 37}, "per_hour"), ({"widget_per_day": 37}, "per_day")])
def test_all_share_what_the_widget_has_on_one_domain(data_dir: Path, limits: dict[str, int], limit_type: str) -> None:
    widget_id = _widget(data_dir, interval_ms=0, domains=("shop.example", "other.example"), **limits)
    with Gateway.running(data_dir, **BEHIND_A_PROXY) as gateway:
        victors = _open_all(gateway, widget_id)
        replies = _at_once([lambda v=victor: v.say("Hello") for victor in victors])
        assert Counter(reply.status for reply in replies) == {200: 37, 429: HUNDRED - 37}
        assert {reply.json["limit_type"] for reply in replies if reply.status == 429} == {limit_type}
        assert Visitor(gateway.port, widget_id, "https://other.example", address="192.0.2.1").open().say("Hello").status == 200
        assert gateway.stop() == 0
    _check_counts(data_dir, messages=38, refusals=HUNDRED - 37)


def test_day_and_session_counts_outlive_a_kill(data_dir: Path) -> None:
    widget_id = _widget(data_dir, interval_ms=0, per_session=4, widget_per_day=30)
    gateway = Gateway.start(data_dir, **BEHIND_A_PROXY)
    try:
        victors = _open_all(gateway, widget_id, count=10)
        assert Counter(reply.status for reply in _at_once([lambda v=victor: v.say("Hello") for victor in victors for _ in range(2)])) == {200: 20}
        gateway.kill()
        gateway = Gateway.start(data_dir, **BEHIND_A_PROXY)
        for victor in victors:
            victor.port = gateway.port
        first = _at_once([lambda: victors[0].say("Hello") for _ in range(10)])
        assert Counter(reply.status for reply in first) == {200: 2, 429: 8}
        # The third refusal in ten minutes is a block: exactly three say that a new session helps.
        told = Counter((reply.error, reply.json.get("limit_type"), reply.json.get("action")) for reply in first if reply.status == 429)
        assert told == {("rate_limit_exceeded", "per_session", "new_session"): 3, ("temporarily_blocked", None, None): 5}
        others = _at_once([lambda v=victor: v.say("Hello") for victor in victors[1:] for _ in range(2)])
        assert Counter(reply.status for reply in others) == {200: 8, 429: 10}
        assert {reply.json["limit_type"] for reply in others if reply.status == 429} == {"per_day"}
        assert gateway.stop() == 0
    finally:
        if gateway.process.poll() is None:
            gateway.kill()
    _check_counts(data_dir, messages=30)


def test_an_address_has_so_many_new_sessions_whatever_it_forges(data_dir: Path) -> None:
    widget_id = _widget(data_dir)
    with Gateway.running(data_dir, **BEHIND_A_PROXY) as gateway:
        # What the proxy appended stands at the right; everything left of it is the client's own story.
        told = [f"{forged}203.0.113.9" for number in range(15) for forged in ("", f"10.9.8.{number}, ", f"2001:db8::{number}, 192.0.2.{number},")]
        replies = _at_once([lambda text=text: _open(gateway, widget_id, text) for text in told])
        assert Counter(reply.status for reply in replies) == {201: 10, 429: len(told) - 10}
        # Three warnings are a block, and a block is the address's too, whatever it forges.
        refused = Counter((reply.error, reply.json.get("limit_type")) for reply in replies if reply.status == 429)
        assert refused == {("rate_limit_exceeded", "sessions_per_address"): 3, ("temporarily_blocked", None): len(told) - 13}
        assert _open(gateway, widget_id, "203.0.113.10").status == 201
        assert gateway.stop() == 0
    with closing(sqlite3.connect(data_dir / "chatkeep.db")) as connection:
        assert connection.execute("SELECT address, count(*) FROM sessions GROUP BY address ORDER BY 2").fetchall() == [("203.0.113.10", 1), ("203.0.113.9", 10)]


def test_without_a_trusted_proxy_all_are_one_address(data_dir: Path) -> None:
    widget_id = _widget(data_dir)
    with Gateway.running(data_dir) as gateway:
        replies = _at_once([lambda n=n: _open(gateway, widget_id, f"10.0.0.{n}") for n in range(30)])
        # The address of this machine, which has no limit of an address in development.
        assert Counter(reply.status for reply in replies) == {201: 30}
        assert gateway.stop() == 0
    with closing(sqlite3.connect(data_dir / "chatkeep.db")) as connection:
        assert connection.execute("SELECT DISTINCT address FROM sessions").fetchall() == [("127.0.0.1",)]


def test_an_ipv6_customer_is_one_address(data_dir: Path) -> None:
    widget_id = _widget(data_dir)
    with Gateway.running(data_dir, **BEHIND_A_PROXY) as gateway:
        one = _at_once([lambda n=n: _open(gateway, widget_id, f"2001:db8:1:1::{n:x}") for n in range(30)])
        assert Counter(reply.status for reply in one) == {201: 10, 429: 20}
        # The next networks of the same /48 share four times as much.
        many = _at_once([lambda n=n: _open(gateway, widget_id, f"2001:db8:1:{n + 2:x}::1") for n in range(60)])
        assert Counter(reply.status for reply in many) == {201: 30, 429: 30}


def test_requests_of_one_address_are_counted_over_all_its_visitors(data_dir: Path) -> None:
    widget_id = _widget(data_dir, interval_ms=0)
    with Gateway.running(data_dir, **BEHIND_A_PROXY) as gateway:
        victors = [Visitor(gateway.port, widget_id, SHOP, address="198.51.100.1").open() for _ in range(10)]
        replies = _at_once([lambda v=victor: v.say("Hello") for victor in victors for _ in range(8)])
        assert Counter(reply.status for reply in replies) == {200: 50, 429: 30}
        assert gateway.stop() == 0
    _check_counts(data_dir, messages=50)


def test_streams_at_the_same_time_are_three_a_session_and_are_given_back(data_dir: Path, upstream: Upstream) -> None:
    widget_id = _widget(data_dir, provider="", interval_ms=0, per_minute=60)
    # Without a window, so that whoever hangs up is gone at once.
    settings = {**MANY_REQUESTS, "RESUME_WINDOW": "0", "OPENAI_BASE_URL": upstream.base_url, "OPENAI_MODEL": "by-question"}
    with Gateway.running(data_dir, **settings) as gateway:
        victor = Visitor(gateway.port, widget_id, SHOP, address="198.51.100.1").open()
        for round_number in range(3):
            listening = [victor.listen("words-5000-20") for _ in range(10)]
            for one in listening:
                one.wait(lambda heard: heard.text)
            running = [one for one in listening if not one.is_over]
            assert len(running) == 3
            refused = [one.reply for one in listening if one not in running]
            assert {(reply.status, reply.json["limit_type"]) for reply in refused if reply is not None} == {(429, "concurrency")}
            for one in running:
                one.hang_up()
            upstream.seen(aborted=3 * (round_number + 1))
            victor.settled()


def _widget(data_dir: Path, *, provider: str = "fake", domains: tuple[str, ...] = ("shop.example",), **limits: int) -> str:
    return alices_site_in(_url(data_dir), provider=provider, domains=domains, settings={"limits": limits}).widget_id


def _open_all(gateway: Gateway, widget_id: str, count: int = HUNDRED) -> list[Visitor]:
    """Visitors with sessions, each from an address of its own, opened at the same time."""
    victors = [Visitor(gateway.port, widget_id, SHOP, address=f"198.51.{number // 250}.{number % 250}") for number in range(count)]
    return _at_once([victor.open for victor in victors])


def _open(gateway: Gateway, widget_id: str, forwarded_for: str) -> Reply:
    return Visitor(gateway.port, widget_id, SHOP, address=forwarded_for).request("POST", "/api/sessions", {"widget_id": widget_id})


def _at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Every call in a thread of its own, all let go at the same moment; their results in order."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        gate.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def _texts(replies: Sequence[Reply]) -> list[str]:
    return [reply.json["response"] for reply in replies if reply.status == 200]


def _check_counts(data_dir: Path, *, messages: int, refusals: int | None = None) -> None:
    """The store has exactly what was answered, and counted what was refused."""
    with closing(sqlite3.connect(data_dir / "chatkeep.db")) as connection:
        assert connection.execute("SELECT count(*) FROM messages WHERE role = 'visitor'").fetchone() == (messages,)
        assert connection.execute("SELECT count(*) FROM messages WHERE role = 'assistant' AND state = 'complete'").fetchone() == (messages,)
        if refusals is None:
            return
        assert connection.execute("SELECT sum(messages), sum(refusals) FROM usage").fetchone() == (messages, refusals)
        assert connection.execute("SELECT sum(count) FROM security_events WHERE type = 'rate_limit_exceeded'").fetchone() == (refusals,)


def _url(data_dir: Path) -> str:
    return f"sqlite:///{data_dir / 'chatkeep.db'}"
