"""Does the admin API of a real gateway answer as its own document says, whatever somebody with good credentials sends?"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from chatkeep.clock import SystemClock
from chatkeep.crypto import derive_key, new_id
from chatkeep.crypto.office_tokens import ACCESS_SECONDS, AccessClaims, OfficeKey, sign
from chatkeep.ids import LoginId, UserId
from chatkeep.manage.organizations import choose_organization
from chatkeep.store import Store, Tx
from chatkeep.store.logins import LoginRow, add_login
from chatkeep.store.members import add_member
from chatkeep.store.organizations import Organization
from chatkeep.store.users import UserRow, add_user
from tests.attacks.test_openapi import ADDRESSES, needed
from tests.rest.cast import hashed
from tests.servers import SECRET, Gateway

EXAMPLES = 8
KEY = OfficeKey.from_bytes(derive_key(SECRET, "office-token"))


@dataclass
class Target:
    """A gateway, its document, and the database behind it."""

    gateway: Gateway
    document: dict[str, Any]
    store: Store
    org: Organization

    def owner(self) -> str:
        """The token of an owner who has just signed in: whatever one of them does to their account, the next is another."""
        now = int(SystemClock().now().timestamp())
        user_id, login_id = UserId(new_id("usr")), LoginId(new_id("login"))
        user = UserRow(user_id, f"{user_id}@shop.example", "", hashed(), now * 1000, None, None, None, None, now * 1000)
        login = LoginRow(login_id, self.org.org_id, user_id, 1, None, "10.0.0.1", "", now * 1000, now * 1000, (now + 3600) * 1000, None)

        def join(tx: Tx) -> None:
            add_user(tx, user)
            add_member(tx, self.org.org_id, user_id, "owner", at_ms=now * 1000)
            add_login(tx, self.org.org_id, login)

        self.store.transaction_now(join)
        return sign(AccessClaims(user_id, self.org.org_id, login_id, now, now + ACCESS_SECONDS), KEY)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("openapi-admin") / "data"
    folder.mkdir(mode=0o700)
    (folder / "chatkeep.db").write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite:///{folder / 'chatkeep.db'}")
    org = choose_organization(store, SystemClock())
    with Gateway.running(folder, TRUSTED_PROXIES="127.0.0.1/32") as gateway:
        status, document = gateway.get("/api/openapi.json")
        assert status == 200
        yield Target(gateway, document, store, org)
    store.close()


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_whatever_an_owner_sends_is_answered_as_documented(target: Target, mode: str) -> None:
    schemathesis = needed("schemathesis")
    schema = schemathesis.openapi.from_dict(target.document)
    wrong, attacked = [], 0
    for result in schema.include(path_regex="^/api/admin/").get_all_operations():
        operation = result.ok()
        # What takes nothing has nothing that could be wrong.
        with suppress(Unsatisfiable):
            wrong += attack(target, operation, schemathesis.GenerationMode[mode])
            attacked += 1
    assert wrong == [], "\n\n".join(wrong)
    assert attacked >= (58 if mode == "POSITIVE" else 40)
    assert target.gateway.process.poll() is None
    assert "internal_server_error" not in target.gateway.log.read_text()


def attack(target: Target, operation: Any, mode: Any) -> list[str]:
    """What went wrong when *operation* got what schemathesis makes of its description."""
    failed = needed("schemathesis.core.failures").FailureGroup
    checks = needed("schemathesis.specs.openapi.checks")
    # The document cannot say which host names, passwords or ids are good: a refusal of a well-formed value is none of its business.
    excused = [checks.positive_data_acceptance]

    @seed(1)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        headers = {"X-Forwarded-For": str(next(ADDRESSES))}
        if operation.definition.raw.get("security"):
            headers["Authorization"] = f"Bearer {target.owner()}"
        wrong_parts = {location.name for location, component in case.meta.components.items() if component.mode.name == "NEGATIVE"}
        # Headers that are put right here are not wrong any more.
        ignored = [] if wrong_parts <= {"BODY", "PATH", "QUERY"} else [checks.negative_data_rejection]
        case.call_and_validate(base_url=target.gateway.url, headers=headers, excluded_checks=[*excused, *ignored])

    try:
        run()
    except failed as failures:
        return [f"{operation.label}: {failures}"]
    return []
