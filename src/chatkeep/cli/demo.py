"""``chatkeep demo``: a gateway and a shop that uses it, on two origins of this machine."""

import argparse
from typing import Any

from chatkeep.audit.logs import set_up_logging
from chatkeep.cli.said import Said
from chatkeep.cli.serving import Listener, open_free_socket, run_listeners
from chatkeep.clock import SystemClock
from chatkeep.crypto import new_nonce
from chatkeep.demo import seed, shop_app
from chatkeep.web.widget_build import load_files
from chatkeep.web.wire import refuse_and_record
from chatkeep.wiring import build_gateway, check_settings, prepare_store, read_settings

_HOST = "127.0.0.1"
_GATEWAY_PORT = 8000
_MOST_REQUESTS = {"limit_address_per_minute": 600, "limit_address_per_hour": 10_000, "limit_sessions_per_address_per_hour": 100}


def register(commands: Any, everywhere: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser("demo", parents=[everywhere], help="see it work: a gateway and a shop that uses it", epilog="Example: chatkeep demo")
    parser.add_argument("--port", type=int, default=_GATEWAY_PORT, metavar="N", help="port of the gateway (8000, or the next free one)")
    parser.add_argument("--site-port", type=int, metavar="N", help="port of the shop (the gateway's + 1, or the next free one)")
    parser.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> Said:
    """Seed what is missing, then serve both until told to stop."""
    load_files()
    gateway_socket = open_free_socket(_HOST, options.port)
    gateway_port = gateway_socket.getsockname()[1]
    shop_socket = open_free_socket(_HOST, options.site_port or gateway_port + 1)
    own, shop = f"http://localhost:{gateway_port}", f"http://localhost:{shop_socket.getsockname()[1]}"
    loaded = read_settings(env="development", public_url=own, port=gateway_port, data_dir=options.data_dir, **_MOST_REQUESTS)
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
