"""Hostile texts from every side, in a real browser on a page that forbids nothing: nothing runs, nothing is fetched.

What would run or load is also reported, as the page has the strict policy of the spec in its report-only form.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from playwright.sync_api import Route

from tests.browser.host_site import Stage, staged
from tests.browser.hostile.cases import hostile_cases
from tests.browser.hostile.victim import Victim, put_page, victim
from tests.cast import ROOMY

__all__ = ["victim"]  # a fixture
# What the gateway takes of a visitor: longer texts, and piles of combining marks, come from the model alone.
_LONGEST = 7900
_PILE = "\u0300" * 40
_BATCH = 50


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A gateway whose model says the hostile text that is asked for by number."""
    # Six hundred questions at once: all limits only note what they would refuse.
    settings = {"limits": {**ROOMY["limits"], "message_length": 8000}, "shadow": ["visitor", "session", "conversation"]}
    with staged(tmp_path_factory.mktemp("hostile"), model="by-question", settings=settings) as stage:
        put_page(stage)
        yield stage


def test_the_watch_sees_what_it_is_there_for(victim: Victim, stage: Stage) -> None:
    """Without this, a canary that never sings would look like safety."""
    victim.visit()
    victim.page.evaluate(
        """async () => {
            const bad = document.createElement('div');
            bad.innerHTML = '<img src=https://evil.example/x onerror=hit()><a href="javascript:hit()">x</a><iframe></iframe>';
            document.querySelector('chatkeep-widget').shadowRoot.firstElementChild.append(bad);
            for (let turn = 0; turn < 1000 && !hits.length; turn++) await new Promise((next) => setTimeout(next));
        }"""
    )
    harm = victim.harm()
    assert harm["hits"] == ["hit "]
    assert harm["foreign requests"] == ["https://evil.example/x"]
    assert {"<img>", "<img onerror=hit()>", "<iframe>", '<a href="javascript:hit()">x</a>'} <= set(harm["nodes"])
    assert len(harm["reports"]) >= 2
    assert harm["frames, workers, windows"]


def test_hostile_questions_and_answers_are_only_text(victim: Victim, stage: Stage) -> None:
    """Each text is asked by the visitor and comes back from the model, through the real gateway, every character in a chunk of its own."""
    cases = hostile_cases()
    victim.visit()
    sendable = [case.text if len(case.text) < _LONGEST and _PILE not in case.text else "" for case in cases]
    questions = [f"hostile-{number} {text}" for number, text in enumerate(sendable)]
    for start in range(0, len(questions), _BATCH):
        batch = questions[start : start + _BATCH]
        victim.ask(batch)
        assert victim.page.get_by_role("article", name="AI assistant").count() == len(batch)
        assert victim.harm() == {}
        victim.page.evaluate("() => Chatkeep.clear()")


def _stream(sources: Sequence[Mapping[str, Any]], text: str) -> str:
    events: list[tuple[str, Any]] = [
        ("start", {"message_id": "msg_1", "conversation_id": "conv_1"}),
        ("sources", sources),
        ("delta", {"text": text}),
        ("done", {"usage": {}, "finish_reason": "stop", "suggestions": [source["title"] for source in sources[:3]]}),
    ]
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


def test_hostile_sources_are_only_text_and_link_only_where_links_may_lead(victim: Victim, stage: Stage) -> None:
    """Titles, excerpts and addresses of citations, and suggestions, as a hostile gateway could send them."""
    cases = hostile_cases()
    batches = [cases[start : start + _BATCH] for start in range(0, len(cases), _BATCH)]
    answers = iter(batches)

    def fulfil(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.fallback()
            return
        sources = [{"index": n, "title": c.text, "excerpt": c.text, "url": c.address, "__proto__": {"x": 1}} for n, c in enumerate(next(answers), 1)]
        marks = "".join(f"[{source['index']}] " for source in sources)
        headers = {"Access-Control-Allow-Origin": stage.site.origin}
        route.fulfill(status=200, headers=headers, content_type="text/event-stream", body=_stream(sources, f"See {marks}"))

    victim.page.route("**/api/chat", fulfil)
    victim.visit()
    victim.ask(["Where is that written?"] * len(batches))
    assert victim.page.locator(".source").count() == len(cases)
    assert victim.harm() == {}


def test_hostile_settings_are_only_text(victim: Victim, stage: Stage) -> None:
    """Title, greeting, suggestions, disclosure, label and every other field of the public config."""
    texts = [case.text for case in hostile_cases()]
    batches = [texts[start : start + 10] for start in range(0, len(texts), 10)]
    configs = iter(_config(batch) for batch in batches)

    def fulfil(route: Route) -> None:
        route.fulfill(
            status=200,
            headers={"Access-Control-Allow-Origin": stage.site.origin, "Cache-Control": "no-store"},
            content_type="application/json",
            body=next(configs),
        )

    victim.visit()
    victim.page.route("**/config", fulfil)
    victim.page.on("request", lambda request: victim.foreign.append(request.url) if "leak" in request.url else None)
    for _ in batches:
        victim.mount()
        assert victim.harm() == {}


def _config(texts: Sequence[str]) -> str:
    """A public config that says *texts* wherever it can."""
    first, *_ = texts
    values = {f"--{name}": text for name, text in zip(("bg", "text", "fill", "ink", "accent", "font", "r"), texts, strict=False)}
    values |= {"--fill": "url(leak)", "--bg": "image-set('leak' 1x)", first: first}
    theme = {"scheme": first, "position": texts[-1], "shape": values, "light": values, "dark": values}
    config = {
        "title": texts[-1],
        "greeting": texts[-2],
        "disclosure": texts[-3],
        "launcher": {"label": texts[-4], "style": first, "icon": first},
        "suggestions": list(texts[:6]),
        "locale": first,
        "theme": theme,
        "limits": {"message_length": first, "interval_ms": first},
        "access_mode": first,
        "features": {first: True},
        "texts": {first: first, "send": first},
        "version": first,
    }
    # Not a key that Python can write twice: JSON.parse makes an own property of it, and a careless copy a prototype.
    return json.dumps(config)[:-1] + ', "__proto__": {"polluted": true, "title": "x"}, "constructor": {"prototype": {"polluted": true}}}'
