"""Settings that are refused on save: the message says what would be allowed."""

from typing import Any

import pytest

from chatkeep.errors import WrongUsage
from chatkeep.manage.widgets import checked_settings


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"theme": {"position": "top"}}, "use one of bottom-left, bottom-right, top-left, top-right"),
        ({"theme": {"radius": 7}}, "use one of 8, 16, 24"),
        ({"theme": {"preset": "neon"}}, "use one of dark, default, forest, glassmorphic, minimal, ocean, purple, sunset"),
        ({"theme": {"font": "Comic Sans"}}, "use one of geometric, humanist, mono, rounded, serif, system"),
        ({"theme": {"accent": "rgb(1 2 3)"}}, "`$.theme.accent`: use a colour as #rrggbb"),
        ({"theme": {"css": "*{}"}}, "there are preset, scheme, accent,"),
        ({"launcher": {"icon": "<svg>"}}, "use one of chat, headset, mail, message, question, spark"),
        ({"launcher": {"style": "text", "label": " "}}, "give it one, or choose round or square"),
        ({"shadow": ["everything"]}, "use one of address, blocks,"),
        ({"colour": "red"}, "there are title, greeting,"),
        ({"limits": {"per_hour": 1}}, "Expected `int` >= 5"),
        ({"theme": 3}, "Expected `object`, got `int`"),
    ],
)
def test_a_refused_setting_is_told_what_is_allowed(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        checked_settings(settings)
    assert told in str(refused.value)


def test_looks_stored_before_there_were_presets_still_hold() -> None:
    old = {"theme": {"scheme": "auto", "accent": "#c23d12", "position": "bottom-left", "radius": 16}, "launcher": {"label": None}}
    assert checked_settings(old)["theme"] == {"scheme": "auto", "accent": "#c23d12", "position": "bottom-left", "radius": 16}
