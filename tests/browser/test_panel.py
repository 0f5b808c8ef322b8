"""What a visitor sees and hears in the panel, with answers that the tests write themselves."""

import json
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Route, expect

from tests.browser.conftest import Demo, Watched
from tests.browser.test_a_strict_page import ask

_LONG_TITLE = "Shipping to Europe, and what it costs to send larger boxes to islands and mountains"
_SOURCES = [{"index": n, "title": title, "url": f"https://shop.example/{n}", "excerpt": "Text."} for n, title in ((1, _LONG_TITLE), (2, "Payment"))]


def _answer(text: str) -> str:
    events: list[tuple[str, Any]] = [
        ("start", {"message_id": "msg_1", "conversation_id": "conv_1"}),
        ("sources", _SOURCES),
        ("delta", {"text": text}),
        ("done", {"usage": {}, "finish_reason": "stop"}),
    ]
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


def _reply(page: Page, shop: str, *replies: str | dict[str, Any]) -> list[str]:
    """Answer the chat route with text streams and refusals in turn; the list of what was asked."""
    asked: list[str] = []

    def fulfil(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": shop}
        if route.request.method == "OPTIONS":
            route.fallback()
            return
        asked.append(route.request.post_data or "")
        reply = replies[min(len(asked), len(replies)) - 1]
        if isinstance(reply, str):
            route.fulfill(status=200, headers=headers, content_type="text/event-stream", body=_answer(reply))
        else:
            route.fulfill(status=reply["status"], headers=headers, json={"success": False, "message": "no", "request_id": "req_1", **reply})

    page.route("**/api/chat", fulfil)
    return asked


def _box(where: Locator) -> FloatRect:
    found = where.bounding_box()
    assert found is not None
    return found


def _rest(page: Page) -> None:
    """Wait until nothing in the panel moves."""
    page.get_by_role("dialog").evaluate(
        "(node) => Promise.all(node.getAnimations({subtree: true}).filter((one) => one.timeline === document.timeline).map((one) => one.finished))"
    )


def test_while_sending_is_blocked_a_draft_can_be_typed_and_not_sent(demo: Demo, watched: Watched) -> None:
    page = watched.page
    asked = _reply(page, demo.shop, {"status": 429, "error": "rate_limit_exceeded", "retry_after": 3}, "Yes [1].")
    page.goto(demo.shop)
    ask(watched, "First")
    expect(page.get_by_role("timer")).to_contain_text("You can write again in 0:0")
    field = page.get_by_role("textbox")
    expect(field).to_be_focused()
    page.keyboard.type("Second")
    page.keyboard.press("Enter")
    expect(field).to_have_value("Second")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    expect(page.get_by_role("timer")).to_have_count(0)
    expect(page.get_by_role("status").last).to_have_text("You can write again.")
    assert len(asked) == 1
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="AI assistant").last).to_contain_text("Yes")
    assert len(asked) == 2


def test_the_answer_after_try_again_is_announced(demo: Demo, watched: Watched) -> None:
    page = watched.page
    _reply(page, demo.shop, {"status": 502, "error": "processing_error", "message": "The assistant could not answer."}, "It costs nothing [1].")
    page.goto(demo.shop)
    ask(watched, "First")
    heard = page.get_by_role("status").last
    expect(heard).to_have_text("The assistant could not answer.")
    page.get_by_role("button", name="Try again").click()
    expect(heard).to_contain_text("It costs nothing.")


def test_only_what_is_cited_is_a_source_and_a_number_without_one_is_left_out(demo: Demo, watched: Watched) -> None:
    page = watched.page
    _reply(page, demo.shop, "Yes [1][1]. No [3].", "Nothing to cite.")
    page.goto(demo.shop)
    ask(watched, "First")
    answer = page.get_by_role("article", name="AI assistant").last
    expect(answer.get_by_role("link")).to_have_count(1)
    expect(answer.locator(".text")).to_have_text("Yes11. No.")
    assert _box(answer.locator(".about strong"))["height"] == pytest.approx(2 * 13 * 1.42, abs=1.5)  # two lines

    _rest(page)
    # Targets of 24 px, also side by side (the outer pixel belongs to rounding).
    for chip in answer.locator(".cite").all():
        box = _box(chip)
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for dx, dy in ((-11, 0), (11, 0), (0, -11), (0, 11)):
            hit = chip.evaluate("(node, [x, y]) => node.getRootNode().elementFromPoint(x, y) === node", [x + dx, y + dy])
            assert hit, (box, dx, dy)

    ask_again = page.get_by_role("textbox")
    ask_again.fill("Second")
    ask_again.press("Enter")
    expect(answer).to_contain_text("Nothing to cite.")
    expect(page.get_by_role("group", name="Sources")).to_have_count(1)


def test_an_empty_panel_has_one_left_edge_and_a_full_field_keeps_its_border_free(demo: Demo, watched: Watched) -> None:
    page = watched.page
    page.goto(demo.shop)
    page.get_by_role("button", name="Ask us").click()
    expect(page.get_by_role("textbox")).to_be_focused()
    _rest(page)
    assert _box(page.get_by_role("dialog").get_by_role("heading"))["x"] == _box(page.locator(".greeting"))["x"]
    field = page.get_by_role("textbox")
    field.fill("one line\n" * 30)
    assert _box(field)["height"] == 132
    assert "linear-gradient" in field.evaluate("(node) => getComputedStyle(node).maskImage")


def test_the_time_is_written_as_in_the_language(demo: Demo, watched: Watched) -> None:
    page = watched.page
    page.clock.install(time="2026-03-01T02:24:00")
    _reply(page, demo.shop, "Yes [1].")
    page.goto(demo.shop)
    ask(watched, "First")
    expect(page.get_by_role("time").first).to_have_text("2:24 AM")


def test_the_launcher_covers_no_words_of_the_first_screen(demo: Demo, watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(demo.shop)
    launcher = _box(page.get_by_role("button", name="Ask us"))
    fact = _box(page.locator(".facts li").last)
    assert fact["x"] + fact["width"] <= launcher["x"]
