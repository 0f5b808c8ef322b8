"""Write the reference pages that are made from code: settings, errors, events, the API document.

``make docs`` runs it; a test fails when a page is old. Usage: ``python docs/generate.py``.
"""

from pathlib import Path

from chatkeep.audit.catalogue import event_for, event_types
from chatkeep.errors import Reason
from chatkeep.settings import setting_fields
from chatkeep.web.problems import WORDINGS

REFERENCE = Path(__file__).parent / "reference"
_HEAD = "<!-- Made by docs/generate.py from the code: do not edit. -->\n\n"


def settings_page() -> str:
    """Every setting."""
    rows = []
    for field in setting_fields():
        default = f"`{field.default}`" if field.default != "" else "-"
        aliases = ", ".join(f"`{alias}`" for alias in field.aliases) or "-"
        rows.append((f"`{field.variable}`", default, field.doc + (" *(secret)*" if field.is_secret else ""), aliases))
    text = (
        "# Settings\n\nEach setting is an environment variable; with `_FILE` behind its name the variable names a file that holds the value "
        "(setting both is an error). Aliases are read when the own name is absent. `chatkeep check` prints what holds and where it came from.\n\n"
    )
    return _HEAD + text + _table(("setting", "default", "meaning", "aliases"), rows)


def errors_page() -> str:
    """Every error code with its status and its event."""
    rows = [(f"`{WORDINGS[reason].code}`", str(WORDINGS[reason].status), WORDINGS[reason].message, f"`{event_for(reason).type}`") for reason in Reason]
    text = (
        "# Errors\n\nEvery error is one envelope: `success` (false), `error` (stable), `message` (English, for people), `request_id`, and where they fit "
        "`retry_after` (seconds), `limit_type`, `action`, `usage`, `details`. Limited answers carry `Retry-After`, `RateLimit` and `RateLimit-Policy` "
        "(draft-ietf-httpapi-ratelimit-headers-10).\n\n"
    )
    return _HEAD + text + _table(("error", "status", "message", "security event"), rows)


def events_page() -> str:
    """Every security event."""
    events = sorted(set(event_types().values()), key=lambda event: event.type)
    rows = [
        (
            f"`{event.type}`",
            event.severity,
            (event.__doc__ or "").strip().replace("\n", " "),
            ", ".join(f"`{alias}`" for alias in event.aliases) or "-",
        )
        for event in events
    ]
    text = (
        "# Security events\n\nEqual events within a minute are one row with a `count`. No event holds message text or tokens. "
        "Read them with `chatkeep events list`.\n\n"
    )
    return _HEAD + text + _table(("type", "severity", "meaning", "aliases"), rows)


PAGES = {"settings.md": settings_page, "errors.md": errors_page, "events.md": events_page}


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
