"""T22: small requests that cost much: time to normalise, memory that is kept, rows that hide others."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatkeep.admit.domains import find_origin
from chatkeep.audit.logs import _JsonFormatter
from chatkeep.crypto import tokens
from chatkeep.store import Store
from chatkeep.store.widgets import replace_widget
from chatkeep.wiring import with_secret
from tests.cast import EVIL, SHOP, Stage, alices_site, development, on_stage


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    with on_stage(store) as opened:
        yield opened


def test_a_pile_of_combining_marks_is_refused_before_it_is_normalised(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store))
    reply = victor.say("a" + "\u0300" * 31)
    assert (reply.status, reply.error, reply.json["details"][0]["field"]) == (400, "invalid_request", "message")
    assert victor.say("Z" + "\u0351" * 30).status == 200


def test_a_message_far_too_long_is_refused_by_its_length_alone(stage: Stage) -> None:
    victor = stage.victor(alices_site(stage.store))
    assert victor.say("x" * 8001).error == "message_too_long"


@pytest.mark.parametrize("length", [301, 400, 8000])
def test_a_long_origin_is_no_origin_on_any_database(stage: Stage, length: int) -> None:
    widget = alices_site(stage.store)
    origin = "https://" + "a." * length + "shop.example"
    assert find_origin(origin) is None
    reply = stage.call("POST", "/api/sessions", headers={"origin": origin}, body={"widget_id": widget.widget_id})
    assert (reply.status, reply.error) == (403, "domain_not_authorized")


def test_what_is_not_signed_by_us_is_never_kept(stage: Stage) -> None:
    widget = alices_site(stage.store)
    before = tokens._verify.cache_info().currsize
    for number in range(50):
        headers = {"origin": SHOP, "authorization": f"Bearer {tokens._HEAD}.{'x' * 400}{number}.x"}
        stage.call("POST", "/api/chat", headers=headers, body={"message": "x", "widget_id": widget.widget_id}, peer=f"203.0.113.{number}")
    assert tokens._verify.cache_info().currsize == before


def test_a_flood_from_one_address_hides_nobody(stage: Stage) -> None:
    widget = alices_site(stage.store)
    for number in range(5000):
        stage.call("GET", "/api/widgets/x/config", headers={"origin": f"https://e{number}.example"}, peer="203.0.113.5")
    stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers={"origin": EVIL}, peer="198.51.100.9")
    events = stage.events()
    (seen,) = [event for event in events if event.address == "198.51.100.9"]
    assert (seen.type, seen.domain, seen.widget_id) == ("domain_not_allowed", EVIL, widget.widget_id)
    flood = [event for event in events if event.address == "203.0.113.5"]
    assert len(flood) <= 80
    assert sum(event.count for event in flood) == 5000


def test_forged_subdomains_share_the_limit_of_the_entry_that_lets_them_in(stage: Stage) -> None:
    widget = alices_site(stage.store, settings={"limits": {"widget_per_hour": 3, "interval_ms": 0}})
    statuses = [stage.victor(widget, origin=f"https://x{number}.shop.example", peer=f"203.0.113.{number}").say("hello").status for number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_a_databases_error_tells_the_log_nothing_that_people_wrote(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    from sqlalchemy import text  # noqa: PLC0415 - only here

    victor = stage.victor(alices_site(stage.store))
    stage.store.transaction_now(lambda tx: tx.execute(text("DELETE FROM messages")))
    stage.store.transaction_now(lambda tx: tx.execute(text("DELETE FROM conversations")))
    reply = victor.say("CANARY my card is 4111 1111")
    assert reply.status in {500, 503}
    written = "".join(_JsonFormatter().format(record) for record in caplog.records)
    assert "CANARY" not in written


def test_an_empty_key_file_is_not_a_key(tmp_path: Path) -> None:
    from chatkeep.errors import Misconfigured  # noqa: PLC0415 - only here

    (tmp_path / "secret-key").write_text("")
    with pytest.raises(Misconfigured, match="delete it"):
        with_secret(development(data_dir=str(tmp_path), secret_key=""))
    (tmp_path / "secret-key").unlink()
    first = with_secret(development(data_dir=str(tmp_path), secret_key="")).secret_key
    assert with_secret(development(data_dir=str(tmp_path), secret_key="")).secret_key == first
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_a_bug_before_the_limits_is_not_for_nothing(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    # Settings that no version of ours has written.
    sqlite_store.transaction_now(replace_widget, widget.org_id, replace(widget, settings={"limits": {"per_day": "many"}}))
    with on_stage(sqlite_store, development(limit_address_per_minute=2)) as stage:
        path = f"/api/widgets/{widget.widget_id}/config"
        replies = [stage.call("GET", path, headers={"origin": SHOP}) for _ in range(22)]
        assert [reply.status for reply in replies] == [500] * 20 + [429] * 2
        assert [(event.type, event.count) for event in stage.events()] == [("rate_limit_exceeded", 2)]
        assert stage.call("GET", path, headers={"origin": SHOP}, peer="203.0.113.9").status == 500
