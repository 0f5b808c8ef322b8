"""Are the private networks that tenants may reach written as networks?"""

import ipaddress
from collections.abc import Iterator

from chatkeep.checks import Finding
from chatkeep.settings import Loaded, split_list


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error for what is no network."""
    for text in split_list(loaded.settings.egress_private):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            yield Finding("error", "egress_private", "CHATKEEP_EGRESS_PRIVATE has a part that is not a network: write them like 10.1.0.0/16,fd00::/8")
            return
