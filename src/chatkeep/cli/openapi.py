"""``chatkeep openapi``: the document that a running gateway serves at ``/api/openapi.json``."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from chatkeep.cli.said import Said
from chatkeep.errors import WrongUsage
from chatkeep.wiring import describe_api


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "openapi",
        parents=[everywhere],
        help="print the OpenAPI 3.1 document of all APIs",
        description="Needs no database and no settings. The visitor API and the admin API are told apart by tags.",
        epilog="Example: chatkeep openapi --to openapi.json",
    )
    parser.add_argument("--to", metavar="FILE", help="write it there instead")
    parser.set_defaults(run=_print)


def _print(options: argparse.Namespace) -> Said:
    """Print or write the document."""
    with tempfile.TemporaryDirectory(prefix="chatkeep-") as folder:
        document = describe_api(Path(folder))
    if options.to is None:
        return Said(document, msgspec.json.format(msgspec.json.encode(document), indent=2).decode().splitlines())
    try:
        Path(options.to).write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    except (OSError, ValueError) as error:
        raise WrongUsage(f"{options.to[:300]} cannot be written: {getattr(error, 'strerror', None) or 'no file is called like that'}") from None
    return Said({"file": options.to, "paths": len(document["paths"])}, [f"Wrote {options.to} ({len(document['paths'])} paths)"])
