"""What can an operator set, and what is set?

Every setting is one field of ``Settings``: type, default, doc line. ``CHATKEEP_NAME``
or ``CHATKEEP_NAME_FILE`` (the content of that file) sets it; the aliases of the source
projects are read when the own name is absent. Read once, in ``wiring.py``. Whether the
values are *safe* is the question of ``checks/``; here only their form is judged.
Spec: settings.md. Schema by msgspec as everywhere else: docs/decisions/0002.
"""

import typing
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from chatkeep.errors import Misconfigured

PREFIX = "CHATKEEP_"
Env = Literal["production", "development"]
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["json", "text"]


def _doc(text: str, *, secret: bool = False, aliases: tuple[str, ...] = ()) -> Meta:
    """A setting's doc line, whether its value must stay hidden, and its other names."""
    return Meta(description=text, extra={"secret": secret, "aliases": aliases})


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that can be set, as effective values."""

    env: Annotated[
        Env, _doc("`production`, or `development` for work on one machine: plain http on loopback hosts, no limits of an address for loopback addresses.")
    ] = "production"
    public_url: Annotated[
        str,
        _doc("Where browsers reach the gateway, without a path; several separated by commas, the first is canonical.", aliases=("BASE_URL",)),
    ] = ""
    widget_url: Annotated[
        str,
        _doc("Where browsers load the chat from in frame mode, without a path; empty means `PUBLIC_URL`, which costs the boundary to whatever else is there."),
    ] = ""
    data_dir: Annotated[str, _doc("Folder of the SQLite database and of files that the gateway keeps.")] = "./chatkeep-data"
    database_url: Annotated[
        str,
        _doc("`sqlite:///path` or `postgresql://user:password@host/name`; empty means SQLite in `DATA_DIR`.", secret=True, aliases=("DATABASE_URL",)),
    ] = ""
    redis_url: Annotated[str, _doc("Redis or Valkey for several processes; not supported yet.", secret=True, aliases=("REDIS_URL",))] = ""
    secret_key: Annotated[
        str,
        _doc("Root of all derived keys, at least 32 random bytes; `openssl rand -base64 48` makes one.", secret=True, aliases=("SECRET_KEY", "SESSION_SECRET")),
    ] = ""
    secret_key_previous: Annotated[
        str, _doc("While `SECRET_KEY` is being changed: the one before it (several separated by commas), for secrets that it sealed.", secret=True)
    ] = ""
    widget_token_secret: Annotated[str, _doc("Signs session tokens; empty means derived from `SECRET_KEY`.", secret=True, aliases=("WIDGET_TOKEN_SECRET",))] = (
        ""
    )
    admin_jwt_secret: Annotated[str, _doc("Signs operators' tokens; empty means derived from `SECRET_KEY`.", secret=True, aliases=("ADMIN_JWT_SECRET",))] = ""
    allowed_origins: Annotated[
        str,
        _doc(
            "Ceiling over the widgets' own lists: origins separated by commas; empty means the lists alone decide.",
            aliases=("ALLOWED_ORIGINS", "CORS_ORIGINS"),
        ),
    ] = ""
    trusted_proxies: Annotated[str, _doc("Addresses or networks (CIDR) whose forwarded headers are believed, separated by commas.")] = ""
    limit_address_per_minute: Annotated[int, Meta(ge=1), _doc("Visitor API requests per client address and minute.", aliases=("MAX_REQUESTS_PER_MINUTE",))] = 60
    limit_address_per_hour: Annotated[int, Meta(ge=1), _doc("Visitor API requests per client address and hour.", aliases=("MAX_REQUESTS_PER_HOUR",))] = 1000
    limit_sessions_per_address_per_hour: Annotated[
        int, Meta(ge=1), _doc("New sessions per client address and hour; `chatkeep blocks exempt` raises it for a network.")
    ] = 10
    limit_default: Annotated[int, Meta(ge=0), _doc("Extra limit: messages per visitor and window; 0 is off.", aliases=("DEFAULT_MAX_REQUESTS",))] = 0
    limit_default_window: Annotated[int, Meta(ge=1, le=86400), _doc("Window of `LIMIT_DEFAULT` in seconds.", aliases=("DEFAULT_RATE_LIMIT_WINDOW",))] = 3600
    session_max_age_hours: Annotated[int, Meta(ge=1, le=24), _doc("A session ends for good after this many hours.", aliases=("SESSION_MAX_AGE_HOURS",))] = 24
    auto_block_after_warnings: Annotated[
        int, Meta(ge=1, le=1000), _doc("Warnings within ten minutes that make a block.", aliases=("AUTO_BLOCK_AFTER_WARNINGS",))
    ] = 3
    cooldown_period_minutes: Annotated[
        int, Meta(ge=1, le=1440), _doc("Length of the first automatic block; doubles for each repeat within a day.", aliases=("COOLDOWN_PERIOD_MINUTES",))
    ] = 5
    resume_window: Annotated[int, Meta(ge=0, le=120), _doc("Seconds that an answer goes on without its reader, who may come back for it; 0 is off.")] = 10
    openai_api_key: Annotated[str, _doc("Key for the `openai` provider; local servers often need none.", secret=True, aliases=("OPENAI_API_KEY",))] = ""
    openai_base_url: Annotated[str, _doc("Base address of an OpenAI-compatible API; empty with a key means OpenAI's own.", aliases=("OPENAI_BASE_URL",))] = ""
    openai_model: Annotated[str, _doc("Model name; required with a key or base address.", aliases=("OPENAI_MODEL",))] = ""
    egress_private: Annotated[str, _doc("Private networks (CIDR) that providers typed by tenants may be in, separated by commas; empty means none.")] = ""
    smtp_host: Annotated[str, _doc("Mail server; without one, development writes mails to files in `DATA_DIR`.", aliases=("SMTP_HOST",))] = ""
    smtp_port: Annotated[int, Meta(ge=1, le=65535), _doc("Port of the mail server; 465 speaks TLS from the start.", aliases=("SMTP_PORT",))] = 587
    smtp_user: Annotated[str, _doc("User name at the mail server.", aliases=("SMTP_USER",))] = ""
    smtp_password: Annotated[str, _doc("Password at the mail server.", secret=True, aliases=("SMTP_PASSWORD",))] = ""
    from_email: Annotated[str, _doc("Sender of mails; required with `SMTP_HOST`.", aliases=("FROM_EMAIL",))] = ""
    host: Annotated[str, _doc("Address that `serve` listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535), _doc("Port that `serve` listens on; 0 takes a free one.", aliases=("PORT",))] = 8000
    workers: Annotated[int, Meta(ge=1), _doc("Processes; more than one needs Redis, which is not supported yet.")] = 1
    log_level: Annotated[LogLevel, _doc("Least severe line that is logged.", aliases=("LOG_LEVEL",))] = "info"
    log_format: Annotated[LogFormat | Literal[""], _doc("`json` or `text`; empty means json in production, else text.")] = ""

    @property
    def is_production(self) -> bool:
        """Whether the strict rules hold."""
        return self.env == "production"

    @property
    def public_urls(self) -> tuple[str, ...]:
        """Every address of the gateway, canonical first; in development the listener's when none is set."""
        given = split_list(self.public_url)
        return tuple(url.rstrip("/") for url in given) or (f"http://localhost:{self.port}",)

    @property
    def frame_urls(self) -> tuple[str, ...]:
        """The addresses under which the frame page is served, canonical first."""
        return (self.widget_url.rstrip("/"),) if self.widget_url else self.public_urls

    @property
    def own_urls(self) -> tuple[str, ...]:
        """Every address of this gateway, whatever it serves there."""
        return tuple(dict.fromkeys((*self.public_urls, *self.frame_urls)))

    @property
    def data_path(self) -> Path:
        """The data folder as an absolute path."""
        path = Path(self.data_dir)
        # ``~name`` of nobody is a name like any other.
        with suppress(RuntimeError):
            path = path.expanduser()
        return path.absolute()

    @property
    def effective_database_url(self) -> str:
        """``database_url``, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.data_path / 'chatkeep.db'}"

    @property
    def openai_configured(self) -> bool:
        """Whether the instance has an OpenAI-compatible server to ask."""
        return bool(self.openai_api_key or self.openai_base_url)

    @property
    def effective_log_format(self) -> LogFormat:
        """``log_format``, or what suits the environment."""
        return self.log_format or ("json" if self.is_production else "text")


@dataclass(frozen=True, slots=True)
class SettingField:
    """A row of the settings table: field, variable, default, doc line, other names."""

    name: str
    variable: str
    default: object
    doc: str
    is_secret: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, the place each value came from, secret files by field, and variables that mean nothing here."""

    settings: Settings
    sources: Mapping[str, str]
    files: Mapping[str, str]
    unknown: tuple[str, ...]


def split_list(text: str) -> tuple[str, ...]:
    """A comma-separated setting as its non-empty parts."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def setting_fields() -> list[SettingField]:
    """Every setting, in the order of the class."""
    hints = typing.get_type_hints(Settings, include_extras=True)
    fields = []
    for info in msgspec.structs.fields(Settings):
        metas = [meta for meta in hints[info.name].__metadata__ if meta.extra]
        extra = metas[0].extra
        fields.append(SettingField(info.name, PREFIX + info.name.upper(), info.default, metas[0].description, extra["secret"], extra["aliases"]))
    return fields


def load_settings(environ: Mapping[str, str], **overrides: object) -> Loaded:
    """Read *environ* once. *overrides* (command line) win, empty ones too; ``None`` is not given. Raises ``Misconfigured``, naming the variable."""
    if environ.get("INTEGRATION_TEST_MODE", "").lower() == "true":
        msg = "INTEGRATION_TEST_MODE is not supported: set CHATKEEP_ENV=development instead"
        raise Misconfigured(msg)
    raw: dict[str, object] = {}
    sources: dict[str, str] = {}
    fields = setting_fields()
    for field in fields:
        value = overrides.get(field.name)
        found = ("command line", value) if value is not None else _find(field, environ)
        if found is not None:
            sources[field.name], raw[field.name] = found
            _convert(field, raw, sources)
    known = {field.variable + suffix for field in fields for suffix in ("", "_FILE")}
    unknown = tuple(sorted(name for name in environ if name.startswith(PREFIX) and name not in known))
    files = {name: environ[variable] for name, variable in sources.items() if variable.endswith("_FILE")}
    return Loaded(Settings(**raw), sources, files, unknown)  # type: ignore[arg-type]  # each value was converted above


def _find(field: SettingField, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that sets *field* and its value, or ``None``."""
    variable, file_variable = field.variable, field.variable + "_FILE"
    if variable in environ and file_variable in environ:
        msg = f"{variable} and {file_variable} are both set: keep one of them"
        raise Misconfigured(msg)
    if file_variable in environ:
        try:
            return file_variable, Path(environ[file_variable]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{file_variable} names a file that cannot be read ({type(error).__name__}): check the path and its permissions"
            raise Misconfigured(msg) from None
    for name in (variable, *field.aliases):
        if environ.get(name):
            return name, environ[name].strip()
    return None


def _convert(field: SettingField, raw: dict[str, object], sources: Mapping[str, str]) -> None:
    """Give ``raw[field]`` its type. Raises ``Misconfigured`` without showing the value."""
    wanted = typing.get_type_hints(Settings, include_extras=True)[field.name]
    try:
        raw[field.name] = msgspec.convert(raw[field.name], wanted, strict=False)
    except msgspec.ValidationError:
        # Not msgspec's words: they speak of types, and quote the value of an enum.
        source = sources[field.name] if sources[field.name] != "command line" else f"--{field.name.replace('_', '-')}"
        problem = f"must be {_whole_number(wanted)}" if isinstance(field.default, int) else "is not one of its allowed values"
        msg = f"{source} {problem}: {field.doc}"
        raise Misconfigured(msg) from None


def _whole_number(wanted: typing.Any) -> str:
    """The numbers that a setting of type *wanted* takes, in words."""
    bounds = next(meta for meta in wanted.__metadata__ if meta.ge is not None)
    return f"a whole number from {bounds.ge} to {bounds.le}" if bounds.le is not None else f"a whole number, {bounds.ge} or more"
