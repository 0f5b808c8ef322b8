"""The frame page: where it is served, what it says of itself, who may embed it."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from chatkeep.admit.domains import parse_allowed_domains, parse_entry
from chatkeep.settings import Settings
from chatkeep.store import Store
from tests.admit.cast import assert_refused, generous
from tests.cast import EVIL, SHOP, Reply, Stage, alices_site, on_stage
from tests.framed import FRAME, Frame, attributes_of
from tests.prover import Key
from tests.servers import SECRET

PRODUCTION = Settings(secret_key=SECRET, public_url="https://chat.example", widget_url="https://frame.example", trusted_proxies="10.0.0.0/8")


@pytest.fixture
def stage(sqlite_store: Store) -> Iterator[Stage]:
    with on_stage(sqlite_store, generous()) as opened:
        yield opened


def ancestors_of(page: Reply) -> str:
    """Who may embed it."""
    [found] = re.findall(r"frame-ancestors ([^;]*);", page.headers["content-security-policy"])
    return str(found)


def ask(stage: Stage, method: str, host: str, path: str, body: Any = None, **headers: str) -> Reply:
    """A request through the proxy in front."""
    forwarded = {"host": host, "x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.7"}
    return stage.call(method, path, headers={**forwarded, **headers}, body=body, peer="10.0.0.1")


def test_in_production_the_frame_lives_on_its_own_host_alone(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=FRAME)
    with on_stage(sqlite_store, PRODUCTION) as stage:
        path = f"/widget/frame/{widget.widget_id}"
        assert_refused(ask(stage, "GET", "chat.example", path), 404, "not_found")
        assert_refused(ask(stage, "GET", "evil.example", path), 421, "misdirected_request")
        page = ask(stage, "GET", "frame.example", path)
        assert (page.status, json.loads(attributes_of(page)["config"])["frame_url"]) == (200, f"https://frame.example{path}")
        body = {"widget_id": widget.widget_id, "ticket": attributes_of(page)["ticket"], "page": {"url": SHOP}}
        proof = Key().prove(stage, "POST", "/api/sessions", htu="https://frame.example/api/sessions")
        # Not from what this machine serves to itself, and not from a page of the dashboard's host.
        assert_refused(ask(stage, "POST", "frame.example", "/api/sessions", body, origin="http://frame.example"), 403, "domain_not_authorized")
        opened = ask(stage, "POST", "frame.example", "/api/sessions", body, origin="https://frame.example", dpop=proof)
        assert opened.status == 201, opened.body


def test_the_frame_page_carries_its_policy_to_the_letter(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings=FRAME)
    with on_stage(sqlite_store, PRODUCTION) as stage:
        page = ask(stage, "GET", "frame.example", f"/widget/frame/{widget.widget_id}")
        wanted = {
            "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
            "frame-ancestors https://shop.example https://*.shop.example; base-uri 'none'; form-action 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'",
            "cross-origin-embedder-policy": "require-corp",
            "cross-origin-resource-policy": "cross-origin",
            "cache-control": "no-store",
            "content-type": "text/html; charset=utf-8",
            "strict-transport-security": "max-age=31536000; includeSubDomains",
            "x-content-type-options": "nosniff",
        }
        assert {name: page.headers.get(name) for name in wanted} == wanted
        assert not {"x-frame-options", "access-control-allow-origin", "set-cookie"} & set(page.headers)
        refused = ask(stage, "GET", "frame.example", "/widget/frame/widget_" + "a" * 26)
        assert "frame-ancestors 'none'" in refused.headers["content-security-policy"]


def test_the_page_has_a_title_and_a_language_whatever_the_owner_has_set(stage: Stage) -> None:
    widget = alices_site(stage.store, settings=FRAME)
    page = Frame(stage, widget.widget_id).load().body.decode()
    assert '<html lang="en">' in page
    assert "<title>Chat</title>" in page
    german = alices_site(stage.store, settings={**FRAME, "locale": "de-AT", "title": "Hilfe"})
    page = Frame(stage, german.widget_id).load().body.decode()
    assert '<html lang="de-AT">' in page
    assert "<title>Hilfe</title>" in page


def test_what_owners_write_stays_text_in_the_page(stage: Stage) -> None:
    hostile = "\"'><script>alert(1)</script>{ticket}&quot;</title><img src=x onerror=alert(1)>"
    widget = alices_site(stage.store, settings={**FRAME, "title": hostile[:60], "greeting": hostile, "suggestions": [hostile]})
    page = Frame(stage, widget.widget_id).load()
    found = Markup()
    found.feed(page.body.decode())
    assert found.tags == {
        "html": {"lang"},
        "head": set(),
        "meta": {"name", "content"},
        "title": set(),
        "script": {"type", "src", "integrity"},
        "body": {"data-config", "data-ticket"},
    }
    assert found.text.split() == hostile[:60].split()
    assert json.loads(attributes_of(page)["config"])["greeting"] == hostile


class Markup(HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, set[str]] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.setdefault(tag, set()).update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("entries", "ancestors"),
    [
        ((), "'none'"),
        (("shop.example",), "https://shop.example https://*.shop.example"),
        (("=shop.example",), "https://shop.example"),
        (("*.shop.example",), "https://*.shop.example"),
        (("shop.example:8443",), "https://shop.example:8443 https://*.shop.example:8443"),
        (("=shop.example:443",), "https://shop.example:443"),
        (("*.shop.example:8443",), "https://*.shop.example:8443"),
        (("=bücher.example",), "https://xn--bcher-kva.example"),
        (("=localhost:8001",), "https://localhost:8001 http://localhost:8001"),
        (("=127.0.0.1:8001",), "https://127.0.0.1:8001 http://127.0.0.1:8001"),
        (("=a.example", "=b.example"), "https://a.example https://b.example"),
    ],
)
def test_the_list_is_written_as_browsers_read_it(stage: Stage, entries: tuple[str, ...], ancestors: str) -> None:
    widget = alices_site(stage.store, settings=FRAME, domains=entries)
    assert ancestors_of(Frame(stage, widget.widget_id).load()) == ancestors


def test_a_ceiling_leaves_the_listed_origins_under_it(sqlite_store: Store) -> None:
    with on_stage(sqlite_store, generous(allowed_origins=f"https://www.shop.example,{EVIL},{SHOP}")) as stage:
        widget = alices_site(stage.store, settings=FRAME)
        assert ancestors_of(Frame(stage, widget.widget_id).load()) == "https://www.shop.example https://shop.example"
        nothing = alices_site(stage.store, settings=FRAME, domains=("other.example",))
        assert ancestors_of(Frame(stage, nothing.widget_id).load()) == "'none'"


def test_in_production_no_plain_page_is_an_ancestor() -> None:
    allowed = parse_allowed_domains(["localhost:8001", parse_entry("shop.example", development=True).text], development=False)
    assert allowed.sources(None) == ("https://shop.example", "https://*.shop.example")


def test_frame_pages_are_counted_per_address(stage: Stage) -> None:
    frame = Frame(stage, alices_site(stage.store, settings=FRAME).widget_id)
    statuses = [frame.load().status for _ in range(601)]
    assert statuses == [200] * 600 + [429]


def test_a_clock_that_stands_still_gives_each_page_a_ticket_of_its_own(stage: Stage) -> None:
    frame = Frame(stage, alices_site(stage.store, settings=FRAME).widget_id)
    assert len({frame.ticket() for _ in range(20)}) == 20
