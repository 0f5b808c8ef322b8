"""``/api/admin/widgets``: S3's shapes, with more keys behind."""

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal, TypeVar

from msgspec import Meta, Struct

from chatkeep import __version__
from chatkeep.admit.permissions import Permission
from chatkeep.clock import iso_ms
from chatkeep.errors import NotThere, WrongUsage
from chatkeep.ids import WIDGET_FORM, AgentId, WidgetId
from chatkeep.manage import widgets
from chatkeep.manage.agents import get_agent
from chatkeep.manage.organizations import default_agent
from chatkeep.manage.views import WidgetView, widget_view
from chatkeep.manage.warnings import about_widget
from chatkeep.manage.widget_request import SettingsChange, given_settings
from chatkeep.manage.widgets import WidgetChange
from chatkeep.rest.contract import CREATED, AskedByOperator, Done, Office, operator_route
from chatkeep.store.widgets import WidgetRow
from chatkeep.web.routes import Route
from chatkeep.web.widget_build import loader_integrity

T = TypeVar("T")
_Domains = Annotated[list[Annotated[str, Meta(max_length=300)]], Meta(max_length=200, examples=[["shop.example", "=blog.example:8443", "*.shop.example"]])]
_Name = Annotated[str, Meta(min_length=1, max_length=200, examples=["Help"])]
_Mode = Literal["session", "domain", "identity"]
_SWITCH = "is no field here: POST /api/admin/widgets/{widget_id}/pause makes it false, POST /api/admin/widgets/{widget_id}/resume makes it true"
_ELSEWHERE = {"is_active": _SWITCH}
_NOT_HERE = "Whether it lets visitors in is changed by pausing and resuming it."


class WidgetRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A widget to make. Without *agent_id* it gets the default agent, without *widget_id* a new id."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = _ELSEWHERE

    widget_name: _Name
    allowed_domains: _Domains
    agent_id: Annotated[str, Meta(max_length=80)] | None = None
    widget_id: Annotated[str, Meta(pattern=WIDGET_FORM, title="a widget id", examples=["widget_our_shop_2026"])] | None = None
    access_mode: _Mode = "session"
    settings: SettingsChange | None = None


class WidgetPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. *settings* are merged."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = _ELSEWHERE

    widget_name: _Name | None = None
    allowed_domains: _Domains | None = None
    agent_id: Annotated[str, Meta(max_length=80)] | None = None
    access_mode: _Mode | None = None
    settings: SettingsChange | None = None


class CloneRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the copy is called."""

    widget_name: _Name | None = None


class WidgetMade(Struct):
    """A widget that was just made."""

    success: bool
    widget_id: str
    allowed_domains: list[str]
    created_at: str
    widget: WidgetView
    warnings: list[str]


class WidgetOne(Struct):
    """One widget."""

    success: bool
    widget: WidgetView
    warnings: list[str]


class WidgetList(Struct):
    """A part of the widgets, oldest first."""

    success: bool
    widgets: list[WidgetView]
    total: int
    page: int
    limit: int


class Embed(Struct):
    """The tag for a page: one version, pinned by its hash; and what the page's content security policy must allow."""

    success: bool
    snippet: str
    content_security_policy: dict[str, str]


def widget_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    every, one = "/api/admin/widgets", "/api/admin/widgets/{widget_id}"
    read, write = Permission.WIDGETS_READ, Permission.WIDGETS_WRITE
    return [
        operator_route(office, "POST", every, write, "Make a widget", create_widget, WidgetMade, request=WidgetRequest, status=CREATED),
        operator_route(office, "GET", every, read, "List widgets", list_widgets, WidgetList, is_paged=True),
        operator_route(office, "GET", one, read, "Read a widget", read_widget, WidgetOne),
        operator_route(office, "PATCH", one, write, "Change a widget", change_widget, WidgetOne, request=WidgetPatch, notes=_NOT_HERE),
        operator_route(
            office,
            "DELETE",
            one,
            write,
            "Delete a widget",
            delete_widget,
            Done,
            notes="What was said in it stays until erased; its id is not free again.",
        ),
        operator_route(
            office,
            "POST",
            f"{one}/clone",
            write,
            "Copy a widget",
            clone_widget,
            WidgetMade,
            request=CloneRequest,
            status=CREATED,
            needs_body=False,
            notes="Its look, limits, domains and agent; keys of identities and tickets are not copied. Without a body the copy is called `Copy of …`.",
        ),
        operator_route(
            office,
            "POST",
            f"{one}/pause",
            write,
            "Pause a widget",
            pause_widget,
            WidgetOne,
            notes="The kill switch: new messages are refused and open streams end within 2 s, in every process.",
        ),
        operator_route(office, "POST", f"{one}/resume", write, "Let a widget go on", resume_widget, WidgetOne),
        operator_route(office, "GET", f"{one}/embed", read, "Get the tag for a page", embed_widget, Embed),
    ]


def create_widget(asked: AskedByOperator) -> WidgetMade:
    """Make a widget."""
    request: WidgetRequest = asked.body
    row = widgets.create_widget(
        asked.store,
        asked.clock,
        asked.org,
        _agent(asked, request.agent_id) or default_agent(asked.store, asked.org).agent_id,
        name=request.widget_name,
        domains=request.allowed_domains,
        development=asked.office.is_development,
        access_mode=request.access_mode,
        settings=given_settings(request.settings),
        widget_id=request.widget_id,
    )
    return _made(asked, row)


def list_widgets(asked: AskedByOperator) -> WidgetList:
    """A part of the widgets."""
    part = asked.part
    rows, total = widgets.some_widgets(asked.store, asked.org, part)
    today = widgets.usage_today(asked.store, asked.clock, asked.org)
    return WidgetList(success=True, widgets=[widget_view(row, today.get(row.widget_id, 0)) for row in rows], total=total, page=part.page, limit=part.limit)


def read_widget(asked: AskedByOperator) -> WidgetOne:
    """One widget."""
    return _one(asked, widgets.get_widget(asked.store, asked.org, asked.params["widget_id"]))


async def change_widget(asked: AskedByOperator) -> WidgetOne:
    """Change a widget."""
    return await _at_once(asked, _change)


def _change(asked: AskedByOperator) -> WidgetOne:
    """Change a widget."""
    request: WidgetPatch = asked.body
    wanted = WidgetChange(request.widget_name, _agent(asked, request.agent_id), request.access_mode, request.allowed_domains, given_settings(request.settings))
    row = widgets.change_widget(asked.store, asked.org, asked.params["widget_id"], wanted, development=asked.office.is_development)
    return _one(asked, row)


async def delete_widget(asked: AskedByOperator) -> Done:
    """Delete a widget."""
    return await _at_once(asked, _delete)


def _delete(asked: AskedByOperator) -> Done:
    """Delete a widget."""
    widgets.remove_widget(asked.store, asked.clock, asked.org, asked.params["widget_id"])
    return Done(success=True, message="The widget is deleted.")


def clone_widget(asked: AskedByOperator) -> WidgetMade:
    """Copy a widget."""
    return _made(asked, widgets.clone_widget(asked.store, asked.clock, asked.org, asked.params["widget_id"], name=asked.body.widget_name))


async def pause_widget(asked: AskedByOperator) -> WidgetOne:
    """Pause a widget."""
    return await _at_once(asked, _pause)


def _pause(asked: AskedByOperator) -> WidgetOne:
    """Pause a widget."""
    return _one(asked, widgets.set_active(asked.store, asked.org, asked.params["widget_id"], is_active=False))


async def resume_widget(asked: AskedByOperator) -> WidgetOne:
    """Let a widget go on."""
    return await _at_once(asked, _resume)


def _resume(asked: AskedByOperator) -> WidgetOne:
    """Let a widget go on."""
    return _one(asked, widgets.set_active(asked.store, asked.org, asked.params["widget_id"], is_active=True))


def embed_widget(asked: AskedByOperator) -> Embed:
    """The tag for a page."""
    row = widgets.get_widget(asked.store, asked.org, asked.params["widget_id"])
    gateway = asked.office.gateway
    tag = widgets.snippet(row, gateway=gateway, version=__version__, integrity=loader_integrity(asked.store, is_production=not asked.office.is_development))
    policy = {"script-src": gateway, "connect-src": gateway}
    if row.settings.get("features", {}).get("frame"):
        policy["frame-src"] = asked.office.desk.settings.frame_urls[0]
    return Embed(success=True, snippet=tag, content_security_policy=policy)


async def _at_once(asked: AskedByOperator, work: Callable[[AskedByOperator], T]) -> T:
    """What *work* answers. This process follows at once, others within two seconds."""
    answer = await asked.run(work, asked)
    asked.office.desk.widgets.drop(WidgetId(asked.params["widget_id"]))
    return answer


def _agent(asked: AskedByOperator, agent_id: str | None) -> AgentId | None:
    """The agent that a widget is to have. Raises ``WrongUsage`` when the organization has none like it."""
    try:
        return get_agent(asked.store, asked.org, agent_id).agent_id if agent_id is not None else None
    except NotThere as error:
        raise WrongUsage(str(error), field="agent_id") from None


def _made(asked: AskedByOperator, row: WidgetRow) -> WidgetMade:
    """A widget that was just made, in S3's shape."""
    return WidgetMade(
        success=True,
        widget_id=row.widget_id,
        allowed_domains=list(row.allowed_domains),
        created_at=iso_ms(row.created_at_ms),
        widget=widget_view(row, 0),
        warnings=_warnings(asked, row),
    )


def _one(asked: AskedByOperator, row: WidgetRow) -> WidgetOne:
    """One widget with what it did today."""
    today = widgets.usage_today(asked.store, asked.clock, asked.org)
    return WidgetOne(success=True, widget=widget_view(row, today.get(WidgetId(row.widget_id), 0)), warnings=_warnings(asked, row))


def _warnings(asked: AskedByOperator, row: WidgetRow) -> list[str]:
    """What keeps a widget from answering."""
    return about_widget(asked.store, asked.office.desk.settings, row)
