"""The panel in other languages: which one, from which side, in which words."""

import os
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Demo, Watched
from tests.browser.test_panel import _box, _reply, _rest

_QUESTION = "Where is it? `npm ci` 12"
_ARABIC = "يصل الطلب خلال `2` يومين [1].\n\n```js\nconst days = 2;\n```"
# Boxes that hold more than they show.
_TOO_WIDE = """(dialog) => [...dialog.querySelectorAll('*')]
    .filter((one) => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline')
    .map((one) => one.className)"""


def _configure(page: Page, **settings: Any) -> None:
    """Give the demo's widget other public settings; the demo's own words are gone."""

    def fulfil(route: Route) -> None:
        answer = route.fetch()
        config: dict[str, Any] = answer.json()
        own = {"title": "", "greeting": "", "disclosure": "", "suggestions": [], "launcher": {**config["launcher"], "label": None}}
        route.fulfill(response=answer, json={**config, **own, **settings})

    page.route("**/config", fulfil)


def _open(page: Page) -> None:
    page.locator("button.launcher").click()
    expect(page.get_by_role("textbox")).to_be_focused()
    _rest(page)


def _keep(page: Page, name: str) -> None:
    """A picture for the eye, when one is wanted."""
    if folder := os.environ.get("CHATKEEP_TEST_PICTURES"):
        _rest(page)
        page.screenshot(path=f"{folder}/{name}.png", clip={"x": 860, "y": 120, "width": 420, "height": 740})


@pytest.mark.parametrize(
    ("locale", "direction", "field", "send", "greeting", "wait"),
    [
        ("de-CH", "ltr", "Nachricht schreiben", "Senden", "Wie kann ich Ihnen helfen?", "Noch 1:0"),
        ("ar", "rtl", "كتابة رسالة", "إرسال", "كيف يمكنني مساعدتك؟", "يمكنك الكتابة مجددًا بعد 1:0"),
        ("ja", "ltr", "メッセージを書く", "送信", "どのようなご用件でしょうか？", "1:0"),
    ],
)
def test_everything_is_said_in_the_language_of_the_widget(
    demo: Demo, watched: Watched, locale: str, direction: str, field: str, send: str, greeting: str, wait: str
) -> None:
    page = watched.page
    _configure(page, locale=locale)
    _reply(page, demo.shop, {"status": 429, "error": "rate_limit_exceeded", "retry_after": 65})
    page.goto(f"{demo.shop}/strict")
    _open(page)
    dialog = page.get_by_role("dialog")
    assert dialog.evaluate("(node) => getComputedStyle(node).direction") == direction
    assert dialog.evaluate("(node) => node.closest('[lang]').lang") == locale
    expect(dialog).to_contain_text(greeting)
    expect(page.get_by_role("button", name=send)).to_be_visible()
    _keep(page, f"{locale}-greeting")
    page.get_by_role("textbox", name=field).fill(_QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("timer")).to_contain_text(wait)
    _keep(page, f"{locale}-limited")
    # Not a word of English is left, but what the visitor wrote.
    said = dialog.inner_text().replace(_QUESTION, "").replace("req_1", "")
    assert not {"the", "you", "message", "again", "Reference", "assistant"} & set(said.split())
    assert watched.csp_reports() == []


def test_an_arabic_panel_is_mirrored_but_code_is_not(demo: Demo, watched: Watched) -> None:
    page = watched.page
    _configure(page, locale="ar")
    _reply(page, demo.shop, _ARABIC)
    page.goto(demo.shop)
    _open(page)
    page.get_by_role("textbox").fill("متى يصل طلبي؟")
    page.keyboard.press("Enter")
    expect(page.locator("pre")).to_be_visible()
    expect(page.get_by_role("button", name="نسخ الإجابة")).to_be_visible()
    _keep(page, "ar-answered")
    panel = _box(page.get_by_role("dialog"))
    middle = panel["x"] + panel["width"] / 2
    assert _box(page.locator(".said"))["x"] < middle - 100
    assert _box(page.get_by_role("button", name="إغلاق الدردشة").first)["x"] < middle
    assert _box(page.locator("button.send"))["x"] < middle
    direction = "(node) => getComputedStyle(node).direction"
    assert page.locator(".text").evaluate(direction) == "rtl"
    assert page.locator("pre").evaluate(direction) == "ltr"
    assert page.locator(".text p code").evaluate(direction) == "ltr"
    assert page.locator("#ck-title").evaluate("(node) => getComputedStyle(node).letterSpacing") in ("0px", "normal")


def test_the_owners_texts_go_over_the_language(demo: Demo, watched: Watched) -> None:
    page = watched.page
    texts = {"default": {"placeholder": "Frag los …", "open": "Hilfe"}, "de": {"hello": "Servus!", "send": "<b>Los</b>"}, "fr": {"hello": "Salut"}}
    _configure(page, locale="de", features={"texts": texts})
    page.goto(demo.shop)
    _open(page)
    expect(page.locator(".greeting")).to_have_text("Servus!")
    expect(page.get_by_role("textbox", name="Nachricht schreiben")).to_have_attribute("placeholder", "Frag los …")
    expect(page.get_by_role("button", name="<b>Los</b>")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("button.launcher")).to_have_attribute("aria-label", "Hilfe")


def test_what_the_element_says_goes_first_then_the_page_then_the_visitor(demo: Demo, browser: Browser) -> None:
    context = browser.new_context(locale="sv-SE")
    page = context.new_page()
    _configure(page, locale="auto")

    def panel_of(html_lang: str, own: str) -> str | None:
        page.goto(demo.shop)
        page.evaluate("([lang, own]) => { document.documentElement.lang = lang; document.querySelector('chatkeep-widget').lang = own }", [html_lang, own])
        page.locator("button.launcher").click()
        expect(page.get_by_role("textbox")).to_be_visible()
        return page.get_by_role("textbox").get_attribute("aria-label")

    assert panel_of("pl", "de") == "Nachricht schreiben"
    assert panel_of("pl", "") == "Napisz wiadomość"
    assert panel_of("tlh", "") == "Skriv ett meddelande"
    assert panel_of("en", "") == "Write a message"
    context.close()


def test_an_open_panel_follows_the_element_into_another_language(demo: Demo, watched: Watched) -> None:
    page = watched.page
    _configure(page, locale="en")
    _reply(page, demo.shop, {"status": 500, "error": "processing_error"})
    page.goto(demo.shop)
    _open(page)
    page.get_by_role("textbox").fill(_QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.locator("chatkeep-widget").evaluate("(node) => node.setAttribute('locale', 'he')")
    expect(page.get_by_role("button", name="ניסיון נוסף")).to_be_visible()
    assert page.get_by_role("dialog").evaluate("(node) => getComputedStyle(node).direction") == "rtl"
    expect(page.locator("button.launcher")).to_have_attribute("aria-label", "סגירת הצ׳אט")
    page.locator("chatkeep-widget").evaluate("(node) => node.removeAttribute('locale')")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


@pytest.mark.parametrize("locale", ["he", "fa", "hi", "th", "zh-Hant", "ko", "ru", "fi", "el", "vi"])
def test_no_text_of_the_first_screen_is_cut_or_wider_than_the_panel(demo: Demo, watched: Watched, locale: str) -> None:
    page = watched.page
    _configure(page, locale=locale)
    _reply(page, demo.shop, {"status": 429, "error": "temporarily_blocked", "retry_after": 3 * 86_400})
    page.goto(demo.shop)
    _open(page)
    _keep(page, f"{locale}-greeting")
    page.get_by_role("textbox").fill(_QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("timer")).to_be_visible()
    _keep(page, f"{locale}-limited")
    assert page.get_by_role("dialog").evaluate(_TOO_WIDE) == []
