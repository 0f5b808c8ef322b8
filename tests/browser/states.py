"""Every state that a visitor can see, by name, and how a real visitor gets there.

One state has no gateway behind it yet: budgets are not there, so ``budget-exhausted`` answers as the
specification says. Everything else is what the real gateway does.
"""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

from tests.browser.places import Visit

Reach = Callable[[Visit], None]
STATES: dict[str, Reach] = {}


def state(reach: Reach) -> Reach:
    """Put *reach* into the catalogue under its name, with hyphens."""
    STATES[reach.__name__.strip("_").replace("_", "-")] = reach
    return reach


def _start(visit: Visit, **settings: Any) -> None:
    visit.arrive(**settings)
    visit.open()


@state
def closed(visit: Visit) -> None:
    visit.arrive()


@state
def greeting(visit: Visit) -> None:
    _start(visit)
    expect(visit.page.get_by_role("list", name="Suggested questions")).to_be_visible()


@state
def empty(visit: Visit) -> None:
    _start(visit, greeting="", suggestions=[])
    expect(visit.page.get_by_text("How can I help you?")).to_be_visible()


@state
def typing(visit: Visit) -> None:
    _start(visit)
    visit.ask("slow-first")
    expect(visit.answer).to_have_attribute("aria-busy", "true")


@state
def still_working(visit: Visit) -> None:
    visit.page.clock.install()
    _start(visit)
    visit.ask("slow-first")
    expect(visit.answer).to_have_attribute("data-phase", "waiting")
    visit.page.clock.run_for(8500)
    expect(visit.answer).to_contain_text("Still working on it")


@state
def streaming(visit: Visit) -> None:
    _start(visit)
    visit.ask("words-2000-30")
    expect(visit.answer).to_contain_text("word3")
    expect(visit.page.get_by_role("button", name="Stop")).to_be_visible()


@state
def stopped(visit: Visit) -> None:
    streaming(visit)
    visit.page.get_by_role("button", name="Stop").click()
    expect(visit.answer.get_by_text("Stopped")).to_be_visible()


@state
def done(visit: Visit) -> None:
    _start(visit)
    visit.answered()


@state
def failed(visit: Visit) -> None:
    _start(visit)
    visit.ask("500")
    expect(visit.answer).to_contain_text("Reference")
    expect(visit.page.get_by_role("button", name="Try again")).to_be_enabled()


@state
def offline(visit: Visit) -> None:
    done(visit)
    visit.field.fill("And to Iceland?")
    visit.page.context.set_offline(True)
    expect(visit.page.get_by_text("You are offline")).to_be_visible()
    expect(visit.page.get_by_role("button", name="Send")).to_be_disabled()


@state
def connection_lost(visit: Visit) -> None:
    _start(visit)
    visit.page.route("**/api/chat", lambda route: route.abort("connectionreset"))
    visit.ask("Do you ship to Norway?")
    expect(visit.answer).to_contain_text("Connecting again")
    visit.page.context.set_offline(True)
    expect(visit.page.get_by_text("You are offline")).to_be_visible()


@state
def rate_limited(visit: Visit) -> None:
    _start(visit, limits={"interval_ms": 0, "per_minute": 1})
    visit.answered("echo Yes, we do.")
    visit.ask("And to Iceland?")
    expect(visit.page.get_by_role("timer")).to_contain_text("You can write again in 0:")
    expect(visit.page.get_by_role("button", name="Try again")).to_have_count(0)
    expect(visit.answer.get_by_text("Reference")).to_have_count(0)


@state
def blocked(visit: Visit) -> None:
    _start(visit)
    visit.answered("echo Yes, we do.")
    visit.site.block_session(visit.session_id, 5)
    visit.ask_until(visit.page.get_by_text("Sending is paused for a while."))
    expect(visit.page.get_by_role("timer")).to_contain_text("You can write again in 4:")


@state
def blocked_for_good(visit: Visit) -> None:
    _start(visit)
    visit.answered("echo Yes, we do.")
    visit.site.block_session(visit.session_id, None)
    visit.ask_until(visit.page.get_by_text("You cannot write in this chat."))
    expect(visit.page.get_by_role("timer")).to_have_count(0)
    expect(visit.field).to_have_count(0)


@state
def paused(visit: Visit) -> None:
    _start(visit)
    visit.answered("echo Yes, we do.")
    visit.site.pause(visit.widget_id)
    visit.ask_until(visit.page.get_by_text("This chat is switched off at the moment."))
    expect(visit.field).to_have_count(0)
    # An answer that was being made at that moment broke off, and says so itself.
    expect(visit.answer.get_by_role("button", name="Try again")).to_have_count(0)


@state
def budget_exhausted(visit: Visit) -> None:
    def refuse(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.fallback()
            return
        message = "The assistant has reached its limit for now. Please come back later."
        usage = {"messages_remaining_today": 0, "reset_at": "2030-01-16T00:00:00Z"}
        envelope = {"success": False, "error": "budget_exhausted", "message": message, "request_id": "req_1", "retry_after": 40_000, "usage": usage}
        route.fulfill(status=429, headers={"Access-Control-Allow-Origin": visit.site.url}, json=envelope)

    _start(visit)
    visit.page.route("**/api/chat", refuse)
    visit.ask("Do you ship to Norway?")
    expect(visit.page.get_by_role("timer")).to_contain_text("Available again: January 1")
    expect(visit.page.get_by_role("button", name="Try again")).to_have_count(0)


@state
def expired(visit: Visit) -> None:
    _start(visit)
    visit.answered("echo Yes, we do.")
    visit.site.end_session(visit.session_id)
    visit.ask_until(visit.page.get_by_text("The earlier one has ended"))
    expect(visit.page.get_by_role("article", name="You").first).to_contain_text("echo Yes, we do.")


@state
def consent(visit: Visit) -> None:
    _start(visit, features={"consent": {"link": "https://pellwick.example/privacy"}})
    expect(visit.page.get_by_role("button", name="I agree")).to_be_visible()
    expect(visit.page.get_by_role("list", name="Suggested questions")).to_have_count(0)


@state
def consent_declined(visit: Visit) -> None:
    consent(visit)
    visit.page.get_by_role("button", name="No, thanks").click()
    expect(visit.page.get_by_text("The chat needs your consent.")).to_be_visible()


@state
def menu(visit: Visit) -> None:
    done(visit)
    visit.page.get_by_role("button", name="Menu").click()
    expect(visit.page.get_by_role("button", name="New conversation")).to_be_focused()


@state
def erase_asked(visit: Visit) -> None:
    menu(visit)
    visit.page.get_by_role("button", name="End chat and erase").click()
    expect(visit.page.get_by_text("This cannot be undone")).to_be_visible()


@state
def ended(visit: Visit) -> None:
    erase_asked(visit)
    visit.page.get_by_role("button", name="End chat and erase").click()
    expect(visit.page.get_by_text("The chat has ended and was erased.").first).to_be_visible()
    expect(visit.page.get_by_role("article")).to_have_count(0)


@state
def commenting(visit: Visit) -> None:
    done(visit)
    visit.page.get_by_role("button", name="Bad answer").click()
    expect(visit.page.get_by_role("textbox", name="What could be better?")).to_be_focused()


@state
def rated(visit: Visit) -> None:
    done(visit)
    visit.page.get_by_role("button", name="Good answer").click()
    expect(visit.answer.get_by_text("Thank you for your feedback.")).to_be_visible()


@state
def changing(visit: Visit) -> None:
    done(visit)
    visit.page.get_by_role("button", name="Change the message").click()
    expect(visit.page.get_by_role("textbox", name="Change the message")).to_be_focused()


@state
def changed(visit: Visit) -> None:
    changing(visit)
    visit.page.get_by_role("textbox", name="Change the message").fill("echo And to Iceland?")
    visit.page.get_by_role("button", name="Send again").click()
    expect(visit.answer).to_contain_text("And to Iceland?")
    expect(visit.page.get_by_text("Changed:")).to_be_visible()


@state
def masked(visit: Visit) -> None:
    _start(visit)
    visit.answered("echo My card is 4111 1111 1111 1111, what now?")
    expect(visit.page.get_by_text("•••• •••• •••• 1111")).to_be_visible()


@state
def unread(visit: Visit) -> None:
    _start(visit)
    visit.ask("words-30-20")
    expect(visit.answer).to_contain_text("word2")
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_role("button", name="1 new message")).to_be_visible()


@state
def too_long(visit: Visit) -> None:
    _start(visit, limits={"message_length": 60, "interval_ms": 0})
    visit.field.fill("This message is a little longer than what the owner of the shop allows.")
    expect(visit.page.get_by_text("characters too many")).to_be_visible()
