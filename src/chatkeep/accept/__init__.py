"""1. What a visitor's browser may call.

Each module holds a few rows of the visitor face's route table with their handlers. They
turn an ``Arrival`` into a ``Reply`` and judge nothing: that is ``admit/``'s work.
"""

from chatkeep.accept.chat import chat_routes
from chatkeep.accept.conversations import conversation_routes
from chatkeep.accept.feedback import feedback_routes
from chatkeep.accept.frame_page import frame_routes
from chatkeep.accept.reports import report_routes
from chatkeep.accept.sessions import session_routes
from chatkeep.accept.streams import stream_routes
from chatkeep.accept.widget_config import config_routes
from chatkeep.accept.widget_files import file_routes
from chatkeep.admit import Desk
from chatkeep.answer import Answers
from chatkeep.web.routes import Route
from chatkeep.web.widget_build import WidgetBuilds


def visitor_routes(desk: Desk, answers: Answers, builds: WidgetBuilds) -> list[Route]:
    """The whole table; what is called most stands first."""
    return [
        *chat_routes(desk, answers),
        *stream_routes(desk, answers),
        *session_routes(desk, answers),
        *conversation_routes(desk, answers),
        *feedback_routes(desk),
        *report_routes(desk),
        *config_routes(desk),
        *file_routes(desk, builds),
        *frame_routes(desk, builds),
    ]
