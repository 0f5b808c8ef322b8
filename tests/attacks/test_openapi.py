"""Does a real gateway answer as its own document says, whatever is sent?

A validator and a linter read the document; schemathesis sends what the document allows, and what it
does not, to every operation of a gateway in a process of its own.
"""

import importlib.util
import ipaddress
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from tests.cast import ROOMY, ROOMY_GATEWAY, SHOP, Visitor, alices_site_in
from tests.servers import Gateway

# Every operation gets as many examples of each kind: the whole stays under a minute.
EXAMPLES = 25
ADDRESSES = ipaddress.ip_network("10.0.0.0/8").hosts()
LINTER = Path(__file__).parents[1] / "openapi_lint"
_METHODS = {"get", "post", "put", "delete", "patch"}


@dataclass
class Target:
    """A gateway, its document, and a widget to call."""

    gateway: Gateway
    document: dict[str, Any]
    widget_id: str


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("openapi") / "data"
    folder.mkdir(mode=0o700)
    database = folder / "chatkeep.db"
    database.write_bytes(sqlite_template.read_bytes())
    widget = alices_site_in(f"sqlite:///{database}", settings=ROOMY, provider="fake")
    with Gateway.running(folder, **ROOMY_GATEWAY, TRUSTED_PROXIES="127.0.0.1/32") as gateway:
        status, document = gateway.get("/api/openapi.json")
        assert status == 200
        yield Target(gateway, document, widget.widget_id)


def needed(module: str) -> Any:
    """*module*; without it a visible skip, and where everything must be, a failure."""
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{module} is missing, and CI must have everything")
        pytest.skip(f"{module} is missing: requirements/dev.lock has it")
    return importlib.import_module(module)


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, operation) for path, methods in document["paths"].items() for method, operation in methods.items() if method in _METHODS]


def test_a_validator_finds_nothing_wrong_with_the_document(target: Target) -> None:
    validator = needed("openapi_spec_validator").OpenAPIV31SpecValidator
    assert [str(error) for error in validator(target.document).iter_errors()] == []


def test_a_linter_finds_nothing_wrong_with_the_document(target: Target, tmp_path: Path) -> None:
    linter = LINTER / "node_modules" / ".bin" / "redocly"
    if not linter.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("the linter is missing, and CI must have everything")
        pytest.skip("the linter is missing: run `npm ci --ignore-scripts` in tests/openapi_lint")
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(target.document, indent=1))
    quiet = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    command = [str(linter), "lint", "--config", str(LINTER / "redocly.yaml"), "--format", "json", str(document)]
    done = subprocess.run(command, cwd=LINTER, env=quiet, check=False, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout)
    assert [(each["ruleId"], each["message"], each["location"][0]["pointer"]) for each in found["problems"]] == []
    assert done.returncode == 0, done.stderr


def test_every_operation_is_described_as_a_linter_wants_it(target: Target) -> None:
    wrong = []
    found = operations(target.document)
    ids = [operation["operationId"] for _, _, operation in found]
    wrong += [f"operationId {name} is not unique" for name in set(ids) if ids.count(name) > 1]
    tags = {tag["name"] for tag in target.document["tags"]}
    for path, method, operation in found:
        name = f"{method} {path}"
        wrong += [f"{name}: no {part}" for part in ("summary", "description", "operationId") if not operation.get(part)]
        wrong += [f"{name}: unknown tag" for tag in operation["tags"] if tag not in tags]
        named = {part[1:-1] for part in path.replace("/v{", "/{").split("/") if part.startswith("{")}
        wrong += [f"{name}: path parameters"] if named != {p["name"] for p in operation["parameters"] if p["in"] == "path"} else []
        wrong += [f"{name}: parameter {p['name']} is not described" for p in operation["parameters"] if not p["description"] or "type" not in p["schema"]]
        wrong += [f"{name}: path parameter {p['name']} has no form" for p in operation["parameters"] if p["in"] == "path" and "pattern" not in p["schema"]]
        wrong += [f"{name}: no good answer"] if not any(status.startswith("2") for status in operation["responses"]) else []
        wrong += [f"{name}: {status} is not described" for status, response in operation["responses"].items() if not response["description"]]
        wrong += [f"{name}: a body with GET or DELETE"] if "requestBody" in operation and method in {"get", "delete"} else []
    used = json.dumps(target.document)
    wrong += [f"schema {name} is used nowhere" for name in target.document["components"]["schemas"] if f'"#/components/schemas/{name}"' not in used]
    assert wrong == []


def test_every_stream_and_every_error_is_in_the_document(target: Target) -> None:
    chat = target.document["paths"]["/api/chat"]["post"]["responses"]
    assert set(chat["200"]["content"]) == {"application/json", "text/event-stream"}
    assert {"400", "401", "403", "404", "409", "410", "413", "415", "422", "429", "500", "502", "503", "504", "507"} <= set(chat)
    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= set(chat["429"]["headers"])
    for path, method, operation in operations(target.document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and path.startswith("/api/"):
                examples = response["content"]["application/json"]["examples"].values()
                assert all(example["value"]["success"] is False for example in examples), f"{method} {path} {status}"


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_whatever_is_sent_is_answered_as_documented(target: Target, mode: str) -> None:
    schemathesis = needed("schemathesis")
    schema = schemathesis.openapi.from_dict(target.document)
    wrong, attacked = [], 0
    # The admin API has callers of its own: test_openapi_admin.py.
    for result in schema.exclude(path_regex="^/api/admin/").get_all_operations():
        operation = result.ok()
        # What takes nothing has nothing that could be wrong.
        with suppress(Unsatisfiable):
            wrong += attack(target, operation, schemathesis.GenerationMode[mode])
            attacked += 1
    assert wrong == [], "\n\n".join(wrong)
    ours = [path for path, _, _ in operations(target.document) if not path.startswith("/api/admin/")]
    assert attacked >= len(ours) * (1 if mode == "POSITIVE" else 0.5)
    assert target.gateway.process.poll() is None
    # Whatever a caller sends, a bug is a bug: none was met.
    assert "internal_server_error" not in target.gateway.log.read_text()


def attack(target: Target, operation: Any, mode: Any) -> list[str]:
    """What went wrong when *operation* got what schemathesis makes of its description, half of it with ids that exist."""
    failed = needed("schemathesis.core.failures").FailureGroup

    @seed(1)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode), knows_ids=st.booleans())
    def run(case: Any, knows_ids: bool) -> None:
        # Each from an address of its own: some dozens of bad requests in a row are a block.
        victor = Visitor(target.gateway.port, target.widget_id, SHOP, address=str(next(ADDRESSES))).open()
        headers = {"Origin": SHOP, "X-Forwarded-For": str(victor.address)}
        if operation.definition.raw.get("security"):
            headers["Authorization"] = f"Bearer {victor.session['session_token']}"
        use_own_ids(case, victor, knows_ids=knows_ids)
        case.call_and_validate(base_url=target.gateway.url, headers=headers, excluded_checks=_excused(case))

    try:
        run()
    except failed as failures:
        return [f"{operation.label}: {failures}"]
    return []


def _excused(case: Any) -> list[Any]:
    """Checks that make no sense of *case*: its headers were put right, and names in a query that nobody knows are passed over."""
    checks = needed("schemathesis.specs.openapi.checks")
    wrong = {location.name for location, component in case.meta.components.items() if component.mode.name == "NEGATIVE"}
    return [] if wrong <= {"BODY", "PATH"} else [checks.negative_data_rejection]


def use_own_ids(case: Any, victor: Visitor, *, knows_ids: bool) -> None:
    """Let *case* speak of the widget that its token is for; with *knows_ids*, also of a conversation and an answer that are there."""
    own = {"widget_id": victor.widget_id}
    if knows_ids:
        own["conversation_id"] = victor.session["conversation_id"]
        if "message_id" in case.path_parameters:
            own["message_id"] = victor.say("hello").json["message_id"]
    for named in (case.path_parameters, case.body if isinstance(case.body, dict) else {}):
        # Only for an id that has the form of one: what is wrong stays wrong.
        named.update({name: value for name, value in own.items() if re.fullmatch(r"[a-z]+_[a-z0-9_]{12,64}", str(named.get(name)))})
    if isinstance(case.body, dict) and isinstance(case.body.get("identity"), str):
        # Right in form, and refused by a widget of this access mode.
        del case.body["identity"]
    if case.headers and "X-Widget-ID" in case.headers:
        case.headers["X-Widget-ID"] = victor.widget_id
