"""Is the demo's shop a site that a visitor can use and that the strict policy holds?"""

import asyncio
import re
from dataclasses import dataclass
from html import unescape
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import count

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from chatkeep.demo.shop import HelpPage, help_pages, render_help, section_anchor, shop_app

GATEWAY = "http://localhost:8000"
OWN = "http://localhost:8001"
STYLED = ["/", "/help", *(f"/help/{page.slug}" for page in help_pages())]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


def shop(*, gateway: str = GATEWAY, widget_id: str = "w_demo", own: str = OWN) -> Starlette:
    nonces = count(1)
    return shop_app(gateway=gateway, widget_id=widget_id, own=own, new_nonce=lambda: f"nonce{next(nonces)}")


def ask(app: Starlette, path: str, method: str = "GET") -> Answer:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost:8001")],
        "server": ("localhost", 8001),
        "scheme": "http",
    }
    asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(part["body"] for part in sent[1:]))


def site_files(folder: Traversable | None = None) -> list[Traversable]:
    found = []
    for entry in (folder or resources.files("chatkeep.demo") / "site").iterdir():
        found.extend(site_files(entry) if entry.is_dir() else [entry])
    return found


@pytest.mark.parametrize("path", STYLED)
def test_a_page_answers_with_the_style_sheet_and_one_script(path: str) -> None:
    answer = ask(shop(), path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<link rel="stylesheet" href="/static/shop.css">' in answer.text
    assert f'<link rel="canonical" href="{OWN}{path}">' in answer.text
    script = f'<script async src="{GATEWAY}/widget/loader.js" data-widget-id="w_demo"></script>'
    assert re.findall(r"<script[^>]*>.*?</script>", answer.text) == [script]


@pytest.mark.parametrize("path", [*STYLED, "/static/shop.css", "/no-such-page"])
def test_a_styled_page_allows_itself_and_the_gateway_and_nobody_else(path: str) -> None:
    headers = ask(shop(), path).headers
    assert headers["content-security-policy"] == (
        f"default-src 'none'; script-src {GATEWAY}; connect-src {GATEWAY}; style-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_the_strict_page_sends_exactly_the_policy_of_the_specification() -> None:
    assert ask(shop(), "/strict").headers["content-security-policy"] == (
        f"default-src 'none'; script-src 'nonce-nonce1' {GATEWAY}; connect-src {GATEWAY}; "
        "style-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def test_the_strict_page_carries_a_new_nonce_in_every_response() -> None:
    app = shop()
    for nonce in ("nonce1", "nonce2"):
        answer = ask(app, "/strict")
        assert f"'nonce-{nonce}'" in answer.headers["content-security-policy"]
        assert f'<script async nonce="{nonce}" src="{GATEWAY}/widget/loader.js"' in answer.text


def test_the_strict_page_is_the_shop_without_anything_that_its_policy_forbids() -> None:
    page = ask(shop(), "/strict").text
    assert "Coffee for all weathers" in page
    assert "This page is plain on purpose" in page
    assert not re.search(r"<(link|style|img|iframe|form)\b|\s(style|on\w+)=", page)


@pytest.mark.parametrize("path", ["/", "/strict", "/help", "/no-such-page"])
def test_values_are_escaped(path: str) -> None:
    evil = '"><script>alert(1)</script>'
    page = ask(shop(widget_id=evil, own=evil), path).text
    assert "<script>" not in page
    assert 'data-widget-id="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in page


@pytest.mark.parametrize("gateway", ["http://localhost:8000; img-src *", "http://a\r\nx: y", "'unsafe-inline'", "*", ""])
def test_a_gateway_that_would_loosen_the_policy_is_not_accepted(gateway: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        shop(gateway=gateway)


@pytest.mark.parametrize("path", ["/no-such-page", "/help/no-such-page", "/static/../shop.py"])
def test_what_does_not_exist_gets_the_styled_page_for_it(path: str) -> None:
    answer = ask(shop(), path)
    assert answer.status == 404
    assert "That page is not here." in answer.text


def test_the_shop_is_only_for_reading() -> None:
    answer = ask(shop(), "/", "POST")
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/static/shop.css", "text/css; charset=utf-8"),
        ("/static/harbour.svg", "image/svg+xml; charset=utf-8"),
        ("/favicon.ico", "image/svg+xml; charset=utf-8"),
    ],
)
def test_a_file_is_sent_with_its_type(path: str, media_type: str) -> None:
    answer = ask(shop(), path)
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)


def test_every_link_leads_to_a_page_and_a_place_on_it() -> None:
    app = shop()
    for path in [*STYLED, "/strict"]:
        for link in re.findall(r'<a [^>]*href="([^"]+)"', ask(app, path).text):
            if link.startswith("mailto:"):
                continue
            page, _, fragment = unescape(link).partition("#")
            target = ask(app, page or path)
            assert target.status == 200, f"{path} links to {link}"
            assert not fragment or f'id="{fragment}"' in target.text, f"{path} links to {link}"


def test_every_picture_of_the_style_sheet_exists() -> None:
    app = shop()
    pictures = re.findall(r'url\("([^"]+)"\)', ask(app, "/static/shop.css").text)
    assert len(pictures) >= 8
    assert {ask(app, picture).status for picture in pictures} == {200}


def test_the_suggested_questions_are_quotes_and_nothing_to_click() -> None:
    listed = ask(shop(), "/").text.partition('id="ask-title"')[2].partition("</section>")[0]
    assert len(re.findall(r"<li><q>[^<]+\?.*?</q></li>", listed)) == 6
    assert "<a" not in listed


def test_there_are_enough_help_pages_for_a_conversation() -> None:
    assert len(help_pages()) == 14


@pytest.mark.parametrize("page", help_pages(), ids=lambda page: page.slug)
def test_a_help_page_has_a_title_and_sections_that_stand_alone(page: HelpPage) -> None:
    assert page.markdown.startswith(f"# {page.title}\n\n## ")
    shown = ask(shop(), f"/help/{page.slug}").text
    assert shown.count("<h1>") == 1
    assert len(page.sections) >= 5
    for section in page.markdown.split("\n## ")[1:]:
        heading, text = section.split("\n", 1)
        assert f'<h2 id="{section_anchor(heading)}">' in shown
        assert 2 <= len(re.findall(r"[.!?](?=\s)", text)) <= 6, heading


@pytest.mark.parametrize("markdown", ["- a list", "### deep", "**bold**", "[a](b)", "`code`", "1. x"])
def test_markdown_that_would_be_shown_raw_is_not_accepted(markdown: str) -> None:
    with pytest.raises(ValueError, match="headings and paragraphs"):
        render_help(f"# Title\n\n{markdown}\n")


def test_a_help_page_is_escaped() -> None:
    assert render_help("# <b>\n\n## 5 > 4 & so\n\n<script>\n") == ('<h1>&lt;b&gt;</h1>\n<h2 id="5-4-so">5 &gt; 4 &amp; so</h2>\n<p>&lt;script&gt;</p>')


@pytest.mark.parametrize("file", site_files(), ids=lambda file: file.name)
def test_a_file_names_no_address_outside_the_shop(file: Traversable) -> None:
    text = file.read_text(encoding="utf-8")
    # The name of the SVG format looks like an address, but nothing is fetched from it.
    text = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|[\"'(]//|@import|data:", text)
