"""How is an operation called from a shell? A curl command of its description, whose variables the reference page names."""

import json
import re
from collections.abc import Mapping
from typing import Any

# Fields whose value comes from a mail, an app or an earlier answer: variables of the shell.
_FROM_BEFORE = {
    "code": "CODE",
    "recovery_code": "RECOVERY_CODE",
    "refresh_token": "REFRESH_TOKEN",
    "widget_id": "WIDGET_ID",
    "password": "PASSWORD",
    "current_password": "PASSWORD",
    "new_password": "NEW_PASSWORD",
}
# TOKEN is what the caller has.
_IN_PATH = {"token": "SESSION_ID"}


def command_of(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """The command for *operation*, with the example of its body."""
    where = re.sub(r"\{(\w+)\}", lambda found: f"${_IN_PATH.get(found[1], found[1].upper())}", path)
    parts = [f'curl{f" -X {method}" if method != "GET" else ""} "$CHATKEEP{where}"']
    if any(each["name"] == "Origin" for each in operation["parameters"]):
        parts.append("-H 'Origin: https://shop.example'")
    if operation["security"]:
        parts.append(f'-H "Authorization: Bearer ${"SESSION_TOKEN" if "session" in operation["security"][0] else "TOKEN"}"')
    if "requestBody" in operation:
        shown = operation["requestBody"]["content"]["application/json"]["example"]
        parts += ["-H 'Content-Type: application/json'", f"-d {_quoted(shown)}"]
    return " \\\n  ".join(parts)


def _quoted(value: Any) -> str:
    """*value* as JSON in single quotes, with the shell's variables in their places."""
    if not isinstance(value, Mapping):
        return _single(json.dumps(value, ensure_ascii=False))
    text = ", ".join(f"{json.dumps(name)}: {_variable(name, inner)}" for name, inner in value.items())
    return "'{" + text + "}'"


def _variable(name: str, value: Any) -> str:
    """One field's value."""
    if name in _FROM_BEFORE and isinstance(value, str):
        return f'"\'"${_FROM_BEFORE[name]}"\'"'
    return _single(json.dumps(value, ensure_ascii=False))[1:-1]


def _single(text: str) -> str:
    """*text* in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"
