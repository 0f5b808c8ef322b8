"""What does a document file say, before anyone looks at its structure?

Bytes become clean text: UTF-8 only, one kind of line end, no control characters, and the
front matter (``title:`` and ``url:``) taken off.
"""

import re
import unicodedata
from dataclasses import dataclass

import ada_url

from chatkeep.errors import WrongUsage

MAX_BYTES = 5 * 1024 * 1024

# C0 and C1 controls, lone surrogates, BOM and noncharacters. Tab and line feed stay.
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_LINE_END = re.compile("\r\n|[\r\x0c\x85\u2028\u2029]")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"(title|url)[ \t]*:[ \t]*(.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """A document's clean text without its front matter, and what the front matter named."""

    title: str
    url: str | None
    text: str


def read(name: str, data: bytes) -> Page:
    """The page in *data*. Raises ``WrongUsage`` that names the file *name*."""
    if len(data) > MAX_BYTES:
        msg = f"{name} is {len(data) / 1024 / 1024:.1f} MB, the limit is {MAX_BYTES // 1024 // 1024} MB: split it into several files"
        raise WrongUsage(msg)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{name} is not UTF-8 text (line {line}, byte {error.start}): save it as UTF-8"
        raise WrongUsage(msg) from error
    text = clean(text)
    front = _FRONT_MATTER.match(text)
    if front is None:
        return Page("", None, text)
    # The first of several wins; other fields of other tools are none of our business.
    fields = {key.lower(): value.strip("\"' ") for key, value in reversed(_FIELD.findall(front[1]))}
    return Page(fields.get("title", ""), check_url(name, fields.get("url")), text[front.end() :])


def clean(text: str) -> str:
    """*text* in NFC, with line feeds as its only line ends and without control characters."""
    return unicodedata.normalize("NFC", _CONTROL.sub("", _LINE_END.sub("\n", text)).replace("\x0b", "\n"))


def check_url(name: str, url: str | None) -> str | None:
    """*url* if a citation may link to it. Raises ``WrongUsage`` that names the document *name*."""
    if not url:
        return None
    # Shown to visitors as a link: no javascript:, no data:, nothing relative to a page we do not know, and no host that looks like another.
    try:
        parts = ada_url.URL(url)
        is_web = parts.protocol in {"http:", "https:"} and not parts.username and not parts.password and "\\" not in url
    except ValueError:
        is_web = False
    if not is_web or len(url) > 2048 or re.search(r"\s", clean(url)) or clean(url) != url:  # noqa: PLR2004 - the column's length
        msg = f"{name}: its url must be a whole web address such as https://example.com/help/shipping"
        raise WrongUsage(msg)
    return url
