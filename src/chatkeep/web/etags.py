"""Does the client have this already? (RFC 9110, section 13.1.2)"""

from collections.abc import Mapping


def is_known(headers: Mapping[str, str], tag: str) -> bool:
    """Whether ``If-None-Match`` names *tag* (``"…"``), compared weakly: proxies that pack files make tags weak. ``*`` names whatever is there."""
    asked = [one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")]
    return tag in asked or asked == ["*"]
