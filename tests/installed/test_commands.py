"""`stripe-bridge …` and `flask …` are the same commands, in the folder of a clone and in any other."""

import json
import subprocess

import pytest

from stripe_bridge.bootstrap.console import main
from tests.adapters.cli.test_other_commands import every_command
from tests.adapters.web.world import ENVIRONMENT
from tests.installed.wheel import ROOT

pytestmark = pytest.mark.slow
# In one process, since each of its own would take longer than all the work.
DRIVER = """
import json, sys
from click.testing import CliRunner
way, *before = json.loads(sys.argv[1])
if way == "flask":
    from flask.cli import cli as command
else:
    from stripe_bridge.bootstrap import main as command
def run(arguments):
    result = CliRunner().invoke(command, [*before, *arguments], prog_name="COMMAND")
    assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exception)
    return [result.exit_code, result.output]
print(json.dumps([run(arguments) for arguments in json.load(sys.stdin)]))
"""
WAYS = {
    "stripe-bridge, anywhere": (["stripe-bridge"], False),
    "flask, anywhere": (["flask", "--app", "stripe_bridge.wsgi"], False),
    "stripe-bridge, in a clone": (["stripe-bridge"], True),
    "flask, in a clone": (["flask"], True),
}
# They run until they are stopped, show another key each time, or write a file.
ONLY_HELP = {("web",), ("worker",), ("demo",), ("keys", "generate"), ("support-bundle",)}


def test_every_command_does_the_same_both_ways_in_and_out_of_a_clone(installed, tmp_path):
    paths = every_command(main)
    calls = [[*path, "--help"] for path in paths] + [list(path) for path in paths if path not in ONLY_HELP]
    assert ["tokens", "create"] in calls
    assert ["doctor"] in calls

    results = {}
    for name, (way, in_clone) in WAYS.items():
        folder = tmp_path / name
        folder.mkdir()
        done = subprocess.run(
            [installed.python, "-c", DRIVER, json.dumps(way)],
            input=json.dumps(calls),
            cwd=ROOT if in_clone else folder,
            env=installed.environ(
                folder,
                **ENVIRONMENT,
                DATABASE_URL=f"sqlite:///{folder / 'bridge.sqlite'}",
                STRIPE_API_BASE="http://127.0.0.1:1",
                FLASK_SKIP_DOTENV="1",
                LOG_LEVEL="ERROR",
            ),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        results[name] = dict(zip(map(" ".join, calls), json.loads(done.stdout), strict=True))

    first, *others = results.values()
    assert {code for code, _ in first.values()} == {0, 1, 2}
    assert all("Traceback" not in shown for _, shown in first.values())
    for name, other in zip(list(WAYS)[1:], others, strict=True):
        different = {call: (first[call], other[call]) for call in first if first[call] != other[call]}
        assert different == {}, name


@pytest.mark.parametrize(
    "arguments", ["--help", "--version", "keys generate", "tokens list", "db current --json"]
)
def test_the_scripts_are_these_commands(installed, empty, arguments):
    done = subprocess.run(
        [installed.script("stripe-bridge"), *arguments.split()],
        cwd=empty,
        env=installed.environ(empty),
        capture_output=True,
        text=True,
    )
    needs_settings = arguments.startswith(("tokens", "db"))
    assert done.returncode == (1 if needs_settings else 0), done.stderr
    assert ("PUBLIC_URL is missing" in done.stderr) == needs_settings


def test_the_emulator_has_a_command_of_its_own(installed, empty):
    done = subprocess.run(
        [installed.script("stripe-emulator"), "--help"],
        cwd=empty,
        env=installed.environ(empty),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "usage: stripe-emulator" in done.stdout
