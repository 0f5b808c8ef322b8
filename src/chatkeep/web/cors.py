"""Which page's script may read an answer?

Spec: visitor-api, "CORS". A preflight grants nothing but the asking: it can carry no
widget id, so no list can apply. The request itself decides; its answer names the origin
(when that is canonical) so that the page can show why it was refused. Never credentials.
"""

from chatkeep.admit import Desk
from chatkeep.admit.domains import Origin
from chatkeep.web.headers import Headers

_METHODS = b"GET, POST, DELETE"
_REQUEST_HEADERS = b"Authorization, Content-Type, DPoP, Idempotency-Key, Last-Event-ID, X-Request-ID, X-Widget-ID"
_EXPOSED = b"X-Request-ID, Retry-After, RateLimit, RateLimit-Policy"
_PREFLIGHT_SECONDS = b"7200"


def allows_preflight(origin: Origin | None, desk: Desk) -> bool:
    """Whether a page of *origin* may ask at all: canonical, https (loopback http in development), under the ceiling."""
    if origin is None:
        return False
    if origin.scheme != "https" and (desk.settings.is_production or not origin.is_loopback):
        return False
    return desk.ceiling is None or desk.ceiling.covers(origin)


def preflight_headers(origin: Origin) -> Headers:
    """What a granted preflight says."""
    return [
        (b"access-control-allow-origin", origin.text.encode()),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _REQUEST_HEADERS),
        (b"access-control-max-age", _PREFLIGHT_SECONDS),
        (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    ]


def answer_headers(origin: Origin | None) -> Headers:
    """What every answer to a request of *origin* says; nothing is allowed without a canonical one."""
    if origin is None:
        return [(b"vary", b"Origin")]
    return [
        (b"vary", b"Origin"),
        (b"access-control-allow-origin", origin.text.encode()),
        (b"access-control-expose-headers", _EXPOSED),
    ]
