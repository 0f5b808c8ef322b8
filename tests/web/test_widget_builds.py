"""Every widget build that was ever shipped is served under its version."""

import threading

import pytest

from chatkeep import __version__
from chatkeep.crypto import content_digest
from chatkeep.store import Store
from chatkeep.store.widget_builds import BuiltFile, keep_build, load_build
from chatkeep.web.widget_build import load_files, loader_integrity
from tests.cast import Stage, on_stage
from tests.web.test_headers import BEHIND_PROXY, PRODUCTION, assert_refused, carries


def _build(text: str, *names: str) -> dict[str, BuiltFile]:
    return {name: BuiltFile(f"// {text} {name}".encode(), f"sha384-{content_digest(text.encode())[:20]}") for name in names or ("loader.js", "panel.js")}


def _start(stage: Stage) -> None:
    """As ``serve`` does before it listens."""
    stage.loop.run_until_complete(stage.gateway.builds.keep_own())


def test_what_an_older_version_shipped_is_served_for_ever(store: Store) -> None:
    older = _build("older", "loader.js", "panel.js", "words-de.js")
    store.transaction_now(keep_build, "0.0.9", older, at_ms=1, replaces=False)
    with on_stage(store, PRODUCTION) as stage:
        for name, file in older.items():
            for _ in range(2):
                reply = stage.call("GET", f"/widget/v0.0.9/{name}", headers=BEHIND_PROXY, peer="10.0.0.1")
                assert reply.body == file.content
                assert carries(reply, {"cache-control": "public, max-age=31536000, immutable", "cross-origin-resource-policy": "cross-origin"})
                tagged = {**BEHIND_PROXY, "if-none-match": reply.headers["etag"]}
                assert stage.call("GET", f"/widget/v0.0.9/{name}", headers=tagged, peer="10.0.0.1").status == 304
        for path in (
            "/widget/v0.0.9/frame.js",
            "/widget/v0.0.8/loader.js",
            f"/widget/v{'9' * 90}/loader.js",
            "/widget/v0.0.9'--/loader.js",
            "/widget/v1%00/loader.js",
            "/widget/v0.0.9/%00",
        ):
            assert_refused(stage.call("GET", path, headers=BEHIND_PROXY, peer="10.0.0.1"), 404, "not_found")
        newest = stage.call("GET", "/widget/loader.js", headers=BEHIND_PROXY, peer="10.0.0.1")
        assert newest.body == load_files()["loader.js"].content


def test_a_build_of_a_newer_process_is_found_as_soon_as_it_is_there(store: Store) -> None:
    with on_stage(store, PRODUCTION) as stage:
        assert stage.call("GET", "/widget/v9.0.0/panel.js", headers=BEHIND_PROXY, peer="10.0.0.1").status == 404
        store.transaction_now(keep_build, "9.0.0", _build("newer"), at_ms=1, replaces=False)
        assert stage.call("GET", "/widget/v9.0.0/panel.js", headers=BEHIND_PROXY, peer="10.0.0.1").body == b"// newer panel.js"


def test_a_start_ships_the_installed_build(store: Store) -> None:
    with on_stage(store, PRODUCTION) as stage:
        _start(stage)
        shipped = store.read_now(load_build, __version__)
    assert {name: file.content for name, file in shipped.items()} == {name: file.content for name, file in load_files().items()}
    assert loader_integrity(store, is_production=True) == load_files()["loader.js"].integrity


def test_in_production_the_first_content_of_a_version_stays_and_the_log_says_so(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    first = _build("first")
    store.transaction_now(keep_build, __version__, first, at_ms=1, replaces=False)
    with on_stage(store, PRODUCTION) as stage:
        _start(stage)
        assert stage.call("GET", "/widget/loader.js", headers=BEHIND_PROXY, peer="10.0.0.1").body == first["loader.js"].content
        assert stage.call("GET", f"/widget/v{__version__}/panel.js", headers=BEHIND_PROXY, peer="10.0.0.1").body == first["panel.js"].content
        assert stage.call("GET", f"/widget/v{__version__}/words-de.js", headers=BEHIND_PROXY, peer="10.0.0.1").status == 404
    assert "widget_build_differs" in caplog.text
    assert store.read_now(load_build, __version__) == first
    assert loader_integrity(store, is_production=True) == first["loader.js"].integrity


def test_in_development_the_newest_build_wins(store: Store) -> None:
    store.transaction_now(keep_build, __version__, _build("first", "loader.js", "panel.js", "gone.js"), at_ms=1, replaces=False)
    with on_stage(store) as stage:
        _start(stage)
        assert stage.call("GET", "/widget/loader.js").body == load_files()["loader.js"].content
        assert stage.call("GET", f"/widget/v{__version__}/gone.js").status == 404
    assert set(store.read_now(load_build, __version__)) == set(load_files())


def test_of_processes_that_start_at_once_one_ships_its_whole_build(database_url: str) -> None:
    stores = [Store(database_url) for _ in range(4)]
    builds = [_build(f"process {n}", "loader.js", "panel.js", f"only-{n}.js") for n in range(4)]
    ready = threading.Barrier(4)
    kept: list[int] = []

    def start(n: int) -> None:
        ready.wait()
        if stores[n].transaction_now(keep_build, "1.0.0", builds[n], at_ms=n, replaces=False):
            kept.append(n)

    threads = [threading.Thread(target=start, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 1
    assert stores[0].read_now(load_build, "1.0.0") == builds[kept[0]]
    for one in stores:
        one.close()
