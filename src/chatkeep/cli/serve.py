"""``chatkeep serve``: run the gateway."""

import argparse
import logging
from typing import Any

from chatkeep.audit.logs import set_up_logging
from chatkeep.cli.numbers import parse_port, whole
from chatkeep.cli.office import shown_place
from chatkeep.cli.said import Said
from chatkeep.cli.serving import Listener, open_socket, run_listeners
from chatkeep.clock import SystemClock
from chatkeep.manage.mails import link
from chatkeep.manage.people import offer_setup
from chatkeep.settings import Settings
from chatkeep.web.wire import refuse_and_record
from chatkeep.wiring import build_gateway, check_settings, prepare_store, read_settings

_MOST_WORKERS = 1000
_DEMO = "`chatkeep demo` shows a shop with it"

log = logging.getLogger("chatkeep.serve")


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser("serve", parents=[everywhere], help="run the gateway", epilog="Example: chatkeep serve --port 8000")
    parser.add_argument("--host", metavar="ADDRESS", help="listen on this address (CHATKEEP_HOST)")
    parser.add_argument("--port", type=parse_port, metavar="N", help="listen on this port; 0 takes a free one (CHATKEEP_PORT)")
    parser.add_argument("--workers", type=whole(1, _MOST_WORKERS, "processes"), metavar="N", help="processes; only 1 for now (CHATKEEP_WORKERS)")
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> Said:
    """Refuse an unsafe configuration, then serve until told to stop."""
    loaded = read_settings(data_dir=options.data_dir, host=options.host, port=options.port, workers=options.workers)
    warnings = check_settings(loaded)
    settings = loaded.settings
    lines = set_up_logging(settings.log_level, settings.effective_log_format)
    try:
        for warning in warnings:
            log.warning("config_unsafe", extra={"fields": {"setting": warning.setting, "advice": warning.message}})
        listening = open_socket(settings.host, settings.port)
        store = prepare_store(settings)
        gateway = build_gateway(settings, store, warnings=tuple(warnings))
        address = f"http://{settings.host}:{listening.getsockname()[1]}"
        listener = Listener(gateway.app, listening, gateway.answers.close, refuse_and_record(gateway.desk))
        # Before it listens: afterwards somebody else could be the first user.
        code = offer_setup(store, SystemClock())
        run_listeners([listener], lambda: _announce(settings, address, code, gateway.office.postman.where, as_json=options.json))
    finally:
        lines.stop()
    return Said(None)


def _announce(settings: Settings, address: str, code: str | None, mail: str | None, *, as_json: bool) -> None:
    """Say where everything is, for people or for machines; where nobody can sign in yet, with a link for the first user."""
    reached = settings.public_urls[0] if settings.public_url else address
    reference = f"{reached}/api/reference"
    post = f"goes to {mail}" if mail is not None else "is not sent: set CHATKEEP_SMTP_HOST and CHATKEEP_FROM_EMAIL for invitations and forgotten passwords"
    value = {"url": address, "public_url": settings.public_urls[0], "data": shown_place(settings), "reference_url": reference, "mail": mail}
    lines = [f"Chatkeep listens on {address} (data in {shown_place(settings)}). Stop with Ctrl-C."]
    if code is not None:
        value["setup_url"] = link(reached, "setup", code)
        lines.append(f"Nobody can sign in yet. Make the first user, within a day: {value['setup_url']}")
    lines += [
        f"Try it         chatkeep widgets embed WIDGET_ID prints the tag for a page; {_DEMO}",
        f"API reference  {reference}",
        f"Mail           {post}",
    ]
    if not settings.is_production:
        lines.append("Development    http and pages on localhost are allowed; for visitors set CHATKEEP_ENV=production.")
    Said(value, lines).show(as_json=as_json)
