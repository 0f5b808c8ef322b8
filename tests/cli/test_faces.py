"""Whatever a program can do by the admin API, an operator can do by a command, or this table says why not."""

import re

import pytest

from chatkeep.rest import admin_routes
from chatkeep.store import Store
from tests.cast import on_stage
from tests.cli.commands import COMMANDS

OWN = "it is about the account of whoever is signed in; the command line signs nobody in"
SIGNING_IN = "whoever has the command line is in already"
MAIL = "`users reset` and `users invite` print the link that a mail would hold"

FACES = {
    "POST /api/admin/auth/token": SIGNING_IN,
    "POST /api/admin/auth/refresh": SIGNING_IN,
    "POST /api/admin/auth/logout": OWN,
    "GET /api/admin/auth/me": OWN,
    "GET /api/admin/auth/sessions": "chatkeep users sessions",
    "DELETE /api/admin/auth/sessions/{login_id}": "chatkeep users sign-out",
    "POST /api/admin/auth/password": OWN,
    "POST /api/admin/auth/password/forgot": MAIL,
    "POST /api/admin/auth/password/reset": MAIL,
    "POST /api/admin/auth/email/verify": OWN,
    "POST /api/admin/auth/email/confirm": MAIL,
    "POST /api/admin/auth/totp": OWN,
    "POST /api/admin/auth/totp/confirm": OWN,
    "POST /api/admin/auth/totp/disable": "chatkeep users reset",
    "POST /api/admin/auth/recovery-codes": OWN,
    "POST /api/admin/auth/setup": "chatkeep users create",
    "POST /api/admin/auth/invitation": MAIL,
    "POST /api/admin/widgets": "chatkeep widgets create",
    "GET /api/admin/widgets": "chatkeep widgets list",
    "GET /api/admin/widgets/{widget_id}": "chatkeep widgets show",
    "PATCH /api/admin/widgets/{widget_id}": "chatkeep widgets update",
    "DELETE /api/admin/widgets/{widget_id}": "chatkeep widgets delete",
    "POST /api/admin/widgets/{widget_id}/clone": "chatkeep widgets clone",
    "POST /api/admin/widgets/{widget_id}/pause": "chatkeep widgets pause",
    "POST /api/admin/widgets/{widget_id}/resume": "chatkeep widgets resume",
    "GET /api/admin/widgets/{widget_id}/embed": "chatkeep widgets embed",
    "POST /api/admin/agents": "chatkeep agents create",
    "GET /api/admin/agents": "chatkeep agents list",
    "GET /api/admin/agents/{agent_id}": "chatkeep agents show",
    "PATCH /api/admin/agents/{agent_id}": "chatkeep agents update",
    "DELETE /api/admin/agents/{agent_id}": "chatkeep agents delete",
    "POST /api/admin/providers": "chatkeep providers add",
    "GET /api/admin/providers": "chatkeep providers list",
    "GET /api/admin/providers/{provider_id}": "chatkeep providers show",
    "PATCH /api/admin/providers/{provider_id}": "chatkeep providers update",
    "DELETE /api/admin/providers/{provider_id}": "chatkeep providers remove",
    "POST /api/admin/providers/{provider_id}/test": "chatkeep providers test",
    "POST /api/admin/api-keys": "chatkeep keys create",
    "GET /api/admin/api-keys": "chatkeep keys list",
    "GET /api/admin/api-keys/{key_id}": "chatkeep keys show",
    "PATCH /api/admin/api-keys/{key_id}": "chatkeep keys update",
    "DELETE /api/admin/api-keys/{key_id}": "chatkeep keys revoke",
    "GET /api/admin/members": "chatkeep users list",
    "GET /api/admin/members/{user_id}": "chatkeep users show",
    "PATCH /api/admin/members/{user_id}": "chatkeep users role",
    "DELETE /api/admin/members/{user_id}": "chatkeep users remove",
    "POST /api/admin/invitations": "chatkeep users invite",
    "GET /api/admin/invitations": "chatkeep users invitations",
    "DELETE /api/admin/invitations/{invitation_id}": "chatkeep users withdraw",
    "POST /api/admin/blocks": "chatkeep blocks add",
    "GET /api/admin/blocks": "chatkeep blocks list",
    "GET /api/admin/blocks/{block_id}": "chatkeep blocks show",
    "DELETE /api/admin/blocks/{block_id}": "chatkeep blocks lift",
    "GET /api/admin/sessions": "chatkeep sessions list",
    "DELETE /api/admin/sessions/{session_id}": "chatkeep sessions revoke",
    "DELETE /api/admin/tokens/{token}": "a token on a command line stays in the shell's history: `sessions revoke` and `keys revoke` take ids",
    "GET /api/admin/conversations": "chatkeep conversations list",
    "GET /api/admin/conversations/{conversation_id}": "chatkeep conversations show",
    "GET /api/admin/conversations/{conversation_id}/messages": "chatkeep conversations show",
    "DELETE /api/admin/conversations/{conversation_id}": "chatkeep conversations erase",
}
# Fields of requests and parameters of lists that a command calls something else, or leaves out, and why.
CALLED = {
    "widget_name": "name",
    "allowed_domains": "domain",
    "agent_id": "agent",
    "access_mode": "access",
    "settings": "set",
    "instructions": "instructions_file",
    "providers": "provider",
    "base_url": "url",
    "api_key": "key_file",
    "scopes": "scope",
    "networks": "network",
    "expires_at": "days",
    "q": "text",
    "widget_id": "widget",
    "visitor_id": "visitor",
    "domain": "page",
    "is_open": "all",
}
LEFT_OUT = {
    "page": "a command shows all, or the first that --limit names",
    "limit": "as page",
    "kind": "the option that names whom to block says it; there is one kind of provider",
    "value": "as kind",
}
SAME = {("widgets", "create", "widget_id"): "id"}


def test_every_admin_route_has_its_command_or_a_reason(sqlite_store: Store) -> None:
    with on_stage(sqlite_store) as stage:
        routes = {f"{route.method} {route.path}" for route in admin_routes(stage.gateway.office)}
    assert set(FACES) == routes, "a new route needs its row in FACES"


@pytest.mark.parametrize("row", [row for row, face in FACES.items() if face.startswith("chatkeep ")])
def test_the_command_of_a_route_exists(row: str) -> None:
    assert tuple(FACES[row].split()[1:]) in COMMANDS


def test_a_reason_names_only_commands_that_exist() -> None:
    for reason in FACES.values():
        for words in re.findall(r"`([a-z -]+)`", reason):
            assert tuple(words.split()) in COMMANDS, words


def test_a_command_takes_whatever_its_route_takes(sqlite_store: Store) -> None:
    missing = []
    with on_stage(sqlite_store) as stage:
        for route in admin_routes(stage.gateway.office):
            words = tuple(FACES[f"{route.method} {route.path}"].split()[1:])
            if words not in COMMANDS or words == ("users", "create"):
                continue
            taken = {action.dest for action in COMMANDS[words]._actions}
            fields = [*(route.request.__struct_fields__ if route.request else ()), *route.query]
            for field in fields:
                name = SAME.get((*words[:2], field), CALLED.get(field, field))
                if field not in LEFT_OUT and not {name, field} & taken and words[-1] != "reset":
                    missing.append((" ".join(words), field))
    assert missing == []
