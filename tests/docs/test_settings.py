"""The README's table of settings matches what the code reads."""

import ast

import pytest

from tests.docs.pages import ROOT, Page

REQUIRED = "required"
NONE = "none"


@pytest.fixture(scope="module")
def readme():
    return Page(ROOT / "README.md")


def test_the_table_names_exactly_the_settings_that_the_service_reads_with_their_defaults(readme):
    assert shown(readme.table_under("## Settings")) == read_by_the_service()


def test_the_table_of_the_playground_names_exactly_what_it_reads(readme):
    after_settings = readme.text.partition("\n## Settings\n")[2]
    table = after_settings.partition("`make run` takes these")[2]
    names = {line.split("`")[1] for line in table.split("\n\n")[1].splitlines() if line.startswith("| `")}
    source = ast.parse((ROOT / "src" / "stripe_bridge_playground" / "settings.py").read_text())
    from_env = next(
        node for node in ast.walk(source) if isinstance(node, ast.FunctionDef) and node.name == "from_env"
    )
    texts = {
        node.value
        for node in ast.walk(from_env)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert names == {text for text in texts if text.isupper()}


def shown(rows):
    """Each name in the table, with its default."""
    return {name.strip("`"): default.strip("`") for name, default, _ in rows}


def read_by_the_service():
    """The names and defaults in `Settings.from_env`, read from its source, the only place that has the defaults."""
    tree = ast.parse((ROOT / "src" / "stripe_bridge" / "config.py").read_text())
    found = {}
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("read"), attr="required"),
                args=[ast.Constant(str(name)), *_],
            ):
                found[name] = REQUIRED
            case ast.Call(
                func=ast.Attribute(value=ast.Name("read"), attr="optional"),
                args=[ast.Constant(str(name)), default, *_],
            ):
                found[name] = describe_error(ast.literal_eval(default))
    return found


def describe_error(default):
    if default in (None, ()):
        return NONE
    return f"{default:g}" if isinstance(default, float) else str(default)
