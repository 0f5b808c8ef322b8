"""Which page does a test put the widget on? Any that it writes, on an origin of its own, with a gateway and a model beside it."""

import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cast import ROOMY, ROOMY_GATEWAY, alices_site_in
from tests.providers.upstream import Upstream
from tests.servers import Gateway

HTML = "text/html; charset=utf-8"


class HostSite:
    """A site on a free port of this machine; *origin* is how visitors name it."""

    def __init__(self) -> None:
        pages = self._pages = dict[str, tuple[bytes, Mapping[str, str]]]()

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, headers = pages.get(self.path.partition("?")[0], (b"", {}))
                self.send_response(200 if body else 404)
                for name, value in {"Content-Type": HTML, "Cache-Control": "no-store", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.port: int = self._server.server_address[1]
        self.origin = f"http://localhost:{self.port}"

    def put(self, path: str, content: str | bytes, **headers: str) -> str:
        """Answer *path* with *content*; header names with underscores. Returns its address."""
        body = content if isinstance(content, bytes) else content.encode()
        self._pages[path] = (body, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.origin + path

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(frozen=True, slots=True)
class Stage:
    """A site, a gateway that knows it, and one widget."""

    site: HostSite
    gateway: str
    widget_id: str

    @property
    def tag(self) -> str:
        """What the owner puts on a page."""
        return f'<script async src="{self.gateway}/widget/loader.js" data-widget-id="{self.widget_id}"></script>'

    @property
    def hosts(self) -> set[str]:
        """Host and port of everything that a page may ask."""
        return {self.site.origin.partition("//")[2], self.gateway.partition("//")[2]}


@contextmanager
def staged(folder: Path, *, model: str, settings: Mapping[str, Any] | None = None) -> Iterator[Stage]:
    """A site with a widget whose answers come from the script *model* of the test upstream."""
    site, upstream = HostSite(), Upstream()
    try:
        data_dir = folder / "data"
        data_dir.mkdir()
        domains = (f"localhost:{site.port}", f"127.0.0.1:{site.port}")
        widget = alices_site_in(f"sqlite:///{data_dir / 'chatkeep.db'}", domains=domains, settings={**ROOMY, **(settings or {})})
        provider = {"PROVIDERS": "openai", "OPENAI_BASE_URL": upstream.base_url, "OPENAI_MODEL": model}
        with Gateway.running(data_dir, **ROOMY_GATEWAY, **provider) as gateway:
            yield Stage(site, gateway.url.replace("127.0.0.1", "localhost"), widget.widget_id)
    finally:
        upstream.stop()
        site.stop()
