"""What users install: sdist and wheel carry the built widget, and run from an empty environment without Node."""

import json
import os
import subprocess
import sys
import tarfile
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, browser, context, watched
from tests.servers import PATIENCE, free_port, gateway_environment

__all__ = ["browser", "context", "watched"]  # fixtures

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel made from that sdist, with no npm in reach."""
    folder = tmp_path_factory.mktemp("dist")
    # Only the interpreter's own folder is on the path: whoever installs the sdist has no Node.
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:/usr/bin/nowhere"}
    done = subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and its locked dependencies, nothing else. The folder of its programs."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=True)
    pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "requirements" / "runtime.lock"], check=True)
    subprocess.run([*pip, "--no-deps", next(dist.glob("*.whl"))], check=True)
    return folder / "bin"


@pytest.fixture
def wheels_demo(installed: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """``chatkeep demo`` out of the wheel."""
    process = subprocess.Popen(
        [installed / "chatkeep", "demo", "--json", "--port", str(free_port()), "--data-dir", tmp_path / "data"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={name: value for name, value in gateway_environment(tmp_path).items() if name != "PYTHONPATH"},
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()


def test_sdist_and_wheel_carry_the_built_widget_and_the_demo(dist: Path) -> None:
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        in_wheel = set(wheel.namelist())
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        in_sdist = {name.partition("/")[2] for name in sdist.getnames()}
    for name in ("widget_dist/loader.js", "widget_dist/panel.js", "widget_dist/manifest.json", "demo/site/help/shipping.md"):
        assert f"chatkeep/{name}" in in_wheel
        assert f"src/chatkeep/{name}" in in_sdist
    assert not [name for name in in_wheel | in_sdist if "node_modules" in name or name.startswith("tests/")]


def test_the_demo_runs_from_the_wheel_and_its_widget_answers(wheels_demo: dict[str, str], watched: Watched) -> None:
    with urllib.request.urlopen(f"{wheels_demo['gateway']}/readyz") as ready:
        assert ready.status == 200
    watched.page.goto(wheels_demo["shop"])
    watched.page.get_by_role("button", name="Ask us").click()
    watched.page.get_by_role("textbox").fill("Which grind do I need for a moka pot?")
    watched.page.keyboard.press("Enter")
    expect(watched.page.get_by_role("article", name="AI assistant").last).to_contain_text("moka")
    assert watched.console_errors == []
