"""The committed scripts are what the sources make, and small."""

import gzip
import json
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "frontend"
BUILT = ROOT / "src/stripe_bridge/adapters/web/static/embed"


def test_the_panel_is_at_most_40_kilobytes_over_the_wire():
    assert sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in BUILT.iterdir()) <= 40 * 1024


def test_the_lock_names_no_registry():
    packages = json.loads((FRONTEND / "package-lock.json").read_text())["packages"].values()
    assert not [each for each in packages if "resolved" in each]


@pytest.mark.filterwarnings("default")
def test_the_committed_scripts_are_what_the_sources_make(tmp_path):
    wanted = (FRONTEND / ".node-version").read_text().strip()
    if not is_there(wanted):
        # Said and not skipped: whoever has no Node has changed nothing here, and CI has it.
        warnings.warn(f"Node {wanted} is not there: the panel was not built again.", NotRebuilt, stacklevel=1)
        return
    subprocess.run([FRONTEND / "build", tmp_path], check=True, capture_output=True, timeout=300)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in BUILT.iterdir()
    }


class NotRebuilt(UserWarning):
    """Node's major version is another one, or there is none."""


def is_there(wanted: str) -> bool:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    return version.strip().removeprefix("v").split(".")[0] == wanted
