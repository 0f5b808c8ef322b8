"""A forged ``X-Forwarded-For`` that rotates must not give new buckets, nor blame somebody else."""

from collections.abc import Iterator

import pytest

from chatkeep.store import Store
from tests.cast import SHOP, Stage, alices_site, development, on_stage

PROXY = "10.0.0.1"


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store, development(trusted_proxies=PROXY)) as opened:
        yield opened


def statuses(stage: Stage, widget_id: str, peer: str, headers: list[dict[str, str]]) -> list[int]:
    return [stage.call("POST", "/api/sessions", headers={"origin": SHOP, **forged}, body={"widget_id": widget_id}, peer=peer).status for forged in headers]


@pytest.mark.parametrize(
    "forge",
    [
        lambda n: {"x-forwarded-for": f"192.0.2.{n}"},
        lambda n: {"forwarded": f"for=192.0.2.{n}"},
        lambda n: {"x-real-ip": f"192.0.2.{n}", "cf-connecting-ip": f"192.0.2.{n}", "true-client-ip": f"192.0.2.{n}"},
        lambda n: {"x-forwarded-for": f"192.0.2.{n}, 192.0.2.{n}", "forwarded": f"for=192.0.2.{n}"},
    ],
    ids=["x-forwarded-for", "forwarded", "vendor headers", "both"],
)
def test_whoever_is_no_proxy_has_one_bucket_whatever_it_says(stage: Stage, forge: object) -> None:
    assert callable(forge)
    widget = alices_site(stage.store)
    assert statuses(stage, widget.widget_id, "203.0.113.5", [forge(n) for n in range(11)]) == [201] * 10 + [429]


@pytest.mark.parametrize("tail", ["198.51.100.7", "198.51.100.7, 10.0.0.1", "[::ffff:198.51.100.7]:4000"])
def test_what_a_client_wrote_before_the_proxys_own_word_counts_for_nothing(stage: Stage, tail: str) -> None:
    widget = alices_site(stage.store)
    headers = [{"x-forwarded-for": f"192.0.2.{n}, {tail}"} for n in range(11)]
    assert statuses(stage, widget.widget_id, PROXY, headers) == [201] * 10 + [429]


def test_nobody_can_have_somebody_else_blocked_by_writing_their_address(stage: Stage) -> None:
    widget = alices_site(stage.store)
    for _ in range(3):
        headers = {"origin": SHOP, "authorization": "Bearer a.b.c", "x-forwarded-for": "198.51.100.7, 203.0.113.5"}
        stage.call("POST", "/api/chat", headers=headers, body={"message": "x", "widget_id": widget.widget_id}, peer=PROXY)
    assert statuses(stage, widget.widget_id, PROXY, [{"x-forwarded-for": "198.51.100.7"}]) == [201]
    assert statuses(stage, widget.widget_id, PROXY, [{"x-forwarded-for": "203.0.113.5"}]) == [429]
