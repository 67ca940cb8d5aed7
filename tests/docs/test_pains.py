"""The page of known pains names tests, and each of them exists."""

import ast
import re

from tests.docs.pages import ROOT, Page

_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_every_test_that_the_page_of_pains_names_exists():
    named = _NAMED.findall(Page(ROOT / "docs" / "pains.md").text)
    assert named
    missing = [f"{path}::{name}" for path, name in named if name not in names_in(path)]
    assert not missing, "\n".join(missing)


def test_every_pain_has_its_row():
    rows = Page(ROOT / "docs" / "pains.md").table_under("## Pains")
    assert [int(number) for number, *_ in rows] == list(range(1, 43))


def test_a_pain_without_a_test_says_that_it_is_not_covered():
    rows = Page(ROOT / "docs" / "pains.md").table_under("## Pains")
    unshown = [(number, here) for number, _, here, shown in rows if not _NAMED.search(shown)]
    assert [number for number, here in unshown if "Not covered" not in here] == []


def names_in(path: str) -> set[str]:
    file = ROOT / "tests" / path
    if not file.exists():
        return set()
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
