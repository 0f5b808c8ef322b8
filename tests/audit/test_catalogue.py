"""The catalogue of events is closed, and every refusal is exactly one of them."""

from dataclasses import fields

import pytest

from chatkeep.audit import event_for, event_types
from chatkeep.audit.catalogue import Event
from chatkeep.errors import Reason

# Spec: events-and-alerts, "Event catalogue". Types of later issues stay in the list.
SPECIFIED = {
    "info": "session_created session_refreshed session_ended session_swept pii_redacted chat_message_processed login_succeeded api_key_used_first",
    "notice": "widget_not_found invalid_widget_id rate_limit_exceeded message_too_long invalid_request idempotency_conflict challenge_failed",
    "warning": "invalid_session invalid_token invalid_proof identity_rejected session_stepped_up domain_not_allowed blocked block_created block_lifted "
    "suspicious_content output_withheld upload_rejected chat_error provider_failed provider_fell_back budget_exhausted "
    "login_failed login_locked mfa_failed api_key_rejected https_required csrf_rejected config_unsafe store_unavailable",
    "high": "token_reuse prompt_injection canary_leaked malware_found",
}
SEVERITY = {name: severity for severity, names in SPECIFIED.items() for name in names.split()}
ALIASES = {
    "SESSION_CREATED": "session_created",
    "INVALID_SESSION_ID": "invalid_session",
    "domain_mismatch": "domain_not_allowed",
    "CORS_BLOCKED": "domain_not_allowed",
    "SESSION_CLEANUP": "session_swept",
    "rate_limit": "rate_limit_exceeded",
    "RATE_LIMIT_EXCEEDED": "rate_limit_exceeded",
    "API_KEY_VALIDATION": "api_key_rejected",
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
    Reason.PROOF_REQUIRED: "invalid_proof",
    Reason.INVALID_PROOF: "invalid_proof",
    Reason.INVALID_IDENTITY: "identity_rejected",
    Reason.AUTHENTICATION_REQUIRED: "invalid_token",
    Reason.INVALID_ADMIN_TOKEN: "invalid_token",
    Reason.ADMIN_TOKEN_EXPIRED: "invalid_token",
    Reason.API_KEY_REJECTED: "api_key_rejected",
    Reason.API_KEY_IN_BROWSER: "api_key_rejected",
    Reason.INVALID_CREDENTIALS: "login_failed",
    Reason.PASSWORD_NOT_CONFIRMED: "login_failed",
    Reason.SECOND_FACTOR_REQUIRED: "mfa_failed",
    Reason.SECOND_FACTOR_WRONG: "mfa_failed",
    Reason.LOGIN_LOCKED: "login_locked",
    Reason.IDEMPOTENCY_IN_PROGRESS: "idempotency_conflict",
    Reason.IDEMPOTENCY_KEY_REUSED: "idempotency_conflict",
    Reason.TEMPORARILY_BLOCKED: "blocked",
    Reason.KEY_SET_UNAVAILABLE: "identity_rejected",
    Reason.RATE_LIMIT_EXCEEDED: "rate_limit_exceeded",
    Reason.SIGN_IN_BUSY: "rate_limit_exceeded",
    Reason.PROCESSING_ERROR: "chat_error",
    Reason.PROCESSING_TIMEOUT: "chat_error",
    Reason.SERVICE_UNAVAILABLE: "store_unavailable",
    Reason.INSUFFICIENT_STORAGE: "store_unavailable",
    Reason.INTERNAL_SERVER_ERROR: "chat_error",
}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_recorded_as_exactly_one_event(reason: Reason) -> None:
    event = event_for(reason, length=1, limit_type="per_minute", referer="https://evil.example", cause="expired")
    assert event.type == EVENT_OF.get(reason, "invalid_request")
    assert event == event_for(reason, length=1, limit_type="per_minute", referer="https://evil.example", cause="expired")
    # What each says beside its type; all others say which reason it was.
    details = {
        "rate_limit_exceeded": {"limit_type": "sign_in_line" if reason is Reason.SIGN_IN_BUSY else "per_minute", "would_refuse": False},
        "message_too_long": {"length": 1},
        "domain_not_allowed": {"referer": "https://evil.example"},
        "identity_rejected": {"cause": "key_set_unavailable" if reason is Reason.KEY_SET_UNAVAILABLE else "expired"},
        **{name: {} for name in ("invalid_widget_id", "widget_not_found", "https_required", "blocked", "login_failed", "login_locked")},
        **{name: {"cause": "expired"} for name in ("mfa_failed", "api_key_rejected")},
    }
    assert event.details() == details.get(event.type, {"reason": reason.value})


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
    codes = {
        "reason",
        "limit_type",
        "provider",
        "finish_reason",
        "failure",
        "setting",
        "cause",
        "changed",
        "kind",
        "block_id",
        "user_id",
        "key_id",
        "referer",
        "code",
        "host",
        "model",
    }
    numbers = {"length", "message_length", "answer_length", "ended", "seconds", "status"}
    flags = {"would_refuse", "is_automatic", "is_resumed"}
    kinds = {**dict.fromkeys(codes, "str"), **dict.fromkeys(numbers, "int"), **dict.fromkeys(flags, "bool")}
    found = {
        (field.name, str(getattr(field.type, "__name__", field.type)).removesuffix(" | None")) for event in Event.__subclasses__() for field in fields(event)
    }
    assert found == set(kinds.items())


def test_what_needs_an_eye_at_once_is_an_alarm_and_good_news_is_none() -> None:
    # Spec: events-and-alerts, "Alert rules": these open an alert at once, so they may never be folded into a lower severity.
    assert {event.type for event in event_types().values() if event.severity == "high"} == {"token_reuse"}
    assert {event.type for event in event_types().values() if event.severity == "info"} == {
        "session_created", "session_refreshed", "session_ended", "session_swept", "chat_message_processed", "login_succeeded",
        "api_key_used_first",
    }  # fmt: skip
