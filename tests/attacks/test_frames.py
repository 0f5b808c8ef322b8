"""Frame mode, and whoever would like a session of the gateway's own origin without being the frame."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from chatkeep.admit.blocks import read_all
from chatkeep.crypto import derive_key
from chatkeep.crypto.tokens import SessionClaims, TokenKey, sign_session_token
from chatkeep.errors import WrongUsage
from chatkeep.manage import blocks
from chatkeep.manage.widgets import update_widget, use_frame
from chatkeep.store import Store, tables
from chatkeep.store.widgets import WidgetRow
from tests.admit.cast import ROUTES, SESSION_ROUTES, another_organizations_site, assert_refused, call, generous, good_body, path_of
from tests.cast import EVIL, SHOP, Stage, StageVisitor, alices_site, on_stage
from tests.framed import FRAME, OWN, SAME_ORIGIN, Frame
from tests.host import Host, Signer, alices_widget
from tests.prover import Key


def sessions(store: Store) -> int:
    """How many sessions were ever opened."""
    return len(store.read_now(lambda tx: tx.execute(tables.sessions.select()).all()))


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store, generous()) as opened:
        yield opened


@pytest.fixture
def widget(stage: Stage) -> WidgetRow:
    return alices_site(stage.store, settings=FRAME, domains=("shop.example", "other.example"))


def on_the_page(stage: Stage, widget: WidgetRow) -> StageVisitor:
    """A visitor whose session the page opened before frame mode was switched on."""
    visitors = []
    for is_framed in (False, True):
        use_frame(stage.store, widget.org_id, widget.widget_id, on=is_framed)
        stage.clock.forward(3)
        visitors += [] if is_framed else [stage.victor(widget)]
    return visitors[0]


@pytest.fixture
def frame(stage: Stage, widget: WidgetRow) -> Frame:
    return Frame(stage, widget.widget_id)


def test_the_frame_talks_as_any_visitor_and_is_counted_under_its_page(frame: Frame, stage: Stage, widget: WidgetRow) -> None:
    frame.opened()
    assert frame.say("hello").status == 200
    assert frame.read().json["messages"][0]["text"] == "hello"
    config = stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers=frame.reading)
    assert config.status == 200
    assert {name: config.json["features"][name] for name in ("frame", "tickets", "resume", "texts")} == {
        "frame": True,
        "tickets": False,
        "resume": False,
        "texts": {},
    }
    assert config.json["frame_url"] == f"{OWN}/widget/frame/{widget.widget_id}"
    events = [{"name": "widget_opened", "at": "2026-01-15T12:00:00Z"}]
    assert stage.call("POST", "/api/events", headers=frame.headers, body={"widget_id": widget.widget_id, "events": events}).status == 204
    refreshed = stage.call("POST", "/api/sessions/refresh", headers=frame.headers)
    assert refreshed.status == 200
    frame.session |= refreshed.json
    stage.clock.forward(2)
    assert frame.say("again").status == 200
    assert frame.read().status == 200
    assert stage.call("DELETE", "/api/sessions/current", headers=frame.headers).status == 204
    stage.flush()
    kept = stage.store.read_now(
        lambda tx: ([row.origin for row in tx.execute(tables.sessions.select())], [row.origin for row in tx.execute(tables.analytics_events.select())])
    )
    assert kept == ([SHOP], [SHOP])
    assert {row.domain for row in stage.events(quiet=False) if row.type.startswith("session_")} == {SHOP}


def test_a_ticket_opens_one_session_and_no_second(frame: Frame) -> None:
    ticket = frame.ticket()
    assert frame.open(ticket).status == 201
    for page in (SHOP, "https://other.example"):
        reply = frame.open(ticket, page=page)
        assert_refused(reply, 401, "invalid_identity")
        assert reply.json["details"] == [{"field": "ticket", "problem": "was used before"}]
    assert sessions(frame.stage.store) == 1


def test_a_ticket_works_once_in_parallel_on_every_database(store: Store) -> None:
    with on_stage(store, generous()) as stage:
        frame = Frame(stage, alices_site(store, settings=FRAME).widget_id)
        body = {"widget_id": frame.widget_id, "ticket": frame.ticket(), "page": {"url": SHOP}}

        async def all_at_once() -> list[int]:
            calls = [stage.acall("POST", "/api/sessions", headers={"origin": OWN}, body=body) for _ in range(30)]
            return [reply.status for reply in await asyncio.gather(*calls)]

        assert sorted(stage.loop.run_until_complete(all_at_once())) == [201] + [401] * 29
        assert sessions(store) == 1


def test_a_ticket_that_was_used_is_known_also_after_a_restart(frame: Frame, sqlite_store: Store) -> None:
    ticket = frame.ticket()
    assert frame.open(ticket).status == 201
    with on_stage(sqlite_store, generous(), clock=frame.stage.clock) as restarted:
        assert_refused(Frame(restarted, frame.widget_id).open(ticket), 401, "invalid_identity")


def test_a_retry_under_the_same_key_gets_the_same_session(frame: Frame) -> None:
    ticket, key = frame.ticket(), {"idempotency-key": "one"}
    first, again = frame.open(ticket, headers=key), frame.open(ticket, headers=key)
    assert (first.status, again.status) == (201, 201)
    assert first.json["session_id"] == again.json["session_id"]
    frame.session = again.json
    assert frame.say("hello").status == 200


@pytest.mark.parametrize(("seconds", "status"), [(59, 201), (60, 401), (3600, 401)])
def test_a_ticket_lives_a_minute(frame: Frame, seconds: int, status: int) -> None:
    ticket = frame.ticket()
    frame.stage.clock.forward(seconds)
    assert frame.open(ticket).status == status


def test_a_ticket_of_another_widget_or_organization_is_refused(frame: Frame, stage: Stage) -> None:
    others = [
        alices_site(stage.store, settings=FRAME, domains=("shop.example",)),
        another_organizations_site(stage.store, "Mallory", settings=FRAME),
    ]
    for other in others:
        reply = frame.open(Frame(stage, other.widget_id).ticket())
        assert_refused(reply, 401, "invalid_identity")
        assert reply.json["details"] == [{"field": "ticket", "problem": "is not meant for this widget"}]
    assert sessions(stage.store) == 0


def test_nothing_but_our_own_ticket_is_one(frame: Frame, stage: Stage, widget: WidgetRow) -> None:
    ticket = frame.ticket()
    head, payload, signature = ticket.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    token = on_the_page(stage, widget).session["session_token"]
    host = Host(stage, widget)
    forged = [
        "",
        "x",
        token,
        f"{head}.{payload}.",
        f"{head}.{part({**claims, 'exp': claims['exp'] + 3600})}.{signature}",
        f"{part({'alg': 'none', 'typ': 'ck-frame'})}.{payload}.",
        f"{part({'alg': 'HS256', 'typ': 'ck-session'})}.{payload}.{signature}",
        host.ticket(host.ticket_secret(), origin=OWN),
        "x" * 10_000,
    ]
    for one in forged:
        assert_refused(frame.open(one), 401, "invalid_identity")
    # Nor is a ticket a session's token.
    assert_refused(
        stage.call("POST", "/api/chat", headers={"origin": SHOP, "authorization": f"Bearer {ticket}"}, body={"message": "x"}), 401, "invalid_session"
    )
    assert sessions(stage.store) == 1


@pytest.mark.parametrize("page", [EVIL, "https://shop.example.evil.example", "http://shop.example", "https://shop.example:8443", OWN])
def test_a_page_that_is_not_listed_opens_nothing_and_is_named_in_the_record(frame: Frame, page: str) -> None:
    assert_refused(frame.open(frame.ticket(), page=page), 403, "domain_not_authorized")
    assert sessions(frame.stage.store) == 0
    assert [(row.type, row.domain) for row in frame.stage.events()] == [("domain_not_allowed", page)]


@pytest.mark.parametrize(
    "page", [None, {}, {"url": ""}, {"url": "/cart"}, {"url": "about:blank"}, {"url": "data:text/html,x"}, {"url": "file:///x"}, {"title": SHOP}]
)
def test_a_frame_that_names_no_page_opens_nothing(frame: Frame, page: Any) -> None:
    body = {"widget_id": frame.widget_id, "ticket": frame.ticket(), **({} if page is None else {"page": page})}
    assert_refused(frame.stage.call("POST", "/api/sessions", headers={"origin": OWN}, body=body), 400, "invalid_request")
    assert sessions(frame.stage.store) == 0


def test_a_domain_taken_off_the_list_ends_its_frames(frame: Frame, stage: Stage, widget: WidgetRow) -> None:
    frame.opened()
    ticket = frame.ticket()
    update_widget(stage.store, widget, domains=["other.example"], settings=FRAME, development=True)
    stage.clock.forward(3)
    assert_refused(frame.open(ticket), 403, "domain_not_authorized")
    assert_refused(frame.say("hello"), 403, "domain_not_authorized")
    assert_refused(frame.read(), 403, "domain_not_authorized")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_the_own_origin_alone_opens_no_route(frame: Frame, stage: Stage, widget: WidgetRow, route: Any) -> None:
    # Also where the owner has listed the gateway's own host.
    listed = alices_site(stage.store, settings=FRAME, domains=("localhost:8000",))
    for one in (widget, listed):
        for headers in ({"origin": OWN}, {"origin": "http://localhost"}, {"origin": OWN, **SAME_ORIGIN}):
            assert_refused(call(stage, route, one, None, headers=headers), 403, "domain_not_authorized")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("site", ["same-origin", "same-site", "cross-site", "none", "Same-Origin", ""])
def test_without_an_origin_nobody_gets_in_before_anything_is_read(stage: Stage, frame: Frame, widget: WidgetRow, route: Any, site: str) -> None:
    plain = on_the_page(stage, widget).session["session_token"]
    framed = frame.opened().session["session_token"]
    shown = ["", f"Bearer {plain}"]
    if site != "same-origin" or route.method != "GET":
        shown.append(f"Bearer {framed}")
    # With the database gone they are refused all the same.
    stage.store.transaction_now(lambda tx: tx.execute(text("ALTER TABLE widgets RENAME TO away")))
    stage.clock.forward(3)
    for authorization in shown:
        headers = {"sec-fetch-site": site, **({"authorization": authorization} if authorization else {})}
        assert_refused(
            stage.call(route.method, path_of(route, widget), headers=headers, body={"widget_id": widget.widget_id} if route.has_body else None),
            403,
            "domain_not_authorized",
        )


def test_a_forged_token_in_a_same_origin_request_is_refused(frame: Frame, stage: Stage) -> None:
    frame.opened()
    claims = SessionClaims("sess_x", frame.widget_id, OWN, 0, 2**40, 0, None, SHOP)  # type: ignore[arg-type] # ids as an attacker writes them
    forged = sign_session_token(claims, TokenKey.from_bytes(derive_key("another secret, as long as it has to be", "session-token")))
    for headers in ({"origin": OWN}, SAME_ORIGIN):
        assert_refused(frame.read(**headers, authorization=f"Bearer {forged}"), 401, "invalid_session")
        assert_refused(frame.read(**headers, authorization="Bearer x"), 401, "invalid_session")


def test_a_frames_token_works_in_the_frame_alone(frame: Frame, stage: Stage) -> None:
    frame.opened()
    token = {"authorization": frame.headers["authorization"]}
    for origin in (SHOP, "https://other.example", "https://www.shop.example"):
        for path, body in (("/api/chat", {"message": "x"}), ("/api/sessions/refresh", None)):
            assert_refused(stage.call("POST", path, headers={"origin": origin, **token}, body=body), 401, "invalid_session")
        assert_refused(frame.read(origin=origin, **token), 401, "invalid_session")
    for origin in (EVIL, "https://localhost:8000", "http://127.0.0.1:8001"):
        assert_refused(frame.read(origin=origin, **token), 403, "domain_not_authorized")
    assert_refused(frame.read(origin="null", **token), 403, "domain_not_authorized")
    # Another origin of the same gateway is another origin.
    assert_refused(frame.read(origin="http://localhost", **token), 403, "domain_not_authorized")
    assert frame.read().status == 200


def test_a_pages_token_does_not_work_in_the_frame(stage: Stage, widget: WidgetRow) -> None:
    victor = on_the_page(stage, widget)
    for headers in ({"origin": OWN}, SAME_ORIGIN):
        shown = {**headers, "authorization": victor.headers["authorization"]}
        reply = stage.call("GET", f"/api/conversations/{victor.session['conversation_id']}/messages", headers=shown)
        assert_refused(reply, 403, "domain_not_authorized")


def test_a_block_on_the_embedding_pages_domain_holds_in_the_frame(frame: Frame, stage: Stage, widget: WidgetRow) -> None:
    frame.opened()
    other = Frame(stage, widget.widget_id, "https://other.example").opened()
    blocks.block(stage.store, stage.clock, widget.org_id, kind="domain", value="shop.example", reason="test", minutes=None)
    stage.loop.run_until_complete(read_all(stage.gateway.desk))
    refused = frame.say("hello")
    assert (refused.status, refused.error) == (429, "temporarily_blocked")
    assert other.say("hello").status == 200


def test_a_frame_reads_only_its_own_conversation(frame: Frame, stage: Stage, widget: WidgetRow) -> None:
    victor = on_the_page(stage, widget)
    victor.say("secret")
    frame.opened()
    reply = stage.call("GET", f"/api/conversations/{victor.session['conversation_id']}/messages", headers=frame.reading)
    assert_refused(reply, 404, "not_found")


def test_a_frame_ticket_from_a_page_is_no_page_ticket(stage: Stage) -> None:
    host = Host(stage, alices_widget(stage, settings={**FRAME, "access": {"require_ticket": True}}))
    frame = Frame(stage, host.widget.widget_id)
    assert_refused(frame.open(frame.ticket(), origin=SHOP), 403, "domain_not_authorized")
    # Where page tickets are required, the frame needs one too, for the page that embeds it: the frame page is anybody's.
    secret = host.ticket_secret()
    for page_ticket in ({}, {"page_ticket": host.ticket(secret, origin=OWN)}, {"page_ticket": frame.ticket()}):
        assert_refused(frame.open(frame.ticket(), **page_ticket), 401, "invalid_identity")
    once = host.ticket(secret)
    assert frame.open(frame.ticket(), page_ticket=once).status == 201
    reply = frame.open(frame.ticket(), page_ticket=once)
    assert reply.json["details"] == [{"field": "ticket", "problem": "was used before"}]


def test_identities_work_in_frames_as_elsewhere(stage: Stage) -> None:
    host = Host(stage, alices_widget(stage, access_mode="identity", settings=FRAME), Signer("HS256"))
    host.trust()
    frame = Frame(stage, host.widget.widget_id)
    assert_refused(frame.open(frame.ticket()), 401, "invalid_identity")
    assert frame.open(frame.ticket(), identity=host.identity()).status == 201


@pytest.mark.parametrize("access_mode", ["session", "identity"])
def test_a_script_on_the_page_of_a_framed_widget_opens_nothing_whatever_it_has_seen(stage: Stage, access_mode: str) -> None:
    host = Host(stage, alices_widget(stage, access_mode=access_mode, settings={"features": {"frame": True, "resume": True}}), Signer("HS256"))
    seen: dict[str, Any] = {}
    if access_mode == "identity":
        host.trust()
        seen["identity"] = host.identity()
    key = Key()
    frame = Frame(stage, host.widget.widget_id).opened(**seen, headers={"dpop": key.prove(stage, "POST", "/api/sessions")})
    tries = [seen, {**seen, "ticket": frame.ticket()}, {**seen, "resume": frame.session["resume"]}, {**seen, "page": {"url": OWN}}]
    for more in tries:
        for headers in ({}, {"dpop": Key().prove(stage, "POST", "/api/sessions")}, {"idempotency-key": "one"}):
            body = {"widget_id": host.widget.widget_id, **more}
            reply = stage.call("POST", "/api/sessions", headers={"origin": SHOP, **headers}, body=body)
            assert_refused(reply, 403, "domain_not_authorized")
            assert reply.json["details"] == [{"field": "origin", "problem": "this widget talks in its frame only: load the page again"}]
    assert sessions(stage.store) == 1


def test_a_page_that_knew_its_visitor_before_frame_mode_reads_nothing_of_what_they_say_in_the_frame(stage: Stage) -> None:
    host = Host(stage, alices_widget(stage, access_mode="identity"), Signer("HS256"))
    host.trust()
    widget = host.widget
    body = {"widget_id": widget.widget_id, "identity": host.identity()}
    page = StageVisitor(stage, widget, SHOP, "198.51.100.7", stage.call("POST", "/api/sessions", headers={"origin": SHOP}, body=body).json)
    assert page.say("before").status == 200
    use_frame(stage.store, widget.org_id, widget.widget_id, on=True)
    stage.clock.forward(3)
    frame = Frame(stage, widget.widget_id).opened(identity=host.identity())
    told = frame.say("secret").json
    wanted = {"{conversation}": frame.session["conversation_id"], "{message}": told["message_id"], "{widget}": widget.widget_id}
    for route in SESSION_ROUTES:
        path = route.path
        for name, value in wanted.items():
            path = path.replace(name, value)
        reply = stage.call(route.method, path, headers=page.headers, body=good_body(route, widget))
        assert_refused(reply, 403, "domain_not_authorized")
    assert frame.read().json["messages"][0]["text"] == "secret"


def test_a_conversation_that_began_on_the_page_goes_on_there_where_nobody_knows_its_visitor(stage: Stage, widget: WidgetRow) -> None:
    victor = on_the_page(stage, widget)
    assert victor.say("hello").status == 200
    assert stage.call("POST", "/api/sessions/refresh", headers=victor.headers).status == 200


def test_a_widget_in_domain_mode_whose_row_says_frame_answers_no_page(stage: Stage, widget: WidgetRow) -> None:
    stage.store.transaction_now(lambda tx: tx.execute(tables.widgets.update().values(access_mode="domain")))
    reply = stage.call("POST", "/api/chat", headers={"origin": SHOP}, body={"widget_id": widget.widget_id, "message": "hello"})
    assert_refused(reply, 403, "domain_not_authorized")


def test_a_frames_session_is_bound_to_its_key(frame: Frame, stage: Stage) -> None:
    key = Key()
    frame.session = frame.open(frame.ticket(), headers={"dpop": key.prove(stage, "POST", "/api/sessions")}).json
    assert_refused(frame.say("x"), 401, "proof_required")
    assert frame.say("x", dpop=key.prove(stage, "POST", "/api/chat", frame.session["session_token"])).status == 200


def test_while_the_store_cannot_say_whether_a_ticket_was_used_none_opens_anything(frame: Frame) -> None:
    ticket = frame.ticket()
    frame.stage.store.transaction_now(lambda tx: tx.execute(text("ALTER TABLE used_values RENAME TO away")))
    assert_refused(frame.open(ticket), 503, "service_unavailable")
    frame.stage.store.transaction_now(lambda tx: tx.execute(text("ALTER TABLE away RENAME TO used_values")))
    assert sessions(frame.stage.store) == 0
    assert frame.open(ticket).status == 201


def test_without_frame_mode_there_is_no_page_and_no_session(stage: Stage, widget: WidgetRow) -> None:
    frame = Frame(stage, widget.widget_id)
    ticket = frame.ticket()
    use_frame(stage.store, widget.org_id, widget.widget_id, on=False)
    stage.clock.forward(3)
    assert_refused(frame.load(), 404, "not_found")
    assert_refused(frame.open(ticket), 403, "domain_not_authorized")
    assert_refused(Frame(stage, "widget_" + "a" * 26).load(), 404, "widget_not_found_or_inactive")
    assert_refused(Frame(stage, "widget_").load(), 400, "invalid_widget_id")
    with pytest.raises(WrongUsage, match="domain mode"):
        alices_widget(stage, settings=FRAME, access_mode="domain")
