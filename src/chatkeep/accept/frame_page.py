"""``GET /widget/frame/{widget_id}``: the page that holds the chat in frame mode.

Static markup with three values in attributes, each escaped; its one script is a file of
the widget's build, named with its hash. Inline there is nothing: the policy forbids it.
"""

from html import escape

from chatkeep import __version__
from chatkeep.accept.widget_config import public_config
from chatkeep.admit import Desk, enter_frame
from chatkeep.errors import Reason, Refused
from chatkeep.web.headers import Surface
from chatkeep.web.routes import Audience, Call, Reply, Route
from chatkeep.web.widget_build import WidgetBuilds

_SCRIPT = "frame.js"
_PAGE = """<!doctype html>
<html lang="{locale}">
<head>
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<script type="module" src="/widget/v{version}/{script}" integrity="{integrity}"></script>
</head>
<body data-config="{config}" data-ticket="{ticket}"></body>
</html>
"""


def frame_routes(desk: Desk, builds: WidgetBuilds) -> list[Route]:
    """The rows of this file."""

    async def read_frame_page(call: Call) -> Reply:
        framed = await enter_frame(call.arrival, call.params["widget_id"], desk)
        script = builds.own(_SCRIPT)
        if script is None:
            raise Refused(Reason.NOT_FOUND)
        settings = framed.widget.settings
        values = {
            # Until the script knows which language the visitor reads, and says so itself.
            "locale": "en" if settings.locale == "auto" else settings.locale,
            "title": settings.title or "Chat",
            "version": __version__,
            "script": _SCRIPT,
            "integrity": script.integrity,
            "config": public_config(framed.widget, desk).decode(),
            "ticket": framed.ticket,
        }
        page = _PAGE.format(**{name: escape(value) for name, value in values.items()})
        return Reply(content=page.encode(), content_type="text/html; charset=utf-8", ancestors=framed.ancestors)

    return [
        Route(
            "GET",
            "/widget/frame/{widget_id}",
            Audience.EVERYBODY,
            Surface.FRAME_PAGE,
            "The page of the chat in frame mode",
            read_frame_page,
            None,
            errors=(Reason.INVALID_WIDGET_ID, Reason.WIDGET_NOT_FOUND, Reason.NOT_FOUND, Reason.MISDIRECTED_REQUEST, Reason.RATE_LIMIT_EXCEEDED),
            content_type="text/html",
            notes="It holds a frame ticket, which opens one session of our own origin within 60 s. Its policy lets the widget's pages embed it.",
        )
    ]
