"""May a member type that address of a provider? An early word that says why not, and what to do instead."""

from chatkeep.errors import WrongUsage

_HTTP = (
    "begins with http://, and through the API only https:// is taken, so that nobody on the way reads the key; "
    "for a server in the network of the gateway, whoever runs the gateway uses `chatkeep providers add`, which takes http"
)


def check_typed_address(url: str | None) -> None:
    """Raise ``WrongUsage`` for an address of http. What else an address must be is told with it (``providers.py``)."""
    if url is not None and url.strip().lower().startswith("http:"):
        raise WrongUsage(_HTTP, field="base_url")
