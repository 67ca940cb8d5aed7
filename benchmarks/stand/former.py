"""The release before the change log, from this clone's history, to compare with."""

import io
import subprocess
import tarfile
from pathlib import Path

from benchmarks.options import ROOT

BEFORE_THE_LOG = "95513c7"
"""The last commit before the service recorded changes."""


def unpack_former(folder: Path) -> Path | None:
    """Its source; None if this clone's history does not go back so far."""
    archive = ["git", "-C", str(ROOT), "archive", BEFORE_THE_LOG, "src", "wsgi.py"]
    packed = subprocess.run(archive, capture_output=True, check=False)
    if packed.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder
