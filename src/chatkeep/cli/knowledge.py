"""``chatkeep knowledge``: give an agent something to read."""

import argparse
import sys
from pathlib import Path
from typing import Any

from chatkeep.audit.redact import printable
from chatkeep.cli.office import add_org_option, open_office
from chatkeep.cli.said import Said, Table, add_commands, listed
from chatkeep.manage.agents import find_named_agent
from chatkeep.manage.knowledge import add_paths, list_documents, remove
from chatkeep.manage.organizations import DEFAULT


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command and its sub-commands."""
    parser = commands.add_parser("knowledge", help="give an agent something to read")
    sub = add_commands(parser)
    add = sub.add_parser(
        "add",
        parents=[everywhere],
        help="add or update Markdown and text files",
        epilog="Example: chatkeep knowledge add help/ --url-base https://shop.example/help",
    )
    add.add_argument("paths", metavar="PATH", nargs="+", help="files or folders (.md, .markdown, .txt)")
    add.add_argument("--url-base", metavar="URL", help="where the same pages are on your site, for citations")
    add.set_defaults(run=_add)
    listing = sub.add_parser("list", parents=[everywhere], help="list all documents", epilog="Example: chatkeep knowledge list")
    listing.set_defaults(run=_list)
    forget = sub.add_parser("remove", parents=[everywhere], help="remove a document", epilog="Example: chatkeep knowledge remove shipping.md")
    forget.add_argument("path", metavar="PATH", help="as the list has it")
    forget.set_defaults(run=_remove)
    for one in (add, listing, forget):
        one.add_argument("--agent", metavar="AGENT", default=DEFAULT, help="id or name of the agent that reads it (default)")
        add_org_option(one)


def _add(options: argparse.Namespace) -> Said:
    """Add files; one bad file is reported and the others are added."""
    with open_office(options) as office:
        agent = find_named_agent(office.store, office.org.org_id, options.agent)
        report = add_paths(
            office.store,
            office.org.org_id,
            agent.agent_id,
            [Path(path) for path in options.paths],
            url_base=options.url_base,
            progress=lambda path, outcome: _show_progress(path, outcome, quiet=options.json or outcome == "skipped"),
        )
    value = {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in report.skipped],
    }
    counts = f"{len(report.added)} added, {len(report.updated)} updated, {len(report.unchanged)} unchanged, {len(report.skipped)} skipped"
    lines = [counts, *(f"skipped {skipped.path}: {skipped.reason}" for skipped in report.skipped)]
    return Said(value, lines, failed=bool(report.skipped))


def _list(options: argparse.Namespace) -> Said:
    """List documents."""
    with open_office(options) as office:
        agent = find_named_agent(office.store, office.org.org_id, options.agent)
        documents = list_documents(office.store, office.org.org_id, agent.agent_id)
    value = [{"path": d.path, "title": d.title, "url": d.url, "passages": d.passages} for d in documents]
    rows = [(d.path, d.title, d.passages, d.url or "-") for d in documents]
    empty = "There are no documents yet. Add some: chatkeep knowledge add help/"
    return listed(value, empty, Table(("PATH", "TITLE", "PASSAGES", "URL"), rows, ("TITLE", "URL", "PATH")))


def _remove(options: argparse.Namespace) -> Said:
    """Remove a document."""
    with open_office(options) as office:
        agent = find_named_agent(office.store, office.org.org_id, options.agent)
        remove(office.store, office.org.org_id, agent.agent_id, options.path)
    return Said({"path": options.path, "removed": True}, [f"Removed {options.path}: it is quoted no more."])


def _show_progress(path: str, outcome: str, *, quiet: bool) -> None:
    """One line a file on standard error, so that long work shows. Those skipped are told at the end, with the reason."""
    if not quiet:
        print(f"{outcome:9} {printable(path)}", file=sys.stderr)  # noqa: T201 - the command line's output
