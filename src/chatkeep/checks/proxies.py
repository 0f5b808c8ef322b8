"""Are the trusted proxies addresses, and few enough to mean something? (T1)"""

from collections.abc import Iterator
from ipaddress import ip_network

from chatkeep.checks import Finding
from chatkeep.settings import Loaded, split_list


def check(loaded: Loaded) -> Iterator[Finding]:
    """An error for a bad entry; a warning when everybody is trusted to say who they are."""
    for text in split_list(loaded.settings.trusted_proxies):
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            yield Finding(
                "error", "trusted_proxies", "CHATKEEP_TRUSTED_PROXIES has a part that is not an address or network: write them like 10.0.0.0/8,127.0.0.1"
            )
            continue
        if network.prefixlen == 0:
            yield Finding("warning", "trusted_proxies", "CHATKEEP_TRUSTED_PROXIES trusts every address: anybody can forge theirs; name your proxies alone")
