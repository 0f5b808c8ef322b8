"""Do mails have a sender?"""

from collections.abc import Iterator
from email.utils import parseaddr

from chatkeep.checks import Finding
from chatkeep.settings import Loaded


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error for a mail server without a sender."""
    settings = loaded.settings
    if settings.smtp_host and "@" not in parseaddr(settings.from_email)[1]:
        yield Finding("error", "from_email", "CHATKEEP_FROM_EMAIL is not an address: mails need a sender, like Help <help@shop.example>")
