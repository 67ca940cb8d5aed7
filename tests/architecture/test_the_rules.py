"""The rules themselves: each finds the fault that it is for."""

from tests.architecture.source import SourceFile


def source_of(tmp_path, text):
    path = tmp_path / "module.py"
    path.write_text(text)
    return SourceFile(path)


def test_a_name_is_seen_under_each_of_its_disguises(tmp_path):
    source = source_of(
        tmp_path,
        "import datetime, uuid as u\n"
        "from datetime import datetime as dt\n"
        "from os import environ\n"
        "dt.now(); datetime.datetime.now(); u.uuid4(); environ['X']\n",
    )
    assert {"datetime.datetime.now", "uuid.uuid4", "os.environ"} <= {name for _, name in source.names()}


def test_a_variable_that_is_called_like_a_module_is_not_taken_for_it(tmp_path):
    source = source_of(tmp_path, "secrets = ['whsec']\nprint(secrets)\n")
    assert "secrets" not in {name for _, name in source.names()}


def test_an_import_is_seen_in_both_of_its_forms(tmp_path):
    source = source_of(tmp_path, "import flask\nfrom stripe_bridge.ports.queue import Queue\n")
    assert list(source.imports()) == [(1, "flask"), (2, "stripe_bridge.ports.queue")]


def test_a_function_inside_a_function_is_seen(tmp_path):
    source = source_of(tmp_path, "def outer():\n    def inner():\n        import os\n")
    assert [function.name for function in source.functions()] == ["outer", "inner"]
