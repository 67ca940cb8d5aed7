"""The wheel, and environments in which it is installed."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
_INSTALL = ("install", "--quiet", "--no-deps", "--no-index")


def build_wheel(folder: Path) -> Path:
    """Of the files in the repository. Built from a copy, since setuptools writes into the folder that it builds."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "src", "examples", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    copy = folder / "copy"
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    subprocess.run([sys.executable, "-c", _BUILD, folder], cwd=copy, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel. What it depends on is what these tests run with: nothing is downloaded."""

    folder: Path

    @classmethod
    def into(cls, folder: Path, wheel: Path) -> "Installed":
        venv.create(folder, symlinks=True)
        made = cls(folder)
        pip = (sys.executable, "-m", "pip", "--python", made.python, "--disable-pip-version-check")
        subprocess.run([*pip, *_INSTALL, wheel], check=True, capture_output=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        shared = [path for path in sys.path if path.endswith("site-packages")]
        (packages / "dependencies.pth").write_text("\n".join(shared))
        return made

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def script(self, name: str) -> Path:
        return self.folder / "bin" / name

    def environ(self, home: Path, **settings: str) -> Mapping[str, str]:
        """Of somebody who has nothing but this."""
        return {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "HOME": str(home), **settings}
