"""Where the peers are installed: once, into a folder that git does not see."""

import json
from pathlib import Path

from benchmarks.options import ROOT

BENCH = ROOT / ".bench"


def is_installed(folder: Path, wanted: object) -> bool:
    """Whether exactly this was installed to its end."""
    mark = folder / "installed.json"
    return mark.exists() and json.loads(mark.read_text()) == json.loads(json.dumps(wanted))


def mark_installed(folder: Path, wanted: object) -> None:
    (folder / "installed.json").write_text(json.dumps(wanted))
