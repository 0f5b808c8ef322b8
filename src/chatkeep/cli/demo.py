"""``chatkeep demo``: a gateway and a shop that uses it, on two origins of this machine."""

import argparse
import sys
from typing import Any

from chatkeep.audit.logs import set_up_logging
from chatkeep.cli.numbers import parse_port
from chatkeep.cli.said import Said
from chatkeep.cli.serving import Listener, open_free_socket, run_listeners
from chatkeep.clock import SystemClock
from chatkeep.crypto import new_nonce
from chatkeep.demo import seed, shop_app
from chatkeep.errors import Misconfigured
from chatkeep.settings import Loaded
from chatkeep.web.widget_build import load_files
from chatkeep.web.wire import refuse_and_record
from chatkeep.wiring import build_gateway, check_settings, prepare_store, read_settings

_HOST = "127.0.0.1"
_GATEWAY_PORT = 8000
_FOLDER = "./chatkeep-demo"
_MOST_REQUESTS = {"limit_address_per_minute": 600, "limit_address_per_hour": 10_000, "limit_sessions_per_address_per_hour": 100}


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser("demo", parents=[everywhere], help="see it work: a gateway and a shop that uses it", epilog="Example: chatkeep demo")
    parser.description = f"Keeps its data in {_FOLDER} unless --data-dir names another folder; CHATKEEP_DATA_DIR and CHATKEEP_DATABASE_URL are not looked at."
    parser.add_argument("--port", type=parse_port, default=_GATEWAY_PORT, metavar="N", help="port of the gateway (8000, or the next free one)")
    parser.add_argument("--site-port", type=parse_port, metavar="N", help="port of the shop (the gateway's + 1, or the next free one)")
    parser.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> Said:
    """Seed what is missing, then serve both until told to stop."""
    load_files()
    _refuse_production(_read_own_settings(options.data_dir, port=options.port))
    gateway_socket = open_free_socket(_HOST, options.port)
    gateway_port = _tell_port(options.port, gateway_socket.getsockname()[1])
    shop_socket = open_free_socket(_HOST, options.site_port or gateway_port + 1)
    shop_port = _tell_port(options.site_port or 0, shop_socket.getsockname()[1])
    own, shop = f"http://localhost:{gateway_port}", f"http://localhost:{shop_port}"
    loaded = _read_own_settings(options.data_dir, env="development", public_url=own, port=gateway_port)
    check_settings(loaded)
    settings = loaded.settings
    lines = set_up_logging("warning", "text")
    try:
        store = prepare_store(settings)
        site = seed(store, SystemClock(), shop=shop)
        gateway = build_gateway(settings, store)
        listeners = [
            Listener(gateway.app, gateway_socket, gateway.answers.close, refuse_and_record(gateway.desk)),
            Listener(shop_app(gateway=own, widget_id=site.widget_id, own=shop, new_nonce=new_nonce), shop_socket),
        ]
        said = Said(
            {"gateway": own, "shop": shop, "widget_id": site.widget_id, "data_dir": str(settings.data_path)},
            [
                f"The shop is at    {shop}   (open this one; {shop}/strict is the same under the strictest CSP)",
                f"The gateway is at {own}",
                f"Data is kept in   {settings.data_path}",
                "Stop with Ctrl-C.",
            ],
        )
        run_listeners(listeners, lambda: said.show(as_json=options.json))
    finally:
        lines.stop()
    return Said(None)


def _read_own_settings(data_dir: str | None, **overrides: object) -> Loaded:
    """The settings of the demo. Its data are its own, whatever database and folder the environment names."""
    return read_settings(data_dir=data_dir or _FOLDER, database_url="", **_MOST_REQUESTS, **overrides)


def _refuse_production(loaded: Loaded) -> None:
    """Where somebody said that this is production, a demo is a mistake. Raises ``Misconfigured``."""
    if loaded.settings.is_production and "env" in loaded.sources:
        msg = f"{loaded.sources['env']} says production, and the demo is for trying out: unset it, or run `chatkeep serve`"
        raise Misconfigured(msg)


def _tell_port(wanted: int, got: int) -> int:
    """*got*; says so when another port was *wanted* (0: any)."""
    if wanted not in (0, got):
        print(f"{wanted} is taken, using {got}", file=sys.stderr)  # noqa: T201 - the command line's output
    return got
