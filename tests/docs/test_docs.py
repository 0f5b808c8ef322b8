"""Do the documents say what the code does?"""

import re
from pathlib import Path

import pytest

from chatkeep.cli.main import parser
from docs.generate import PAGES, REFERENCE

ROOT = Path(__file__).parents[2]
PAPERS = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "widget/README.md", ROOT / "bench/README.md"] if path.is_file())


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_what_the_code_says_now(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_documents_leads_somewhere(paper: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", paper.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (paper.parent / target).exists(), f"{paper.name} links to {target}"


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_the_documents_exists(paper: Path) -> None:
    known = parser()
    for line in re.findall(r"^\s*(?:\$ )?chatkeep ([^\n#`]+)$", paper.read_text(encoding="utf-8"), re.MULTILINE):
        words = [word.strip("\"'") for word in re.findall(r"\"[^\"]*\"|\S+", line)]
        known.parse_args(words)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_in_the_documents_exists(paper: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", paper.read_text(encoding="utf-8"))) <= targets


def test_every_direct_dependency_has_its_reason() -> None:
    reasons = (ROOT / "docs/reference/dependencies.md").read_text(encoding="utf-8")
    for file in (ROOT / "requirements").glob("*.in"):
        for line in file.read_text(encoding="utf-8").splitlines():
            name = re.split(r"[\[>=<]", line)[0].strip()
            if name and not name.startswith(("#", "-r")):
                assert name in reasons, f"{name} has no reason in docs/reference/dependencies.md"
