"""What is really drawn, in Chromium: contrast of every preset, with every nasty colour; corners; less transparency; forced colours."""

import json
from itertools import product
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chatkeep.accept.look import resolve_launcher, resolve_theme
from chatkeep.admit.widget_theme import Launcher, Position, Preset, Style, Theme
from tests.browser.conftest import Demo, Watched

_MEASURE = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
_ANSWER = """## Shipping

**Norway** takes 5 days [1]; see [our page](https://shop.example/ship).

> Quoted text

```python
print("£9.50")
```

| To | Price |
| --- | --- |
| UK | `£3` |

1. one
"""
_SOURCES = [{"index": 1, "title": "Shipping", "url": "https://shop.example/1", "excerpt": "Delivery to Norway."}]
_EVENTS: list[tuple[str, Any]] = [
    ("start", {"message_id": "msg_1", "conversation_id": "conv_1"}),
    ("sources", _SOURCES),
    ("delta", {"text": _ANSWER}),
    ("done", {"usage": {}, "finish_reason": "stop"}),
]


def dress(page: Page, shop: str, theme: Theme, launcher: Launcher | None = None) -> None:
    """Give the page's widget this look, one long answer, and then only errors."""
    worn = launcher or Launcher(label="Ask us")

    def config(route: Route) -> None:
        answered = route.fetch()
        look = {"theme": msgspec.to_builtins(resolve_theme(theme, worn.color)), "launcher": msgspec.to_builtins(resolve_launcher(worn))}
        route.fulfill(response=answered, json={**answered.json(), **look})

    asked: list[str] = []

    def chat(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.fallback()
            return
        asked.append(route.request.url)
        headers = {"Access-Control-Allow-Origin": shop}
        if len(asked) == 1:
            body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in _EVENTS)
            route.fulfill(status=200, headers=headers, content_type="text/event-stream", body=body)
        else:
            route.fulfill(status=500, headers=headers, json={"success": False, "error": "processing_error", "message": "no", "request_id": "req_1"})

    page.route("**/config", config)
    page.route("**/api/chat", chat)


def launcher_of(page: Page) -> Locator:
    return page.locator("chatkeep-widget .launcher")


def rest(page: Page) -> None:
    """Until a new scheme is heard of (two frames) and nothing moves that ever ends."""
    page.evaluate(
        """async () => {
            const root = document.querySelector('chatkeep-widget').shadowRoot;
            for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
            const ending = root.getAnimations().filter((one) => one.timeline === document.timeline && one.effect.getComputedTiming().endTime !== Infinity);
            await Promise.all(ending.map((one) => one.finished.catch(() => null)));
        }"""
    )


def readable(page: Page, *, at_least: int) -> None:
    """Everything on screen reaches AA, and the measure has seen enough."""
    measured = page.evaluate(_MEASURE)
    assert measured["found"] == []
    assert measured["seen"] >= at_least


def readable_in_both(page: Page, *, at_least: int) -> None:
    """In light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        rest(page)
        readable(page, at_least=at_least)


def read_everything(page: Page, shop: str) -> None:
    """Closed, greeting, answer, error."""
    page.goto(shop)
    expect(launcher_of(page)).to_be_visible()
    readable_in_both(page, at_least=1)
    launcher_of(page).click()
    field = page.get_by_role("textbox")
    expect(field).to_be_focused()
    readable_in_both(page, at_least=12)
    field.fill("Norway?")
    field.press("Enter")
    expect(page.get_by_role("button", name="Copy answer")).to_be_visible()
    field.fill("And Peru?")
    readable_in_both(page, at_least=30)
    field.press("Enter")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    readable_in_both(page, at_least=35)


@pytest.mark.parametrize("preset", get_args(Preset))
def test_every_preset_can_be_read_as_it_is_drawn(demo: Demo, watched: Watched, preset: Preset) -> None:
    page = watched.page
    dress(page, demo.shop, Theme(preset=preset, scheme="auto"))
    read_everything(page, demo.shop)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        rest(page)
        for hovered in (".tool.close", ".copy", "a.source", ".cite"):
            page.locator(hovered).last.hover()
            readable(page, at_least=35)
        # The ring of whatever has the focus.
        page.get_by_role("textbox").focus()
        for _ in range(9):
            page.keyboard.press("Shift+Tab")
            readable(page, at_least=36)


def test_the_measure_finds_what_is_too_faint(demo: Demo, watched: Watched) -> None:
    page = watched.page
    dress(page, demo.shop, Theme(scheme="light"))
    page.goto(demo.shop)
    launcher_of(page).click()
    expect(page.get_by_role("textbox")).to_be_focused()
    page.evaluate("() => document.querySelector('chatkeep-widget').shadowRoot.querySelector('.ck').style.setProperty('--muted', '#999999')")
    rest(page)
    found = page.evaluate(_MEASURE)["found"]
    assert [kind for kind in ("text", "placeholder", "icon") if any(one.startswith(kind) for one in found)] == ["text", "placeholder", "icon"], found


@pytest.mark.parametrize(
    ("preset", "colour"),
    [*product(("default", "glassmorphic"), ("#ffff00", "#808080", "#000000", "#ffffff")), ("ocean", "#ffff00"), ("minimal", "#808080")],
)
def test_nasty_colours_of_the_owner_can_be_read_as_they_are_drawn(demo: Demo, watched: Watched, preset: Preset, colour: str) -> None:
    theme = Theme(preset=preset, scheme="auto", accent=colour, header=colour, bubble=colour, surface=colour, text=colour, dark_surface=colour)
    dress(watched.page, demo.shop, theme, Launcher(label="Ask us", color=colour))
    read_everything(watched.page, demo.shop)


@pytest.mark.parametrize("position", get_args(Position))
def test_launcher_and_panel_stand_in_the_corner_that_was_chosen(demo: Demo, watched: Watched, position: Position) -> None:
    page = watched.page
    dress(page, demo.shop, Theme(position=position, size="small"))
    page.goto(demo.shop)
    expect(launcher_of(page)).to_be_visible()
    rest(page)
    closed = launcher_of(page).bounding_box()
    launcher_of(page).click()
    expect(page.get_by_role("textbox")).to_be_focused()
    rest(page)
    panel, size = page.get_by_role("dialog").bounding_box(), page.viewport_size
    assert closed is not None
    assert panel is not None
    assert size is not None
    assert (panel["width"], panel["height"]) == (340, 520)
    for box, distance in ((closed, 20), (panel, 88)):
        assert (box["x"] if "left" in position else size["width"] - box["x"] - box["width"]) == pytest.approx(20, abs=1)
        assert (box["y"] if "top" in position else size["height"] - box["y"] - box["height"]) == pytest.approx(distance, abs=1)


@pytest.mark.parametrize(
    ("style", "words", "drawing", "least"), [("round", False, True, 56), ("square", False, True, 56), ("pill", True, True, 100), ("text", True, False, 80)]
)
def test_each_style_of_launcher_shows_its_own_and_is_called_by_its_label(
    demo: Demo, watched: Watched, style: Style, words: bool, drawing: bool, least: int
) -> None:
    page = watched.page
    dress(page, demo.shop, Theme(), Launcher(label="Ask us", style=style, icon="spark"))
    page.goto(demo.shop)
    launcher = page.get_by_role("button", name="Ask us", exact=True)
    expect(launcher).to_be_visible()
    assert launcher.locator(".label").is_visible() is words
    assert launcher.locator(".face").is_visible() is drawing
    box = launcher.bounding_box()
    assert box is not None
    assert box["height"] == 56
    assert box["width"] >= least


def test_glass_turns_solid_for_who_asks_for_less_transparency_or_forces_colours(demo: Demo, watched: Watched) -> None:
    page = watched.page
    dress(page, demo.shop, Theme(preset="glassmorphic", scheme="light"))
    page.goto(demo.shop)
    launcher_of(page).click()
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    style = "(node) => [getComputedStyle(node).backgroundColor, getComputedStyle(node).backdropFilter]"
    assert panel.evaluate(style) == ["rgba(255, 255, 255, 0.8)", "blur(24px) saturate(1.6)"]
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-transparency", "value": "reduce"}]})
    assert panel.evaluate(style) == ["rgb(255, 255, 255)", "none"]
    devtools.send("Emulation.setEmulatedMedia", {"features": []})
    page.emulate_media(forced_colors="active")
    assert panel.evaluate(style)[1] == "none"
    assert panel.evaluate("(node) => getComputedStyle(node).borderTopStyle") == "solid"
    assert launcher_of(page).evaluate("(node) => getComputedStyle(node).borderTopStyle") == "solid"


def test_a_look_asks_nobody_for_anything_and_follows_the_system_without_reloading(demo: Demo, watched: Watched) -> None:
    page = watched.page
    dress(page, demo.shop, Theme(preset="purple", font="rounded"))
    page.goto(f"{demo.shop}/strict")
    launcher_of(page).click()
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    light = panel.evaluate("(node) => getComputedStyle(node).backgroundColor")
    page.emulate_media(color_scheme="dark")
    rest(page)
    assert panel.evaluate("(node) => getComputedStyle(node).backgroundColor") != light
    assert panel.evaluate("(node) => getComputedStyle(node).colorScheme") == "dark"
    assert watched.csp_reports() == []
    assert {url.split("/")[2] for url in watched.requests} == {demo.shop.split("/")[2], demo.gateway.split("/")[2]}


def test_attributes_of_the_element_go_before_the_settings(demo: Demo, watched: Watched) -> None:
    page = watched.page
    dress(page, demo.shop, Theme(preset="forest", scheme="light", position="bottom-right"))
    page.goto(demo.shop)
    expect(launcher_of(page)).to_be_visible()
    page.evaluate(
        """(id) => {
            document.querySelector('chatkeep-widget').remove();
            const element = document.createElement('chatkeep-widget');
            for (const [name, value] of [['widget-id', id], ['scheme', 'dark'], ['position', 'top-left']]) element.setAttribute(name, value);
            document.body.append(element);
        }""",
        demo.widget_id,
    )
    launcher_of(page).click()
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    rest(page)
    assert panel.evaluate("(node) => getComputedStyle(node).colorScheme") == "dark"
    box = panel.bounding_box()
    assert box is not None
    assert (box["x"], box["y"]) == (pytest.approx(20, abs=1), pytest.approx(88, abs=1))
