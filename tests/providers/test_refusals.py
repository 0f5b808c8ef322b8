"""What an operator learns when the model's server refuses: status and code, whom was asked, and never a message."""

import asyncio
import json

import pytest

from chatkeep.answer.consult import Consultation, NoAnswer, consult
from chatkeep.audit import Context, Recorder
from chatkeep.audit.catalogue import Event
from chatkeep.audit.catalogue import ProviderFailed as ProviderFailedEvent
from chatkeep.egress import Egress
from chatkeep.providers import Failure, ProviderFailed
from chatkeep.providers.openai import OpenAIProvider
from tests.providers.test_openai import KEY, alices_prompt, ask
from tests.providers.upstream import Upstream, upstream

__all__ = ["upstream"]


@pytest.mark.parametrize(("model", "status", "code"), [("401", 401, "some_error"), ("503", 503, "some_error"), ("429", 429, "some_error"), ("html", 200, None)])
def test_a_refusal_tells_status_and_code_and_nothing_else(upstream: Upstream, model: str, status: int, code: str | None) -> None:
    with pytest.raises(ProviderFailed) as caught:
        ask(upstream, model)
    assert (caught.value.status, caught.value.code) == (status, code)


REFUSALS = (
    ({"error": {"code": "model_not_found", "type": "invalid_request_error"}}, "model_not_found"),
    ({"error": {"code": None, "type": "invalid_request_error"}}, "invalid_request_error"),
    ({"error": {"code": 404, "type": "not-found.1"}}, "not-found.1"),
    ({"error": {"code": ["x"], "type": {"a": "b"}}}, None),
    ({"error": {"code": "The key sk-secret is wrong", "type": "a" * 61}}, None),
    ({"error": {"code": KEY, "type": f"bad.{KEY}"}}, None),
    ({"error": {"code": "a\nb", "type": "x\n"}}, None),
    ({"error": {"code": "late", "message": "x" * 5000}}, None),
    ({"error": "sk-secret"}, None),
    ({"error": None}, None),
    ({}, None),
    ([], None),
    ("[" * 4000, None),
)


@pytest.mark.parametrize(("body", "code"), REFUSALS)
def test_only_a_short_token_is_taken_from_a_refusal(upstream: Upstream, body: object, code: str | None) -> None:
    with pytest.raises(ProviderFailed) as caught:
        ask(upstream, "refusal", alices_prompt(body if isinstance(body, str) else json.dumps(body)))
    assert (caught.value.failure, caught.value.status, caught.value.code) == (Failure.REFUSED, 400, code)


def test_a_refusal_whose_body_never_comes_is_still_a_refusal(upstream: Upstream) -> None:
    with pytest.raises(ProviderFailed) as caught:
        ask(upstream, "refusal-stall")
    assert (caught.value.failure, caught.value.status, caught.value.code) == (Failure.REFUSED, 400, None)


def test_a_failure_is_recorded_with_whom_was_asked(upstream: Upstream) -> None:
    recorded: list[Event] = []

    class Notebook(Recorder):
        """Remembers the events themselves."""

        def __init__(self) -> None:
            """No store: nothing is written."""

        def record(self, event: Event, context: Context) -> None:
            recorded.append(event)

    async def run() -> None:
        egress = Egress()
        provider = OpenAIProvider(egress, base_url=upstream.base_url, api_key=KEY, model="401")
        with pytest.raises(NoAnswer):
            async for _ in consult([provider], alices_prompt(), Consultation(), Notebook(), Context()):
                pass
        await egress.close()

    asyncio.run(run())
    host = upstream.base_url.removeprefix("http://").removesuffix("/v1")
    assert recorded == [ProviderFailedEvent("openai", "refused", 401, "some_error", host, "401")]
