"""Which texts of the widget can an owner write anew, and is what they wrote usable?

The keys and their places are those of ``widget/src/words/en.ts``; a test compares. Checked
on save only: a key that a later version no longer knows harms nobody.
"""

import re
from collections.abc import Iterator, Mapping

from chatkeep.errors import WrongUsage

_PLAIN = frozenset(
    """
    title open close assistant fresh earlier hello suggestions log you write placeholder send stop stopped reconnecting thinking still
    cutShort partFailed latest copy copied copyAnswer copyCode retry edit code table image sources source reference offline online
    readyAgain disclosure menu cancel freshConfirm download plainText erase eraseConfirm erased partlyErased good bad comment sendComment thanks
    consent accept decline declined resend masked reveal hide newTab loading changed
    error.unreachable error.silent error.cut error.malformed error.rate_limit_exceeded error.temporarily_blocked error.blocked error.budget_exhausted
    error.message_too_long error.message_empty error.content_filtered error.invalid_request error.domain_not_authorized
    error.widget_not_found_or_inactive error.https_required error.processing_error error.service_unavailable
    error.idempotency_in_progress error.challenge_required error.invalid_identity error.session_expired error.other
    """.split()
)
_WITH_PLACE = {"wait": "{time}", "availableAgain": "{when}"}
# One text for each plural category of the language (CLDR); only `other` has to say the number.
_COUNTED = frozenset(f"{key}.{form}" for key in ("unread", "remaining", "tooLong", "left") for form in ("zero", "one", "two", "few", "many", "other"))

_LOCALE = re.compile(r"default|[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
# Controls, line ends, and what turns the direction of the text around it. Joiners stay: Persian and Hindi need them.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_TEXT = 400
# The loader waits for them: every visitor of a page pays, also those who never chat.
_LONGEST_TOGETHER = 16_000


def check_texts(texts: Mapping[str, Mapping[str, str]]) -> None:
    """Raise ``WrongUsage`` unless *texts*, by locale (or ``default``) and key, can stand in the widget."""
    for problem in _problems(texts):
        msg = f"the widget's texts are not usable: {problem}"
        raise WrongUsage(msg)


def _problems(texts: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for locale, by_key in texts.items():
        if not _LOCALE.fullmatch(locale):
            yield f"{locale!r} is no locale: use `default` or a language tag such as de, pt-BR or zh-Hant"
        for key, text in by_key.items():
            if problem := _problem(key, text):
                yield f"{locale}, {key}: {problem}"
    if sum(len(text) for by_key in texts.values() for text in by_key.values()) > _LONGEST_TOGETHER:
        yield f"together they have more than {_LONGEST_TOGETHER} characters"


def _problem(key: str, text: str) -> str | None:
    if key not in _PLAIN | _WITH_PLACE.keys() | _COUNTED:
        return "there is no such text (docs/how-to/languages.md says where all are listed)"
    if not text.strip() or len(text) > _LONGEST_TEXT or _UNSEEN.search(text):
        return f"a text has 1 to {_LONGEST_TEXT} characters, none of them a line end or a control"
    place = "{n}" if key in _COUNTED else _WITH_PLACE.get(key)
    found = re.findall(r"\{\w+\}", text)
    wrong = next((one for one in found if one != place), None)
    if wrong:
        return f"nothing is filled in for {wrong}"
    is_needed = place and (key in _WITH_PLACE or key.endswith(".other"))
    return f"{place} is missing" if is_needed and place not in found else None
