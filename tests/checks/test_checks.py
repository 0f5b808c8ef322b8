"""Each check: what it refuses, what it warns of, and that it says so without a value."""

import os
import pkgutil
from pathlib import Path

import pytest

from chatkeep import checks
from chatkeep.checks import refuse_errors, run_checks
from chatkeep.errors import Misconfigured
from chatkeep.settings import load_settings
from tests.servers import SECRET

GOOD = {
    "CHATKEEP_SECRET_KEY": SECRET,
    "CHATKEEP_PUBLIC_URL": "https://chat.example",
    "CHATKEEP_WIDGET_URL": "https://frame.example",
    "CHATKEEP_DATABASE_URL": "postgresql://user:password@db.example/chatkeep",
}
DEVELOPMENT = {"CHATKEEP_ENV": "development"}
MODEL = {"CHATKEEP_OPENAI_MODEL": "m"}
CANARY = "canary7f3a"

ERRORS = (
    ({"CHATKEEP_SECRET_KEY": ""}, "secret_key"),
    ({"CHATKEEP_SECRET_KEY": "short"}, "secret_key"),
    ({"CHATKEEP_SECRET_KEY": "a" * 64}, "secret_key"),
    ({"CHATKEEP_SECRET_KEY": "change-me-" + SECRET}, "secret_key"),
    ({"CHATKEEP_SECRET_KEY_PREVIOUS": SECRET}, "secret_key_previous"),
    ({"CHATKEEP_SECRET_KEY_PREVIOUS": f"{SECRET[::-1]},{CANARY}"}, "secret_key_previous"),
    ({"CHATKEEP_WIDGET_TOKEN_SECRET": CANARY}, "widget_token_secret"),
    ({"CHATKEEP_ADMIN_JWT_SECRET": CANARY}, "admin_jwt_secret"),
    ({"CHATKEEP_SMTP_HOST": "mail.example", "CHATKEEP_FROM_EMAIL": ""}, "from_email"),
    ({"CHATKEEP_SMTP_HOST": "mail.example", "CHATKEEP_FROM_EMAIL": CANARY}, "from_email"),
    ({"CHATKEEP_EGRESS_PRIVATE": CANARY}, "egress_private"),
    ({"CHATKEEP_PUBLIC_URL": ""}, "public_url"),
    ({"CHATKEEP_PUBLIC_URL": "http://chat.example"}, "public_url"),
    ({"CHATKEEP_PUBLIC_URL": f"https://chat.example/{CANARY}"}, "public_url"),
    ({"CHATKEEP_PUBLIC_URL": CANARY}, "public_url"),
    ({"CHATKEEP_PUBLIC_URL": "https://chat.example,https://Chat.Example"}, "public_url"),
    ({"CHATKEEP_WIDGET_URL": "http://frame.example"}, "widget_url"),
    ({"CHATKEEP_WIDGET_URL": f"https://frame.example/{CANARY}"}, "widget_url"),
    ({"CHATKEEP_WIDGET_URL": "https://frame.example,https://chat.example"}, "widget_url"),
    ({"CHATKEEP_DATABASE_URL": f"mysql://{CANARY}@db.example/x"}, "database_url"),
    ({"CHATKEEP_DATABASE_URL": CANARY}, "database_url"),
    ({"CHATKEEP_DATABASE_URL": f"postgresql://u:{CANARY}@db.example:port/x"}, "database_url"),
    ({"CHATKEEP_DATABASE_URL": f"postgresql://u:{CANARY}@db.example"}, "database_url"),
    ({"CHATKEEP_DATABASE_URL": "sqlite://"}, "database_url"),
    ({"CHATKEEP_ALLOWED_ORIGINS": "*"}, "allowed_origins"),
    ({"CHATKEEP_ALLOWED_ORIGINS": "https://*.shop.example"}, "allowed_origins"),
    ({"CHATKEEP_ALLOWED_ORIGINS": f"https://shop.example,https://{CANARY}.example/path"}, "allowed_origins"),
    ({"CHATKEEP_ALLOWED_ORIGINS": "shop.example"}, "allowed_origins"),
    ({"CHATKEEP_ALLOWED_ORIGINS": "null"}, "allowed_origins"),
    ({"CHATKEEP_ALLOWED_ORIGINS": "http://shop.example"}, "allowed_origins"),
    ({"CHATKEEP_ALLOWED_ORIGINS": "http://localhost:8001"}, "allowed_origins"),
    ({"CHATKEEP_TRUSTED_PROXIES": CANARY}, "trusted_proxies"),
    ({"CHATKEEP_TRUSTED_PROXIES": "10.0.0.0/8,10.0.0.0/33"}, "trusted_proxies"),
    ({"CHATKEEP_WORKERS": "2"}, "workers"),
    ({"CHATKEEP_REDIS_URL": f"redis://:{CANARY}@r.example"}, "redis_url"),
    ({"CHATKEEP_OPENAI_API_KEY": CANARY}, "openai_model"),
    ({"CHATKEEP_OPENAI_BASE_URL": "http://localhost:11434/v1"}, "openai_model"),
    *(
        ({**MODEL, "CHATKEEP_OPENAI_BASE_URL": url}, "openai_base_url")
        for url in ("https://a..b/v1", f"{CANARY}:11434/v1", f"ftp://{CANARY}/v1", "https://", f"https://u:{CANARY}@h/v1")
    ),
)
WARNINGS = (
    ({"CHATKEEP_SECRET_KEY_PREVIOUS": SECRET[::-1]}, "secret_key_previous"),
    ({"CHATKEEP_WIDGET_URL": ""}, "widget_url"),
    ({"CHATKEEP_WIDGET_URL": "https://chat.example"}, "widget_url"),
    ({"CHATKEEP_WIDGET_URL": "https://chat.example:8443/"}, "widget_url"),
    ({"CHATKEEP_DATABASE_URL": ""}, "database_url"),
    ({"CHATKEEP_DATABASE_URL": "sqlite:///data/chatkeep.db"}, "database_url"),
    ({"CHATKEEP_TRUSTED_PROXIES": "0.0.0.0/0"}, "trusted_proxies"),
    ({"CHATKEEP_TRUSTED_PROXIES": "::/0"}, "trusted_proxies"),
    ({"CHATKEEP_SECRETKEY": CANARY}, "CHATKEEP_SECRETKEY"),
    ({**MODEL, "CHATKEEP_OPENAI_BASE_URL": f"https://{CANARY}.example/v1/chat/completions"}, "openai_base_url"),
    ({**MODEL, "CHATKEEP_OPENAI_BASE_URL": f"https://{CANARY}.example/v1/chat/completions/"}, "openai_base_url"),
)


def test_a_good_configuration_has_no_findings() -> None:
    assert run_checks(load_settings(GOOD)) == []
    more = {"CHATKEEP_ALLOWED_ORIGINS": "https://shop.example, https://blog.example:8443", "CHATKEEP_TRUSTED_PROXIES": "10.0.0.0/8,::1,192.0.2.1"}
    assert run_checks(load_settings({**GOOD, **more, "CHATKEEP_OPENAI_API_KEY": "x", "CHATKEEP_OPENAI_MODEL": "m"})) == []


@pytest.mark.parametrize(("changes", "setting"), ERRORS)
def test_what_is_unsafe_stops_the_start_by_its_name(changes: dict[str, str], setting: str) -> None:
    findings = run_checks(load_settings({**GOOD, **changes}))
    assert [(finding.severity, finding.setting) for finding in findings] == [("error", setting)]
    said = findings[0].message
    assert f"CHATKEEP_{setting.upper()}" in said
    assert len(said.splitlines()) == 1
    assert CANARY not in said
    with pytest.raises(Misconfigured, match=f"CHATKEEP_{setting.upper()}"):
        refuse_errors(findings)


@pytest.mark.parametrize(("changes", "setting"), WARNINGS)
def test_what_could_be_better_is_said_and_let_be(changes: dict[str, str], setting: str) -> None:
    findings = run_checks(load_settings({**GOOD, **changes}))
    assert [(finding.severity, finding.setting) for finding in findings] == [("warning", setting)]
    assert CANARY not in findings[0].message
    refuse_errors(findings)


def test_errors_come_first() -> None:
    findings = run_checks(load_settings({"CHATKEEP_WORKERS": "2", "CHATKEEP_TRUSTED_PROXIES": "0.0.0.0/0", "CHATKEEP_X": "x"}))
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities)
    assert severities.count("error") == 3


def test_development_needs_nothing_and_takes_loopback() -> None:
    assert run_checks(load_settings(DEVELOPMENT)) == []
    assert run_checks(load_settings({**DEVELOPMENT, "CHATKEEP_ALLOWED_ORIGINS": "http://localhost:8001", "CHATKEEP_PUBLIC_URL": "http://localhost:8000"})) == []


@pytest.mark.parametrize(
    "changes",
    [{"CHATKEEP_SECRET_KEY": "short"}, {"CHATKEEP_ALLOWED_ORIGINS": "*"}, {"CHATKEEP_ALLOWED_ORIGINS": "http://shop.example"}, {"CHATKEEP_WORKERS": "2"}],
)
def test_development_relaxes_nothing_else(changes: dict[str, str]) -> None:
    assert [finding.severity for finding in run_checks(load_settings({**DEVELOPMENT, **changes}))] == ["error"]


@pytest.mark.parametrize(("mode", "count"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o444, 1), (0o604, 1)])
def test_a_secret_file_that_others_can_read_is_a_warning(tmp_path: Path, mode: int, count: int) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(mode)
    environ = {name: value for name, value in GOOD.items() if name != "CHATKEEP_SECRET_KEY"}
    findings = run_checks(load_settings({**environ, "CHATKEEP_SECRET_KEY_FILE": str(path)}))
    assert [(finding.severity, finding.setting) for finding in findings] == [("warning", "secret_key")] * count


@pytest.mark.parametrize("below", ["", "/", "/new", "/new/newer"])
def test_a_data_folder_that_cannot_be_made_is_an_error_where_one_is_needed(tmp_path: Path, below: str) -> None:
    (tmp_path / CANARY).write_text("no folder")
    folder = {"CHATKEEP_DATA_DIR": f"{tmp_path / CANARY}{below}"}
    for environ in ({**DEVELOPMENT, **folder}, {**DEVELOPMENT, **folder, "CHATKEEP_DATABASE_URL": GOOD["CHATKEEP_DATABASE_URL"]}):
        findings = run_checks(load_settings(environ))
        assert [(finding.severity, finding.setting, CANARY in finding.message) for finding in findings] == [("error", "data_dir", False)]
    assert run_checks(load_settings({**GOOD, **folder})) == []


def test_a_data_folder_that_this_user_may_not_write_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere: what the system would say to another user.
    monkeypatch.setattr(os, "access", lambda path, mode: (Path(path), mode) != (tmp_path, os.W_OK | os.X_OK))
    findings = run_checks(load_settings({**DEVELOPMENT, "CHATKEEP_DATA_DIR": str(tmp_path / "new")}))
    assert [(finding.severity, finding.setting) for finding in findings] == [("error", "data_dir")]
    assert list(tmp_path.iterdir()) == []


def test_several_errors_are_told_as_the_first_of_them() -> None:
    with pytest.raises(Misconfigured) as alone:
        refuse_errors(run_checks(load_settings({**GOOD, "CHATKEEP_WORKERS": "2"})))
    assert "chatkeep check" not in str(alone.value)
    with pytest.raises(Misconfigured, match=r"\(`chatkeep check` lists all findings\)$"):
        refuse_errors(run_checks(load_settings({**GOOD, "CHATKEEP_WORKERS": "2", "CHATKEEP_PUBLIC_URL": ""})))


def test_every_file_of_the_package_is_a_check_and_is_asked() -> None:
    names = {module.name for module in pkgutil.iter_modules(checks.__path__)}
    assert names == {
        "data_folder",
        "database",
        "egress",
        "files",
        "mail",
        "origins",
        "processes",
        "provider",
        "provider_address",
        "proxies",
        "public_url",
        "secret_key",
        "widget_url",
    }
