"""What one address may do: requests, sessions, config and files, refused origins; and the nets around it."""

import pytest

from chatkeep.admit.blocks import read_all
from chatkeep.manage import blocks
from chatkeep.manage.organizations import choose_organization
from chatkeep.settings import Settings
from chatkeep.store import Store
from chatkeep.store.widgets import WidgetRow
from tests.admit.cast import WIDE, another_organizations_site, assert_refused, generous
from tests.admit.test_limits_layers import assert_limited
from tests.cast import EVIL, SHOP, HeldClock, Reply, Stage, alices_site, development, on_stage
from tests.framed import Frame
from tests.servers import SECRET

PEER = "198.51.100.7"
OTHER_PEER = "198.51.100.8"


def knock(stage: Stage, widget: WidgetRow, *, peer: str = PEER, origin: str = SHOP, path: str = "/api/chat", **headers: str) -> Reply:
    """A message without words: refused after its widget and origin were found good, before the limits call."""
    return stage.call("POST", path, headers={"origin": origin, **headers}, body={"widget_id": widget.widget_id, "message": " "}, peer=peer)


def knocks(stage: Stage, widget: WidgetRow, times: int, **more: str) -> dict[int, int]:
    """How many of *times* knocks got which status."""
    found: dict[int, int] = {}
    for _ in range(times):
        status = knock(stage, widget, **more).status
        found[status] = found.get(status, 0) + 1
    return found


def unblocked(**settings: int | str) -> Settings:
    """Settings under which a few refusals are no block: every refusal of an address is a warning (tests/attacks/test_blocks.py)."""
    return development(auto_block_after_warnings=1000, **settings)


def exempt(stage: Stage, factor: int) -> None:
    """Alice gives the network of ``PEER`` *factor* times the usual limits."""
    org = choose_organization(stage.store, stage.clock, "default").org_id
    blocks.exempt(stage.store, stage.clock, org, network="198.51.100.0/24", factor=factor, note="carrier")
    stage.loop.run_until_complete(read_all(stage.gateway.desk))


def test_sixty_requests_a_minute(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store, unblocked()) as stage:
        assert knocks(stage, widget, 30) == {400: 30}
        stage.clock.forward(10)
        assert knocks(stage, widget, 31) == {400: 30, 429: 1}
        assert_limited(knock(stage, widget), "per_minute", 50)
        assert knock(stage, widget, peer=OTHER_PEER).status == 400
        stage.clock.forward(49.999)
        assert_limited(knock(stage, widget), "per_minute", 1)
        stage.clock.forward(0.001)
        assert knocks(stage, widget, 31) == {400: 30, 429: 1}
        assert_limited(knock(stage, widget), "per_minute", 10)


def test_a_thousand_requests_an_hour(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        for _ in range(20):
            assert knocks(stage, widget, 50) == {400: 50}
            stage.clock.forward(60)
        assert_limited(knock(stage, widget), "per_hour", 3600 - 1200)
        stage.clock.forward(3600 - 1200)
        assert knocks(stage, widget, 51) == {400: 50, 429: 1}


def test_an_admitted_request_and_an_early_refusal_spend_the_same_bucket(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=WIDE)
    with on_stage(sqlite_store, development(limit_address_per_minute=10)) as stage:
        victor = stage.victor(widget)
        assert [victor.say("x").status for _ in range(3)] == [200] * 3
        assert knocks(stage, widget, 3) == {400: 3}
        assert stage.call("GET", f"/api/conversations/{victor.session['conversation_id']}/messages", headers=victor.headers).status == 200
        assert stage.call("POST", "/api/sessions/refresh", headers=victor.headers).status == 200
        assert knocks(stage, widget, 2) == {400: 1, 429: 1}
        assert_limited(victor.say("x"), "per_minute", 60)


def test_an_early_refusal_spends_nothing_but_the_address(sqlite_store: Store) -> None:
    widget = alices_site(
        sqlite_store, settings={"limits": {"per_minute": 5, "per_hour": 5, "per_day": 10, "per_session": 5, "widget_per_hour": 5, "interval_ms": 1000}}
    )
    with on_stage(sqlite_store, generous()) as stage:
        victor = stage.victor(widget)
        for _ in range(50):
            assert_refused(victor.say(" "), 400, "message_empty")
            assert_refused(victor.say("x" * 2001), 400, "message_too_long")
        for left in range(9, 4, -1):
            assert victor.say("x").json["usage"]["messages_remaining_today"] == left
            stage.clock.forward(1)


def test_organizations_are_counted_apart_below_a_tenfold_ceiling(sqlite_store: Store) -> None:
    sites = [another_organizations_site(sqlite_store, f"org {number}") for number in range(11)]
    with on_stage(sqlite_store, development(limit_address_per_minute=3, limit_address_per_hour=1000)) as stage:
        for site in sites[:10]:
            assert knocks(stage, site, 3) == {400: 3}
        assert_limited(knock(stage, sites[0]), "per_minute", 60)
        # Thirty in all: the ceiling, for organizations that this address never talked to, too.
        reply = knock(stage, sites[10])
        assert_limited(reply, "per_minute", 60)
        assert reply.headers["ratelimit-policy"] == '"per_minute";q=30;w=60'
        assert knock(stage, sites[10], peer=OTHER_PEER).status == 400


def test_ten_sessions_an_hour(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    other = another_organizations_site(sqlite_store, "another")
    with on_stage(sqlite_store) as stage:
        opening = {"headers": {"origin": SHOP}, "body": {"widget_id": widget.widget_id}}
        assert [stage.call("POST", "/api/sessions", **opening).status for _ in range(10)] == [201] * 10
        assert_limited(stage.call("POST", "/api/sessions", **opening), "sessions_per_address", 3600)
        assert stage.call("POST", "/api/sessions", **opening, peer=OTHER_PEER).status == 201
        stage.victor(other)
        stage.clock.forward(3599)
        assert_limited(stage.call("POST", "/api/sessions", **opening), "sessions_per_address", 1)
        stage.clock.forward(1)
        assert stage.call("POST", "/api/sessions", **opening).status == 201


def test_six_hundred_configs_a_minute(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        path = f"/api/widgets/{widget.widget_id}/config"
        assert {stage.call("GET", path, headers={"origin": SHOP}).status for _ in range(600)} == {200}
        assert_limited(stage.call("GET", path, headers={"origin": SHOP}), "per_minute", 60)
        # Files have a bucket of their own, and requests too.
        assert stage.call("GET", "/widget/loader.js").status == 200
        assert knock(stage, widget).status == 400
        stage.clock.forward(60)
        assert stage.call("GET", path, headers={"origin": SHOP}).status == 200


def test_six_hundred_files_a_minute_for_the_pages_of_one_origin_and_ten_times_that_for_all(sqlite_store: Store) -> None:
    with on_stage(sqlite_store) as stage:
        assert [stage.call("GET", "/widget/loader.js").status for _ in range(601)] == [200] * 600 + [429]
        assert_limited(stage.call("GET", "/widget/loader.js", headers={"origin": "null"}), "per_minute", 60)
        for number in range(9):
            origin = {"origin": f"https://{number}.example"}
            assert {stage.call("GET", "/widget/loader.js", headers=origin).status for _ in range(600)} == {200}
        # Whoever is no browser can say that it is ever another page: 6000 in all.
        reply = stage.call("GET", "/widget/loader.js", headers={"origin": "https://another.example"})
        assert_limited(reply, "per_minute", 60)
        assert reply.headers["ratelimit-policy"] == '"per_minute";q=6000;w=60'
        assert stage.call("GET", "/widget/loader.js", peer=OTHER_PEER).status == 200


@pytest.mark.parametrize("has_frame", [False, True])
def test_a_hostile_page_cannot_use_up_its_visitors_widgets(sqlite_store: Store, has_frame: bool) -> None:
    widget = alices_site(sqlite_store, settings={"features": {"frame": has_frame}})
    with on_stage(sqlite_store) as stage:
        frame = Frame(stage, widget.widget_id)
        ticket = frame.ticket() if has_frame else None
        for number in range(1, 701):
            stage.call("GET", f"/widget/v0.1.0/loader.js?{number}", headers={"origin": EVIL})
            stage.call("GET", f"/widget/v0.1.0/loader.js?{number}")
            assert stage.call("GET", f"/widget/frame/{widget.widget_id}?{number}").status == (429 if number + has_frame > 600 else 200 if has_frame else 404)
        assert stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers={"origin": SHOP}).status == 200
        assert stage.call("GET", "/widget/loader.js", headers={"origin": SHOP}).status == 200
        if has_frame:
            frame.session = frame.open(ticket).json
        assert (frame if has_frame else stage.victor(widget)).say("x").status == 200


@pytest.mark.parametrize("factor", [0, 5, 100])
def test_an_exempt_network_reads_more_files_and_configs_below_the_same_ceiling(sqlite_store: Store, factor: int) -> None:
    widget, other = alices_site(sqlite_store), another_organizations_site(sqlite_store, "another")
    with on_stage(sqlite_store) as stage:
        exempt(stage, factor)
        most = min(factor or 10, 10) * 600
        for path in (f"/api/widgets/{widget.widget_id}/config", "/widget/loader.js"):
            statuses = [stage.call("GET", path, headers={"origin": SHOP}).status for _ in range(most + 1)]
            assert statuses == [200] * most + [429]
        assert stage.call("GET", f"/api/widgets/{other.widget_id}/config", headers={"origin": SHOP}).status == 200, "nobody else's is used up"


@pytest.mark.parametrize("factor", [0, 9, 1000])
def test_an_exemption_lifts_no_ceiling_and_takes_nothing_from_other_tenants(sqlite_store: Store, factor: int) -> None:
    widget, other = alices_site(sqlite_store), another_organizations_site(sqlite_store, "another")
    with on_stage(sqlite_store, unblocked(limit_address_per_minute=5)) as stage:
        exempt(stage, factor)
        most = 5 * min(factor or 10, 10)
        assert knocks(stage, widget, most + 20) == {400: most, 429: 20}
        assert knocks(stage, other, 6) == {400: 5, 429: 1}


def test_refused_origins_have_a_bucket_of_their_own(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        assert knocks(stage, widget, 61, origin=EVIL) == {403: 60, 429: 1}
        assert_limited(knock(stage, widget, origin=EVIL), "per_minute", 60)
        assert_limited(knock(stage, widget, origin="null"), "per_minute", 60)
        # The visitor of the real page, behind the same address, has lost nothing.
        victor = stage.victor(widget)
        assert victor.say("x").status == 200
        assert knocks(stage, widget, 59) == {400: 58, 429: 1}


@pytest.mark.parametrize("body", [{"message": " "}, {"message": "x" * 5000}, {"message": "a\x00b"}, {"message": "x"}])
def test_whatever_a_foreign_page_sends_it_cannot_spend_its_visitors_requests(sqlite_store: Store, body: dict[str, str]) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        for _ in range(120):
            content = {"widget_id": widget.widget_id, **body}
            assert stage.call("POST", "/api/chat", headers={"origin": EVIL}, body=content).status in {403, 429}
        assert stage.victor(widget).say("x").status == 200
        assert knocks(stage, widget, 59) == {400: 58, 429: 1}


def test_an_ipv6_customer_is_one_address_and_its_provider_four(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        for number in range(60):
            assert knock(stage, widget, peer=f"2001:db8:1:1::{number:x}").status == 400
        assert_limited(knock(stage, widget, peer="2001:db8:1:1:ffff::1"), "per_minute", 60)
        for net in (2, 3, 4):
            assert knocks(stage, widget, 60, peer=f"2001:db8:1:{net}::1") == {400: 60}
        # 240 of the /48 are spent: its next /64 gets nothing, another /48 everything.
        reply = knock(stage, widget, peer="2001:db8:1:5::1")
        assert_limited(reply, "per_minute", 60)
        assert reply.headers["ratelimit-policy"] == '"per_minute";q=240;w=60'
        assert knock(stage, widget, peer="2001:db8:2:1::1").status == 400


def test_sessions_and_refused_origins_are_counted_by_net_too(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        opening = {"headers": {"origin": SHOP}, "body": {"widget_id": widget.widget_id}}
        for net in range(4):
            assert [stage.call("POST", "/api/sessions", **opening, peer=f"2001:db8:1:{net}::{n}").status for n in range(11)] == [201] * 10 + [429]
        assert_limited(stage.call("POST", "/api/sessions", **opening, peer="2001:db8:1:9::1"), "sessions_per_address", 3600)
        for net in range(4):
            assert knocks(stage, widget, 60, peer=f"2001:db8:7:{net}::1", origin=EVIL) == {403: 60}
        assert knock(stage, widget, peer="2001:db8:7:9::1", origin=EVIL).status == 429


@pytest.mark.parametrize("mapped", ["::ffff:198.51.100.7", "::ffff:c633:6407"])
def test_ipv4_written_as_ipv6_is_the_same_address(sqlite_store: Store, mapped: str) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        assert knocks(stage, widget, 60) == {400: 60}
        assert knock(stage, widget, peer=mapped).status == 429


ROTATING = ("x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x-client-ip", "x-originating-ip")


@pytest.mark.parametrize("name", ROTATING)
def test_a_rotating_forged_header_gives_no_new_bucket(sqlite_store: Store, name: str) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        values = [f"for=192.0.2.{n}" if name == "forwarded" else f"192.0.2.{n}" for n in range(61)]
        assert [knock(stage, widget, **{name: value}).status for value in values] == [400] * 60 + [429]


@pytest.mark.parametrize("form", ["before the proxy's own", "with Forwarded beside it", "with an unreadable end"])
def test_a_header_forged_behind_a_trusted_proxy_gives_no_new_bucket(sqlite_store: Store, form: str) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store, development(trusted_proxies="10.0.0.0/8")) as stage:
        statuses = []
        for number in range(61):
            forged = f"192.0.2.{number}"
            headers = {
                "before the proxy's own": {"x-forwarded-for": f"{forged}, {PEER}"},
                "with Forwarded beside it": {"x-forwarded-for": PEER, "forwarded": f"for={forged}"},
                "with an unreadable end": {"x-forwarded-for": "unknown", "forwarded": f"for={forged}"},
            }[form]
            statuses.append(knock(stage, widget, peer="10.0.0.1", **headers).status)
        assert statuses == [400] * 60 + [429]


def test_address_limits_hold_in_production_behind_a_proxy(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, provider="")
    settings = Settings(secret_key=SECRET, public_url="https://chat.example", trusted_proxies="10.0.0.1", limit_address_per_minute=3)
    with on_stage(sqlite_store, settings, HeldClock()) as stage:
        headers = {"host": "chat.example", "x-forwarded-proto": "https", "x-forwarded-for": PEER}
        assert knocks(stage, widget, 4, peer="10.0.0.1", **headers) == {400: 3, 429: 1}
        assert knocks(stage, widget, 4, peer="10.0.0.1", **{**headers, "x-forwarded-for": OTHER_PEER}) == {400: 3, 429: 1}


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_whoever_develops_can_load_a_page_as_often_as_they_like(sqlite_store: Store, peer: str) -> None:
    widget = alices_site(sqlite_store)
    with on_stage(sqlite_store) as stage:
        assert [stage.victor(widget, peer=peer).say("x").status for _ in range(40)] == [200] * 40
        # Requests without an end are one thing that no page needs: the ceiling of the instance.
        assert knocks(stage, widget, 530, peer=peer) == {400: 520, 429: 10}
        stage.clock.forward(60)
        assert knock(stage, widget, peer=peer).status == 400, "no address that develops is blocked"


@pytest.mark.parametrize(("peer", "settings"), [("127.0.0.1", {"env": "production", "public_url": "https://chat.example"}), (PEER, {"env": "development"})])
def test_nobody_else_opens_more_sessions_than_the_setting_says(sqlite_store: Store, peer: str, settings: dict[str, str]) -> None:
    widget = alices_site(sqlite_store, provider="")
    production = {"trusted_proxies": "10.0.0.1"} if "public_url" in settings else {}
    with on_stage(sqlite_store, Settings(secret_key=SECRET, **settings, **production), HeldClock()) as stage:
        headers = {"origin": SHOP}
        if production:
            headers |= {"host": "chat.example", "x-forwarded-proto": "https", "x-forwarded-for": peer}
        opening = {"headers": headers, "body": {"widget_id": widget.widget_id}, "peer": "10.0.0.1" if production else peer}
        assert [stage.call("POST", "/api/sessions", **opening).status for _ in range(10)] == [201] * 10
        refused = stage.call("POST", "/api/sessions", **opening)
        assert_limited(refused, "sessions_per_address", 3600)
        assert refused.json["message"] == "Too many new chats from this network. Try again in 60 minutes."
