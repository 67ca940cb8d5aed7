"""Where the peers are installed, once: a folder that git ignores."""

import json
from pathlib import Path

from benchmarks.options import ROOT

BENCH = ROOT / ".bench"


def is_installed(folder: Path, wanted: object) -> bool:
    """Whether exactly these packages were installed completely."""
    mark = folder / "installed.json"
    return mark.exists() and json.loads(mark.read_text()) == json.loads(json.dumps(wanted))


def mark_installed(folder: Path, wanted: object) -> None:
    (folder / "installed.json").write_text(json.dumps(wanted))
