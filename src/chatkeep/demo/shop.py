"""Which site does the demo put its widget on?

An invented shop on an origin of its own, as a customer's site would be: it knows of the
gateway only what it embeds. So its headers are written here and not in ``web/headers.py``,
which speaks for the gateway. ``/strict`` is the hardest host page there is (spec: widget,
"Security"). All pages but that one are made once, when the app is made.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from string import Template
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_SITE: Final = resources.files("chatkeep.demo") / "site"
_HTML: Final = "text/html; charset=utf-8"
_TYPES: Final = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml; charset=utf-8"}
# Markdown that the help pages do not use, and that would otherwise be shown as it is.
_UNKNOWN_MARKUP: Final = re.compile(r"^(#{3,}|[>|*+-]|\d+[.)] )|\*\*|\]\(|`", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class HelpPage:
    """One help page; *markdown* is the whole file, title line included."""

    slug: str
    title: str
    markdown: str

    @property
    def sections(self) -> list[str]:
        """The headings of its sections, in order."""
        return [line[3:] for line in self.markdown.splitlines() if line.startswith("## ")]


class Html(str):
    """Text that is HTML already: ``_fill`` escapes every other value."""

    __slots__ = ()


def help_pages() -> list[HelpPage]:
    """Every help page of the shop, by title: what the demo's knowledge is made of."""
    pages = []
    for file in (_SITE / "help").iterdir():
        markdown = file.read_text(encoding="utf-8")
        title = markdown.partition("\n")[0].removeprefix("# ")
        pages.append(HelpPage(file.name.removesuffix(".md"), title, markdown))
    return sorted(pages, key=lambda page: page.title)


def section_anchor(heading: str) -> str:
    """The fragment of a section on its help page: ``/help/{slug}#{anchor}``."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def shop_app(*, gateway: str, widget_id: str, own: str, new_nonce: Callable[[], str]) -> Starlette:
    """The shop at origin *own*, with widget *widget_id* of the gateway at origin *gateway*.

    *new_nonce* gives a fresh CSP nonce per call (randomness lives in ``crypto/``).
    Raises ``ValueError`` when *gateway* could not stand in a policy as one source.
    """
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+", gateway):
        msg = "the gateway must be an origin, such as http://localhost:8000"
        raise ValueError(msg)
    shop = _Shop(gateway=gateway, widget_id=widget_id, own=own, new_nonce=new_nonce)
    return Starlette(
        routes=[
            Route("/", shop.show_page),
            Route("/help", shop.show_page),
            Route("/help/{slug}", shop.show_page),
            Route("/strict", shop.show_strict),
            Route("/static/{name}", shop.show_static),
            Route("/favicon.ico", shop.show_icon),
        ],
        exception_handlers={HTTPException: shop.show_refusal},
    )


class _Shop:
    """The pages and how each is answered."""

    def __init__(self, *, gateway: str, widget_id: str, own: str, new_nonce: Callable[[], str]) -> None:
        self._gateway = gateway
        self._widget_id = widget_id
        self._new_nonce = new_nonce
        self._policy = _styled_policy(gateway)
        self._home = _fill("home")
        self._files = {file.name: file.read_bytes() for file in (_SITE / "static").iterdir()}

        embed = _fill("embed", gateway=gateway, widget_id=widget_id)

        def styled(path: str, title: str, main: Html) -> bytes:
            assets = _fill("assets", own=own, path=path)
            return _fill("layout", title=title, assets=assets, main=main, embed=embed).encode()

        self._pages = {path: styled(path, f"{title} | Pellwick", main) for path, title, main in _help()}
        self._pages["/"] = styled("/", "Pellwick Coffee Roasters", self._home)
        self._not_found = styled("/", "Not found | Pellwick", _fill("not-found"))

    async def show_page(self, request: Request) -> Response:
        page = self._pages.get(request.url.path)
        if page is None:
            raise HTTPException(404)
        return _answer(page, _HTML, self._policy)

    async def show_strict(self, _: Request) -> Response:
        nonce = self._new_nonce()
        page = _fill(
            "layout",
            title="Pellwick on a page with a strict policy",
            # Not even an icon: img-src is 'none', so a link to one would be a violation.
            assets=Html(),
            main=Html(_fill("strict-note") + self._home),
            embed=_fill("embed-strict", gateway=self._gateway, widget_id=self._widget_id, nonce=nonce),
        )
        return _answer(page.encode(), _HTML, _strict_policy(self._gateway, nonce))

    async def show_static(self, request: Request) -> Response:
        name: str = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404)
        return _answer(self._files[name], _TYPES[name[name.rindex(".") :]], self._policy)

    async def show_icon(self, _: Request) -> Response:
        # A page without an icon link, such as /strict, makes browsers ask for this name.
        return _answer(self._files["mark.svg"], _TYPES[".svg"], self._policy)

    async def show_refusal(self, _: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        response = _answer(self._not_found, _HTML, self._policy, status=status)
        if isinstance(error, HTTPException):
            response.headers.update(error.headers or {})
        return response


def _styled_policy(gateway: str) -> str:
    """What we recommend to a site that embeds the widget, and what this one needs itself."""
    return (
        f"default-src 'none'; script-src {gateway}; connect-src {gateway}; style-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _strict_policy(gateway: str, nonce: str) -> str:
    """The strict host policy, to the letter (spec: widget, "Security")."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}' {gateway}; connect-src {gateway}; "
        "style-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _answer(body: bytes, media_type: str, policy: str, *, status: int = 200) -> Response:
    headers = {
        "Content-Type": media_type,
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        # A demo is edited and looked at again; and a nonce must not outlive its response.
        "Cache-Control": "no-store",
    }
    return Response(body, status, headers)


def _fill(name: str, **values: str) -> Html:
    """The template *name* of ``site/pages`` with *values*, each escaped unless it is ``Html``."""
    safe = {key: value if isinstance(value, Html) else escape(value) for key, value in values.items()}
    return Html(_template(name).substitute(safe))


@cache
def _template(name: str) -> Template:
    return Template((_SITE / "pages" / f"{name}.html").read_text(encoding="utf-8").strip())


def _lines(parts: Iterable[Html]) -> Html:
    return Html("\n".join(parts))


def _help() -> list[tuple[str, str, Html]]:
    """Path, title and content of the help index and of every help page."""
    pages = help_pages()
    topics = _lines(_fill("help-topic", slug=page.slug, title=page.title, sections=" · ".join(page.sections)) for page in pages)
    links = _lines(_fill("help-link", slug=page.slug, title=page.title) for page in pages)
    found = [("/help", "Help", _fill("help-index", topics=topics))]
    for page in pages:
        main = _fill("help-page", article=render_help(page.markdown), links=links)
        found.append((f"/help/{page.slug}", page.title, main))
    return found


def render_help(markdown: str) -> Html:
    """The HTML of a help page: headings and paragraphs, which is all that our help pages use.

    Not a Markdown parser, so it raises ``ValueError`` on anything that would need one.
    """
    if (unknown := _UNKNOWN_MARKUP.search(markdown)) is not None:
        msg = f"help pages have headings and paragraphs only, not {unknown[0]!r}"
        raise ValueError(msg)
    return _lines(_render_line(line) for line in markdown.splitlines() if line)


def _render_line(line: str) -> Html:
    if line.startswith("# "):
        return Html(f"<h1>{escape(line[2:])}</h1>")
    if line.startswith("## "):
        heading = line[3:]
        return Html(f'<h2 id="{section_anchor(heading)}">{escape(heading)}</h2>')
    return Html(f"<p>{escape(line)}</p>")
