"""Which security headers does an answer carry? One policy a surface; the only writer of them.

Spec: headers.md.
"""

from enum import StrEnum

Headers = list[tuple[bytes, bytes]]


class Surface(StrEnum):
    """The kinds of answers that we give."""

    VISITOR_API = "visitor_api"
    HEALTH = "health"
    DOCUMENT = "document"
    WIDGET_FILES = "widget_files"


_EVERYWHERE: Headers = [(b"x-content-type-options", b"nosniff"), (b"x-xss-protection", b"0")]
_API: Headers = [
    *_EVERYWHERE,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_POLICIES: dict[Surface, Headers] = {
    Surface.VISITOR_API: _API,
    Surface.HEALTH: _API,
    Surface.DOCUMENT: _API,
    # Without cross-origin, a page with COEP could not load the loader.
    Surface.WIDGET_FILES: [
        *_EVERYWHERE,
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"referrer-policy", b"no-referrer"),
    ],
}
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")

NO_STORE = "no-store"
STREAM_CACHE = "no-store, no-transform"
CONFIG_CACHE = "public, max-age=300"
EVERGREEN_CACHE = "public, max-age=300"
IMMUTABLE_CACHE = "public, max-age=31536000, immutable"


def policy(surface: Surface, *, is_https: bool) -> Headers:
    """The headers of every answer of *surface*; HSTS only over HTTPS."""
    headers = list(_POLICIES[surface])
    if is_https:
        headers.append(_HSTS)
    return headers
