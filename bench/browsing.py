"""What does the widget do to the page that it is on, and to a visitor's machine?

Lighthouse judges a plain page with and without the script tag, in turn. Then Chromium
draws an answer of 10,000 deltas in Markdown: its longest task, its slowest frames and
what it keeps in memory. Nothing here is pinned to a core: a browser uses all there are.
"""

import http.server
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.gateway import Site, site, start_gateway
from bench.processes import HOST, BenchFailed, Server, free_port
from bench.programs import BUILD
from bench.report import Row, say

DELTAS = 10_000
AIM_POINTS = 2
AIM_TASK_MS = 50
AIM_HEAP_MB = 30
_CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
_LIGHTHOUSE = Path(__file__).parent / "lighthouse"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
_ANSWER_SECONDS = 180
_LATE_MS = 33
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A plain page</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="description" content="A page to measure"><link rel="icon" href="data:,"></head>
<body><main><h1>A plain page</h1><p>With a paragraph, and <a href="/">a link</a>.</p></main>%s</body></html>"""


def measure(repetitions: int) -> list[Row]:
    """Lighthouse with and without the widget, then one long answer."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise BenchFailed("there is no Chromium: on Debian `apt install chromium`")
    port = free_port()
    host = f"http://localhost:{port}"
    with (
        prose_upstream() as upstream,
        site("openai", upstream, "prose", page=f"localhost:{port}") as where,
        start_gateway(where)[0] as gateway,
        pages(port, where, gateway.port),
    ):
        return [*_judge(chromium, host, repetitions), *_draw(chromium, f"{host}/widget", repetitions)]


@contextmanager
def prose_upstream() -> Iterator[str]:
    """A provider that streams 10,000 deltas of Markdown; yields its base address."""
    port = free_port()
    command = [sys.executable, "-m", "bench.baseline", "prose", str(port)]
    with Server(command, port, log=BUILD / "baseline.log", environ={"BENCH_DELTAS": str(DELTAS)}) as server:
        server.wait_until("/readyz")
        yield f"http://{HOST}:{port}/v1"


@contextmanager
def pages(port: int, where: Site, gateway: int) -> Iterator[None]:
    """A host's server: ``/`` is plain, ``/widget`` is the same page with the script tag."""
    tag = f'<script async src="http://{HOST}:{gateway}/widget/loader.js" data-widget-id="{where.widget_id}"></script>'

    class Host(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """One page or the other."""
            content = (_PAGE % (tag if self.path.startswith("/widget") else "")).encode()
            is_page = self.path in {"/", "/widget"}
            self.send_response(200 if is_page else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content) if is_page else 0))
            self.end_headers()
            self.wfile.write(content if is_page else b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer((HOST, port), Host)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _judge(chromium: str, host: str, repetitions: int) -> list[Row]:
    """Lighthouse's scores of both pages, 0 to 100."""
    say(f"lighthouse: {repetitions} x a plain page and the same page with the widget, in turn")
    _install()
    plain: dict[str, list[float]] = {name: [] for name in _CATEGORIES}
    ours: dict[str, list[float]] = {name: [] for name in _CATEGORIES}
    for _ in range(repetitions):
        for path, found in (("/", plain), ("/widget", ours)):
            for name, score in _lighthouse(chromium, host + path).items():
                found[name].append(score)
        say("  " + ", ".join(f"{name} {ours[name][-1]:.0f} (plain {plain[name][-1]:.0f})" for name in _CATEGORIES))
    rows = []
    for name in _CATEGORIES:
        is_met = statistics.median(plain[name]) - statistics.median(ours[name]) <= AIM_POINTS
        rows.append(Row(f"Lighthouse {name}, page with the widget", "points", ours[name], plain[name], f"-{AIM_POINTS} at most", is_met))
    return rows


def _install() -> None:
    """Lighthouse, as its lock file names it; once."""
    if not (_LIGHTHOUSE / "node_modules" / "lighthouse").exists():
        say("  installing Lighthouse ...")
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=_LIGHTHOUSE, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchFailed(f"Lighthouse cannot be installed: {done.stderr[-1500:]}")


def _lighthouse(chromium: str, url: str) -> dict[str, float]:
    """One run's scores."""
    command = [
        "node",
        str(_LIGHTHOUSE / "node_modules" / "lighthouse" / "cli" / "index.js"),
        url,
        "--output=json",
        "--quiet",
        f"--only-categories={','.join(_CATEGORIES)}",
        f"--chrome-flags=--headless=new {' '.join(_FLAGS)}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "CHROME_PATH": chromium}, timeout=300, check=False)
    if done.returncode:
        raise BenchFailed(f"Lighthouse failed on {url}: {done.stderr[-1500:]}")
    report = json.loads(done.stdout)
    if report.get("runtimeError"):
        raise BenchFailed(f"Lighthouse failed on {url}: {report['runtimeError']['message']}")
    return {name: report["categories"][name]["score"] * 100 for name in _CATEGORIES}


def _draw(chromium: str, url: str, repetitions: int) -> list[Row]:
    """Answers of 10,000 deltas, each in a fresh browser, traced."""
    say(f"answer: {repetitions} x {DELTAS:,} deltas of Markdown from the provider, drawn by Chromium")
    drawn = [_draw_one(chromium, url) for _ in range(repetitions)]
    longest, heap = [max(task.busy_ms for task in one.tasks) for one in drawn], [one.heap_mb for one in drawn]
    tasks, frames = [task for one in drawn for task in one.tasks], [frame for one in drawn for frame in one.frames]
    slow, late = sum(task.wall_ms > AIM_TASK_MS for task in tasks), sum(frame > _LATE_MS for frame in frames) / len(frames)
    wall = statistics.median(max(task.wall_ms for task in one.tasks) for one in drawn)
    note = (
        f"{len(tasks):,} tasks; by the clock {wall:.0f} ms, {slow} above {AIM_TASK_MS} ms, waits for a processor included; "
        f"{len(frames):,} frames, {late:.1%} later than {_LATE_MS} ms"
    )
    return [
        Row(
            f"longest task while {DELTAS:,} deltas arrive, on the processor",
            "ms",
            longest,
            (),
            f"<= {AIM_TASK_MS}",
            statistics.median(longest) <= AIM_TASK_MS,
            note,
        ),
        Row(f"heap that {DELTAS:,} deltas leave", "MB", heap, (), f"< {AIM_HEAP_MB}", statistics.median(heap) < AIM_HEAP_MB),
    ]


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the page's main thread: how long it ran, and how long that took while others used the processor too."""

    busy_ms: float
    wall_ms: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """One answer: its tasks, how long each frame took in ms, and what stayed in memory."""

    tasks: Sequence[Task]
    frames: Sequence[float]
    heap_mb: float


def _draw_one(chromium: str, url: str) -> Drawn:
    """Ask, and watch until the answer is there."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(dir=BUILD) as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(url)
        page.locator("chatkeep-widget").get_by_role("button").first.click()
        box = page.get_by_role("textbox")
        box.wait_for()
        before = _heap_mb(page)
        # Nothing more: with everything a trace has hundreds of megabytes.
        trace = Path(folder) / "trace.json"
        browser.start_tracing(page=page, path=trace, categories=["disabled-by-default-devtools.timeline", "__metadata"])
        page.evaluate(_WATCH_FRAMES)
        box.fill("Tell me everything")
        box.press("Enter")
        page.locator(".reply").get_by_text(f"The end of {DELTAS} pieces").wait_for(timeout=_ANSWER_SECONDS * 1000)
        frames: list[float] = page.evaluate("() => { window.isOver = true; return window.frameTimes; }")
        browser.stop_tracing()
        drawn = Drawn(_tasks(json.loads(trace.read_bytes())), frames, _heap_mb(page) - before)
        browser.close()
    return drawn


_WATCH_FRAMES = """() => {
  window.frameTimes = [];
  let last = performance.now();
  const tick = (now) => { window.frameTimes.push(now - last); last = now; if (!window.isOver) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""


def _heap_mb(page: Page) -> float:
    """The page's JavaScript heap after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used: float = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used / 1e6


def _tasks(trace: dict[str, Any]) -> Sequence[Task]:
    """Those of the page's main thread."""
    events = trace["traceEvents"]
    busiest: dict[tuple[int, int], list[Task]] = {}
    for event in events:
        if event.get("name") == "RunTask" and event.get("ph") == "X":
            busiest.setdefault((event["pid"], event["tid"]), []).append(Task(event.get("tdur", 0) / 1000, event.get("dur", 0) / 1000))
    main = {(event["pid"], event["tid"]) for event in events if event.get("name") == "thread_name" and event["args"].get("name") == "CrRendererMain"}
    found = [tasks for thread, tasks in busiest.items() if thread in main]
    if not found:
        raise BenchFailed("the trace names no tasks of the page's main thread")
    return max(found, key=lambda tasks: sum(task.busy_ms for task in tasks))
