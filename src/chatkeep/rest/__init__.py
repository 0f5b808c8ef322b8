"""The admin API: what programs and people may call at ``/api/admin``.

Each module holds rows of the route table with handlers that translate a request into a
call of ``manage/`` and its result into JSON. Who may do what is ``admit/``'s question.
"""

from chatkeep.rest.account import account_routes
from chatkeep.rest.agents import agent_routes
from chatkeep.rest.api_keys import api_key_routes
from chatkeep.rest.auth import auth_routes
from chatkeep.rest.blocks import block_routes
from chatkeep.rest.contract import Office
from chatkeep.rest.conversations import conversation_routes
from chatkeep.rest.members import member_routes
from chatkeep.rest.providers import provider_routes
from chatkeep.rest.sessions import session_routes
from chatkeep.rest.widgets import widget_routes
from chatkeep.web.routes import Route

__all__ = ["Office", "admin_routes"]


def admin_routes(office: Office) -> list[Route]:
    """The whole table."""
    return [
        *auth_routes(office),
        *account_routes(office),
        *widget_routes(office),
        *agent_routes(office),
        *provider_routes(office),
        *api_key_routes(office),
        *member_routes(office),
        *block_routes(office),
        *session_routes(office),
        *conversation_routes(office),
    ]
