"""The README's table of settings matches what the code reads."""

import ast
from dataclasses import replace
from io import StringIO

import pytest
from dotenv import dotenv_values

from stripe_bridge.config import Settings
from tests.adapters.web.world import ENVIRONMENT
from tests.docs import env_example
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


def test_the_example_of_a_settings_file_is_made_from_the_table():
    assert env_example.FILE.read_text() == env_example.expected(), "Run: python -m tests.docs.env_example"


def test_with_what_is_required_the_example_gives_the_settings_that_no_file_would():
    required = ENVIRONMENT | {"STRIPE_WEBHOOK_SECRETS": ""}
    in_file = dotenv_values(env_example.FILE)
    every_default = dotenv_values(stream=StringIO(env_example.FILE.read_text().replace("\n#", "\n")))
    defaults = {name: value or "" for name, value in every_default.items()}

    assert set(in_file) == {"PUBLIC_URL", "STRIPE_SECRET_KEY", "STRIPE_CLIENT_ID", "ENCRYPTION_KEYS"}
    assert replace(Settings.from_env({**defaults, **required}), log_level_is_set=False) == (
        Settings.from_env(required)
    )


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
