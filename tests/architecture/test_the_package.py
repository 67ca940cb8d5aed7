"""What is installed equals what is declared and locked."""

import json
import re
import subprocess
import sys
import zipfile
from configparser import ConfigParser

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import ROOT

PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", flags=re.MULTILINE)
LOCKS = [ROOT / "requirements.lock", ROOT / "benchmarks" / "requirements.lock"]


@pytest.fixture(scope="module")
def declared() -> list[Requirement]:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    groups = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    lines = [line for group in groups for line in group.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_locks_fit_what_the_package_declares(declared):
    lock = "\n".join(path.read_text() for path in LOCKS)
    locked = {canonicalize_name(name): version for name, version in PIN.findall(lock)}
    unfit = [
        str(requirement)
        for requirement in declared
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"))
    ]
    assert unfit == []


def test_the_locks_agree_on_every_version():
    first, second = (set(PIN.findall(path.read_text())) for path in LOCKS)
    names = {name for name, _ in first} & {name for name, _ in second}
    assert {pin for pin in first if pin[0] in names} == {pin for pin in second if pin[0] in names}


@pytest.mark.parametrize("lock", LOCKS, ids=["all", "bench"])
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
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    # Built from a copy, since setuptools writes into the folder that it builds from.
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "--quiet", ROOT, copy], check=True)
    subprocess.run([sys.executable, "-c", build, tmp_path], cwd=copy, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=copy / "src", check=True, capture_output=True, text=True
    )
    missing = set(tracked.stdout.split()) - set(zipfile.ZipFile(wheel).namelist())
    assert missing == set()
