"""Settings that are refused on save: the message says what would be allowed."""

from typing import Any

import pytest

from chatkeep.errors import WrongUsage
from chatkeep.manage.widgets import checked_settings


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"theme": {"position": "top"}}, "theme.position must be one of bottom-left, bottom-right, top-left, top-right"),
        ({"theme": {"radius": 7}}, "theme.radius must be one of 8, 16, 24 or null"),
        ({"theme": {"preset": "neon"}}, "must be one of dark, default, forest, glassmorphic, minimal, ocean, purple, sunset"),
        ({"theme": {"font": "Comic Sans"}}, "must be one of geometric, humanist, mono, rounded, serif, system"),
        ({"theme": {"accent": "rgb(1 2 3)"}}, "theme.accent must be a colour like #0f766e or null"),
        ({"theme": {"css": "*{}"}}, "theme.css is no field here: there are preset, scheme, accent,"),
        ({"launcher": {"icon": "<svg>"}}, "launcher.icon must be one of chat, headset, mail, message, question, spark"),
        ({"launcher": {"style": "text", "label": " "}}, "give it one, or choose round or square"),
        ({"shadow": ["everything"]}, "shadow[0] must be one of address, blocks,"),
        ({"colour": "red"}, "colour is no field here: there are title, greeting,"),
        ({"theme": {"preste": "dark"}}, "theme.preste is no field here: did you mean preset?"),
        ({"limits": {"per_hour": 1}}, "limits.per_hour must be a whole number from 5 to 1000"),
        ({"theme": 3}, "theme must be an object"),
    ],
)
def test_a_refused_setting_is_told_what_is_allowed(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        checked_settings(settings)
    assert told in str(refused.value)


def test_looks_stored_before_there_were_presets_still_hold() -> None:
    old = {"theme": {"scheme": "auto", "accent": "#c23d12", "position": "bottom-left", "radius": 16}, "launcher": {"label": None}}
    assert checked_settings(old)["theme"] == {"scheme": "auto", "accent": "#c23d12", "position": "bottom-left", "radius": 16}
