"""``/api/admin/providers``: bring your own key. Keys go in and never come out."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatkeep.admit.permissions import Permission
from chatkeep.egress import Network
from chatkeep.manage import providers
from chatkeep.manage.providers import Change
from chatkeep.manage.typed_address import check_typed_address
from chatkeep.manage.views import ProviderView, provider_view
from chatkeep.manage.warnings import about_provider
from chatkeep.rest.contract import CREATED, AskedByOperator, Done, Office, operator_route
from chatkeep.settings import split_list
from chatkeep.web.client_ip import parse_networks
from chatkeep.web.routes import Route

_Name = Annotated[str, Meta(min_length=1, max_length=200, examples=["Our OpenAI account"])]
_Url = Annotated[str, Meta(min_length=1, max_length=2048, examples=["https://api.openai.com/v1"])]
_Model = Annotated[str, Meta(min_length=1, max_length=200, examples=["gpt-5-mini"])]
_Key = Annotated[str, Meta(max_length=4096, extra_json_schema={"writeOnly": True})]


class ProviderRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A provider to bring: any server with an OpenAI-compatible API."""

    name: _Name
    base_url: _Url
    model: _Model
    kind: Literal["openai"] = "openai"
    api_key: _Key | None = None


class ProviderPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. An empty key removes the key; another address needs the key again."""

    name: _Name | None = None
    base_url: _Url | None = None
    model: _Model | None = None
    api_key: _Key | None = None


class ProviderOne(Struct):
    """One provider."""

    success: bool
    provider: ProviderView
    warnings: list[str]


class ProviderList(Struct):
    """A part of the providers, oldest first."""

    success: bool
    providers: list[ProviderView]
    total: int
    page: int
    limit: int


class ProviderTried(Struct):
    """What came of asking the provider for one word. *failure* is a code, *advice* what to do about it; *status* what its server answered.

    *milliseconds* is null where no server was reached.
    """

    success: bool
    milliseconds: int | None
    failure: str | None
    advice: str | None
    status: int | None


def provider_routes(office: Office) -> list[Route]:
    """The rows of this file."""
    every, one = "/api/admin/providers", "/api/admin/providers/{provider_id}"
    read, write = Permission.PROVIDERS_READ, Permission.PROVIDERS_WRITE
    return [
        operator_route(office, "POST", every, write, "Bring a provider", bring_provider, ProviderOne, request=ProviderRequest, status=CREATED),
        operator_route(office, "GET", every, read, "List providers", list_providers, ProviderList, is_paged=True),
        operator_route(office, "GET", one, read, "Read a provider", read_provider, ProviderOne),
        operator_route(office, "PATCH", one, write, "Change a provider", change_provider, ProviderOne, request=ProviderPatch),
        operator_route(office, "DELETE", one, write, "Remove a provider", delete_provider, Done, notes="Not while an agent asks it."),
        operator_route(
            office, "POST", f"{one}/test", write, "Try a provider", try_provider, ProviderTried, notes="Asks it for one word, which costs what that costs."
        ),
    ]


def bring_provider(asked: AskedByOperator) -> ProviderOne:
    """Bring a provider."""
    request: ProviderRequest = asked.body
    check_typed_address(request.base_url)
    wanted = Change(request.name, request.base_url, request.model, request.api_key)
    made = providers.bring_provider(asked.store, asked.clock, asked.office.vault, asked.org, kind=request.kind, wanted=wanted, is_local=False)
    return ProviderOne(success=True, provider=provider_view(made), warnings=about_provider(made, _networks(asked)))


def list_providers(asked: AskedByOperator) -> ProviderList:
    """A part of the providers."""
    part = asked.part
    rows, total = providers.some_providers(asked.store, asked.org, part)
    return ProviderList(success=True, providers=[provider_view(row) for row in rows], total=total, page=part.page, limit=part.limit)


def read_provider(asked: AskedByOperator) -> ProviderOne:
    """One provider."""
    row = providers.get_provider(asked.store, asked.org, asked.params["provider_id"])
    return ProviderOne(success=True, provider=provider_view(row), warnings=about_provider(row, _networks(asked)))


def change_provider(asked: AskedByOperator) -> ProviderOne:
    """Change a provider. One that the command line set up keeps its private target only while its address stays."""
    request: ProviderPatch = asked.body
    check_typed_address(request.base_url)
    wanted = Change(request.name, request.base_url, request.model, request.api_key)
    changed = providers.change_provider(asked.store, asked.office.vault, asked.org, asked.params["provider_id"], wanted, is_local=False)
    return ProviderOne(success=True, provider=provider_view(changed), warnings=about_provider(changed, _networks(asked)))


def delete_provider(asked: AskedByOperator) -> Done:
    """Remove a provider."""
    providers.remove_provider(asked.store, asked.org, asked.params["provider_id"])
    return Done(success=True, message="The provider is removed, and its key with it.")


async def try_provider(asked: AskedByOperator) -> ProviderTried:
    """Try a provider."""
    row = await asked.run(providers.get_provider, asked.store, asked.org, asked.params["provider_id"])
    tried = await providers.try_provider(await asked.office.roster.load(asked.org, row.provider_id))
    return ProviderTried(success=tried.is_ok, milliseconds=tried.milliseconds, failure=tried.failure, advice=tried.advice, status=tried.status)


def _networks(asked: AskedByOperator) -> tuple[Network, ...]:
    """Private networks that members may name."""
    return parse_networks(split_list(asked.office.desk.settings.egress_private), "CHATKEEP_EGRESS_PRIVATE")
