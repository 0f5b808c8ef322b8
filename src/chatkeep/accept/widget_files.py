"""The built widget: the loader under a short-lived address, everything under its version.

A versioned address never changes its content, so it may be kept for a year and pinned
with SRI, and answers as long as the database lives; in development, where a version is built many times, nothing is kept.
"""

from chatkeep.admit import Desk, enter_files
from chatkeep.errors import Reason, Refused
from chatkeep.web.etags import is_known
from chatkeep.web.headers import EVERGREEN_CACHE, IMMUTABLE_CACHE, Surface
from chatkeep.web.routes import Audience, Call, Reply, Route
from chatkeep.web.widget_build import WidgetBuilds, WidgetFile

_JAVASCRIPT = "text/javascript; charset=utf-8"
# The words of a language are data.
_JSON = "application/json"


def file_routes(desk: Desk, builds: WidgetBuilds) -> list[Route]:
    """The rows of this file."""

    async def read_evergreen(call: Call) -> Reply:
        enter_files(call.arrival, desk)
        return _serve(call, builds.own("loader.js"), EVERGREEN_CACHE)

    async def read_versioned(call: Call) -> Reply:
        enter_files(call.arrival, desk)
        name = call.params["name"]
        return _serve(call, await builds.find(call.params["version"], name), IMMUTABLE_CACHE, _JSON if name.endswith(".json") else _JAVASCRIPT)

    def _serve(call: Call, file: WidgetFile | None, cache_control: str, content_type: str = _JAVASCRIPT) -> Reply:
        if file is None:
            raise Refused(Reason.NOT_FOUND)
        kept = cache_control if desk.settings.is_production else "no-cache"
        headers = [("etag", file.tag), ("vary", "Accept-Encoding")]
        if is_known(call.arrival.headers, file.tag):
            return Reply(status=304, headers=tuple(headers), cache=kept)
        accepts_gzip = "gzip" in call.arrival.headers.get("accept-encoding", "")
        if accepts_gzip:
            headers.append(("content-encoding", "gzip"))
        return Reply(content=file.packed if accepts_gzip else file.content, content_type=content_type, headers=tuple(headers), cache=kept)

    face = Surface.WIDGET_FILES
    errors = (Reason.NOT_FOUND, Reason.RATE_LIMIT_EXCEEDED, Reason.SERVICE_UNAVAILABLE)
    return [
        Route(
            "GET",
            "/widget/loader.js",
            Audience.EVERYBODY,
            face,
            "The newest loader",
            read_evergreen,
            None,
            errors=errors,
            content_type="text/javascript",
            revalidates=True,
        ),
        Route(
            "GET",
            "/widget/v{version}/{name}",
            Audience.EVERYBODY,
            face,
            "A file of one widget version",
            read_versioned,
            None,
            errors=errors,
            content_type="text/javascript",
            notes="The words of a language (`words-….json`) and their hashes (`languages-….json`) are `application/json`.",
            revalidates=True,
        ),
    ]
