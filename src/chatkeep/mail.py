"""How does a mail leave? The only opener of connections to a mail server.

With ``SMTP_HOST``: by SMTP, TLS required outside of loopback (port 465 from the start,
others by STARTTLS). Without it, development writes files to ``mail/`` in the data folder,
and production says that mail is not set up. aiosmtplib is imported at first use.
"""

import asyncio
import ipaddress
import logging
import os
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Protocol

from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.errors import ChatkeepError, Misconfigured
from chatkeep.settings import Settings

_SECONDS = 20.0
_TLS_PORT = 465
_FOLDER = "mail"

log = logging.getLogger("chatkeep.mail")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person, as text and as HTML that says the same."""

    to: str
    subject: str
    text: str
    html: str


class MailFailed(ChatkeepError):  # noqa: N818 - reads as the state it reports
    """A mail did not leave. The message names a kind of error, never the server's words, which may quote addresses."""


class Post(Protocol):
    """Takes mails away."""

    async def deliver(self, mail: Mail) -> None:
        """Send *mail*. Raises ``MailFailed``."""
        ...


class SmtpPost:
    """A mail server."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def deliver(self, mail: Mail) -> None:
        """Send *mail*. Raises ``MailFailed``."""
        import aiosmtplib  # noqa: PLC0415 - lazy, see the module's docstring

        settings = self._settings
        is_wrapped = settings.smtp_port == _TLS_PORT
        try:
            await aiosmtplib.send(
                message_of(mail, settings.from_email, self._clock),
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_user or None,
                password=settings.smtp_password or None,
                use_tls=is_wrapped,
                # A server on this machine may have no certificate; any other must.
                start_tls=None if is_loopback(settings.smtp_host) and not is_wrapped else not is_wrapped,
                timeout=_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailFailed(f"the mail could not be sent ({type(error).__name__}): check CHATKEEP_SMTP_HOST and its server") from None


class FilePost:
    """A folder, one file a mail: for development."""

    def __init__(self, folder: Path, sender: str, clock: Clock) -> None:
        self._folder = folder
        self._sender = sender
        self._clock = clock

    async def deliver(self, mail: Mail) -> None:
        """Write *mail* down. Raises ``MailFailed``."""
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as error:
            raise MailFailed(f"the mail could not be written ({error.strerror}): check CHATKEEP_DATA_DIR") from None

    def _write(self, mail: Mail) -> None:
        """One file, for its owner alone; its name sorts by time."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{self._clock.now():%Y%m%dT%H%M%S%f}-{new_id('req')[4:12]}.eml"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(bytes(message_of(mail, self._sender, self._clock)))


def find_post(settings: Settings, clock: Clock) -> Post | None:
    """How mails leave here; ``None`` where they cannot."""
    if settings.smtp_host:
        return SmtpPost(settings, clock)
    if settings.is_production:
        return None
    return FilePost(settings.data_path / _FOLDER, settings.from_email or "chatkeep@localhost", clock)


def told_post(settings: Settings) -> str:
    """Where mails go, for people."""
    if settings.smtp_host:
        return f"goes to {settings.smtp_host} port {settings.smtp_port}"
    if settings.is_production:
        return "is not set up: set CHATKEEP_SMTP_HOST and CHATKEEP_FROM_EMAIL"
    return f"is written to files in {settings.data_path / _FOLDER}"


def message_of(mail: Mail, sender: str, clock: Clock) -> EmailMessage:
    """*mail* as it goes over the wire. The library refuses line breaks in headers."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{new_id('msg')}@{parseaddr(sender)[1].rpartition('@')[2] or 'localhost'}>"
    # No out-of-office replies to us (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Postman:
    """Takes mails in the event loop and sends them while nobody waits: how long that takes tells nothing about who has an account."""

    def __init__(self, post: Post | None) -> None:
        self._post = post
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def is_there(self) -> bool:
        """Whether mail can be sent at all."""
        return self._post is not None

    def take(self, mail: Mail) -> None:
        """Send *mail* soon; a failure is a log line."""
        if self._post is None:
            raise Misconfigured("mail is not set up: set CHATKEEP_SMTP_HOST and CHATKEEP_FROM_EMAIL")
        task = asyncio.create_task(self._deliver(mail, self._post))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def rest(self) -> None:
        """Wait until everything has left."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    async def _deliver(self, mail: Mail, post: Post) -> None:
        """Send *mail*."""
        try:
            await post.deliver(mail)
        except MailFailed as error:
            log.warning("mail_failed", extra={"fields": {"subject": mail.subject, "problem": str(error)}})
