"""The API document is made from the route tables, whole and well-formed; a route cannot be without an audience."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chatkeep import __version__
from chatkeep.errors import Reason
from chatkeep.manage.widget_aliases import ALIASES
from chatkeep.store import Store
from chatkeep.web.headers import Surface
from chatkeep.web.meanings import MEANINGS
from chatkeep.web.problems import ADVICE, WORDINGS
from chatkeep.web.routes import Audience, Call, Reply, Route
from tests.cast import on_stage

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture
def document(sqlite_store: Store) -> Any:
    with on_stage(sqlite_store) as stage:
        reply = stage.call("GET", "/api/openapi.json")
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        return reply.json


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Every operation with its path and method."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    """Every ``$ref`` below *value*."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_document_has_the_parts_that_openapi_31_requires(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["version"] == __version__
    assert {"title", "version"} <= set(document["info"])
    # An SPDX identifier and a URL exclude each other.
    assert not {"identifier", "url"} <= set(document["info"]["license"])
    assert set(document) <= {"openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security", "tags", "externalDocs"}
    names = [tag["name"] for tag in document["tags"]]
    assert len(names) == len(set(names))


def test_every_route_is_in_the_document(sqlite_store: Store, document: Any) -> None:
    with on_stage(sqlite_store) as stage:
        served = {route.path for route in stage.gateway.app.routes}
    assert served == set(document["paths"])
    found = {(method.upper(), path) for path, method, _ in operations(document)}
    assert found >= {
        ("GET", "/api/widgets/{widget_id}/config"),
        ("POST", "/api/sessions"),
        ("POST", "/api/sessions/refresh"),
        ("DELETE", "/api/sessions/current"),
        ("POST", "/api/chat"),
        ("GET", "/api/chat/{message_id}/stream"),
        ("DELETE", "/api/chat/{message_id}/stream"),
        ("GET", "/api/conversations/{conversation_id}/messages"),
        ("GET", "/api/conversations/{conversation_id}/export"),
        ("DELETE", "/api/conversations/{conversation_id}"),
        ("POST", "/api/messages/{message_id}/feedback"),
        ("POST", "/api/events"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/api/openapi.json"),
    }


def test_operations_are_well_formed_and_named_once(document: Any) -> None:
    names = []
    for path, method, operation in operations(document):
        assert method in METHODS
        assert path.startswith("/")
        assert set(operation) <= {"operationId", "summary", "description", "tags", "parameters", "requestBody", "responses", "security"}
        assert operation["responses"]
        assert operation["summary"]
        names.append(operation["operationId"])
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert response["description"]
            assert status != "204" or "content" not in response
        for media in operation.get("requestBody", {"content": {}})["content"]:
            assert media == "application/json"
    assert len(names) == len(set(names))


def test_path_parameters_are_declared_exactly(document: Any) -> None:
    for path, _, operation in operations(document):
        declared = [(parameter["name"], parameter["in"]) for parameter in operation["parameters"]]
        assert len(declared) == len(set(declared))
        assert {name for name, place in declared if place == "path"} == set(re.findall(r"\{(\w+)\}", path))
        for parameter in operation["parameters"]:
            assert parameter["in"] in {"path", "query", "header"}
            assert parameter["schema"]
            # No page is without an origin; every other header and query parameter may be left out. Admin routes want none.
            assert parameter["required"] is (parameter["in"] == "path" or parameter["name"] == "Origin")
            # OpenAPI ignores these as parameters: they have places of their own.
            assert parameter["name"].lower() not in {"accept", "content-type", "authorization"}


def test_every_body_has_an_example_that_its_schema_takes(document: Any) -> None:
    components = {"components": {"schemas": document["components"]["schemas"]}}
    for path, method, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *(response for status, response in operation["responses"].items() if status < "300")]
        for body in bodies:
            shown = body.get("content", {}).get("application/json", {})
            if "$ref" in shown.get("schema", {}):
                validator = Draft202012Validator({**components, **shown["schema"]})
                assert [error.message for error in validator.iter_errors(shown["example"])] == [], (method, path)


def test_every_type_and_every_field_says_what_it_means(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []
    fields = [(name, field, inner) for name, schema in schemas.items() for field, inner in schema.get("properties", {}).items()]
    assert [f"{name}.{field}" for name, field, inner in fields if not inner.get("description")] == []
    used = {key for name, field, _ in fields for key in (field, f"{name}.{field}")}
    assert set(MEANINGS) - used == set(), "nothing has these fields"


def test_settings_of_a_widget_are_described_whole_with_their_other_names(document: Any) -> None:
    schemas = document["components"]["schemas"]
    wanted = schemas["SettingsChange"]["properties"]
    assert set(wanted) == set(schemas["WidgetSettings"]["properties"]) | set(ALIASES)
    assert "By default 600." in wanted["maxMessagesPerHour"]["description"]
    assert "By default 10." in schemas["LimitsChange"]["properties"]["per_minute"]["description"]


def test_every_error_says_what_to_do_and_every_route_who_may(document: Any) -> None:
    assert set(ADVICE) == set(Reason)
    for path, method, operation in operations(document):
        for response in operation["responses"].values():
            for example in response.get("content", {}).get("application/json", {}).get("examples", {}).values():
                assert example["description"], (method, path)
        if operation["security"] == [{"operator": []}]:
            assert re.search(r"Needs `\w+:\w+`, which .*`owner` ha", operation["description"]), (method, path)


def test_every_reference_points_to_something(document: Any) -> None:
    for reference in references(document):
        where: Any = document
        for part in reference.removeprefix("#/").split("/"):
            where = where[part]
        assert where
    # Nothing is described that no operation uses. Security schemes are named, not referred to.
    kept = {f"#/components/{kind}/{name}" for kind, named in document["components"].items() if kind != "securitySchemes" for name in named}
    assert kept == set(references(document))
    assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", reference.rpartition("/")[2]) for reference in kept)


def test_every_security_requirement_names_a_scheme(document: Any) -> None:
    schemes = set(document["components"]["securitySchemes"])
    for path, method, operation in operations(document):
        assert {name for requirement in operation["security"] for name in requirement} <= schemes, (path, method)
    protected = {path for path, _, operation in operations(document) if operation["security"] and not path.startswith("/api/admin/")}
    assert protected == {
        "/api/chat", "/api/chat/{message_id}/stream", "/api/sessions/refresh", "/api/sessions/current",
        "/api/conversations/{conversation_id}", "/api/conversations/{conversation_id}/messages", "/api/conversations/{conversation_id}/export",
        "/api/messages/{message_id}/feedback",
    }  # fmt: skip


def test_requests_take_no_field_that_is_not_described(document: Any) -> None:
    for name in ("ChatRequest", "SessionRequest", "PageInfo", "FeedbackRequest", "EventsRequest"):
        assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_documented_errors_have_the_envelope(document: Any) -> None:
    codes = {wording.code for wording in WORDINGS.values()}
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and "content" in response and response["content"]["application/json"]["schema"]["$ref"].endswith("ErrorEnvelope"):
                assert set(re.findall(r"`(\w+)`", response["description"])) <= codes


def test_every_reason_has_words_and_a_status_of_its_kind() -> None:
    assert set(WORDINGS) == set(Reason)
    for wording in WORDINGS.values():
        assert 400 <= wording.status < 600
        assert wording.message.endswith(".")
        assert wording.code in set(Reason)


async def _nobody(_call: Call) -> Reply:
    return Reply()


def test_a_route_without_an_audience_cannot_be_written() -> None:
    whole = {"method": "GET", "path": "/x", "audience": Audience.EVERYBODY, "surface": Surface.HEALTH, "summary": "x", "handler": _nobody, "response": None}
    assert Route(**whole).audience is Audience.EVERYBODY
    with pytest.raises(TypeError, match="audience"):
        Route(**{name: value for name, value in whole.items() if name != "audience"})
