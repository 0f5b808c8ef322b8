"""Every query names the organization that it is about, unless it says that it is about the whole instance."""

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import SOURCE, name_of, tree_of

NOUNS = sorted(path for path in (SOURCE / "store").glob("*.py") if path.name not in {"__init__.py", "engine.py", "schema.py", "writer.py", "tables.py"})
MARK = "Instance-wide"


def queries_of(path: Path) -> list[ast.FunctionDef]:
    """Functions that others call with a transaction."""
    functions = [node for node in tree_of(path).body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    return [one for one in functions if one.args.args and one.args.args[0].arg == "tx"]


def is_of_one_tenant(query: ast.FunctionDef) -> bool:
    """Whether the second parameter is the organization, and the body uses it."""
    second = query.args.args[1] if len(query.args.args) > 1 else None
    if second is None or second.arg != "org" or ast.unparse(second.annotation or ast.Constant(None)) != "OrgId":
        return False
    return any(isinstance(node, ast.Name) and node.id == "org" for statement in query.body for node in ast.walk(statement))


@pytest.mark.parametrize("path", NOUNS, ids=name_of)
def test_a_query_without_an_organization_fails_the_build(path: Path) -> None:
    wrong = [query.name for query in queries_of(path) if not is_of_one_tenant(query) and MARK not in (ast.get_docstring(query) or "")]
    assert wrong == []
    # A stale mark is an open door.
    assert [query.name for query in queries_of(path) if is_of_one_tenant(query) and MARK in (ast.get_docstring(query) or "")] == []


def test_the_rule_sees_a_query_that_forgets_its_tenant() -> None:
    forgetful = ast.parse("def find(tx, widget):\n    return tx.execute(widget)").body[0]
    pretending = ast.parse("def find(tx, org: OrgId, widget):\n    return tx.execute(widget)").body[0]
    honest = ast.parse("def find(tx, org: OrgId, widget):\n    return tx.execute(org, widget)").body[0]
    assert isinstance(forgetful, ast.FunctionDef)
    assert isinstance(pretending, ast.FunctionDef)
    assert isinstance(honest, ast.FunctionDef)
    assert [is_of_one_tenant(one) for one in (forgetful, pretending, honest)] == [False, False, True]
    assert sum(len(queries_of(path)) for path in NOUNS) > 90
