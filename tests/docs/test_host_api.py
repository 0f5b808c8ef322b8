"""Does the page about the widget's API say what the types promise?"""

import re
from pathlib import Path

from chatkeep.errors import Reason
from chatkeep.web.problems import WORDINGS

ROOT = Path(__file__).parents[2]
PROMISE = (ROOT / "widget/src/contract/page.ts").read_text(encoding="utf-8")
SOURCES = [path.read_text(encoding="utf-8") for part in ("loader", "talk", "more") for path in (ROOT / "widget/src" / part).glob("*.ts*")]
PAGE = (ROOT / "docs/reference/host-api.md").read_text(encoding="utf-8")


def promised(name: str) -> set[str]:
    """The members of the interface *name*, without those that it inherits."""
    [body] = re.findall(rf"^export interface {name} .*?^}}$", PROMISE, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"^  (?:readonly )?(\w+)[?(:]", body, re.MULTILINE))


def told(heading: str) -> list[str]:
    """The first column of the table under *heading*: names only."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)", section, re.MULTILINE)


def test_every_option_is_told() -> None:
    assert sorted(told("Options")) == sorted(promised("Options") | promised("Credentials"))


def test_every_method_is_told() -> None:
    assert sorted(told("Methods")) == sorted((promised("ChatkeepElement") | promised("ChatkeepApi")) - {"version"} | {"define"})
    assert "`Chatkeep.version`" in PAGE


def test_every_event_is_told() -> None:
    [names] = re.findall(r"^export type EventName = (.*);$", PROMISE, re.MULTILINE)
    assert told("Events") == re.findall(r"'(\w+)'", names)


def test_every_field_that_an_event_carries_is_told() -> None:
    # ``conversation_id`` comes with every event of a message, from one object.
    details = [body for source in SOURCES for body in re.findall(r"(?:\.said|#emit|\bsaid)\([^{}]*?\{(.*?)\}", source, re.DOTALL)]
    members = [member.strip() for body in details for member in body.split(",")]
    fields = {member.partition(":")[0].strip() for member in members if re.match(r"[a-z_]+\b", member)}
    assert fields == {"widget_id", "code", "request_id", "message_id", "finish_reason", "retry_after", "rating"}
    section = PAGE.partition("\n## Events\n")[2].partition("\n## ")[0]
    assert {name for name in [*fields, "conversation_id"] if f"`{name}`" not in section} == set()


def test_what_comes_with_a_question_that_failed_is_told_and_nothing_more() -> None:
    [body] = [found for source in SOURCES for found in re.findall(r"said\([^{}]*'refused'[^{}]*\{(.*?)\}", source, re.DOTALL)]
    fields = re.findall(r"^ *(\w+):", body, re.MULTILINE)
    for event in ("error", "refused"):
        [detail] = re.findall(rf"^\| `{event}` \|.*\| ([^|]*) \|$", PAGE, re.MULTILINE)
        assert [name for name in re.findall(r"`(\w+)`", detail) if name != "panel_failed"] == fields


def test_every_code_of_the_widget_s_own_is_told() -> None:
    made = {code for source in SOURCES for code in re.findall(r"(?:\b(?:trouble|noStart)\((?:\w+ \? )?|\bcode: )'(\w+)'", source)}
    assert {"blocked", "panel_failed", "unreachable"} <= made
    own = made - {WORDINGS[reason].code for reason in Reason}
    assert {code for code in own if f"`{code}`" not in PAGE} == set()
