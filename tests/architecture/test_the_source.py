"""Rules for the source that import contracts and linters cannot state. Each test lists all the faults."""

import ast
import re
import sys

import pytest

from tests.architecture.source import ROOT, SRC, Function, SourceFile, is_migration, sources

PACKAGES = ("stripe_bridge", "stripe_bridge_playground", "stripe_emulator")
CORE = ("stripe_bridge/domain", "stripe_bridge/use_cases")
LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 40

# What would make the core depend on anything except its arguments. A module's name covers everything in it.
OUTSIDE_WORLD = (
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "os.environ",
    "os.getenv",
    "random",
    "secrets",
    "socket",
    "time",
    "uuid.uuid1",
    "uuid.uuid4",
)


@pytest.fixture(scope="module")
def handwritten() -> list[SourceFile]:
    return [source for source in sources(*PACKAGES) if not is_migration(source)]


def test_the_domain_imports_only_itself_and_the_standard_library():
    faults = [
        f"{source.at(line)} {module}"
        for source in sources("stripe_bridge/domain")
        for line, module in source.imports()
        if not is_own(module, "stripe_bridge.domain") and module.split(".")[0] not in sys.stdlib_module_names
    ]
    assert not faults, "\n".join(faults)


def test_the_core_takes_time_chance_and_settings_as_arguments():
    faults = [
        f"{source.at(line)} {name}"
        for source in sources(*CORE)
        for line, name in [*source.names(), *source.imports()]
        if any(is_own(name, forbidden) for forbidden in OUTSIDE_WORLD)
    ]
    assert not faults, "\n".join(faults)


def test_the_playground_knows_service_and_emulator_only_from_outside():
    playground = sources("stripe_bridge_playground")
    faults = [
        f"{source.at(line)} {module}"
        for source in playground
        for line, module in source.imports()
        if module.split(".")[0] not in {*sys.stdlib_module_names, "stripe_bridge_playground", "requests"}
    ]
    assert playground
    assert not faults, "\n".join(faults)


def test_a_file_can_be_read_in_one_sitting(handwritten):
    faults = [
        f"{source.at(1)} {lines} lines"
        for source in handwritten
        if (lines := len(source.text.splitlines())) > LINES_OF_A_FILE
    ]
    assert not faults, "\n".join(faults)


def test_a_function_fits_on_a_screen(handwritten):
    faults = [
        f"{source.at(function.lineno)} {function.name}: {length_of(function)} lines"
        for source in handwritten
        for function in source.functions()
        if length_of(function) > LINES_OF_A_FUNCTION
    ]
    assert not faults, "\n".join(faults)


def test_a_module_shows_all_it_imports_at_its_top(handwritten):
    faults = [
        source.at(node.lineno)
        for source in handwritten
        for function in source.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not faults, "\n".join(faults)


def test_each_use_case_module_has_a_test_file_of_its_name_in_the_same_room():
    use_cases, tests = SRC / "stripe_bridge" / "use_cases", ROOT / "tests" / "use_cases"
    modules = [path for path in sorted(use_cases.rglob("*.py")) if path.name != "__init__.py"]
    missing = [
        expected.relative_to(ROOT)
        for module in modules
        if not (expected := tests / module.relative_to(use_cases).with_name(f"test_{module.name}")).is_file()
    ]
    assert modules
    assert not missing, "\n".join(map(str, missing))


def test_what_silences_a_tool_says_which_fault_and_why(handwritten):
    silencer = re.compile(r"#\s*(type:\s*ignore|noqa)(?P<rest>.*)")
    explained = re.compile(r"(\[[a-z-]+(, ?[a-z-]+)*\]|: ?[A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*)\s+#?\s*\S+")
    faults = [
        source.at(number)
        for source in handwritten
        for number, line in enumerate(source.text.splitlines(), 1)
        if (found := silencer.search(line)) and not explained.match(found["rest"])
    ]
    assert not faults, "\n".join(faults)


def is_own(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def length_of(function: Function) -> int:
    """The lines from its name to its end, without the docstring, so that explaining more is never a fault."""
    first, last = function.lineno, function.end_lineno or function.lineno
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    explained = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return last - first + 1 - explained
