"""Secrets that were put in are looked for everywhere that anything comes out: answers, logs, events, errors, rows."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyotp import TOTP

from chatkeep.audit.logs import _JsonFormatter, _TextFormatter
from chatkeep.rest import admin_routes
from chatkeep.store import Store
from chatkeep.store.tables import metadata
from chatkeep.web.routes import Audience
from tests.rest.cast import PASSWORD, WIDGET, Office, Person, an_office
from tests.rest.things import path_of

PROVIDER_KEY = "sk-canary-provider-7f3a9c1e5b2d8f40"
NEW_PASSWORD = "canary-Giraffe7-moss-lamp"


@pytest.fixture(params=[_JsonFormatter, _TextFormatter])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that is logged, at the lowest level."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(request.param())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Iterator[Office]:
    with an_office(store, data_dir=str(tmp_path / "data")) as office:
        yield office


def plant(office: Office, alice: Person) -> dict[str, str]:
    """One of every secret, and what it is called. Each is shown at most once, here."""
    made = alice.post("/api/admin/providers", {"name": "p", "base_url": "https://ai.example/v1", "model": "m", "api_key": PROVIDER_KEY})
    assert PROVIDER_KEY not in str(made)
    key = alice.post("/api/admin/api-keys", {"name": "k", "scopes": ["widgets:read"]})["api_key"]
    tokens = office.sign_in("alice@shop.example").json
    alice.post("/api/admin/auth/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    totp = alice.post("/api/admin/auth/totp", {"current_password": NEW_PASSWORD})["secret"]
    code = TOTP(totp).at(office.stage.clock.now())
    codes = alice.post("/api/admin/auth/totp/confirm", {"code": code})["recovery_codes"]
    alice.post("/api/admin/invitations", {"email": "carol@shop.example", "role": "viewer"})
    office.call("POST", "/api/admin/auth/password/forgot", {"email": "alice@shop.example"})
    office.stage.loop.run_until_complete(office.stage.gateway.office.postman.rest())
    mails = "".join(path.read_text() for path in (office.stage.gateway.desk.settings.data_path / "mail").glob("*.eml"))
    mailed = {part.split("\n")[0].split("<")[0].split('"')[0][:40] for purpose in ("reset", "invitation") for part in mails.split(f"#{purpose}=")[1:]}
    assert len(mailed) >= 2
    secrets = {
        "the provider's key": PROVIDER_KEY,
        "an API key": key,
        "a password": NEW_PASSWORD,
        "the old password": PASSWORD,
        "an access token": tokens["access_token"],
        "a refresh token": tokens["refresh_token"],
        "a secret of an app": totp,
        "a recovery code": codes[0],
    }
    return secrets | {f"a mailed code {number}": code for number, code in enumerate(sorted(mailed))}


def test_no_planted_secret_comes_out_anywhere(office: Office, log: io.StringIO) -> None:
    alice = office.join("alice@shop.example", "owner")
    alice.post("/api/admin/widgets", WIDGET)
    secrets = plant(office, alice)
    said = []
    routes = admin_routes(office.stage.gateway.office)
    for route in routes:
        if route.method == "GET" and route.audience is not Audience.ANYBODY_SIGNING_IN:
            said.append(alice.call("GET", path_of(route)).body.decode())
    provider = alice.get("/api/admin/providers")["providers"][0]["provider_id"]
    said.append(str(alice.get(f"/api/admin/providers/{provider}")))
    said.append(str(alice.post(f"/api/admin/providers/{provider}/test")))
    # Wrong in every way, with the secrets where they do not belong.
    for name, secret in secrets.items():
        for path in ("widgets", "agents", "providers", "api-keys"):
            said.append(alice.call("POST", f"/api/admin/{path}", {"name": 7, secret: secret}).body.decode())
            said.append(alice.call("GET", f"/api/admin/{path}/{secret}").body.decode())
            said.append(alice.call("GET", f"/api/admin/{path}?{secret}=1&x={secret}").body.decode())
        said.append(alice.call("DELETE", f"/api/admin/tokens/x{secret}").body.decode())
        said.append(office.call("GET", "/api/admin/widgets", token=f"{secret}x").body.decode())
        office.stage.clock.forward(1)
        assert name
    said.append(office.stage.call("GET", "/api/openapi.json").body.decode())
    events = json.dumps([[row.details, row.domain, row.user_agent] for row in office.stage.events(quiet=False)])
    rows = str(office.stage.store.read_now(lambda tx: [tx.execute(table.select()).all() for table in metadata.sorted_tables]))
    for name, secret in secrets.items():
        assert secret not in "".join(said), f"{name} in an answer"
        assert secret not in log.getvalue(), f"{name} in the log"
        assert secret not in events, f"{name} in an event"
        assert secret not in rows, f"{name} in the database"


def test_a_secret_that_was_revoked_by_itself_is_not_in_the_log(office: Office, log: io.StringIO) -> None:
    alice = office.join("alice@shop.example", "owner")
    key = alice.post("/api/admin/api-keys", {"name": "k", "scopes": ["widgets:read"]})["api_key"]
    widget = alice.post("/api/admin/widgets", WIDGET)["widget_id"]
    opened = office.stage.call("POST", "/api/sessions", headers={"origin": "https://shop.example"}, body={"widget_id": widget}).json["session_token"]
    for token in (key, opened):
        assert alice.delete(f"/api/admin/tokens/{token}")["success"] is True
        # Also where no route takes it.
        assert alice.call("DELETE", f"/api/admin/tokens/{token}/more").status == 404
        assert alice.call("PUT", f"/api/admin/tokens/{token}").status == 405
        assert token not in log.getvalue()
        assert token[10:50] not in log.getvalue()
