"""The tables that these tests walk are the whole of the visitor face."""

from chatkeep.accept import visitor_routes
from chatkeep.store import Store
from chatkeep.web.headers import Surface
from chatkeep.web.routes import Audience
from tests.admit.cast import ROUTES
from tests.cast import on_stage


def test_no_visitor_route_is_missing_from_the_tests(sqlite_store: Store) -> None:
    named = {"widget_id": "{widget}", "conversation_id": "{conversation}", "message_id": "{message}"}
    with on_stage(sqlite_store) as stage:
        routes = [route for route in visitor_routes(stage.gateway.desk, stage.gateway.answers, stage.gateway.builds) if route.surface is Surface.VISITOR_API]
    written = {(route.method, route.path.format(**named), route.request is not None, route.audience is Audience.SESSION) for route in routes}
    assert written == {(route.method, route.path, route.has_body, route.needs_session) for route in ROUTES}
