"""Whatever an owner picks, everything drawn can be read: WCAG AA by the formula of the recommendation, apart from our own."""

import re
from itertools import product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatkeep.accept.look import Look, resolve_launcher, resolve_theme
from chatkeep.accept.look.presets import FONTS, ICONS, PRESETS
from chatkeep.admit.widget_theme import Font, Icon, Launcher, Preset, Theme
from chatkeep.store import Store
from tests.cast import SHOP, alices_site, on_stage

COLOURS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")
NASTY = ("#ffff00", "#808080", "#777777", "#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff")
# Where the style sheets put them: ink, and the grounds under it. `behind` is whatever page a translucent panel is over.
TEXT = {
    "--text": ("behind", "washed", "--soft", "--tint", "--bad-soft", "hovered"),
    "--muted": ("behind", "washed", "--soft", "--tint", "--bad-soft"),
    "--accent": ("behind", "washed", "--soft", "--tint", "--bad-soft"),
    "--bad": ("behind", "washed", "--bad-soft"),
    "--ink": ("fill",),
    "--said-ink": ("--said",),
    "--call-ink": ("--call",),
    "--head-ink": ("head", "head-hovered"),
    "--head-muted": ("head",),
    "--mark-ink": ("mark",),
}
# The edge of the field, the ring around what has the focus, the dot on the launcher.
CONTROLS = {"--edge": ("behind", "washed"), "--accent": ("behind", "washed"), "--bad": ("--bg",), "--muted": ("--soft",), "--head-ink": ("head",)}

Rgb = tuple[float, float, float]


def parse(colour: str) -> tuple[Rgb, float]:
    values = [int(colour[at : at + 2], 16) for at in range(1, len(colour), 2)]
    return (values[0], values[1], values[2]), (values[3] / 255 if len(values) == 4 else 1.0)


def over(top: str, below: Rgb) -> Rgb:
    colour, opacity = parse(top)
    red, green, blue = (a * opacity + b * (1 - opacity) for a, b in zip(colour, below, strict=True))
    return red, green, blue


def luminance(colour: Rgb) -> float:
    linear = [(value / 255) / 12.92 if value / 255 <= 0.04045 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Rgb, other: Rgb) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def stops(image: str) -> list[Rgb]:
    """Colours along a gradient, finer than those that the product looks at."""
    first, last = (parse(found)[0] for found in re.findall(r"#[0-9a-f]{6,8}", image))
    return [over_share(first, last, step / 64) for step in range(65)]


def over_share(first: Rgb, last: Rgb, share: float) -> Rgb:
    red, green, blue = (a + (b - a) * share for a, b in zip(first, last, strict=True))
    return red, green, blue


def grounds(name: str, tones: dict[str, str]) -> list[Rgb]:
    behind = [over(tones["--pane"], page) for page in ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))]
    first = [over(tones["--wash"], below) for below in behind]
    washed = [*first, *(over(tones["--wash2"], below) for below in (*behind, *first))]
    head = washed if tones["--head"] == "none" else stops(tones["--head"])
    veils = re.findall(r"#[0-9a-f]{8}", tones["--mark"])
    known = {
        "behind": [*behind, parse(tones["--bg"])[0]],
        "washed": washed,
        "hovered": [over(tones["--hover"], below) for below in (*behind, *washed)],
        "head": head,
        "head-hovered": [over(tones["--head-hover"], below) for below in head],
        "fill": stops(f"{tones['--fill']} {tones['--fill2']}"),
        "mark": [over(veil, below) for veil in veils[:1] for below in head] or stops(tones["--mark"]),
    }
    if name in known:
        return known[name]
    return stops(tones[name]) if "gradient" in tones[name] else [parse(tones[name])[0]]


def too_faint(look: Look) -> list[str]:
    """Every pair below AA, said so that the colours can be seen."""
    found = []
    for scheme, tones in (("light", look.light), ("dark", look.dark)):
        for table, wanted in ((TEXT, 4.5), (CONTROLS, 3.0)):
            for ink, names in table.items():
                for name in names:
                    ratio = min(contrast(parse(tones[ink])[0], below) for below in grounds(name, tones))
                    if ratio < wanted:
                        found.append(f"{scheme}: {ink} {tones[ink]} on {name}: {ratio:.2f} of {wanted}")
    return found


@settings(max_examples=300, deadline=None)
@given(
    st.builds(
        Theme,
        preset=st.sampled_from(get_args(Preset)),
        accent=COLOURS | st.none(),
        header=COLOURS | st.none(),
        bubble=COLOURS | st.none(),
        surface=COLOURS | st.none(),
        text=COLOURS | st.none(),
        dark_surface=COLOURS | st.none(),
        dark_text=COLOURS | st.none(),
    ),
    COLOURS | st.none(),
)
def test_every_text_and_control_reaches_aa_whatever_colours_the_owner_picks(theme: Theme, launcher: str | None) -> None:
    assert too_faint(resolve_theme(theme, launcher)) == []


@pytest.mark.parametrize("preset", get_args(Preset))
def test_presets_reach_aa_as_they_are_and_with_every_nasty_pair(preset: Preset) -> None:
    assert too_faint(resolve_theme(Theme(preset=preset), None)) == []
    for accent, surface in product(NASTY, NASTY):
        theme = Theme(preset=preset, accent=accent, header=surface, bubble=accent, surface=surface, text=accent, dark_surface=surface, dark_text=accent)
        assert too_faint(resolve_theme(theme, accent)) == [], (accent, surface)


def test_a_colour_that_can_be_read_is_left_as_it_is() -> None:
    look = resolve_theme(Theme(accent="#0f5132", header="#14213d", bubble="#5a189a", text="#101010", dark_surface="#101418"), "#7f1d1d")
    assert (look.light["--fill"], look.light["--accent"], look.light["--said"], look.light["--text"]) == ("#0f5132", "#0f5132", "#5a189a", "#101010")
    assert look.light["--head"].startswith("linear-gradient(140deg, #14213d")
    assert look.light["--call"].startswith("linear-gradient(140deg, #7f1d1d")
    assert look.dark["--bg"] == "#101418"


def test_an_accent_takes_what_matched_the_presets_own_with_it() -> None:
    look = resolve_theme(Theme(preset="ocean", accent="#7f1d1d"), None)
    assert "#7f1d1d" in look.light["--head"]
    assert look.light["--said"] == "#7f1d1d"


def test_a_dark_surface_for_the_light_scheme_gets_light_text_and_dark_controls() -> None:
    look = resolve_theme(Theme(surface="#101418"), None)
    assert look.light["--scheme"] == "dark"
    assert contrast(parse(look.light["--text"])[0], parse("#101418")[0]) > 12


def test_only_plain_values_leave_so_that_none_can_load_anything() -> None:
    for preset, font in product(get_args(Preset), get_args(Font)):
        look = resolve_theme(Theme(preset=preset, font=font), "#123456")
        assert set(look.light) == set(look.dark)
        for name, value in {**look.shape, **look.light, **look.dark}.items():
            assert re.fullmatch(r"--[\w-]+", name)
            assert re.fullmatch(r"[\w #%.,()'-]+", value), value
            assert "url" not in value


def test_the_closed_lists_and_their_tables_name_the_same() -> None:
    assert set(PRESETS) == set(get_args(Preset))
    assert set(FONTS) == set(get_args(Font))
    assert set(ICONS) == set(get_args(Icon))


def test_the_dark_preset_is_dark_unless_the_owner_says_otherwise() -> None:
    assert resolve_theme(Theme(preset="dark"), None).scheme == "dark"
    assert resolve_theme(Theme(preset="dark", scheme="auto"), None).scheme == "auto"
    assert resolve_theme(Theme(), None).scheme == "auto"


@pytest.mark.parametrize(
    ("launcher", "style", "label"),
    [
        (Launcher(), "round", None),
        (Launcher(label=" "), "round", None),
        (Launcher(label="Ask us"), "pill", "Ask us"),
        (Launcher(label="Ask us", style="round"), "round", "Ask us"),
    ],
)
def test_a_launcher_without_a_style_is_a_pill_where_it_has_a_label(launcher: Launcher, style: str, label: str | None) -> None:
    look = resolve_launcher(launcher)
    assert (look.style, look.label) == (style, label)


def test_the_config_tells_final_values_and_no_tokens(sqlite_store: Store) -> None:
    widget = alices_site(sqlite_store, settings={"theme": {"preset": "ocean", "accent": "#ffee00", "position": "top-left"}, "launcher": {"label": "Ask"}})
    with on_stage(sqlite_store) as stage:
        config = stage.call("GET", f"/api/widgets/{widget.widget_id}/config", headers={"origin": SHOP}).json
    assert set(config["theme"]) == {"scheme", "position", "shape", "light", "dark"}
    assert (config["theme"]["scheme"], config["theme"]["position"]) == ("auto", "top-left")
    assert config["theme"]["light"]["--ink"] == "#111827"
    assert (config["launcher"]["label"], config["launcher"]["style"]) == ("Ask", "pill")
    assert all(path.startswith("M") for path in config["launcher"]["icon"])
