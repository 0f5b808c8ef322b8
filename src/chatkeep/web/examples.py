"""What does a value of that schema look like? For the API document and its page.

A schema's own example wins; what has none is told by its name (``created_at`` is a time).
"""

from collections.abc import Mapping
from typing import Any

_DEEPEST = 6
_ID = "abcdefghijklmnopqrstuvwxyz"
_IDS = {"organization": "org", "provider": "prov", "user": "usr", "visitor": "vis", "session": "sess", "conversation": "conv", "message": "msg"}
_IDS |= {"invitation": "invite"}
_NAMED: Mapping[str, Any] = {
    "success": True,
    "email": "alice@shop.example",
    "name": "Alice Miller",
    "role": "admin",
    "widget_name": "Help",
    "allowed_domains": ["shop.example"],
    "message": "Done.",
    "domain": "https://shop.example",
    "ip_address": "203.0.113.7",
    "address": "203.0.113.7",
    "user_agent": "Mozilla/5.0",
    "last4": "f3Qk",
    "text": "Where is my parcel?",
    "created_by": f"usr_{_ID}",
    "invited_by": f"usr_{_ID}",
    "reply_to": f"msg_{_ID}",
    "snippet": '<script async src="https://chat.example/widget/v0.1.0/loader.js" …></script>',
    "base_url": "https://api.openai.com/v1",
    "model": "gpt-5-mini",
    "token_type": "Bearer",
    "scopes": ["widgets:read"],
    "networks": ["203.0.113.0/24"],
    "total": 1,
    "page": 1,
    "limit": 50,
}


_SETTINGS = {"greeting": "Hello!", "primaryColor": "#0f766e", "maxMessagesPerHour": 300, "limits": {"message_length": 1000}}
# Whole requests, by type: each is accepted as it is, so that it names nothing that would have to be there.
_REQUESTS: Mapping[str, Any] = {
    "ChatRequest": {"message": "Hello, I need help with my order"},
    "SessionRequest": {"widget_id": f"widget_{_ID}", "page": {"url": "https://shop.example/cart", "title": "Your cart"}},
    "TokenRequest": {"email": "alice@shop.example", "password": "three unrelated words"},
    "SecondFactorRequest": {"current_password": "three unrelated words", "recovery_code": "abcd-efgh-jkmn-pqrs"},
    "PasswordRequest": {"current_password": "three unrelated words", "new_password": "four other unrelated words"},
    "WidgetRequest": {"widget_name": "Help", "allowed_domains": ["shop.example"], "settings": _SETTINGS},
    "WidgetPatch": {"widget_name": "Help desk", "settings": {"greeting": None, "theme": {"preset": "ocean"}}},
    "CloneRequest": {"widget_name": "Help, second shop"},
    "AgentRequest": {"name": "Shop assistant", "instructions": "You are the assistant of a coffee shop. Answer briefly.", "providers": ["knowledge"]},
    "AgentPatch": {"instructions": "You are the assistant of a coffee shop. Answer in two sentences."},
    "ProviderRequest": {"name": "Our OpenAI account", "base_url": "https://api.openai.com/v1", "model": "gpt-5-mini", "api_key": "the-key-from-your-account"},
    "ProviderPatch": {"model": "gpt-5"},
    "ApiKeyRequest": {"name": "Nightly export", "scopes": ["widgets:read", "conversations:read"]},
    "ApiKeyPatch": {"name": "Weekly export"},
    "RolePatch": {"role": "analyst"},
    "InvitationRequest": {"email": "bob@shop.example", "role": "analyst"},
    "BlockRequest": {"kind": "address", "value": "203.0.113.7", "reason": "scraping", "minutes": 60},
}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value that *schema* could be of. *schemas*: what references lead to; *name*: of the field that it is for."""
    if "$ref" in schema:
        named = schema["$ref"].rpartition("/")[2]
        return _REQUESTS[named] if named in _REQUESTS else example_of(schemas[named], schemas, name, depth)
    given = [*schema.get("examples", ()), *(schema[one] for one in ("default", "const") if one in schema), *schema.get("enum", ())]
    choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if choices and (not given or given[0] is None):
        return example_of(choices[0], schemas, name, depth)
    kind = schema.get("type", "")
    if isinstance(kind, list):
        kind = next(each for each in kind if each != "null")
    if depth < _DEEPEST and kind == "object" and not given:
        return _object(schema, schemas, depth)
    if given or name in _NAMED:
        return given[0] if given else _NAMED[name]
    if depth < _DEEPEST and kind == "array" and "items" in schema:
        return [example_of(schema["items"], schemas, "", depth + 1)]
    return _by_kind(kind, name)


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """An object with its fields; those that may be left out and have nothing to show are."""
    shown = {field: example_of(inner, schemas, field, depth + 1) for field, inner in schema.get("properties", {}).items()}
    required = schema.get("required", ())
    return {field: value for field, value in shown.items() if value is not None or field in required}


def _by_kind(kind: str, name: str) -> Any:
    """What a field of that type and name could hold."""
    noun, _, last = name.rpartition("_")
    if kind == "string" and last == "at":
        return "2026-01-16T00:00:00Z"
    if kind == "string" and last == "id" and noun:
        return f"{_IDS.get(noun, noun)}_{_ID}"
    return {"string": "…", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}.get(kind)
