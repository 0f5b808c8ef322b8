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
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Literal, Protocol

from chatkeep.clock import Clock
from chatkeep.crypto import new_id
from chatkeep.errors import ChatkeepError, Misconfigured
from chatkeep.settings import Settings

_SECONDS = 20.0
_TLS_PORT = 465
_FOLDER = "mail"
# As long as RFC 5322 lets them be: links stay whole for whoever reads the raw text.
_LONGEST_LINE = 998
_MOST_WAITING = 200
_MOST_AT_ONCE = 4

Transfer = Literal["7bit", "8bit"]

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
    """Takes mails away. *where* to, for the operator; *hint*, for whoever asked for one, a sentence or nothing."""

    where: str
    hint: str

    async def deliver(self, mail: Mail) -> None:
        """Send *mail*. Raises ``MailFailed``."""
        ...


class SmtpPost:
    """A mail server."""

    hint = ""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.where = f"the mail server {settings.smtp_host}:{settings.smtp_port}"
        self._settings = settings
        self._clock = clock

    async def deliver(self, mail: Mail) -> None:
        """Send *mail*. Raises ``MailFailed``."""
        import aiosmtplib  # noqa: PLC0415 - lazy, see the module's docstring

        settings = self._settings
        message = _written(mail, settings.from_email, self._clock)
        is_wrapped = settings.smtp_port == _TLS_PORT
        try:
            await aiosmtplib.send(
                message,
                # Not what somebody reads out of the header: the address that was typed.
                recipients=[mail.to],
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_user or None,
                password=settings.smtp_password or None,
                use_tls=is_wrapped,
                # A server on this machine may have no certificate; any other must.
                start_tls=None if is_loopback(settings.smtp_host) and not is_wrapped else not is_wrapped,
                timeout=_SECONDS,
            )
        # UnicodeError: Python's word for a host that no name server can be asked for.
        except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
            raise MailFailed(f"the mail could not be sent ({type(error).__name__}): check CHATKEEP_SMTP_HOST and its server") from None


class FilePost:
    """A folder, one file a mail: for development."""

    def __init__(self, folder: Path, sender: str, clock: Clock) -> None:
        self.where = f"files in {folder}"
        self.hint = f" In development it is a file in {folder}."
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
        # Eight bits, as the file is for people: nothing in it is encoded.
        content = bytes(_written(mail, self._sender, self._clock, cte="8bit"))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{self._clock.now():%Y%m%dT%H%M%S%f}-{new_id('req')[4:12]}.eml"
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # Whoever looks for it finds it whole.
        part.rename(path)


def find_post(settings: Settings, clock: Clock) -> Post | None:
    """How mails leave here; ``None`` where they cannot."""
    if settings.smtp_host:
        return SmtpPost(settings, clock)
    if settings.is_production:
        return None
    return FilePost(settings.data_path / _FOLDER, settings.from_email or "chatkeep@localhost", clock)


def message_of(mail: Mail, sender: str, clock: Clock, *, cte: Transfer = "7bit") -> EmailMessage:
    """*mail* as it goes over the wire. Raises ``ValueError``, ``MessageError`` for a header that cannot be, as with a line break."""
    message = EmailMessage(EmailPolicy(max_line_length=_LONGEST_LINE, cte_type=cte))
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


def _written(mail: Mail, sender: str, clock: Clock, *, cte: Transfer = "7bit") -> EmailMessage:
    """As ``message_of``. Raises ``MailFailed``."""
    try:
        return message_of(mail, sender, clock, cte=cte)
    except (ValueError, MessageError) as error:
        raise MailFailed(f"the mail could not be written ({type(error).__name__}): its address or its subject fits into no header") from None


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Postman:
    """Takes mails in the event loop and sends them while nobody waits: how long that takes tells nothing about who has an account.

    A few at a time; when too many wait, the newest is dropped, and a log line says so.
    """

    def __init__(self, post: Post | None) -> None:
        self._post = post
        self._under_way: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_MOST_AT_ONCE)

    @property
    def is_there(self) -> bool:
        """Whether mail can be sent at all."""
        return self._post is not None

    @property
    def where(self) -> str | None:
        """Where mails go, in words for the operator."""
        return self._post.where if self._post is not None else None

    @property
    def hint(self) -> str:
        """What whoever asked for a mail has to know besides: a sentence with a space before it, or nothing."""
        return self._post.hint if self._post is not None else ""

    def take(self, mail: Mail) -> None:
        """Send *mail* soon; a failure is a log line."""
        if self._post is None:
            raise Misconfigured("mail is not set up: set CHATKEEP_SMTP_HOST and CHATKEEP_FROM_EMAIL")
        if len(self._under_way) >= _MOST_WAITING:
            log.error("mail_dropped", extra={"fields": {"subject": mail.subject, "problem": f"{_MOST_WAITING} mails wait: {self._post.where} is slow or away"}})
            return
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
            async with self._places:
                await post.deliver(mail)
        except MailFailed as error:
            log.warning("mail_failed", extra={"fields": {"subject": mail.subject, "problem": str(error)}})
        else:
            log.info("mail_sent", extra={"fields": {"subject": mail.subject, "to": post.where}})
