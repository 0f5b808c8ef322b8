"""S3's names of settings: each leads somewhere, both forms mix, and none hides the other."""

from functools import reduce
from typing import Any

import pytest

from chatkeep.admit.widget_settings import WidgetSettings
from chatkeep.errors import WrongUsage
from chatkeep.manage.widget_aliases import ALIASES, merge, resolve
from chatkeep.manage.widgets import checked_settings

# What a setting takes that leaves its default to something else.
TAKEN = {"theme.accent": "#0f766e", "theme.scheme": "dark", "launcher.label": "Help"}


@pytest.mark.parametrize(("alias", "place"), ALIASES.items())
def test_every_alias_leads_to_a_setting(alias: str, place: str) -> None:
    value = TAKEN.get(place, reduce(getattr, place.split("."), WidgetSettings()))
    assert value is not None
    assert checked_settings({alias: value}) == checked_settings(nested(place, value))


def nested(place: str, value: Any) -> dict[str, Any]:
    """*value* at *place*."""
    name, _, rest = place.partition(".")
    return {name: nested(rest, value) if rest else value}


def test_both_forms_may_be_mixed() -> None:
    settings = {"maxMessagesPerHour": 300, "limits": {"message_length": 500}, "primaryColor": "#0f766e", "greeting": "Hi"}
    assert resolve(settings) == {"limits": {"message_length": 500, "widget_per_hour": 300}, "theme": {"accent": "#0f766e"}, "greeting": "Hi"}
    assert settings["limits"] == {"message_length": 500}


@pytest.mark.parametrize(
    "settings",
    [{"maxMessageLength": 5, "limits": {"message_length": 6}}, {"welcomeMessage": "a", "greeting": "b"}, {"primaryColor": "#000000", "theme": "dark"}],
)
def test_two_names_for_one_thing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage):
        resolve(settings)


def test_merging_changes_what_is_named_and_null_is_the_default_again() -> None:
    old = {"greeting": "Hi", "limits": {"per_minute": 5, "per_hour": 50}}
    assert merge(old, {"limits": {"per_minute": None, "per_day": 60}, "title": "T"}) == {
        "greeting": "Hi",
        "limits": {"per_hour": 50, "per_day": 60},
        "title": "T",
    }
    assert merge(old, {"greeting": None, "limits": None}) == {}
    assert old == {"greeting": "Hi", "limits": {"per_minute": 5, "per_hour": 50}}
