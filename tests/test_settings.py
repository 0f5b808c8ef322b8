"""Settings: own names, aliases, files, bad values. A value is never shown."""

from pathlib import Path

import pytest

from chatkeep.errors import Misconfigured
from chatkeep.settings import Settings, load_settings, setting_fields

# Spec: settings.md, the alias column, as far as this version has the setting.
ALIASES = {
    "BASE_URL": "public_url",
    "DATABASE_URL": "database_url",
    "REDIS_URL": "redis_url",
    "SECRET_KEY": "secret_key",
    "SESSION_SECRET": "secret_key",
    "WIDGET_TOKEN_SECRET": "widget_token_secret",
    "ADMIN_JWT_SECRET": "admin_jwt_secret",
    "ALLOWED_ORIGINS": "allowed_origins",
    "CORS_ORIGINS": "allowed_origins",
    "MAX_REQUESTS_PER_MINUTE": "limit_address_per_minute",
    "MAX_REQUESTS_PER_HOUR": "limit_address_per_hour",
    "DEFAULT_MAX_REQUESTS": "limit_default",
    "DEFAULT_RATE_LIMIT_WINDOW": "limit_default_window",
    "SESSION_MAX_AGE_HOURS": "session_max_age_hours",
    "AUTO_BLOCK_AFTER_WARNINGS": "auto_block_after_warnings",
    "COOLDOWN_PERIOD_MINUTES": "cooldown_period_minutes",
    "OPENAI_API_KEY": "openai_api_key",
    "OPENAI_BASE_URL": "openai_base_url",
    "OPENAI_MODEL": "openai_model",
    "SMTP_HOST": "smtp_host",
    "SMTP_PORT": "smtp_port",
    "SMTP_USER": "smtp_user",
    "SMTP_PASSWORD": "smtp_password",
    "FROM_EMAIL": "from_email",
    "PORT": "port",
    "LOG_LEVEL": "log_level",
}
GOOD = {"log_level": "debug", "session_max_age_hours": "7", "port": "9000"}
SECRETS = {"database_url", "redis_url", "secret_key", "secret_key_previous", "widget_token_secret", "admin_jwt_secret", "openai_api_key", "smtp_password"}
CANARY = "canary7f3a"


def good_value(name: str) -> str:
    """Something that the setting takes and that is not its default."""
    default = next(field.default for field in setting_fields() if field.name == name)
    return GOOD.get(name) or ("7" if isinstance(default, int) else "value")


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_an_alias_is_read_where_the_own_name_is_absent(alias: str, name: str) -> None:
    value = good_value(name)
    loaded = load_settings({alias: value})
    assert (str(getattr(loaded.settings, name)), loaded.sources[name]) == (value, alias)
    own = load_settings({alias: value, f"CHATKEEP_{name.upper()}": value.replace("7", "8")})
    assert own.sources[name] == f"CHATKEEP_{name.upper()}"


def test_no_alias_is_missing_from_the_table_or_read_twice() -> None:
    assert {alias: field.name for field in setting_fields() for alias in field.aliases} == ALIASES
    assert sum(len(field.aliases) for field in setting_fields()) == len(ALIASES)


def test_the_first_alias_wins() -> None:
    assert load_settings({"SECRET_KEY": "first", "SESSION_SECRET": "second"}).settings.secret_key == "first"
    assert load_settings({"CORS_ORIGINS": "https://b.example", "ALLOWED_ORIGINS": "https://a.example"}).sources["allowed_origins"] == "ALLOWED_ORIGINS"


@pytest.mark.parametrize("field", setting_fields(), ids=lambda field: field.name)
def test_every_setting_can_come_from_a_file(field: object, tmp_path: Path) -> None:
    value = {"env": "development", "log_format": "text"}.get(field.name) or good_value(field.name)
    path = tmp_path / "value"
    path.write_text(f"{value}\n")
    loaded = load_settings({f"{field.variable}_FILE": str(path)})
    assert (str(getattr(loaded.settings, field.name)), loaded.sources[field.name]) == (value, f"{field.variable}_FILE")
    assert loaded.files == {field.name: str(path)}
    assert loaded.unknown == ()


def test_a_name_and_its_file_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY)
    with pytest.raises(Misconfigured, match="CHATKEEP_SECRET_KEY and CHATKEEP_SECRET_KEY_FILE are both set") as caught:
        load_settings({"CHATKEEP_SECRET_KEY": CANARY, "CHATKEEP_SECRET_KEY_FILE": str(tmp_path / "secret")})
    assert CANARY not in str(caught.value)


def test_a_file_wins_over_an_alias(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file")
    assert load_settings({"SECRET_KEY": "alias", "CHATKEEP_SECRET_KEY_FILE": str(tmp_path / "secret")}).settings.secret_key == "from the file"


@pytest.mark.parametrize("kind", ["missing", "folder", "bytes"])
def test_a_file_that_cannot_be_read_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    if kind == "bytes":
        path.write_bytes(b"\xff\xfe" + CANARY.encode())
    with pytest.raises(Misconfigured, match="CHATKEEP_SECRET_KEY_FILE names a file that cannot be read") as caught:
        load_settings({"CHATKEEP_SECRET_KEY_FILE": str(path)})
    assert CANARY not in str(caught.value)


BAD = (
    ("CHATKEEP_PORT", CANARY),
    ("CHATKEEP_PORT", "65536"),
    ("CHATKEEP_PORT", "-1"),
    ("CHATKEEP_PORT", "80.5"),
    ("PORT", CANARY),
    ("CHATKEEP_WORKERS", "0"),
    ("CHATKEEP_WORKERS", CANARY),
    ("CHATKEEP_ENV", CANARY),
    ("CHATKEEP_ENV", "Production"),
    ("CHATKEEP_LOG_LEVEL", CANARY),
    ("CHATKEEP_LOG_FORMAT", CANARY),
    ("CHATKEEP_LIMIT_ADDRESS_PER_MINUTE", "0"),
    ("CHATKEEP_LIMIT_ADDRESS_PER_HOUR", "1.5"),
    ("CHATKEEP_LIMIT_SESSIONS_PER_ADDRESS_PER_HOUR", ""),
    ("CHATKEEP_SESSION_MAX_AGE_HOURS", "25"),
    ("CHATKEEP_LIMIT_DEFAULT_WINDOW", "86401"),
)


@pytest.mark.parametrize(("variable", "value"), [pair for pair in BAD if pair[1]])
def test_a_bad_value_is_refused_by_name_and_never_shown(variable: str, value: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load_settings({variable: value})
    said = str(caught.value)
    assert said.startswith(f"{variable} ")
    assert len(said.splitlines()) == 1
    assert CANARY not in said


def test_an_empty_variable_is_as_good_as_none() -> None:
    loaded = load_settings({field.variable: "" for field in setting_fields()})
    assert loaded.settings == Settings()
    assert loaded.sources == {}


@pytest.mark.parametrize("value", ["true", "TRUE", "True"])
def test_integration_test_mode_is_refused_with_advice(value: str) -> None:
    with pytest.raises(Misconfigured, match="CHATKEEP_ENV=development"):
        load_settings({"INTEGRATION_TEST_MODE": value})
    assert load_settings({"INTEGRATION_TEST_MODE": "false"}).settings == Settings()


def test_variables_that_mean_nothing_are_told_and_others_left_alone() -> None:
    loaded = load_settings({"CHATKEEP_SECRETKEY": "x", "CHATKEEP_WORKER": "2", "CHATKEEPER": "x", "HOME": "/", "CHATKEEP_PORT_FILES": "x"})
    assert loaded.unknown == ("CHATKEEP_PORT_FILES", "CHATKEEP_SECRETKEY", "CHATKEEP_WORKER")


def test_what_the_command_line_says_wins() -> None:
    emptied = load_settings({"DATABASE_URL": "sqlite:///own.db", "CHATKEEP_DATABASE_URL_FILE": "/no/such/file"}, database_url="")
    assert (emptied.settings.database_url, emptied.sources["database_url"], emptied.files) == ("", "command line", {})
    loaded = load_settings({"CHATKEEP_PORT": "9000", "CHATKEEP_HOST": "0.0.0.0"}, port="9001", host=None)
    assert (loaded.settings.port, loaded.sources["port"]) == (9001, "command line")
    assert (loaded.settings.host, loaded.sources["host"]) == ("0.0.0.0", "CHATKEEP_HOST")


def test_secrets_are_marked_and_every_setting_is_explained() -> None:
    assert {field.name for field in setting_fields() if field.is_secret} == SECRETS
    assert all(field.doc.endswith(".") for field in setting_fields())


def test_the_defaults_are_the_specifications() -> None:
    own = Settings()
    assert (own.env, own.host, own.port, own.workers, own.log_level, own.effective_log_format) == ("production", "127.0.0.1", 8000, 1, "info", "json")
    assert (own.session_max_age_hours, own.data_dir, own.limit_default) == (24, "./chatkeep-data", 0)
    assert Settings(env="development").effective_log_format == "text"
    assert own.data_path.is_absolute()


def test_several_public_addresses_are_one_list_with_a_canonical_head() -> None:
    own = Settings(public_url=" https://chat.example/ ,https://chat2.example ")
    assert own.public_urls == ("https://chat.example", "https://chat2.example")
    assert Settings(port=9000).public_urls == ("http://localhost:9000",)
