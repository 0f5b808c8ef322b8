"""The catalogue of events is closed, and every refusal is exactly one of them."""

from dataclasses import fields

import pytest

from chatkeep.audit import event_for, event_types
from chatkeep.audit.catalogue import Event
from chatkeep.errors import Reason

# Spec: events-and-alerts, "Event catalogue". Types of later issues stay in the list.
SPECIFIED = {
    "info": "session_created session_refreshed session_ended session_swept pii_redacted chat_message_processed",
    "notice": "widget_not_found invalid_widget_id rate_limit_exceeded message_too_long invalid_request idempotency_conflict challenge_failed",
    "warning": "invalid_session invalid_token invalid_proof identity_rejected session_stepped_up domain_not_allowed blocked block_created block_lifted "
    "suspicious_content output_withheld upload_rejected chat_error provider_failed provider_fell_back budget_exhausted "
    "https_required csrf_rejected config_unsafe store_unavailable",
    "high": "token_reuse prompt_injection canary_leaked malware_found",
}
SEVERITY = {name: severity for severity, names in SPECIFIED.items() for name in names.split()}
ALIASES = {
    "SESSION_CREATED": "session_created",
    "INVALID_SESSION_ID": "invalid_session",
    "domain_mismatch": "domain_not_allowed",
    "CORS_BLOCKED": "domain_not_allowed",
    "rate_limit": "rate_limit_exceeded",
    "RATE_LIMIT_EXCEEDED": "rate_limit_exceeded",
}
EVENT_OF = {
    Reason.INVALID_WIDGET_ID: "invalid_widget_id",
    Reason.MESSAGE_TOO_LONG: "message_too_long",
    Reason.HTTPS_REQUIRED: "https_required",
    Reason.DOMAIN_NOT_AUTHORIZED: "domain_not_allowed",
    Reason.WIDGET_NOT_FOUND: "widget_not_found",
    Reason.SESSION_REQUIRED: "invalid_session",
    Reason.INVALID_SESSION: "invalid_session",
    Reason.SESSION_REVOKED: "invalid_session",
    Reason.SESSION_EXPIRED: "invalid_session",
    Reason.TOKEN_EXPIRED: "invalid_token",
    Reason.RATE_LIMIT_EXCEEDED: "rate_limit_exceeded",
    Reason.PROCESSING_ERROR: "chat_error",
    Reason.PROCESSING_TIMEOUT: "chat_error",
    Reason.SERVICE_UNAVAILABLE: "store_unavailable",
    Reason.INSUFFICIENT_STORAGE: "store_unavailable",
    Reason.INTERNAL_SERVER_ERROR: "chat_error",
}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_recorded_as_exactly_one_event(reason: Reason) -> None:
    event = event_for(reason, length=1, limit_type="per_minute", referer="https://evil.example")
    assert event.type == EVENT_OF.get(reason, "invalid_request")
    assert event == event_for(reason, length=1, limit_type="per_minute", referer="https://evil.example")
    if event.type in {"invalid_request", "invalid_session", "invalid_token", "chat_error", "store_unavailable"}:
        assert event.details() == {"reason": reason.value}


def test_every_event_is_in_the_specification_with_its_severity() -> None:
    ours = {event.type: event.severity for event in event_types().values()}
    assert {name: SEVERITY.get(name) for name in ours} == ours


def test_the_specifications_aliases_are_understood() -> None:
    assert {alias: event_types()[alias].type for alias in ALIASES} == ALIASES


def test_no_two_events_share_a_name() -> None:
    classes = {event.type: event.__name__ for event in Event.__subclasses__()}
    names = [name for event in {event.__name__: event for event in Event.__subclasses__()}.values() for name in (event.type, *event.aliases)]
    assert len(names) == len(set(names))
    assert len(set(classes.values())) == len(classes)


def test_details_are_codes_lengths_and_counts_never_text_of_a_person() -> None:
    allowed = {"reason", "length", "limit_type", "referer", "provider", "message_length", "answer_length", "finish_reason", "failure", "setting"}
    assert {field.name for event in Event.__subclasses__() for field in fields(event)} <= allowed
