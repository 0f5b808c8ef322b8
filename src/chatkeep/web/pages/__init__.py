"""Pages for people, with their script and style. They hold nothing secret, and nothing of one caller."""

from collections.abc import Mapping
from functools import partial
from importlib.resources import files

from chatkeep.web.headers import EVERGREEN_CACHE, Surface
from chatkeep.web.routes import Audience, Call, Reply, Route

HTML = "text/html; charset=utf-8"
_FILES: Mapping[str, tuple[str, str, str]] = {
    "/account": ("account.html", HTML, "The page that links from mails lead to"),
    "/account/account.js": ("account.js", "text/javascript; charset=utf-8", "The script of that page"),
    "/account/pages.css": ("pages.css", "text/css; charset=utf-8", "The style of our pages"),
    "/account/mark.svg": ("mark.svg", "image/svg+xml", "The sign of our pages"),
    "/account/reference.css": ("reference.css", "text/css; charset=utf-8", "The style of the API reference"),
    "/account/reference.js": ("reference.js", "text/javascript; charset=utf-8", "Copying and finding in the API reference"),
}


def page_routes() -> list[Route]:
    """The rows of this folder."""
    return [page_route(path, name, kind, summary, files(__package__).joinpath(name).read_bytes()) for path, (name, kind, summary) in _FILES.items()]


def page_route(path: str, name: str, kind: str, summary: str, content: bytes) -> Route:
    """A row that always answers *content*."""
    handler = partial(_serve, Reply(content=content, content_type=kind, cache=EVERGREEN_CACHE))
    handler.__name__ = "read_" + name.replace(".", "_")  # type: ignore[attr-defined]  # the document names operations by their handlers
    return Route("GET", path, Audience.EVERYBODY, Surface.PAGES, summary, handler, None, content_type=kind.partition(";")[0])


async def _serve(reply: Reply, _call: Call) -> Reply:
    """The same for everybody."""
    return reply
