"""Which names do the settings of widgets have elsewhere? S3's camelCase, in one table.

Both forms may be mixed in one request; an alias beside its own name is refused.
"""

from collections.abc import Mapping
from typing import Any

from chatkeep.errors import WrongUsage

# Alias: where its value goes.
ALIASES: Mapping[str, str] = {
    "title": "title",
    "greeting": "greeting",
    "welcomeMessage": "greeting",
    "locale": "locale",
    "language": "locale",
    "primaryColor": "theme.accent",
    "position": "theme.position",
    "colorScheme": "theme.scheme",
    "launcherLabel": "launcher.label",
    "maxMessagesPerMinute": "limits.per_minute",
    "maxMessagesPerHour": "limits.widget_per_hour",
    "maxMessagesPerDay": "limits.widget_per_day",
    "maxMessagesPerSession": "limits.per_session",
    "maxConversationLength": "limits.per_conversation",
    "maxMessageLength": "limits.message_length",
    "minMessageInterval": "limits.interval_ms",
    "sessionTimeoutMinutes": "limits.idle_minutes",
    "requireProof": "access.require_proof",
}


def resolve(settings: Mapping[str, Any]) -> dict[str, Any]:
    """*settings* with every alias in its own place. Raises ``WrongUsage`` where two names mean the same."""
    resolved: dict[str, Any] = {name: dict(value) if isinstance(value, Mapping) else value for name, value in settings.items() if name not in ALIASES}
    for alias, place in ALIASES.items():
        if alias not in settings:
            continue
        group, _, name = place.rpartition(".")
        target = resolved.setdefault(group, {}) if group else resolved
        if not isinstance(target, dict):
            raise WrongUsage("is not an object", field=f"settings.{group}")
        if name in target:
            raise WrongUsage(f"is the same as {place}: give one of them", field=f"settings.{alias}")
        target[name] = settings[alias]
    return resolved


def merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """*old* with what *new* says; inside groups, too. ``None`` means the default again."""
    merged = dict(old)
    for name, value in new.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = merge(merged[name], value)
        else:
            merged[name] = merge({}, value) if isinstance(value, Mapping) else value
    return merged
