"""What an operator does with documents."""

import os
from pathlib import Path

import pytest

from chatkeep.errors import WrongUsage
from chatkeep.knowledge.read import MAX_BYTES
from chatkeep.knowledge.search import find_sources
from chatkeep.manage.knowledge import Document, Skipped, add_documents, add_paths, list_documents, remove
from chatkeep.store import Store
from tests.knowledge.cast import ALICE, ALICES_AGENT, MALLORY, MALLORYS_AGENT, settle


@pytest.fixture
def shop(store: Store) -> Store:
    """Both organizations, no documents."""
    return settle(store)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good files in a tree, and what must not be read."""
    pages = tmp_path / "pages"
    (pages / "help" / ".git").mkdir(parents=True)
    (pages / "help" / "shipping.md").write_text("# Shipping\n\nDelivery takes 5 days.")
    (pages / "about us.TXT").write_text("About us\n\nWe roast coffee.")
    (pages / "logo.png").write_bytes(b"\x89PNG")
    (pages / ".hidden.md").write_text("secret")
    (pages / "help" / ".git" / "x.md").write_text("secret")
    return pages


def test_a_folder_is_added_then_unchanged_then_updated(shop: Store, folder: Path) -> None:
    seen: list[tuple[str, str]] = []
    report = add_paths(shop, ALICE, ALICES_AGENT, [folder], progress=lambda path, outcome: seen.append((path, outcome)))
    assert (report.added, report.skipped) == (["about us.TXT", "help/shipping.md"], [])
    assert seen == [("about us.TXT", "added"), ("help/shipping.md", "added")]
    assert add_paths(shop, ALICE, ALICES_AGENT, [folder]).unchanged == report.added
    (folder / "help" / "shipping.md").write_text("# Shipping\n\nDelivery takes 6 days.")
    report = add_paths(shop, ALICE, ALICES_AGENT, [folder])
    assert (report.updated, report.unchanged) == (["help/shipping.md"], ["about us.TXT"])
    assert "6 days" in shop.read_now(find_sources, ALICE, ALICES_AGENT, "delivery")[0].text


def test_addresses_come_from_the_base_unless_the_page_names_its_own(shop: Store, folder: Path) -> None:
    (folder / "own.md").write_text("---\nurl: https://other.example/x\n---\nText.")
    add_paths(shop, ALICE, ALICES_AGENT, [folder], url_base="https://a.example/help/")
    assert [(row.path, row.title, row.url) for row in list_documents(shop, ALICE, ALICES_AGENT)] == [
        ("about us.TXT", "About us", "https://a.example/help/about%20us"),
        ("help/shipping.md", "Shipping", "https://a.example/help/help/shipping"),
        ("own.md", "Own", "https://other.example/x"),
    ]
    with pytest.raises(WrongUsage, match="url-base"):
        add_paths(shop, ALICE, ALICES_AGENT, [folder], url_base="javascript:alert(1)")


def test_a_new_base_updates_documents_whose_text_is_the_same(shop: Store, folder: Path) -> None:
    add_paths(shop, ALICE, ALICES_AGENT, [folder])
    assert len(add_paths(shop, ALICE, ALICES_AGENT, [folder], url_base="https://a.example").updated) == 2


def test_bad_files_are_reported_and_the_others_are_added(shop: Store, folder: Path, tmp_path: Path) -> None:
    (folder / "bad.md").write_bytes(b"ok\n\xff\xfe")
    (folder / "big.md").write_bytes(b"x" * (MAX_BYTES + 1))
    (folder / "empty.md").write_text("   \n")
    (folder / "gone.md").symlink_to(folder / "nowhere")
    (tmp_path / "secret.md").write_text("Not to be shown.")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "twin.md").symlink_to(folder / "help" / "shipping.md")
    (folder / "new\nline.md").write_text("Text.")
    os.mkfifo(folder / "pipe.md")
    report = add_paths(shop, ALICE, ALICES_AGENT, [folder, folder / "logo.png", folder / "missing.md", folder / "help" / "shipping.md"])
    assert report.added == ["about us.TXT", "twin.md", "help/shipping.md", "shipping.md"]
    assert "outside of the folder" in next(skipped.reason for skipped in report.skipped if skipped.path == "link.md")
    reasons = {skipped.path: skipped.reason for skipped in report.skipped}
    assert "not UTF-8 text (line 2" in reasons["bad.md"]
    assert "the limit is 5 MB" in reasons["big.md"]
    assert "holds no text" in reasons["empty.md"]
    assert "not there" in reasons["gone.md"]
    assert "printable" in reasons["new\nline.md"]
    assert "not a file" in reasons["pipe.md"]
    assert "only .markdown, .md, .txt" in reasons[str(folder / "logo.png")]
    assert reasons[str(folder / "missing.md")] == "no such file or folder"


def test_two_documents_with_one_path_do_not_overwrite_each_other(shop: Store, folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    (other / "shipping.md").write_text("Other.")
    report = add_paths(shop, ALICE, ALICES_AGENT, [other, folder / "help"])
    assert report.added == ["shipping.md"]
    assert "same path" in report.skipped[0].reason


def test_documents_in_memory_are_added_with_title_and_address(shop: Store) -> None:
    documents = [
        Document("a.md", "Text about tea.", title="Tea", url="https://a.example/tea"),
        Document("b.md", "x", url="javascript:alert(1)"),
        Document("", "x"),
        Document("c.md", "lone \ud800 surrogate"),
    ]
    report = add_documents(shop, ALICE, ALICES_AGENT, documents)
    assert report.added == ["a.md"]
    assert [skipped.path for skipped in report.skipped] == ["b.md", "", "c.md"]
    assert isinstance(report.skipped[0], Skipped)
    assert [(row.title, row.url, row.passages) for row in list_documents(shop, ALICE, ALICES_AGENT)] == [("Tea", "https://a.example/tea", 1)]
    assert add_documents(shop, ALICE, ALICES_AGENT, documents[:1]).unchanged == ["a.md"]


def test_a_document_is_removed_and_an_unknown_one_is_an_error(shop: Store) -> None:
    add_documents(shop, ALICE, ALICES_AGENT, [Document("a.md", "Text.")])
    with pytest.raises(WrongUsage, match=r"no document 'a\.md'"):
        remove(shop, MALLORY, MALLORYS_AGENT, "a.md")
    remove(shop, ALICE, ALICES_AGENT, "a.md")
    assert list_documents(shop, ALICE, ALICES_AGENT) == []


def test_two_organizations_may_use_the_same_path(shop: Store) -> None:
    for org, agent in ((ALICE, ALICES_AGENT), (MALLORY, MALLORYS_AGENT)):
        assert add_documents(shop, org, agent, [Document("a.md", "Text.")]).added == ["a.md"]
