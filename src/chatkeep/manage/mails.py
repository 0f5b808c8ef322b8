"""What do our mails say? Text and HTML, made of the same lines.

Links lead to a page that asks for a click; the code is behind the ``#``, so that no
server, proxy or log on the way sees it.
"""

from html import escape
from urllib.parse import quote

from chatkeep.mail import Mail

_STYLE = "font-family:system-ui,sans-serif;font-size:16px;line-height:1.5;color:#1f2937;max-width:36rem;margin:0 auto;padding:1.5rem"
_BUTTON = "display:inline-block;padding:.6rem 1.2rem;border-radius:.5rem;background:#4f46e5;color:#ffffff;text-decoration:none"


def invitation(to: str, *, gateway: str, code: str, organization: str, role: str) -> Mail:
    """Somebody may become a member."""
    lines = (f"You are invited to the organization {organization!r} on Chatkeep, as {role}.", "The link works once, for a week.")
    return _mail(to, f"Invitation to {organization}", lines, "Accept the invitation", link(gateway, "invitation", code))


def reset(to: str, *, gateway: str, code: str) -> Mail:
    """Somebody, we hope the owner of the address, wants another password."""
    lines = (
        "Somebody asked for a new password of your account on Chatkeep.",
        "The link works once, for an hour. If it was not you, do nothing: your password stays as it is.",
    )
    return _mail(to, "Set a new password", lines, "Set a new password", link(gateway, "reset", code))


def verification(to: str, *, gateway: str, code: str) -> Mail:
    """Does somebody read mail there?"""
    lines = ("This address was given for an account on Chatkeep.", "The link works once, for two days. If it was not you, do nothing.")
    return _mail(to, "Confirm your email address", lines, "Confirm the address", link(gateway, "verify", code))


def password_changed(to: str) -> Mail:
    """A warning, in case it was not them."""
    lines = (
        "The password of your account on Chatkeep was just changed, and every other login was ended.",
        "If it was not you, set a new password at once and tell an owner of your organization.",
    )
    return _mail(to, "Your password was changed", lines)


def link(gateway: str, purpose: str, code: str) -> str:
    """The page on which *code* is used."""
    return f"{gateway}/account#{purpose}={quote(code)}"


def _mail(to: str, subject: str, lines: tuple[str, ...], button: str = "", target: str = "") -> Mail:
    """A mail of *lines* with one link below them."""
    # A name may hold what a header must not.
    subject = " ".join(subject.split())[:200]
    text = "\n\n".join((*lines, *((f"{button}:\n{target}",) if target else ()))) + "\n"
    parts = [f"<p>{escape(line)}</p>" for line in lines]
    if target:
        parts += [f'<p><a href="{escape(target)}" style="{_BUTTON}">{escape(button)}</a></p>', f"<p>Or open this address:<br>{escape(target)}</p>"]
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(subject)}</title></head>'
    return Mail(to, subject, text, f'{head}<body><div style="{_STYLE}">{"".join(parts)}</div></body></html>')
