"""The database goes away and comes back: honest answers meanwhile, nothing acknowledged lost (drills R04 and R27)."""

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Reply, Visitor, alices_site_in
from tests.providers.upstream import Upstream
from tests.servers import PATIENCE, Gateway, Postgres, gateway_environment, run_cli

# The spec's "back within 10 s", four times over for a slow machine.
BACK_SECONDS = 40.0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_postgresql_goes_and_comes_back(own_postgres: Postgres, data_dir: Path, upstream: Upstream, how: signal.Signals) -> None:
    url = own_postgres.new_database("away")
    widget_id = alices_site_in(url, settings=ROOMY).widget_id
    with Gateway.running(data_dir, DATABASE_URL=url, **_settings(upstream)) as gateway:
        victors = [Visitor(gateway.port, widget_id, SHOP).open() for _ in range(4)]
        talker, reader, leaver, newcomer = victors
        before = [victor.say("words-3-1 before").json["message_id"] for victor in victors]
        # One that ends while the database is away, and one whose visitor leaves then.
        stream = reader.listen("words-100-20").wait(lambda heard: heard.text)
        left = leaver.listen("words-5000-20").wait(lambda heard: heard.text)
        own_postgres.halt(how)
        _check_refused(talker.say("words-3-1 meanwhile"))
        _check_refused(newcomer.request("POST", "/api/sessions", {"widget_id": widget_id}))
        _check_refused(talker.request("GET", f"/api/conversations/{talker.session['conversation_id']}/messages"))
        assert gateway.get("/livez")[0] == 200
        assert gateway.get("/readyz") == (503, {"status": "unavailable", "failing": ["database"]})
        assert stream.finish().last.data["error"] == "service_unavailable"
        left.hang_up()
        assert gateway.process.poll() is None
        own_postgres.launch()
        _until_ready(gateway)
        assert talker.say("words-3-1 after").status == 200
        for victor, message_id in zip(victors, before, strict=True):
            answers = {message["message_id"]: message for message in victor.settled() if message["role"] == "assistant"}
            assert (answers[message_id]["text"], answers[message_id]["state"]) == ("word0 word1 word2 ", "complete")
        # What was shown meanwhile is kept as soon as that is possible.
        for victor, shown in ((reader, stream), (leaver, left)):
            answer = victor.history()[-1]
            assert (answer["message_id"], answer["text"].startswith(shown.text)) == (shown.message_id, True)
            assert answer["state"] == ("complete" if victor is reader else "interrupted")
        assert reader.history()[-1]["text"] == stream.text
        assert [message["text"] for message in talker.history() if message["role"] == "visitor"] == ["words-3-1 before", "words-3-1 after"]
        assert gateway.stop() == 0
    assert "Traceback" not in gateway.log.read_text()
    with psycopg.connect(url) as connection:
        counted = connection.execute("SELECT sum(count) FROM security_events WHERE type = 'store_unavailable'").fetchone()
        assert connection.execute("SELECT count(*) FROM messages WHERE state = 'streaming'").fetchone() == (0,)
    # What was refused meanwhile is written down afterwards.
    assert counted is not None
    assert counted[0] == 3


def test_it_can_be_stopped_while_postgresql_is_away(own_postgres: Postgres, data_dir: Path, upstream: Upstream) -> None:
    url = own_postgres.new_database("away")
    widget_id = alices_site_in(url, settings=ROOMY).widget_id
    with Gateway.running(data_dir, DATABASE_URL=url, **_settings(upstream)) as gateway:
        victor = Visitor(gateway.port, widget_id, SHOP).open()
        stream = victor.listen("words-5000-20").wait(lambda heard: heard.text)
        own_postgres.halt()
        gateway.process.terminate()
        assert stream.finish().last.data["error"] == "service_unavailable"
        assert gateway.stop() == 0
    own_postgres.launch()
    with Gateway.running(data_dir, DATABASE_URL=url, **_settings(upstream)) as gateway:
        victor.port = gateway.port
        question, answer = victor.history()
        assert (question["text"], answer["state"], stream.text.startswith(answer["text"])) == ("words-5000-20", "interrupted", True)


def test_a_start_without_postgresql_says_so(own_postgres: Postgres, data_dir: Path) -> None:
    url = own_postgres.new_database("away")
    own_postgres.halt()
    for command in (("serve", "--port", "0"), ("migrate",), ("widgets", "list")):
        done = run_cli(data_dir, *command, DATABASE_URL=url.replace("chatkeep@", "chatkeep:canary@"))
        assert done.returncode == 1, command
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert "CHATKEEP_DATABASE_URL" in done.stderr
        assert "canary" not in done.stderr + done.stdout


def test_the_command_line_is_not_locked_out_of_a_busy_sqlite(data_dir: Path) -> None:
    widget_id = alices_site_in(f"sqlite:///{data_dir / 'chatkeep.db'}", settings=ROOMY, provider="fake").widget_id
    with Gateway.running(data_dir, **ROOMY_GATEWAY) as gateway, ThreadPoolExecutor(16) as pool:
        is_over = threading.Event()
        talking = [pool.submit(_talk, gateway, widget_id, is_over) for _ in range(16)]
        try:
            # Four processes at a time, beside the one that writes without a pause.
            for number in range(5):
                commands = [("widgets", "create", f"Site {number}", "--domain", f"site{number}.example"), ("events", "list"), ("widgets", "list"), ("migrate",)]
                running = [_start_cli(data_dir, *command, "--json") for command in commands]
                for command, process in zip(commands, running, strict=True):
                    out, complaints = process.communicate(timeout=PATIENCE)
                    assert (process.returncode, [line for line in complaints.splitlines() if not line.startswith("note: ")]) == (0, []), command
                    json.loads(out)
        finally:
            is_over.set()
        replies = [reply for one in talking for reply in one.result()]
        assert len(replies) > 100
        assert {reply.status for reply in replies} <= {200, 429}
        assert [reply.json.get("limit_type") for reply in replies if reply.status == 429].count("per_minute") == sum(reply.status == 429 for reply in replies)
        names = [widget["widget_name"] for widget in json.loads(run_cli(data_dir, "widgets", "list", "--json").stdout)]
        assert set(names) == {"Alice's shop", *(f"Site {number}" for number in range(5))}


def _talk(gateway: Gateway, widget_id: str, is_over: threading.Event) -> list[Reply]:
    """One visitor after the other, each with all that a minute allows."""
    replies: list[Reply] = []
    while not is_over.is_set():
        victor = Visitor(gateway.port, widget_id, SHOP).open()
        for number in range(60):
            if not is_over.is_set():
                replies.append(victor.say(f"message {number}"))
    return replies


def _start_cli(data_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "chatkeep", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=gateway_environment(data_dir))


def _check_refused(reply: Reply) -> None:
    assert (reply.status, reply.error, reply.json["success"]) == (503, "service_unavailable", False)
    assert int(reply.headers["retry-after"]) == reply.json["retry_after"] > 0
    assert reply.json["request_id"] == reply.headers["x-request-id"]
    assert "sql" not in reply.body.decode().lower()


def _until_ready(gateway: Gateway) -> None:
    """Until the probe says so; each question is answered within its own deadline."""
    is_ready = threading.Event()

    def ask() -> None:
        while not is_ready.is_set() and gateway.process.poll() is None:
            if gateway.get("/readyz")[0] == 200:
                is_ready.set()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert is_ready.wait(BACK_SECONDS)
    finally:
        is_ready.set()
        asking.join(PATIENCE)


def _settings(upstream: Upstream) -> dict[str, str]:
    return {**ROOMY_GATEWAY, "OPENAI_BASE_URL": upstream.base_url, "OPENAI_MODEL": "by-question"}
