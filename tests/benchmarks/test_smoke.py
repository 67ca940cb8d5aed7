"""`make bench`, as small as possible: it works with the present service."""

import os
import subprocess
import sys

import pytest

from benchmarks.options import OUTPUT, ROOT


@pytest.mark.slow
def test_every_measure_runs_to_its_end_and_writes_nothing():
    before = sorted(OUTPUT.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        # On a quiet machine, two minutes.
        timeout=3_600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything works." in done.stdout
    assert sorted(OUTPUT.iterdir()) == before
