"""Counters of several processes, told as one."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from stripe_bridge.adapters.prometheus import PrometheusMeasurements

measurements = PrometheusMeasurements()
measurements.webhook("stored")
sys.stdout.write(measurements.render(None).decode())
"""


def told(**env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **env}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_processes_that_share_a_folder_tell_their_sum(tmp_path: Path):
    told(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 2.0' in told(
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path)
    )


def test_a_process_alone_tells_its_own():
    assert 'stripe_bridge_webhooks_total{outcome="stored"} 1.0' in told()
