"""The source of a former release, from this clone's history."""

import io
import subprocess
import tarfile
from pathlib import Path

_ROOT = Path(__file__).parents[1]


class NotInHistory(Exception):
    """The message says what git said, and what to do."""


def unpack_release(commit: str, folder: Path) -> Path:
    """Raises NotInHistory if this clone's history does not go back so far."""
    archive = ["git", "-C", str(_ROOT), "archive", commit, "src", "wsgi.py"]
    packed = subprocess.run(archive, capture_output=True, check=False)
    if packed.returncode:
        raise NotInHistory(
            f"Commit {commit} is not in this clone's history: run `git fetch --unshallow`. "
            f"git said: {packed.stderr.decode().strip()}"
        )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        # Not `filter="data"`, which Python 3.11.2 of Debian 12 does not know yet; without either, Python 3.12 warns.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(folder)
    return folder
