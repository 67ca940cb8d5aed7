"""What is installed is what was declared and locked."""

import re
import subprocess
import sys
import zipfile
from configparser import ConfigParser

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import ROOT


@pytest.fixture(scope="module")
def declared() -> list[Requirement]:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    groups = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    lines = [line for group in groups for line in group.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_lock_fits_what_the_package_declares(declared):
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", lock, flags=re.MULTILINE)
    locked = {canonicalize_name(name): version for name, version in pins}
    unfit = [
        str(requirement)
        for requirement in declared
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"))
    ]
    assert unfit == []


def test_the_lock_names_no_place_to_download_from():
    assert not re.search(r"://|^--?\w", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)


@pytest.mark.slow
def test_the_wheel_carries_every_file_of_the_packages(tmp_path):
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    # Built from a copy: setuptools writes beside what it builds.
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "--quiet", ROOT, copy], check=True)
    subprocess.run([sys.executable, "-c", build, tmp_path], cwd=copy, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=copy / "src", check=True, capture_output=True, text=True
    )
    missing = set(tracked.stdout.split()) - set(zipfile.ZipFile(wheel).namelist())
    assert missing == set()
