"""Several people open links for the first user at the same moment, each at a gateway of its own: one becomes it, the others are told. On every database."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import insert

from chatkeep.crypto.one_time import code_digest
from chatkeep.store import Store
from chatkeep.store.organizations import list_organizations
from chatkeep.store.tables import mailed_codes
from chatkeep.store.users import count_users
from tests.cast import Reply, Stage, development, on_stage
from tests.rest.cast import PASSWORD

AT_ONCE = 6


@pytest.fixture
def stages(database_url: str, tmp_path: Path) -> Iterator[list[Stage]]:
    """Gateways over one database without an organization."""
    with ExitStack() as opened:
        stores = [opened.enter_context(closing(Store(database_url))) for _ in range(AT_ONCE)]
        yield [opened.enter_context(on_stage(store, development(data_dir=str(tmp_path / "data")))) for store in stores]


@pytest.mark.parametrize("organization", [None, "Shop"])
def test_of_many_set_ups_at_once_one_is_carried_out_and_the_others_are_refused(stages: list[Stage], store: Store, organization: str | None) -> None:
    codes = [f"code-{number}" for number in range(AT_ONCE)]
    rows = [{"digest": code_digest(code), "purpose": "setup", "user_id": None, "created_at": 0, "expires_at": 2**52} for code in codes]
    # Each gateway that starts offers one, and voids those that it sees: several hold only when they start at the same moment.
    store.transaction_now(lambda tx: tx.execute(insert(mailed_codes), rows))
    replies: list[Reply] = []
    begin = Barrier(AT_ONCE)

    def set_up(stage: Stage, code: str) -> None:
        body = {"code": code, "email": f"{code}@shop.example", "password": PASSWORD}
        begin.wait()
        replies.append(stage.call("POST", "/api/admin/auth/setup", body=body if organization is None else {**body, "organization": organization}))

    threads = [Thread(target=set_up, args=pair) for pair in zip(stages, codes, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reply.status for reply in replies) == [201, *[400] * (AT_ONCE - 1)], [reply.body for reply in replies]
    assert {(reply.error, reply.json["details"][0]["field"]) for reply in replies if reply.status == 400} == {("invalid_request", "code")}
    assert [org.name for org in store.read_now(list_organizations)] == [organization or "default"]
    assert store.read_now(count_users) == 1
