"""What is installed equals what is declared and locked."""

import json
import re
import subprocess
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import ROOT
from tests.installed.wheel import build_wheel

PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", flags=re.MULTILINE)
RUNTIME, DEVELOPMENT, BENCH = LOCKS = [
    ROOT / "requirements.lock",
    ROOT / "requirements-dev.lock",
    ROOT / "benchmarks" / "requirements.lock",
]


def declared(*extras: str) -> list[Requirement]:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    groups = [
        config["options"]["install_requires"],
        *(config["options.extras_require"][extra] for extra in extras),
    ]
    lines = [line for group in groups for line in group.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def locked(lock: Path) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PIN.findall(lock.read_text())}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [(RUNTIME, ["tracing"]), (DEVELOPMENT, ["tracing", "test", "dev"]), (BENCH, ["bench"])],
)
def test_a_lock_fits_what_the_package_declares(lock, extras):
    pins = locked(lock)
    unfit = [
        str(requirement)
        for requirement in declared(*extras)
        if not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"))
    ]
    assert unfit == []


def test_what_production_installs_has_none_of_the_development_tools():
    ours = {canonicalize_name(requirement.name) for requirement in declared("tracing")}
    tools = {canonicalize_name(requirement.name) for requirement in declared("test", "dev", "bench")} - ours
    assert {"ruff", "mypy", "pytest"} <= tools
    assert locked(RUNTIME).keys() & tools == set()


def test_every_dependency_has_a_lower_and_an_upper_bound():
    """The next release of any of them could break an installation that nobody has touched."""
    unbounded = [
        str(requirement)
        for requirement in declared("tracing", "test", "dev", "bench")
        if {part.operator for part in requirement.specifier} != {">=", "<"}
    ]
    assert unbounded == []


def test_the_locks_agree_on_every_version():
    development = set(PIN.findall(DEVELOPMENT.read_text()))
    names = {name for name, _ in development}
    for lock in (RUNTIME, BENCH):
        assert {pin for pin in PIN.findall(lock.read_text()) if pin[0] in names} <= development


@pytest.mark.parametrize("lock", LOCKS, ids=["runtime", "development", "bench"])
def test_a_lock_names_no_place_to_download_from(lock):
    assert not re.search(r"://|^--?\w", lock.read_text(), flags=re.MULTILINE)


def test_the_lock_of_the_api_tools_names_no_place_to_download_from_and_every_hash():
    packages = json.loads((ROOT / "tools" / "api" / "package-lock.json").read_text())["packages"]
    declared = packages.pop("")["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in declared.values())
    assert {name for name, package in packages.items() if "resolved" in package} == set()
    assert {name for name, package in packages.items() if "integrity" not in package} == set()


@pytest.mark.slow
def test_the_wheel_carries_every_file_of_the_packages(tmp_path):
    wheel = build_wheel(tmp_path)
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT / "src", check=True, capture_output=True, text=True
    )
    missing = set(tracked.stdout.split()) - set(zipfile.ZipFile(wheel).namelist())
    assert missing == set()
