"""Do the recipes work as they are written? Taken from the page, put on a real site, used by a visitor."""

import json
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from chatkeep import __version__
from chatkeep.web.widget_build import load_files
from tests.browser.conftest import Watched
from tests.browser.host_site import Stage, staged
from tests.browser.recipes import NODE, ROOT, bundled, installed, npm_package, recipe
from tests.conftest import missing
from tests.host import Signer
from tests.servers import run_cli

_SECRET = "xW8-3qLz7Rn0vKc5TdY2hBf9UjGm4sPa6Ee1"


@dataclass(frozen=True)
class Framework:
    """Where its recipe is, and what its app asks of a policy."""

    heading: str
    file: str
    script_src: str = "'self'"


FRAMEWORKS = {
    "react": Framework("React", "use-chat.ts"),
    "vue": Framework("Vue", "use-chat.ts"),
    # The test compiles templates in the browser; an app that the Angular CLI built does not.
    "angular": Framework("Angular", "chat.ts", "'self' 'unsafe-eval'"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


@pytest.fixture(scope="module")
def stage(folder: Path) -> Iterator[Stage]:
    """A site, a gateway, and a model that says the question back."""
    with staged(folder, model="echo") as ready:
        # Browsers ask for it by themselves.
        ready.site.put("/favicon.ico", "-")
        yield ready


@pytest.fixture(scope="module")
def members(stage: Stage, folder: Path) -> str:
    """A second widget, for people who are logged in."""
    made = run_cli(folder / "data", "widgets", "create", "Members", "--domain", f"localhost:{stage.site.port}", "--access", "identity", "--json")
    widget_id: str = json.loads(made.stdout)["widget_id"]
    (folder / "secret").write_text(_SECRET)
    assert run_cli(folder / "data", "widgets", "keys", "add", widget_id, "--secret-file", str(folder / "secret")).returncode == 0
    return widget_id


def code_of(framework: Framework, **values: str) -> dict[str, str]:
    """The files that the page gives to somebody with *framework*."""
    return {framework.file: recipe(framework.heading, "ts", **values), "identity-token.ts": recipe("Logins in an app", "ts")}


def app_page(stage: Stage, framework: str, widget_id: str) -> str:
    """The address of a page with an app that is built with the recipe of *framework*."""
    its = FRAMEWORKS[framework]
    files = code_of(its, gateway=stage.gateway, widget_id=widget_id)
    path = f"/{framework}-{widget_id}"
    stage.site.put(f"{path}.js", bundled(framework, files), Content_Type="text/javascript")
    markup = f'<!doctype html><title>App</title><div id="app"></div><script type="module" src="{path}.js"></script>'
    policy = f"default-src 'none'; script-src {its.script_src} {stage.gateway}; connect-src 'self' {stage.gateway}; style-src 'none'; img-src 'self'"
    return stage.site.put(path, markup, Content_Security_Policy=policy)


def launcher(page: Page) -> Locator:
    return page.get_by_role("button", name="Open chat")


def ask(page: Page, question: str) -> None:
    """Type and send; the model says it back."""
    page.get_by_role("textbox").fill(question)
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="AI assistant").last).to_contain_text(question)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def is_clean(watched: Watched) -> bool:
    """No policy was violated, nothing complained, nothing is kept."""
    return (watched.csp_reports(), watched.console_errors, watched.stored()) == ([], [], {})


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_chat_stays_while_an_app_navigates_and_goes_with_it(stage: Stage, watched: Watched, framework: str) -> None:
    page = watched.page
    page.goto(app_page(stage, framework, stage.widget_id))
    for _ in range(2):
        launcher(page).click()
        ask(page, "first question")
        page.get_by_role("button", name="Next page").click()
        expect(page.get_by_role("heading", name="/two")).to_be_visible()
        ask(page, "second question")
        expect(page.get_by_role("article", name="AI assistant")).to_have_count(2)
        assert page.locator("chatkeep-widget").count() == 1

        with page.expect_request(lambda request: request.method == "DELETE" and request.url.endswith("/api/sessions/current")):
            page.evaluate("() => site.unmount()")
        expect(page.locator("chatkeep-widget")).to_have_count(0)
        left = "() => [document.documentElement.childElementCount, document.adoptedStyleSheets.length, document.styleSheets.length, 'Chatkeep' in window]"
        assert page.evaluate(left) == [2, 0, 0, False]
        page.evaluate("() => site.mount()")
    expect(launcher(page)).to_be_visible()
    assert is_clean(watched)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_each_login_of_an_app_finds_an_empty_chat_of_its_own(stage: Stage, members: str, watched: Watched, framework: str) -> None:
    page, person = watched.page, ""
    tokens: dict[str, str] = {}
    sessions: list[str] = []

    def vouch(route: Route) -> None:
        token = identity(members, person)
        tokens[token] = person
        route.fulfill(body=token)

    def note(request: Request) -> None:
        if request.url.endswith("/api/sessions") and request.post_data:
            sessions.append(tokens[json.loads(request.post_data)["identity"]])

    page.route("**/chat-identity", vouch)
    page.on("request", note)
    page.goto(app_page(stage, framework, members))
    launcher(page).click()
    expect(page.get_by_role("textbox")).to_be_visible()
    for person in ("alice", "bob"):
        # Frameworks tell the widget when they draw next.
        with page.expect_request("**/chat-identity"):
            page.get_by_role("button", name=f"I am {person}").click()
        expect(page.get_by_role("article")).to_have_count(0)
        ask(page, f"a question of {person}")
    page.get_by_role("button", name="I am nobody").click()
    expect(page.get_by_role("article")).to_have_count(0)
    assert sessions == ["alice", "bob"]
    assert is_clean(watched)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_type_checker_has_nothing_to_say_about_the_code_for_an_app(tmp_path: Path, framework: str) -> None:
    installed()
    npm_package()
    for name, code in code_of(FRAMEWORKS[framework]).items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    packages = NODE / "node_modules"
    types = {"chatkeep-widget": [str(ROOT / "widget/dist/types/npm/index.d.ts")], "*": [f"{packages}/@types/*", f"{packages}/*"]}
    options = {"strict": True, "noEmit": True, "skipLibCheck": True, "experimentalDecorators": True, "target": "es2022", "types": [], "paths": types}
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": {**options, "module": "esnext", "moduleResolution": "bundler"}}))
    checked = subprocess.run([ROOT / "widget/node_modules/.bin/tsc", "-p", tmp_path], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


def identity(widget_id: str, person: str) -> str:
    """What the site's server answers to whoever is logged in."""
    now = int(time.time())
    return Signer("HS256", secret=_SECRET).token({"sub": person, "aud": widget_id, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}, {"typ": "JWT"})


def test_the_plain_page_works_under_the_policy_that_stands_beside_it(stage: Stage, watched: Watched) -> None:
    policy = recipe("Plain HTML", "", gateway=stage.gateway, nonce="nonce-r4nd0m").strip()
    body = recipe("Plain HTML", "html", gateway=stage.gateway, widget_id=stage.widget_id, nonce_attribute='nonce="r4nd0m"')
    watched.page.goto(stage.site.put("/plain", f"<!doctype html><title>Plain</title>{body}", Content_Security_Policy=policy))
    expect(launcher(watched.page)).to_be_visible()
    watched.page.get_by_role("button", name="Ask us about shipping").click()
    ask(watched.page, "a plain question")
    assert is_clean(watched)


# Tag Manager itself comes from Google's servers only. What it does with a Custom HTML tag, as far as Google says: it makes
# the scripts in it anew, with the nonce of the container's own script; attributes that it does not know are lost.
_TAG_MANAGER = """
    (tag) => {
        for (const old of new DOMParser().parseFromString(tag, 'text/html').querySelectorAll('script')) {
            const made = document.createElement('script');
            for (const name of ['src', 'type', 'async', 'defer', 'id']) if (old.hasAttribute(name)) made.setAttribute(name, old.getAttribute(name));
            made.nonce = document.querySelector('[nonce]').nonce;
            made.text = old.text;
            document.body.append(made);
        }
    }
"""


@pytest.mark.parametrize("trust", ["", "'strict-dynamic'"])
def test_the_tag_of_a_tag_manager_works_under_a_policy_with_a_nonce(stage: Stage, watched: Watched, trust: str) -> None:
    tag = recipe("Google Tag Manager", "html", gateway=stage.gateway, widget_id=stage.widget_id)
    policy = f"default-src 'none'; script-src 'nonce-r4nd0m' {trust} {stage.gateway}; connect-src {stage.gateway}; base-uri 'none'"
    watched.page.goto(stage.site.put("/tagged", '<!doctype html><title>Tagged</title><script nonce="r4nd0m"></script>', Content_Security_Policy=policy))
    watched.page.evaluate(_TAG_MANAGER, tag)
    launcher(watched.page).click()
    ask(watched.page, "a tagged question")
    assert is_clean(watched)


def test_wordpress_writes_a_pinned_tag_that_works(stage: Stage, watched: Watched, tmp_path: Path) -> None:
    wordpress = next((folder for folder in (Path("/usr/share/wordpress"), ROOT / "tests" / "wordpress") if (folder / "wp-includes").is_dir()), None)
    if wordpress is None or shutil.which("php") is None:
        missing("WordPress or PHP")
    code = recipe(
        "WordPress", "php", gateway=stage.gateway, widget_id=stage.widget_id, version=f"v{__version__}", integrity=load_files()["loader.js"].integrity
    )
    (tmp_path / "functions.php").write_text(f"<?php\n{code}", encoding="utf-8")
    strict = ["-d", "error_reporting=-1", "-d", "display_errors=stderr"]
    command = ["php", "-n", *strict, ROOT / "tests/browser/wordpress.php", wordpress, tmp_path / "functions.php"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
    policy = f"default-src 'none'; script-src {stage.gateway}; connect-src {stage.gateway}"
    watched.page.goto(stage.site.put("/wordpress", made.stdout, Content_Security_Policy=policy))
    launcher(watched.page).click()
    ask(watched.page, "a question to WordPress")
    assert is_clean(watched)
    tag = watched.page.locator("script[data-widget-id]")
    assert tag.evaluate("(e) => [e.src, e.crossOrigin, e.integrity.slice(0, 7)]") == [
        f"{stage.gateway}/widget/v{__version__}/loader.js",
        "anonymous",
        "sha384-",
    ]
