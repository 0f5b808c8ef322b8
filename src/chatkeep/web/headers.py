"""Which security headers does an answer carry? One policy a surface; the only writer of them.

Spec: headers.md.
"""

from collections.abc import Sequence
from enum import StrEnum

Headers = list[tuple[bytes, bytes]]


class Surface(StrEnum):
    """The kinds of answers that we give."""

    VISITOR_API = "visitor_api"
    ADMIN_API = "admin_api"
    HEALTH = "health"
    DOCUMENT = "document"
    WIDGET_FILES = "widget_files"
    PAGES = "pages"
    FRAME_PAGE = "frame_page"


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
    # As the visitor API, and never with CORS: no page of another origin reads it.
    Surface.ADMIN_API: _API,
    Surface.HEALTH: _API,
    Surface.DOCUMENT: _API,
    # The dashboard's policy: our own files alone, no inline script or style, no HTML from strings.
    Surface.PAGES: [
        *_EVERYWHERE,
        (
            b"content-security-policy",
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'none'; "
            b"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        ),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"strict-origin-when-cross-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"geolocation=(), microphone=(), camera=()"),
    ],
    # Without cross-origin, a page with COEP could not load the loader.
    Surface.WIDGET_FILES: [
        *_EVERYWHERE,
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"referrer-policy", b"no-referrer"),
    ],
    # No X-Frame-Options: it cannot name several pages, and would win over frame-ancestors in old browsers.
    Surface.FRAME_PAGE: [
        *_EVERYWHERE,
        (b"cross-origin-embedder-policy", b"require-corp"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"referrer-policy", b"no-referrer"),
    ],
}
_FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors {ancestors}; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")

NO_STORE = "no-store"
STREAM_CACHE = "no-store, no-transform"
CONFIG_CACHE = "public, max-age=300"
EVERGREEN_CACHE = "public, max-age=300"
IMMUTABLE_CACHE = "public, max-age=31536000, immutable"


def policy(surface: Surface, *, is_https: bool, ancestors: Sequence[str] = ()) -> Headers:
    """The headers of every answer of *surface*; HSTS only over HTTPS. *ancestors*: the pages that may embed the frame page, none by default."""
    headers = list(_POLICIES[surface])
    if surface is Surface.FRAME_PAGE:
        headers.append((b"content-security-policy", _FRAME_POLICY.format(ancestors=" ".join(ancestors) or "'none'").encode()))
    if is_https:
        headers.append(_HSTS)
    return headers
